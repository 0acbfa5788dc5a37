"""What a service does beside its batches, every few seconds: logs that began anew, operators' orders, waiting that ends.

What always holds: each of these is a transaction as a batch is, under the same lock, with the same outbox; an order that
was carried out is gone, one that failed stands and is tried again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from shared.delivery import shell_tables as tables
from shared.delivery.batch import Batch, decoded
from shared.delivery.folding import Folded, fold_alone
from shared.delivery.inbox import Inbox
from shared.delivery.loading import fold_loaded
from shared.delivery.outbox import pack
from shared.delivery.ports import Encoded, Partition
from shared.runtime.retry import any_error, retry_forever
from shared.telemetry import FAILED, OUTBOX_AGE, OUTBOX_ROWS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Sequence
    from datetime import datetime, timedelta

    from shared.delivery.batch import Delivery, Written
    from shared.delivery.ports import Connection, Log
    from shared.delivery.service import Store
    from shared.delivery.shell_tables import Failed, State
    from shared.events.envelope import EventRef, Outgoing, Record
    from shared.kafka.connection import Subscription

    Act = Callable[[Any], list[Outgoing]]

log = structlog.get_logger(__name__)

EVERY: Final = 2.0
_BACKLOG: Final = """
select (select count(*) from outbox) as rows,
       coalesce((select extract(epoch from clock_timestamp() - min(created_at)) from outbox), 0)::float8 as age,
       (select count(*) from failed) as failed
"""


class Waiting(NamedTuple):
    """What is given up: what these events wait for, or all that has waited since before a time."""

    events: Sequence[EventRef] | None
    older_than: datetime | None


class OffsetBases:
    """By how much each partition's offsets are counted on, for logs that began anew (tables.rebase)."""

    def __init__(self, delivery: Delivery, log: Log) -> None:
        self._delivery = delivery
        self._log = log
        self._bases: dict[Partition, int] = {}

    async def check(self, subscription: Subscription) -> None:
        """Compares what was newly assigned with what the broker has; tried until it is done."""
        while subscription.fresh:
            fresh = set(subscription.fresh)
            await retry_forever("assignment", partial(self._check, subscription, fresh), self._delivery.runtime, retry_if=any_error)
            subscription.fresh -= fresh

    async def _check(self, subscription: Subscription, fresh: set[Partition]) -> None:
        ends = await self._log.end_offsets(fresh & subscription.assigned)
        async with self._delivery.database.transaction() as connection:
            self._bases.update(await tables.rebase(connection, ends))

    def rebased(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records with their offsets counted on."""
        if self._bases:
            for record in records:
                record.offset += self._bases.get(Partition(record.topic, record.partition), 0)
        return records


class Housekeeping:
    """Beside the batches of one service."""

    def __init__(self, delivery: Delivery, wait_at_most: timedelta | None) -> None:
        self.outbox_age = 0.0
        self.failed = 0
        self._delivery = delivery
        self._wait_at_most = wait_at_most

    async def run(self, bases: OffsetBases, subscriptions: Sequence[Subscription], provision: Callable[[], Awaitable[None]]) -> None:
        """For ever. A consumer without partitions may have lost its topics with the broker's memory: they are made again."""
        runtime = self._delivery.runtime
        while True:
            for subscription in subscriptions:
                if not subscription.assigned:
                    await retry_forever("topics", provision, runtime, retry_if=any_error)
                await bases.check(subscription)
            await retry_forever("upkeep", self.once, runtime, retry_if=any_error)
            await runtime.clock.sleep(EVERY)

    async def once(self) -> None:
        """One turn: measures the backlog, retries what operators want retried, ends waiting."""
        async with self._delivery.database.transaction() as connection:
            backlog = await connection.fetchrow(_BACKLOG)
            again = await tables.to_be_retried(connection)
            given_up = await tables.ordered_discards(connection)
        self._measure(backlog)
        for failed in again:
            await self._retry(failed)
        await self._discard(given_up)
        await self._expire()

    def _measure(self, backlog: Any) -> None:
        name = self._delivery.service.name
        self.outbox_age, self.failed = backlog["age"], backlog["failed"]
        OUTBOX_ROWS.labels(name).set(backlog["rows"])
        OUTBOX_AGE.labels(name).set(self.outbox_age)
        FAILED.labels(name).set(self.failed)

    async def _retry(self, failed: Failed) -> None:
        """A message that came in goes through a batch of its own; one that could not be sent goes to the outbox."""
        if failed.direction == "in":
            await self._delivery.take(Batch([decoded(failed.record)], retried=[failed.id]))
        else:
            await self._delivery.transact(partial(_send_again, failed))

    async def _discard(self, events: Sequence[EventRef]) -> None:
        discard, clock = self._delivery.service.discard, self._delivery.runtime.clock
        if events and discard:
            waiting = Waiting(events, None)
            await self._delivery.transact(partial(self._give_up, waiting, lambda books: discard(books, events, clock.now())))

    async def _expire(self) -> None:
        expire, now = self._delivery.service.expire, self._delivery.runtime.clock.now()
        if self._wait_at_most is not None and expire:
            before = now - self._wait_at_most
            await self._delivery.transact(partial(self._give_up, Waiting(None, before), lambda books: expire(books, before, now)))

    async def _give_up(self, waiting: Waiting, act: Act, connection: Connection, state: State, store: Store[Any]) -> Written:
        books = await store.load_waiting(connection, *waiting)
        inbox = Inbox()

        def one_pass(_: Container[int]) -> Folded:
            return fold_alone(books, inbox, lambda: act(books))

        folded, defects = await fold_loaded(self._delivery.service.name, connection, store, books, one_pass)
        for error in defects.values():
            raise error
        await store.save(connection, books)
        await tables.correct_inbox(connection, {}, {}, inbox.changes)
        await tables.forget_discards(connection, waiting.events or [])
        return await self._delivery.write(connection, state, folded, {})


async def _send_again(failed: Failed, connection: Connection, state: State, store: Store[Any]) -> Written:  # noqa: ARG001
    record = failed.record
    messages = [Encoded(record.topic, record.key, record.value or b"", record.headers)]
    await tables.forget_failed(connection, [failed.id])
    return await tables.finish(connection, {}, pack(messages)), messages
