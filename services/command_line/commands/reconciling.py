"""`reconcile`: whether the three services agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.command_line.commands.asking import ask
from services.desk.reconciliation import reconcile
from shared.console import output, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.reconciliation import Check

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per check.")]


def reconcile_command(*, as_json: AsJson = False) -> None:
    """Compares the services document by document, record by record and voucher by voucher, and the companies with each other.

    Exit code 1 if anything does not hold. It runs beside live services: what is under way is waited for and no difference.

    Example: intercompany reconcile
    """
    checks = ask(reconcile)
    if as_json:
        for check in checks:
            print_json(check.as_row())
    else:
        output().print(_table(checks))
    raise typer.Exit(0 if all(check.holds for check in checks) else 1)


def _table(checks: Iterable[Check]) -> Table:
    table = Table("Check", "Compared", "", show_edge=False)
    for check in checks:
        result = Text("holds", style="green") if check.holds else Text("\n".join(check.said()), style="red")
        table.add_row(Text(check.name), Text(check.as_row()["compared"]), result)
    return table
