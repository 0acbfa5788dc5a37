"""Refused events as the services keep them.

Invariant: what was refused stays, whatever becomes of the event later; how often each was sent again is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from services.desk.rows import rejection_row
from services.registry import SERVICES
from shared.delivery import shell_queries
from shared.events.envelope import EventRef
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from services.desk.schemas import Schemas
    from shared.delivery.shell_queries import KeptRejection
    from shared.events.envelope import Record
    from shared.events.vouchers import Rejection

Row = dict[str, Any]

WHOLE_AT_ONCE: Final = 20
"""Refused events that are read at once."""


class RefusalPlace(NamedTuple):
    """A place among the refusals: when, and the refusal's id. Its text is what `--before` takes."""

    rejected_at: datetime
    id: str

    def __str__(self) -> str:
        """The place as text."""
        return f"{self.rejected_at.isoformat()}/{self.id}"


def place_of(text: str) -> RefusalPlace:
    """The place that a text says; ValueError if it is none."""
    time, id_ = text.split("/")
    place = RefusalPlace(datetime.fromisoformat(time), str(UUID(id_)))
    if place.rejected_at.tzinfo is None:
        raise ValueError(text)
    return place


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A refusal and the service that keeps it. Only if it was read whole: the event, and its `record` if that was at hand.

    `again_at`: when the event was last refused again for the same reason.
    """

    service: str
    id: str
    rejected_at: datetime
    rejection: Rejection
    record: Record | None
    replays: int
    again_at: datetime | None = None

    @property
    def place(self) -> RefusalPlace:
        """Its place among all refusals."""
        return RefusalPlace(self.rejected_at, self.id)

    @property
    def event(self) -> EventRef:
        """The event that was refused."""
        return EventRef(self.rejection.source, self.rejection.event)

    def as_row(self) -> Row:
        """The refusal as an object, the event itself included."""
        more = {"source": self.rejection.source, "id": self.id, "service": self.service, "rejected_at": instant(self.rejected_at)}
        return {**rejection_row(self.rejection), **more, "replays": self.replays, "original": self.rejection.original}


async def refused(
    schemas: Schemas, code: str | None = None, limit: int | None = None, before: RefusalPlace | None = None
) -> list[RefusedEvent]:
    """The newest `limit` refusals, oldest first, without the refused events: of all codes or this one, before a place or all."""
    found: list[RefusedEvent] = []
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            found += _refused(service.name, await shell_queries.rejections(connection, code, limit, before))
    found.sort(key=lambda each: each.place)
    return found if limit is None else found[-limit:]


async def refused_named(schemas: Schemas, name: str, code: str | None = None) -> list[RefusedEvent]:
    """The refusals with this event id or refusal id, without the refused events; oldest first."""
    found: list[RefusedEvent] = []
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            found += _refused(service.name, await shell_queries.rejections_named(connection, name, code))
    return sorted(found, key=lambda each: each.place)


async def whole(schemas: Schemas, found: Sequence[RefusedEvent]) -> AsyncIterator[RefusedEvent]:
    """These refusals with the refused events, in their order, a few at a time: an event may have a megabyte."""
    for start in range(0, len(found), WHOLE_AT_ONCE):
        part = found[start : start + WHOLE_AT_ONCE]
        read: dict[str, KeptRejection] = {}
        for service in {each.service for each in part}:
            async with schemas.of(service) as connection:
                read |= await shell_queries.rejections_whole(connection, [each.id for each in part if each.service == service])
        for each in part:
            yield RefusedEvent(each.service, *read[each.id])


def _refused(service: str, kept: Iterable[KeptRejection]) -> list[RefusedEvent]:
    return [RefusedEvent(service, *each) for each in kept]
