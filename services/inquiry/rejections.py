"""Refused events as the services keep them.

Invariant: what was refused stays, whatever becomes of the event later; how often each was sent again is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.inquiry.rows import rejection_row
from services.registry import SERVICES
from shared.delivery import shell_queries
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from datetime import datetime

    from services.inquiry.schemas import Schemas
    from shared.delivery.shell_queries import KeptRejection
    from shared.events.envelope import Record
    from shared.events.vouchers import Rejection

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A refusal and the service that keeps it. `record`: the event as it came, if it was at hand."""

    service: str
    id: str
    rejected_at: datetime
    rejection: Rejection
    record: Record | None
    replays: int

    @property
    def event(self) -> EventRef:
        """The event that was refused."""
        return EventRef(self.rejection.source, self.rejection.event)

    def as_row(self) -> Row:
        """The refusal as an object, the event itself included."""
        more = {"source": self.rejection.source, "id": self.id, "service": self.service, "rejected_at": self.rejected_at.isoformat()}
        return {**rejection_row(self.rejection), **more, "replays": self.replays, "original": self.rejection.original}


async def refused(schemas: Schemas, name: str | None = None, code: str | None = None, limit: int | None = None) -> list[RefusedEvent]:
    """Refusals, oldest first: of all events, or those with this event id or refusal id, or this code; the newest `limit`."""
    found: list[RefusedEvent] = []
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            found += [_refused(service.name, each) for each in await shell_queries.rejections(connection, name, code, limit)]
    found.sort(key=lambda each: each.rejected_at)
    return found if limit is None else found[-limit:]


def _refused(service: str, kept: KeptRejection) -> RefusedEvent:
    return RefusedEvent(service, *kept)
