"""What a service does beside its batches, every few seconds: logs that were reset, operators' orders, waiting that ends.

Invariant: each of these is a transaction as a batch is, under the same lock, with the same outbox; an order that
was carried out is gone, one that failed stands and is tried again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from shared.delivery import changes_table, positions_table
from shared.delivery import shell_tables as tables
from shared.delivery.ahead import FoldOutcome
from shared.delivery.announcing import Announcing
from shared.delivery.batch import Batch
from shared.delivery.folding import Folded, fold_alone, incoming_of
from shared.delivery.inbox import Inbox
from shared.delivery.loading import fold_loaded
from shared.delivery.outbox import OUTBOX, UnreadableRowError, pack, unpack
from shared.delivery.ports import Encoded
from shared.metrics import FAILED, FAILED_DROPPED, OUTBOX_AGE, OUTBOX_ROWS
from shared.runtime.retry import any_error, retry_forever

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Sequence
    from datetime import datetime

    from shared.delivery.batch import Delivery, Written
    from shared.delivery.inbox import InboxKey
    from shared.delivery.ports import Connection, Consumer
    from shared.delivery.read_positions import ReadPositions
    from shared.delivery.service import Store
    from shared.delivery.shell_tables import Failed, State
    from shared.events.envelope import EventRef, Outgoing

    Act = Callable[[Any], list[Outgoing]]

log = structlog.get_logger(__name__)

EVERY: Final = 2.0
MOST_DISCARDED: Final = 10
"""Events whose waiting is given up in one transaction, by an operator's order: each may be as large as an event can be."""
FRESH_MINUTES: Final = 15
"""So long a message in the table failed keeps readiness red; after that the metric alone tells of it."""
MOST_FAILED: Final = 10_000
MOST_FAILED_DAYS: Final = 90
"""So many messages are kept in the table failed, and so long; the oldest beyond are dropped, with their places in the log."""
KEEP_SENT: Final = timedelta(days=1)
"""So long what was sent is kept, unless KEEP_SENT says otherwise."""
KEEP_SENT_BYTES: Final = 2 * 1024**3
"""And so many bytes of it at most, unless KEEP_SENT_BYTES says otherwise."""
MOST_COUNTED: Final = 1_000
"""So many rows of the outbox are counted; how far the broker is behind is said by the age of the oldest, found by its id."""
_BACKLOG: Final = f"""
select (select count(*) from (select from outbox limit {MOST_COUNTED}) first) as rows,
       coalesce((select extract(epoch from clock_timestamp() - created_at) from outbox order by id limit 1), 0)::float8 as age,
       (select count(*) from failed) as failed,
       (select count(*) from failed where failed_at > clock_timestamp() - make_interval(mins => $1)) as failed_lately
"""  # noqa: S608 - a number of our own


class GiveUp(NamedTuple):
    """What is given up: what these events wait for, or all that has waited since before a time."""

    events: Sequence[EventRef] | None
    older_than: datetime | None


class Housekeeping:
    """Beside the batches of one service."""

    def __init__(
        self,
        delivery: Delivery,
        wait_at_most: timedelta | None,
        announce_after: timedelta | None = None,
        keep_sent: timedelta = KEEP_SENT,
        keep_sent_bytes: int = KEEP_SENT_BYTES,
    ) -> None:
        self.outbox_age = 0.0
        self.failed = 0
        self.failed_lately = 0
        self.gaps: list[str] = []
        self._more = False
        self._delivery = delivery
        self._wait_at_most = wait_at_most
        self._keep_sent, self._keep_sent_bytes = keep_sent, keep_sent_bytes
        self._announcing = Announcing(delivery, announce_after)

    async def release_for_ever(self) -> None:
        """Resumes slices of what was released whenever there are any; until cancelled."""
        self._delivery.has_released.set()  # what an instance before this one has left
        while True:
            await self._delivery.has_released.wait()
            self._delivery.has_released.clear()
            await retry_forever("released", self.release, self._delivery.runtime, retry_if=any_error)

    async def every_few_seconds(
        self, positions: ReadPositions, consumers: Sequence[Consumer], provision: Callable[[], Awaitable[None]]
    ) -> None:
        """What is to be done now and then; until cancelled.

        A consumer without partitions may have lost its topics with the broker's memory: they are made again.
        """
        runtime = self._delivery.runtime
        while True:
            for consumer in consumers:
                if not consumer.assigned:
                    await retry_forever("topics", provision, runtime, retry_if=any_error)
                await retry_forever("positions", partial(positions.pass_over, dict(consumer.passed)), runtime, retry_if=any_error)
            await retry_forever("housekeeping", self.once, runtime, retry_if=any_error)
            await runtime.clock.sleep(EVERY)

    async def once(self) -> None:
        """One turn: what was sent is bounded, operators' orders are carried out, waiting ends, senders are told what waits."""
        async with self._delivery.database.transaction() as connection:
            for dropped in await tables.bound_failed(connection, MOST_FAILED, MOST_FAILED_DAYS):
                FAILED_DROPPED.labels(self._delivery.service.name).inc()
                log.error("a message that was put aside is kept no longer", service=self._delivery.service.name, **dropped)
            await tables.bound_sent(connection, self._keep_sent, self._keep_sent_bytes)
            await changes_table.bound_notes(connection)
            backlog = await connection.fetchrow(_BACKLOG, FRESH_MINUTES)
            again = await tables.to_be_retried(connection)
            given_up = await tables.ordered_discards(connection)
            self.gaps = await positions_table.open_gaps(connection)
            for gap in await positions_table.acknowledged_gaps(connection):
                log.warning("missing records were acknowledged", service=self._delivery.service.name, **gap)
        self._measure(backlog)
        await _each(
            *(partial(self._retry, failed) for failed in again), partial(self._discard, given_up), self._expire, self._announcing.once
        )

    def _measure(self, backlog: Any) -> None:
        name = self._delivery.service.name
        self.outbox_age, self.failed, self.failed_lately = backlog["age"], backlog["failed"], backlog["failed_lately"]
        OUTBOX_ROWS.labels(name).set(backlog["rows"])
        OUTBOX_AGE.labels(name).set(self.outbox_age)
        FAILED.labels(name).set(self.failed)

    async def _retry(self, failed: Failed) -> None:
        """A message that came in goes through a batch of its own; one that could not be sent goes to the outbox."""
        if failed.direction == "in":
            incoming = incoming_of(self._delivery.service, failed.record)
            await self._delivery.take(Batch(incoming, retried=failed))
        else:
            await self._delivery.transact(partial(_send_again, failed))

    async def _discard(self, events: Sequence[EventRef]) -> None:
        discard = self._delivery.service.discard
        if discard is None:
            return
        for first in range(0, len(events), MOST_DISCARDED):
            order = GiveUp(events[first : first + MOST_DISCARDED], None)
            await self._gives_up(order, partial(_discarded, discard, order))

    async def _expire(self) -> None:
        expire = self._delivery.service.expire
        if self._wait_at_most is not None and expire:
            before = self._delivery.runtime.clock.now() - self._wait_at_most
            while await self._gives_up(GiveUp(None, before), lambda books: expire(books, before)):
                pass  # a slice each, with other work in between

    async def _gives_up(self, order: GiveUp, act: Act) -> bool:
        """Whether anything was given up: then there may be more."""
        given_up: list[bool] = []

        async def work(connection: Connection) -> Written:
            row, messages = await self._give_up(order, act, connection)
            given_up.append(bool(messages))
            return row, messages

        await self._delivery.transact(work)
        return given_up[-1]

    async def _give_up(self, order: GiveUp, act: Act, connection: Connection) -> Written:
        state, store = await self._delivery.open(connection)
        books = await store.load_waiting(connection, *order)
        folded, taken_now = await self._fold(books, act, connection, state, store)
        await tables.forget_discards(connection, order.events or [])
        return await self._delivery.write(connection, state, folded, {}, taken_now)

    async def _fold(
        self, books: Any, act: Act, connection: Connection, state: State, store: Store[Any]
    ) -> tuple[Folded, dict[InboxKey, bytes]]:
        """Does something with the books that no message causes, and saves them; gives the ids that are new in the inbox, too."""
        inbox = Inbox()
        books.released.loaded_whole(None, state.next_released.items())

        def one_pass(_: Container[int]) -> Folded:
            inbox.changes.clear()
            return fold_alone(books, inbox, lambda: act(books))

        folded, defects = await fold_loaded(self._delivery.service.name, connection, store, books, one_pass)
        for error in defects.values():
            raise error
        await self._delivery.save(connection, store, FoldOutcome(inbox, folded, {}, books), state)
        return folded, await tables.change_inbox(connection, {}, inbox.changes)

    async def release(self) -> None:
        """Resumes all that was released, slice after slice; other batches take their turn in between."""
        self._more = self._delivery.service.resume_released is not None
        while self._more:
            await self._delivery.transact(self._release_one)

    async def _release_one(self, connection: Connection) -> Written:
        state, store = await self._delivery.open(connection)
        resume = self._delivery.service.resume_released
        released = state.released
        self._more = released is not None and resume is not None
        if resume is None or released is None:
            return None, []
        books = await store.load_released(connection, released)
        folded, taken_now = await self._fold(books, lambda books: resume(books, released), connection, state, store)
        return await self._delivery.write(connection, state, folded, {}, taken_now)


async def _each(*acts: Callable[[], Awaitable[None]]) -> None:
    """Does all of these, though one fails; then raises the first failure. What fails for good holds nothing else up."""
    failure: Exception | None = None
    for act in acts:
        try:
            await act()
        except Exception as error:  # noqa: BLE001 - raised below
            failure = failure or error
    if failure is not None:
        raise failure


def _discarded(discard: Callable[[Any, Sequence[EventRef]], list[Outgoing]], order: GiveUp, books: Any) -> list[Outgoing]:
    return discard(books, order.events or [])


async def _send_again(failed: Failed, connection: Connection) -> Written:
    """To the outbox again; a row of the outbox itself is unpacked, and if that fails as before it is kept on."""
    record = failed.record
    messages = [Encoded(record.topic, record.key, record.value or b"", record.headers)]
    if record.topic == OUTBOX:
        try:
            messages = unpack(record.value or b"")
        except UnreadableRowError as error:
            await tables.fail_again(connection, failed.id, error)
            return None, []
    await tables.forget_failed(connection, failed)
    return await tables.finish(connection, {}, pack(messages)), messages
