"""What a person has to look at in each service's shell: messages that were put aside, and records that were never read.

Invariant: a page is read at a time, and never the messages themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.registry import PROCESSES
from shared.delivery import shell_queries
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.desk.schemas import Schemas
    from shared.delivery.shell_queries import FailedMessage, Gap

Row = dict[str, Any]

MOST_AT_ONCE: Final = 500
_NAMES: Final = tuple(service.name for service in PROCESSES)


class FailedPlace(NamedTuple):
    """A message that was put aside: which service keeps it, and its number there. Its text names it in commands."""

    service: str
    number: int

    def __str__(self) -> str:
        """As `settlement/12`."""
        return f"{self.service}/{self.number}"


class GapPlace(NamedTuple):
    """A partition of a service, or the one gap there that begins with the record `first`. Its text names it in commands."""

    service: str
    topic: str
    partition: int
    first: int | None = None

    def __str__(self) -> str:
        """As `settlement/intercompany.invoices/0/17`."""
        return "/".join(str(part) for part in self if part is not None)


def failed_place(text: str) -> FailedPlace:
    """The message that a text names; ValueError if it names none."""
    service, number = text.split("/")
    if service not in _NAMES:
        raise ValueError(text)
    return FailedPlace(service, int(number))


def gap_place(text: str) -> GapPlace:
    """The partition or gap that a text names; ValueError if it names none."""
    service, topic, *numbers = text.split("/")
    if service not in _NAMES or len(numbers) not in (1, 2):
        raise ValueError(text)
    return GapPlace(service, topic, *map(int, numbers))


async def failed(schemas: Schemas, after: FailedPlace | None = None) -> AsyncIterator[tuple[FailedPlace, FailedMessage]]:
    """The messages that the services have put aside, service by service, the oldest first; from a place on."""
    names = await schemas.names()
    for service in names if after is None else names[names.index(after.service) :]:
        last = after.number if after is not None and after.service == service else 0
        while True:
            async with schemas.of(service) as connection:
                page = await shell_queries.failed(connection, last, MOST_AT_ONCE)
            for each in page:
                yield FailedPlace(service, each.id), each
            if len(page) < MOST_AT_ONCE:
                break
            last = page[-1].id


async def gaps(schemas: Schemas, *, acknowledged: bool = False) -> AsyncIterator[tuple[GapPlace, Gap]]:
    """The gaps that nobody has acknowledged, or all."""
    for service in await schemas.names():
        last = ("", 0, 0)
        while True:
            async with schemas.of(service) as connection:
                page = await shell_queries.gaps(connection, last, MOST_AT_ONCE, acknowledged=acknowledged)
            for each in page:
                yield GapPlace(service, each.topic, each.partition, each.first), each
            if len(page) < MOST_AT_ONCE:
                break
            last = (page[-1].topic, page[-1].partition, page[-1].first)


def failed_row(place: FailedPlace, message: FailedMessage) -> Row:
    """A message that was put aside, as an object."""
    about = message._asdict() | {"id": str(place), "failed_at": instant(message.failed_at)}
    return {"service": place.service, **about}


def gap_row(place: GapPlace, gap: Gap) -> Row:
    """A gap, as an object."""
    times = {"noted_at": instant(gap.noted_at), "acknowledged_at": gap.acknowledged_at and instant(gap.acknowledged_at)}
    return {"service": place.service, "id": str(place), **gap._asdict(), **times}
