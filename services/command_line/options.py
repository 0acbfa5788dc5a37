"""Options that commands about the books have in common, as Typer takes them.

Invariant: a value that is none is refused with what would be one, before anything is asked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import typer

from services.inquiry.queries.as_of import AsOf


class Ledger(StrEnum):
    """A ledger of parties."""

    RECEIVABLE = "receivable"
    PAYABLE = "payable"


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        msg = f"{text!r} is not a time with its zone, as 2026-03-31T18:00:00Z is"
        raise typer.BadParameter(msg)
    return time.astimezone(UTC)


_DAY = ["%Y-%m-%d"]
_AS_OF = "As of the end of this day: what is dated later is left out. Without it: today."
_KNOWN_AT = "Only what was posted by this time, 2026-03-31T18:00:00Z; so a report can be given again as it was."

Company = Annotated[str | None, typer.Option(help="Only this company.", show_default=False)]
Party = Annotated[str | None, typer.Option(help="Only this party.", show_default=False)]
Account = Annotated[str | None, typer.Option(help="Only this account.", show_default=False)]
Currency = Annotated[str | None, typer.Option(help="Only this currency.", show_default=False)]
Document = Annotated[str | None, typer.Option(help="Only this document.", show_default=False)]
Kind = Annotated[str | None, typer.Option(help="Only this kind: invoice, payment, settlement …", show_default=False)]
OfLedger = Annotated[Ledger | None, typer.Option("--ledger", help="Only this ledger.", show_default=False)]
From = Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="From this date.", show_default=False)]
Day = Annotated[datetime | None, typer.Option("--as-of", formats=_DAY, help=_AS_OF, show_default=False)]
KnownAt = Annotated[datetime | None, typer.Option("--known-at", parser=_time, metavar="TIME", help=_KNOWN_AT, show_default=False)]
To = Annotated[datetime | None, typer.Option("--to", "--as-of", formats=["%Y-%m-%d"], help="To this date.", show_default=False)]
DueTo = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Due on or before this date.", show_default=False)]
PostingType = Annotated[str | None, typer.Option(help="Only this posting type: due_from, cash …", show_default=False)]
Partner = Annotated[str | None, typer.Option(help="Only what is towards this company.", show_default=False)]
Settlement = Annotated[str | None, typer.Option(help="Only of the settlement run of the event with this id.", show_default=False)]
Imported = Annotated[
    Literal["no", "failed", "yes"] | None,
    typer.Option(help="Only those of which the company's own system has said nothing yet, or last this.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per row on standard output.")]


def day(moment: datetime | None) -> date | None:
    """The day that an option says."""
    return moment.date() if moment is not None else None


def moment(now: datetime, as_of: datetime | None, known_at: datetime | None) -> AsOf:
    """The moment that is asked for: without a day today's, in UTC, as the HTTP API has it."""
    return AsOf(day(as_of) or now.date(), known_at)


def scope_of(company: str | None) -> tuple[str, ...] | None:
    """The companies that an option says; None: all."""
    return None if company is None else (company,)
