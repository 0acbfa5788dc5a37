"""`republish`: vouchers published again from the ledger."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from services.local.backing_services import product_settings
from services.operations.republish import republish
from shared.console import notes

Company = Annotated[str | None, typer.Option(help="Only this company.", show_default=False)]
From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="From this voucher date.", show_default=False)]


def republish_command(company: Company = None, from_: From = None) -> None:
    """Publishes the ledger's vouchers on `intercompany.vouchers` again, after that topic or what took from it was lost.

    Same data, same key, another event id; who takes them must know a voucher that it has by company and number.

    Example: intercompany republish --company FAB --from 2026-03-01
    """
    since = from_.date() if from_ is not None else None
    sent = asyncio.run(republish(product_settings(broker=True), company, since))
    notes().print(f"{sent} vouchers published again.")
