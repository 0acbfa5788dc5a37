"""What became of events that were sent again: asked for as many as there are at once.

Invariant: all that is said is of one moment; an event of which nothing is known yet is `received`; one that was refused again, for
whatever reason, is never called posted, nor is one whose id other data have taken meanwhile: that will be refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.waiting import waiting_because_of
from services.inquiry.queries.events import StageOfEvent
from services.registry import SERVICES
from shared.delivery import shell_queries
from shared.delivery.inbox import inbox_key
from shared.events.envelope import EventRef, replay_identity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.desk.actions.rules import PlannedReplay
    from services.desk.schemas import Schemas, ServicesSchemas

_INBOXES: Final = ("settlement", "payment")


class EventReply(NamedTuple):
    """How far an event is that was sent again; the code with which it was refused again."""

    event: EventRef
    state: StageOfEvent = StageOfEvent.RECEIVED
    code: str | None = None

    def as_row(self) -> dict[str, Any]:
        """The reply as an object."""
        return {"source": self.event.source, "id": self.event.id, "state": self.state.value, "code": self.code}


async def replies(schemas: Schemas, sent: Sequence[PlannedReplay], since: datetime) -> list[EventReply]:
    """What became of these since they were sent (by the database's clock)."""
    async with schemas.at_one_moment() as services:
        return await _replies_at(services, sent, since)


async def _replies_at(schemas: ServicesSchemas, sent: Sequence[PlannedReplay], since: datetime) -> list[EventReply]:
    events = frozenset(each.event for each in sent)
    refused: dict[EventRef, str] = {}
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            refused |= await shell_queries.refused_since(connection, events, since)
    waits = {EventRef(row["source"], row["event"]) for row in await waiting_because_of(schemas, events)}
    identities = [replay_identity(each.event, each.number if each.is_numbered else 0) for each in sent]
    digests: dict[str, bytes] = {}
    for name in _INBOXES:
        async with schemas.of(name) as connection:
            digests |= await shell_queries.digests(connection, map(inbox_key, identities))
    taken = {each for each, said in zip(identities, sent, strict=True) if _is_taken_by(said, digests.get(inbox_key(each)))}
    return [_reply(each, identity, refused, waits, taken) for each, identity in zip(sent, identities, strict=True)]


def _is_taken_by(sent: PlannedReplay, digest: bytes | None) -> bool:
    """Whether it is these data that have taken the id, and not mended ones; an order of before digests were noted counts as such."""
    return digest is not None and (not sent.digest or digest == sent.digest)


def _reply(each: PlannedReplay, identity: EventRef, refused: dict[EventRef, str], waits: set[EventRef], taken: set[EventRef]) -> EventReply:
    if each.event in refused:
        return EventReply(each.event, StageOfEvent.REFUSED, refused[each.event])
    if each.event in waits:
        return EventReply(each.event, StageOfEvent.WAITING)
    # Of what was refused whole the id was free: that it is taken now says enough. A payment's replay takes an id of its own.
    return EventReply(each.event, StageOfEvent.POSTED if identity in taken else StageOfEvent.RECEIVED)
