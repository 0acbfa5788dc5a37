"""The command `intercompany`: all its commands under one name.

What always holds: each command says what it does and gives an example (`--help`); results are on standard output,
errors on standard error with what to do about them.
"""

from __future__ import annotations

from typing import Final

import typer

from services.command_line.commands.parts import service_command, up_command
from services.command_line.commands.scenarios import demo_command, run_command, simulate_command
from services.command_line.errors import Commands

SCENARIOS: Final = "Scenarios"
RUNNING: Final = "Running"

app = typer.Typer(
    name="intercompany",
    cls=Commands,
    help="Centralized payments between group companies: one payment becomes every company's vouchers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("demo", rich_help_panel=SCENARIOS)(demo_command)
app.command("simulate", rich_help_panel=SCENARIOS)(simulate_command)
app.command("run", rich_help_panel=SCENARIOS)(run_command)
app.command("up", rich_help_panel=RUNNING)(up_command)
app.command("service", rich_help_panel=RUNNING)(service_command)

if __name__ == "__main__":
    app()
