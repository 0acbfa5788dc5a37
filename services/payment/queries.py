"""What others may read of the payment service's tables: sales payment journals and what waits, as its rules have them.

Invariant: `connection` is one to the payment service's schema; the form of a stored value is known here and in the store alone.
Nothing is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from services.payment.rules.books import listed_once
from services.payment.rules.values import SalesPayment, WaitingEntry
from shared.events.codec import read_stored
from shared.events.envelope import EventRef
from shared.events.journals import SalesPaymentJournal

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

_JOURNAL: Final = "select status, first_source, first_id, data from journals"
_MIRRORS: Final = f"{_JOURNAL} where data->'payer'->>1 = $1 or (data->'mirrors'->>0 = $2 and data->'mirrors'->>1 = $3)"
_NUMBERED: Final = f"{_JOURNAL} where company = $1 and document = $2"
_WAITING: Final = """
select run_source as source, run_id as id, since, (data->1)::text as need, sequence from waiting
where $1::text is null or run_id = $1 order by sequence limit $2"""
_APPROVALS: Final = """
select data->0->>0 as source, event as id, since, (data->9)::text as need, sequence from approvals
where $1::text is null or event = $1 order by sequence limit $2"""


async def mirrors_of(connection: Connection, payer: EventRef, company: str, document: str) -> list[SalesPayment]:
    """The sales payment journals that mirror a vendor payment: those of its event, and those of the document."""
    return [_journal(row) for row in await connection.fetch(_MIRRORS, payer.id, company, document)]


async def journal_numbered(connection: Connection, company: str, document: str) -> SalesPayment | None:
    """The sales payment journal of this number, if there is one."""
    row = await connection.fetchrow(_NUMBERED, company, document)
    return None if row is None else _journal(row)


async def waiting(connection: Connection, event: str | None = None, limit: int | None = None) -> list[WaitingEntry]:
    """What waits, or what the events with this id caused to wait; in order of arrival, each reason of an event once, the first few."""
    journals = [(row, False) for row in await connection.fetch(_WAITING, event, limit)]
    approvals = [(row, True) for row in await connection.fetch(_APPROVALS, event, limit)]
    in_order = sorted([*journals, *approvals], key=lambda found: found[0]["sequence"])
    return listed_once(_entry(row, is_approval=is_approval) for row, is_approval in in_order)


def _entry(row: Any, *, is_approval: bool) -> WaitingEntry:
    reason, key, *_ = orjson.loads(row["need"])
    return WaitingEntry(EventRef(row["source"], row["id"]), reason, key, row["since"], is_approval)


def _journal(row: Any) -> SalesPayment:
    data = read_stored(SalesPaymentJournal, row["data"])
    return SalesPayment(data, row["status"], EventRef(row["first_source"], row["first_id"]))
