"""`republish`: vouchers published again from the ledger; `resend`: what the services have sent, sent again as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer

from services.command_line.commands.asking import ask
from services.operations.republish import republish
from services.operations.resend import order_resending
from services.registry import PAYMENT, POSTING, SETTLEMENT
from shared.console import notes

_TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class SendingService(StrEnum):
    """The services that say something."""

    PAYMENT = PAYMENT.name
    SETTLEMENT = SETTLEMENT.name
    POSTING = POSTING.name


Since = Annotated[
    datetime,
    typer.Option(formats=_TIMES, help="What was sent at this time or later, UTC.", show_default=False),
]
Service = Annotated[SendingService | None, typer.Option(help="Only this service.", show_default=False)]
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


def resend_command(since: Since, service: Service = None) -> None:
    """Has the services send again what they have sent since a time, after topics were lost with records that nobody had read.

    As it went out the first time and under the same ids: whoever has it takes it for a duplicate. Kept for KEEP_SENT, a day.

    Example: intercompany resend --since 2026-03-01T09:30
    """
    names = None if service is None else [service.value]
    for each in ask(lambda schemas: order_resending(schemas, since.replace(tzinfo=UTC), names), broker=True):
        kept = "it keeps nothing" if each.kept_since is None else f"it keeps what it has sent since {each.kept_since:%Y-%m-%d %H:%M:%S} UTC"
        notes().print(f"{each.service}: {each.batches} batches are sent again within seconds; {kept}.", markup=False, soft_wrap=True)
