"""What waits, as the settlement and payment services keep it: for what, since when, because of which event.

Invariant: an event is listed once, at the place of what it has had waiting longest, with the first thing in the table's order
(events.md) that it waits for; a page is read at a time, and of each row only the columns that are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.lookalikes import Lookalikes, awaited, plain
from services.desk.rows import waiting_row
from services.payment import queries as payment_queries
from services.settlement import queries as settlement_queries
from shared.rows import instant
from shared.waiting import rank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.desk.schemas import Schemas, ServicesSchemas
    from shared.delivery.ports import Connection
    from shared.delivery.waiting_list import WaitingExtent
    from shared.events.envelope import EventRef
    from shared.waiting import WaitingRow

Row = dict[str, Any]

MOST_AT_ONCE: Final = 500
"""Rows of each service that are read at once."""
_DOCUMENTS: Final = frozenset({"document", "sales payment"})
_KEEPERS: Final = {"payment": payment_queries.WAITING, "settlement": settlement_queries.WAITING}
KEEPING: Final = tuple(_KEEPERS)
"""The services that keep something waiting."""
_LAST: Final = 2**63 - 1


class WaitingPlace(NamedTuple):
    """A place in the list: since when, which service keeps it, and its place there. Its text is what `--after` takes."""

    since: datetime
    service: str
    sequence: int

    def __str__(self) -> str:
        """The place as text."""
        return f"{self.since.isoformat()}/{self.service}/{self.sequence}"


BEGINNING: Final = WaitingPlace(datetime.min.replace(tzinfo=UTC), "", 0)


def place_of(text: str) -> WaitingPlace:
    """The place that a text says; ValueError if it is none."""
    since, service, sequence = text.split("/")
    place = WaitingPlace(datetime.fromisoformat(since), service, int(sequence))
    if service not in _KEEPERS or place.since.tzinfo is None:
        raise ValueError(text)
    return place


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """Something that waits: the event that caused it, for what (events.md), and its place: since when, and which service keeps it.

    `reads_like`: numbers of documents that are there and read like that of the one which is waited for.
    `what`: a document, a run (the marks of a payment, or a request), a reversal, an approval, what an automatic run has
    left, a sales payment.
    """

    event: EventRef
    reason: str
    key: dict[str, str]
    what: str
    place: WaitingPlace
    reads_like: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """Which service keeps it."""
        return self.place.service

    @property
    def since(self) -> datetime:
        """Since when it waits."""
        return self.place.since

    def as_row(self) -> Row:
        """The entry as an object."""
        more = {"source": self.event.source, "what": self.what, "since": instant(self.since), "service": self.service}
        return {**waiting_row(self.event, self.reason, self.key, self.reads_like), **more}


async def waiting_named(schemas: ServicesSchemas, event: str) -> list[WaitingItem]:
    """All that the events with this id caused to wait; oldest first."""
    found: list[WaitingItem] = []
    for service, kept in _KEEPERS.items():
        async with schemas.of(service) as connection:
            found += items_of(service, await kept.of_id(connection, event))
    return sorted(await with_lookalikes(schemas, found), key=lambda each: each.place)


async def waiting_because_of(schemas: ServicesSchemas, events: frozenset[EventRef]) -> list[Row]:
    """All that these events caused to wait, as it is shown; a query for each service that keeps something, however many they are."""
    if not events:
        return []
    found = await _of_events(schemas, set(events))
    items = sorted((item for of_event in found.values() for item in of_event), key=lambda each: each.place)
    return [item.as_row() for item in await with_lookalikes(schemas, items)]


async def waiting_of_events(schemas: ServicesSchemas, events: Iterable[EventRef]) -> dict[EventRef, list[WaitingItem]]:
    """What each of these events caused to wait, of those of which something does; a query for each service that keeps something."""
    wanted = set(events)
    return await _of_events(schemas, wanted) if wanted else {}


def items_of(service: str, rows: Iterable[WaitingRow]) -> list[WaitingItem]:
    """What a service keeps, as items of a list."""
    return [WaitingItem(each.event, each.reason, each.key, each.what, WaitingPlace(each.since, service, each.sequence)) for each in rows]


async def with_lookalikes(schemas: ServicesSchemas, found: list[WaitingItem]) -> list[WaitingItem]:
    """The same items, each that waits for a document with the documents that are there and read like it: one query at most."""
    wanted = [key for each in found if (key := awaited(each.reason, each.key)) is not None]
    if not wanted:
        return found
    async with schemas.of("settlement") as connection:
        as_they_read = {key._replace(document=plain(key.document)) for key in wanted}
        alike = Lookalikes(await settlement_queries.documents_that_read(connection, as_they_read))
    return [replace(each, reads_like=tuple(alike.of(awaited(each.reason, each.key)))) for each in found]


async def waiting(schemas: Schemas, after: WaitingPlace = BEGINNING) -> AsyncIterator[tuple[WaitingItem, WaitingPlace]]:
    """Each event that has something waiting, with its place in the list; from a place on, the oldest first."""
    while page := await _page(schemas, after):
        siblings = await _of_events(schemas, {each.event for each in page})
        listed: list[WaitingItem] = []
        places: list[WaitingPlace] = []
        for each in page:
            own = siblings.get(each.event, [each])  # it may have ended in between
            if min(other.place for other in own) >= each.place:
                listed.append(min(own, key=_order))
                places.append(each.place)
        for item, place in zip(await with_lookalikes(schemas, listed), places, strict=True):
            yield item, place
        after = page[-1].place


async def _page(schemas: Schemas, after: WaitingPlace) -> list[WaitingItem]:
    """The first rows of both services after a place, as many as one of them was asked for."""
    found: list[WaitingItem] = []
    for service, kept in _KEEPERS.items():
        async with schemas.of(service) as connection:
            found += items_of(service, await kept.page(connection, _after(after, service), MOST_AT_ONCE))
    return sorted(found, key=lambda each: each.place)[:MOST_AT_ONCE]


def _after(place: WaitingPlace, service: str) -> tuple[datetime, int]:
    """What is after a place in a service: of two that wait since the same moment, the payment service's comes first."""
    if service == place.service:
        return place.since, place.sequence
    return place.since, _LAST if service < place.service else -1


async def _of_events(schemas: ServicesSchemas, events: set[EventRef]) -> dict[EventRef, list[WaitingItem]]:
    found: dict[EventRef, list[WaitingItem]] = {}
    for service, kept in _KEEPERS.items():
        async with schemas.of(service) as connection:
            for each in items_of(service, await kept.of_events(connection, events)):
                found.setdefault(each.event, []).append(each)
    return found


def _order(item: WaitingItem) -> tuple[tuple[int, int], WaitingPlace]:
    return rank(item.reason, of_document=item.what in _DOCUMENTS), item.place


async def extent_of_waiting(connection: Connection, service: str) -> tuple[int, datetime | None]:
    """How much a service has waiting, and since when the oldest does; nothing where it keeps nothing."""
    return await _KEEPERS[service].extent(connection) if service in _KEEPERS else (0, None)


async def extents_of_waiting(schemas: Schemas, service: str) -> list[WaitingExtent]:
    """The same by reason, of a service that keeps something."""
    async with schemas.of(service) as connection:
        return await _KEEPERS[service].extents(connection)


async def said_of(schemas: Schemas, items: Iterable[WaitingItem]) -> dict[WaitingPlace, tuple[str, Any]]:
    """What these items are about: type and data of an event, of the data what names companies, documents and amounts."""
    found: dict[WaitingPlace, tuple[str, Any]] = {}
    of_service: dict[str, dict[int, WaitingPlace]] = {}
    for item in items:
        of_service.setdefault(item.service, {})[item.place.sequence] = item.place
    for service, places in of_service.items():
        async with schemas.of(service) as connection:
            said = await _KEEPERS[service].said(connection, places)
        found |= {places[sequence]: each for sequence, each in said.items()}
    return found
