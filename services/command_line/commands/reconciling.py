"""`reconcile`: whether the three services agree with each other."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.inquiry.reconciliation import reconcile
from services.local.backing_services import product_settings
from shared.console import output, print_json

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per check.")]


def reconcile_command(*, as_json: AsJson = False) -> None:
    """Compares inbox, documents, settlement records, outbox and vouchers by count and sum, and the companies with each other.

    Exit code 1 if anything does not hold. While events are under way a check can fail for the moment.

    Example: intercompany reconcile
    """
    checks = asyncio.run(reconcile(product_settings()))
    table = Table("Check", "Compared", "", show_edge=False)
    for check in checks:
        if as_json:
            print_json({"check": check.name, "compared": check.compared, "holds": check.holds, "problems": check.problems})
        result = Text("holds", style="green") if check.holds else Text("\n".join(check.problems), style="red")
        table.add_row(Text(check.name), Text(check.compared), result)
    if not as_json:
        output().print(table)
    raise typer.Exit(0 if all(check.holds for check in checks) else 1)
