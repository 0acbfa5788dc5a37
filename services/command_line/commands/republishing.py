"""`republish`: vouchers published again from the ledger; `resend`: what the services have sent, sent again as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer

from services.command_line.commands.asking import ask
from services.operations.republish import republish
from services.operations.resend import Resent, order_resending
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

    As it went out the first time and under the same ids: whoever has it takes it for a duplicate. Kept for KEEP_SENT, a day, and no more
    of it than KEEP_SENT_BYTES, 2 GiB for each service; what is asked for and kept no longer is said.

    Example: intercompany resend --since 2026-03-01T09:30
    """
    names = None if service is None else [service.value]
    asked_for = since.replace(tzinfo=UTC)
    for each in ask(lambda schemas: order_resending(schemas, asked_for, names), broker=True):
        notes().print(said_of(each, asked_for), markup=False, soft_wrap=True)


def said_of(resent: Resent, asked_for: datetime) -> str:
    """What a service sends again, and what it cannot, of what it has sent since a time."""
    said = f"{resent.service}: {resent.batches} batches are sent again within seconds; "
    if resent.kept_since is None:
        return f"{said}it keeps nothing. What it may have sent since then does not come back: `intercompany reconcile` names it."
    said += f"it keeps what it has sent since {resent.kept_since:%Y-%m-%d %H:%M:%S} UTC."
    if resent.kept_since <= asked_for:
        return said
    lost = f"What it may have sent between {asked_for:%Y-%m-%d %H:%M:%S} and then"
    return f"{said} {lost} does not come back: `intercompany reconcile` names it."
