"""What the commands for operators do, by the same way as over HTTP, so that one audit has both.

Invariant: whoever may run these commands has the rights in database and broker to do what they do, so nobody else approves it; that it
was done, by which user of the machine, and for what reason, is written down like anything else.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import uuid4

from services.desk.actions.people import local_user
from services.desk.actions.rules import Who
from services.operations import discard as discarding
from services.operations import replay as replaying
from services.operations.carrying_out import Acting, ActionRequest
from shared.delivery.ports import SystemClock
from shared.kafka.sender import sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from services.desk.actions.rules import Draft
    from services.desk.schemas import Schemas
    from services.desk.waiting import WaitingItem
    from shared.events.envelope import Record

NO_REASON: Final = "at the command line, without a reason given"
_ROLE: Final = "operator"


class Replayed(NamedTuple):
    """How many events were sent again; the names under which nothing was refused; why others cannot be sent."""

    sent: int
    unknown: list[str]
    problems: list[str]


async def replay(schemas: Schemas, names: Iterable[str], code: str | None = None, reason: str = NO_REASON) -> Replayed:
    """Sends the events with these ids (or ids of refusals) again, those with this code; without names all not sent again yet."""
    refusals, unknown = await replaying.chosen(schemas, list(names), code)
    draft, problems = await replaying.drafted(schemas, refusals)
    if draft.plan.replays:
        async with _acting(schemas) as acting:
            await acting.act(_asked(reason), _of(draft))
    return Replayed(len(draft.plan.replays), unknown, list(problems.values()))


async def discard(schemas: Schemas, items: Sequence[WaitingItem], reason: str = NO_REASON) -> None:
    """Has the services give up what waits."""
    draft = await discarding.drafted(schemas, items)
    await Acting(schemas, _nothing_to_send, SystemClock(), four_eyes=False).act(_asked(reason), _of(draft))


async def send(schemas: Schemas, drafts: Iterable[Draft], reason: str = NO_REASON) -> None:
    """Sends what is drafted, one after the other."""
    async with _acting(schemas) as acting:
        for draft in drafts:
            await acting.act(_asked(reason), _of(draft))


@asynccontextmanager
async def _acting(schemas: Schemas) -> AsyncIterator[Acting]:
    async with sender(schemas.settings) as sending:
        yield Acting(schemas, sending.send, SystemClock(), four_eyes=False)


def _asked(reason: str) -> ActionRequest:
    return ActionRequest(Who(local_user(), (_ROLE,), uuid4().hex), reason)


def _of(draft: Draft) -> Callable[[str], Awaitable[Draft]]:
    async def drafted(_: str) -> Draft:
        return draft

    return drafted


async def _nothing_to_send(records: Sequence[Record]) -> None:
    if records:
        msg = f"{len(records)} records, and no broker to send them to"
        raise TypeError(msg)
