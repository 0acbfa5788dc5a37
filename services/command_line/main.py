"""The command `intercompany`: all its commands under one name.

What always holds: each command says what it does and gives an example (`--help`); results are on standard output,
errors on standard error with what to do about them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import typer

from services.command_line.commands.bench import bench_command
from services.command_line.commands.books import balances_command, open_command, trace_command, vouchers_command
from services.command_line.commands.parts import service_command, up_command
from services.command_line.commands.preparing import acls_command, migrate_command, provision_command
from services.command_line.commands.publishing import apply_command, publish_command, reciprocal_command
from services.command_line.commands.reconciling import reconcile_command
from services.command_line.commands.rejections import rejections
from services.command_line.commands.republishing import republish_command
from services.command_line.commands.scenarios import demo_command, run_command, simulate_command
from services.command_line.commands.waiting import waiting
from services.command_line.errors import Commands

SCENARIOS: Final = "Scenarios: examples and tests"
RUNNING: Final = "Running the services"
PREPARING: Final = "Where services may not make schema and topics"
SENDING: Final = "Sending to the running services"
SHOWING: Final = "What is in the books"

app = typer.Typer(
    name="intercompany",
    cls=Commands,
    help="Centralized payments between group companies: one payment becomes every company's vouchers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

_COMMANDS: Final[dict[str, dict[str, Callable[..., None]]]] = {
    SCENARIOS: {"demo": demo_command, "simulate": simulate_command, "run": run_command},
    RUNNING: {"up": up_command, "service": service_command, "bench": bench_command},
    PREPARING: {"migrate": migrate_command, "provision": provision_command, "acls": acls_command},
    SENDING: {"apply": apply_command, "reciprocal": reciprocal_command, "publish": publish_command, "republish": republish_command},
    SHOWING: {
        "vouchers": vouchers_command,
        "open": open_command,
        "balances": balances_command,
        "trace": trace_command,
        "reconcile": reconcile_command,
    },
}
for panel, commands in _COMMANDS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel)(command)
app.add_typer(rejections, name="rejections", rich_help_panel=SHOWING)
app.add_typer(waiting, name="waiting", rich_help_panel=SHOWING)

if __name__ == "__main__":
    app()
