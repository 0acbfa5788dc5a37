"""The work lists: what waits and what was refused, with what each is about, since when, and what was done about it.

Invariant: age counts from when a service took the event, never from a time that its sender says; a list is read a page at a time, and
its places are those of the services' own lists, so that it continues where a page ended whatever has come or gone meanwhile.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk import rejections
from services.desk.about import Subject, about, parties
from services.desk.refusal_states import RefusalState, refusal_states
from services.desk.rejections import RefusalPlace, RefusedEvent
from services.desk.rows import told_of_row
from services.desk.waiting import BEGINNING, WaitingItem, WaitingPlace, said_of, waiting
from shared.delivery import shell_queries
from shared.events.contract import short_type
from shared.postgresql.migrations import MigrationError
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from services.desk.schemas import Schemas
    from shared.reference import Reference

Row = dict[str, Any]

AT_ONCE: Final = 100
"""Entries of which it is read at once what they are about."""
_FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"
_OF_KEYS: Final = ("company", "partner", "seller", "buyer")
"""Under which names the key of what is waited for has companies."""


@dataclass(frozen=True, slots=True)
class WorkSelection:
    """Which entries: None selects all. `companies`: those that the entry has to do with, one of them; `before`: older than that.

    `reason`: what is waited for; `is_missing`: whether its key is one that is asked for; `code`, `scope`, `state`: of refusals.
    """

    companies: frozenset[str] | None = None
    source: str | None = None
    before: dt.datetime | None = None
    reason: str | None = None
    is_missing: Callable[[Mapping[str, str]], bool] | None = None
    code: str | None = None
    scope: str | None = None
    state: RefusalState | None = RefusalState.OPEN

    def has(self, companies: frozenset[str]) -> bool:
        """Whether an entry is selected that has to do with these companies."""
        return self.companies is None or not self.companies.isdisjoint(companies)

    def takes(self, item: WaitingItem) -> bool:
        """Whether something that waits is selected, as far as is known before it is read what it is about."""
        is_of = (self.reason or item.reason) == item.reason and (self.source or item.event.source) == item.event.source
        return is_of and (self.is_missing is None or self.is_missing(item.key))


class WorkItem(NamedTuple):
    """An entry of a work list: its place, since when, what it is about, the companies that it has to do with, and how it is shown."""

    place: tuple[str, ...]
    since: dt.datetime
    about: Subject
    companies: frozenset[str]
    row: Row


# What waits


async def waiting_work(
    schemas: Schemas, reference: Reference, selection: WorkSelection, after: WaitingPlace = BEGINNING
) -> AsyncIterator[WorkItem]:
    """Each selected event that has something waiting, from a place on, the longest first."""
    part: list[tuple[WaitingItem, WaitingPlace]] = []
    async for item, place in waiting(schemas, after):
        if selection.before is not None and place.since >= selection.before:
            break
        if selection.takes(item):
            part.append((item, place))
        if len(part) == AT_ONCE:
            for found in await _waiting_with(schemas, reference, selection, part):
                yield found
            part = []
    for found in await _waiting_with(schemas, reference, selection, part):
        yield found


async def _waiting_with(
    schemas: Schemas, reference: Reference, selection: WorkSelection, part: Sequence[tuple[WaitingItem, WaitingPlace]]
) -> list[WorkItem]:
    said = await said_of(schemas, [item for item, _ in part])
    subjects = {place: about(*said.get(item.place, (None, None))) for item, place in part}
    companies = {place: subjects[place].companies | {item.key[name] for name in _OF_KEYS if name in item.key} for item, place in part}
    kept = [(item, place) for item, place in part if selection.has(companies[place])]
    party_of = await parties(schemas, reference, [subjects[place] for _, place in kept])
    return [
        WorkItem(
            (place.since.isoformat(), place.service, str(place.sequence)),
            item.since,
            subjects[place],
            companies[place],
            {
                **item.as_row(),
                "type": said[item.place][0] if item.place in said else None,
                **subjects[place].as_row(party_of[subjects[place]]),
            },
        )
        for item, place in kept
    ]


# What was refused


async def refused_work(
    schemas: Schemas, reference: Reference, selection: WorkSelection, before: RefusalPlace | None = None
) -> AsyncIterator[WorkItem]:
    """Each selected refusal, before a place, the newest first."""
    oldest = None if selection.before is None else RefusalPlace(selection.before, _FIRST_ID)
    place = min((each for each in (before, oldest) if each is not None), default=None)
    while page := await rejections.refused(schemas, selection.code, AT_ONCE, place):
        place = page[0].place
        newest_first = [
            each
            for each in reversed(page)
            if (selection.scope or each.rejection.scope) == each.rejection.scope
            and (selection.source or each.event.source) == each.event.source
        ]
        for found in await _refused_with(schemas, reference, selection, newest_first):
            yield found
        if len(page) < AT_ONCE:
            return


async def _refused_with(schemas: Schemas, reference: Reference, selection: WorkSelection, part: Sequence[RefusedEvent]) -> list[WorkItem]:
    states = await states_of(schemas, part)
    wanted = [each for each in part if selection.state in {None, states[each.id]}]
    read = [(each, about(each.rejection.original.get("type"), _data(each))) async for each in rejections.whole(schemas, wanted)]
    kept = [(each, subject) for each, subject in read if selection.has(subject.companies)]
    party_of = await parties(schemas, reference, [subject for _, subject in kept])
    return [
        WorkItem(
            (each.rejected_at.isoformat(), each.id),
            each.rejected_at,
            subject,
            subject.companies,
            {**_refusal_row(each), "state": states[each.id], **subject.as_row(party_of[subject])},
        )
        for each, subject in kept
    ]


async def states_of(schemas: Schemas, refused: Sequence[RefusedEvent]) -> dict[str, RefusalState]:
    """What was done about each of these refusals, by its id; where the desk has no tables yet, nobody has done anything.

    What its sender has sent again, and was refused again, is resent: the last refusal is the one to be worked on.
    """
    if not refused:
        return {}
    again = {each.id: each.again_at for each in refused}
    try:
        async with schemas.desk() as connection:
            states = await refusal_states(connection, again, again)
    except MigrationError:
        states = dict.fromkeys(again, RefusalState.OPEN)
    is_open = [each for each in refused if states[each.id] is RefusalState.OPEN]
    for service in {each.service for each in is_open}:
        async with schemas.of(service) as connection:
            later = await shell_queries.refused_later(connection, [each.id for each in is_open if each.service == service])
        states |= dict.fromkeys(later, RefusalState.RESENT)
    return states


def _data(refused: RefusedEvent) -> Any:
    return refused.rejection.original.get("data")


def _refusal_row(refused: RefusedEvent) -> Row:
    said = refused.rejection
    return {
        "id": refused.id,
        "service": refused.service,
        "event": said.event,
        "source": said.source,
        "type": short_type(said.type or "") or said.type,
        **{name: getattr(said, name) for name in ("scope", "code", "field", "message")},
        **told_of_row(said),
        "rejected_at": instant(refused.rejected_at),
        "again_at": None if refused.again_at is None else instant(refused.again_at),
        "replays": refused.replays,
    }
