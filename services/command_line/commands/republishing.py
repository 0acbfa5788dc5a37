"""`republish`: vouchers published again from the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from services.command_line.commands.asking import ask
from services.operations.republish import republish
from shared.console import notes

Company = Annotated[str | None, typer.Option(help="Only this company.", show_default=False)]
From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="From this voucher date.", show_default=False)]


def republish_command(company: Company = None, from_: From = None) -> None:
    """Publishes the ledger's vouchers on intercompany.vouchers again, after the topic or a copy of it was lost.

    Same data and key, another event id; consumers recognise a voucher that they have by company and number.

    Example: intercompany republish --company FAB --from 2026-03-01
    """
    since = from_.date() if from_ is not None else None
    sent = ask(lambda schemas: republish(schemas, company, since), broker=True)
    notes().print(f"{sent} vouchers published again.")
