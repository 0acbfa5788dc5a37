"""Telling senders what waits: `event.waiting` once something has waited for a while, `event.resumed` when it no longer does.

Invariant: each is said exactly once, whatever crashes: what is said and the mark that it was said are one transaction, as a batch is.
Nothing is said of what ends within ANNOUNCE_WAITS_AFTER, so order of arrival makes no noise; nor that something resumed that was
given up, which is refused. The cores know nothing of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from shared.delivery import shell_tables as tables
from shared.delivery.folding import Folded
from shared.events.emitting import Cause, Emitter
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime, timedelta

    from shared.delivery.batch import Delivery, Written
    from shared.delivery.ports import Connection
    from shared.delivery.service import Announces
    from shared.events.envelope import Outgoing
    from shared.events.vouchers import EventWaiting

    Say = Callable[[Connection], Awaitable[tuple[bool, Sequence[EventWaiting]]]]

WAITING: Final = "event.waiting"
RESUMED: Final = "event.resumed"


class Announcing:
    """What one service says of what waits in it; `after` None: nothing."""

    def __init__(self, delivery: Delivery, after: timedelta | None) -> None:
        self._delivery = delivery
        self._after = after

    async def once(self) -> None:
        """Says what is to be said now, a slice in each transaction."""
        announces = self._delivery.service.announces
        if self._after is None or announces is None:
            return
        before = self._delivery.runtime.clock.now() - self._after
        while await self._says(WAITING, partial(_begun, announces, before)):
            pass
        while await self._says(RESUMED, partial(_ended, announces)):
            pass

    async def _says(self, name: str, what: Say) -> bool:
        """Whether there may be more to say."""
        more: list[bool] = []

        async def work(connection: Connection) -> Written:
            state, _ = await self._delivery.open(connection)
            found, waits = await what(connection)
            more.append(found)
            outgoing = list(_said(self._delivery.service.source, name, waits))
            return await self._delivery.write(connection, state, Folded(outgoing), {}) if outgoing else (None, [])

        await self._delivery.transact(work)
        return more[-1]


async def _begun(announces: Announces, before: datetime, connection: Connection) -> tuple[bool, Sequence[EventWaiting]]:
    """What has waited since before then and was not said to; an event that now waits for something else was told of before."""
    waits = await announces.unannounced(connection, before)
    return bool(waits), await tables.note_announced(connection, waits)


async def _ended(announces: Announces, connection: Connection) -> tuple[bool, Sequence[EventWaiting]]:
    """What was said to wait and no longer does."""
    ended = await tables.announced_and_ended(connection)
    still = await announces.still_waiting(connection, [EventRef(each.source, each.event) for each in ended])
    await tables.forget_announced(connection, ended, still)
    return bool(ended), [each for each in ended if (each.source, each.event) not in still]


def _said(source: str, name: str, waits: Iterable[EventWaiting]) -> Iterable[Outgoing]:
    """The events; an id of its own for each time that an event begins to wait."""
    for wait in waits:
        event = EventRef(wait.source, wait.event)
        yield Emitter(source).emit(Cause(event, event, wait.since), name, wait.since.isoformat(), wait.source, wait)
