"""Which refused events are sent again, once their cause is mended, and as what.

Invariant: of several refusals of one event the last is sent; what cannot be sent again from here is said, with what to do instead,
and nothing is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.desk.actions.rules import ActionPlan, Draft, PlannedReplay, Verb
from services.desk.reference import reference_data
from services.desk.refusal_states import RefusalState
from services.desk.rejections import RefusedEvent, refused, refused_named, whole
from services.operations.replay_records import NotReplayableError, refuse_unread, replay_record
from services.operations.requested import companies_of
from shared.events.codec import decode
from shared.events.producing import PartyBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.desk.schemas import Schemas
    from shared.events.envelope import EventRef


class Chosen(NamedTuple):
    """Refusals, the last of each event, and the names under which nothing was refused."""

    refusals: list[RefusedEvent]
    unknown: list[str]


class DraftedReplay(NamedTuple):
    """What is to be sent again, and of what cannot be, by the refusal's id, why."""

    draft: Draft
    problems: dict[str, str]


async def chosen(schemas: Schemas, names: Sequence[str], code: str | None = None) -> Chosen:
    """The last refusal of each event with these ids (or ids of refusals), those with this code; without names all not sent again yet."""
    if not names:
        latest = {each.event: each for each in await refused(schemas, code)}
        return Chosen([each for each in latest.values() if not each.replays], [])
    found: dict[EventRef, RefusedEvent] = {}
    unknown: list[str] = []
    for name in names:
        of_name = await refused_named(schemas, name, code)
        found.update({each.event: each for each in of_name})
        if not of_name:
            unknown.append(name)
    return Chosen(list(found.values()), unknown)


async def drafted(schemas: Schemas, refusals: Iterable[RefusedEvent], companies: frozenset[str] | None = None) -> DraftedReplay:
    """The action that sends these refused events again; `companies`: only those that are about one of these."""
    parties = PartyBook(await reference_data(schemas))
    planned: list[PlannedReplay] = []
    problems: dict[str, str] = {}
    concerned: set[str] | None = set()
    async for each in whole(schemas, list(refusals)):
        if companies is not None and each.rejection.company not in companies:
            continue
        try:
            record = replay_record(each, number := await _number(schemas, each), parties)
            refuse_unread(record.topic, schemas.settings)
        except NotReplayableError as error:
            problems[each.id] = str(error)
            continue
        read = decode(record)
        planned.append(PlannedReplay(each.service, each.id, each.event, number, read.replay > 0, read.digest))
        of_event = companies_of(record, each.rejection.company)
        concerned = None if concerned is None or of_event is None else concerned | set(of_event)
    target = {
        "refusals": [each.refusal for each in planned],
        "events": [{"source": each.event.source, "id": each.event.id} for each in planned],
    }
    states = {each.refusal: RefusalState.RESENT for each in planned}
    of_all = None if concerned is None else tuple(sorted(concerned))
    return DraftedReplay(Draft(Verb.REPLAY, target, of_all, ActionPlan(replays=tuple(planned), states=states)), problems)


async def _number(schemas: Schemas, refusal: RefusedEvent) -> int:
    """How often the event will have been sent again."""
    named = await refused_named(schemas, refusal.event.id)
    return sum(other.replays for other in named if (other.event, other.service) == (refusal.event, refusal.service)) + 1
