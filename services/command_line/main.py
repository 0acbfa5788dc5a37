"""The command `intercompany`: all its commands under one name.

What always holds: each command says what it does and gives an example (`--help`); results are on standard output,
errors on standard error with what to do about them.
"""

from __future__ import annotations

import typer

from services.command_line.commands.scenarios import simulate_command

app = typer.Typer(
    name="intercompany",
    help="Centralized payments between group companies: one payment becomes every company's vouchers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("simulate")(simulate_command)

if __name__ == "__main__":
    app()
