"""What waits, as the settlement and payment services keep it: for what, since when, because of which event.

Invariant: an event is listed once, with the first thing in the table's order (events.md) that it waits for; nothing is read of
what is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from services.inquiry.lookalikes import Lookalikes, awaited, plain
from services.inquiry.rows import waiting_row
from services.payment import queries as payment_queries
from services.settlement import queries as settlement_queries
from shared.waiting import rank

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from services.inquiry.schemas import Schemas
    from services.payment.rules.values import WaitingEntry
    from services.settlement.queries import Waits
    from shared.events.envelope import EventRef

Row = dict[str, Any]

_DOCUMENTS: Final = frozenset({"document", "sales payment"})


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """Something that waits: the event that caused it, for what (events.md) and since when, and which service keeps it.

    `reads_like`: numbers of documents that are there and read like that of the one which is waited for.
    `what`: a document, a run (the marks of a payment, or a request), a reversal, a sales payment, an approval.
    """

    service: str
    event: EventRef
    reason: str
    key: dict[str, str]
    since: datetime
    what: str
    reads_like: tuple[str, ...] = ()

    def as_row(self) -> Row:
        """The entry as an object."""
        more = {"source": self.event.source, "what": self.what, "since": self.since.isoformat(), "service": self.service}
        return {**waiting_row(self.event, self.reason, self.key, self.reads_like), **more}


async def waiting(schemas: Schemas, event: str | None = None, limit: int | None = None) -> list[WaitingItem]:
    """All that waits, or what the event with this id caused to wait; oldest first, of each service the first `limit`."""
    async with schemas.of("settlement") as connection:
        found = [_of_settlement(each) for each in await settlement_queries.waiting(connection, event, limit) if each.stage != "automatic"]
    async with schemas.of("payment") as connection:
        found += [_of_payment(each) for each in await payment_queries.waiting(connection, event, limit)]
    found = await _with_lookalikes(schemas, found)
    return sorted(found, key=lambda each: each.since)


async def _with_lookalikes(schemas: Schemas, found: list[WaitingItem]) -> list[WaitingItem]:
    wanted = [key for each in found if (key := awaited(each.reason, each.key)) is not None]
    if not wanted:
        return found
    async with schemas.of("settlement") as connection:
        companies, numbers = {key.company for key in wanted}, {plain(key.document) for key in wanted}
        alike = Lookalikes(await settlement_queries.documents_that_read(connection, companies, numbers))
    return [replace(each, reads_like=tuple(alike.of(awaited(each.reason, each.key)))) for each in found]


def _of_settlement(waits: Waits) -> WaitingItem:
    return WaitingItem("settlement", waits.event, waits.need.reason, waits.need.key, waits.since, waits.stage)


def _of_payment(entry: WaitingEntry) -> WaitingItem:
    what = "approval" if entry.is_approval else "sales payment"
    return WaitingItem("payment", entry.event, entry.reason, entry.key, entry.since, what)


def once_each(found: Iterable[WaitingItem]) -> list[WaitingItem]:
    """Each event once, with the first thing in the table's order that it waits for."""
    first: dict[EventRef, WaitingItem] = {}
    for each in sorted(found, key=lambda item: rank(item.reason, of_document=item.what in _DOCUMENTS)):
        first.setdefault(each.event, each)
    return sorted(first.values(), key=lambda item: item.since)
