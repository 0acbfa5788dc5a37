"""What waits, as the settlement and payment services keep it: listed with its age, shown, and given up.

What always holds: an event is listed once, with the first thing in the table's order (events.md) that it waits for; giving
up is an order that the services carry out, and what was given up is refused with the code `discarded`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from services.inquiry.schemas import schema_of
from services.registry import PAYMENT, SETTLEMENT
from shared.waiting import rank

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.payment.rules.books import Books as PaymentBooks
    from services.settlement.rules.values import Parked
    from shared.delivery.ports import Connection
    from shared.events.envelope import EventRef
    from shared.settings import Settings

Row = dict[str, Any]

_DOCUMENTS: Final = frozenset({"document", "sales payment"})
_EVER: Final = datetime.max.replace(tzinfo=UTC)
_ORDER: Final = "insert into discards (source, event) select * from unnest($1::text[], $2::text[]) on conflict do nothing"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits: the event that caused it, for what (events.md) and since when, and which service keeps it."""

    service: str
    event: EventRef
    reason: str
    key: dict[str, str]
    since: datetime
    what: str

    def as_json(self) -> Row:
        """The entry as an object."""
        event = {"event": self.event.id, "source": self.event.source}
        return {
            **event,
            "what": self.what,
            "for": self.reason,
            "key": dict(self.key),
            "since": self.since.isoformat(),
            "service": self.service,
        }


async def waiting(settings: Settings, event: str | None = None) -> list[Waiting]:
    """All that waits, or what the event with this id caused; oldest first."""
    async with schema_of("settlement", settings) as connection:
        found = [_of_settlement(each) for each in (await _books(connection, SETTLEMENT)).waiting]
    async with schema_of("payment", settings) as connection:
        found += _of_payment(await _books(connection, PAYMENT))
    return sorted((each for each in found if event in {None, each.event.id}), key=lambda each: each.since)


async def _books(connection: Connection, service: Any) -> Any:
    return await service.store().load_waiting(connection, None, _EVER)


def _of_settlement(parked: Parked) -> Waiting:
    return Waiting("settlement", parked.event, parked.need.reason, parked.need.key, parked.message.time, parked.stage)


def _of_payment(books: PaymentBooks) -> list[Waiting]:
    return [
        Waiting("payment", each.event, each.reason, each.key, each.since, "approval" if each.is_approval else "sales payment")
        for each in books.list_waiting()
    ]


def once_each(found: Iterable[Waiting]) -> list[Waiting]:
    """Each event once, with the first thing in the table's order that it waits for."""
    first: dict[EventRef, Waiting] = {}
    for each in sorted(found, key=lambda wait: rank(wait.reason, of_document=wait.what in _DOCUMENTS)):
        first.setdefault(each.event, each)
    return sorted(first.values(), key=lambda wait: wait.since)


async def order_discards(settings: Settings, entries: Iterable[Waiting]) -> None:
    """Has the services give up what waits: they carry it out within seconds."""
    by_service: dict[str, list[EventRef]] = {}
    for each in entries:
        by_service.setdefault(each.service, []).append(each.event)
    for service, events in by_service.items():
        async with schema_of(service, settings) as connection:
            await connection.execute(_ORDER, [event.source for event in events], [event.id for event in events])
