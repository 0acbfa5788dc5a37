"""One batch of records is one transaction: inbox, load, fold, save, outbox, positions, commit; then the relay.

What always holds:
- Nothing is lost: the offsets are committed after this returns, and it returns only when the batch is in the database.
- Nothing is taken twice: the inbox, under one lock per service, knows every id; a rebalance, a crash or an unknown
  outcome of a commit leads to the same batch again, which is then made of duplicates.
- No record stops a batch. What cannot be read is refused (an event). What this program fails on, a defect of ours, is kept
  whole in the table `failed`, the rest of the batch is folded without it, and readiness says so until an operator has it
  tried again: dropping it would lose it, and holding the batch would stop every company for one message.
- A transient failure is tried again for ever (retry.py).
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog

from shared.delivery import tables
from shared.delivery.folding import Folded, Incoming, Undecodable, concerns, fold_batch, identity_of
from shared.delivery.inbox import Inbox
from shared.delivery.outbox import encoded, pack
from shared.delivery.ports import Partition
from shared.delivery.retry import World, may_pass, persistently, whatever
from shared.delivery.watermark import Watermark
from shared.events.codec import decode
from shared.events.envelope import Message, Record, Topic
from shared.telemetry import BATCH_SECONDS, BATCH_SIZE, MESSAGES, OUTGOING, PASSES, traced
from shared.working_set import Missing, NotLoadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence
    from uuid import UUID

    from shared.delivery.ports import Connection, Database, Encoded, Log
    from shared.delivery.relay import Relay
    from shared.delivery.service import AnyService, Store, WorkingSet

log = structlog.get_logger(__name__)

MOST_ROUNDS: Final = 100
"""Loads of what was missing, per batch: each brings something new, so more of them are a defect of a core or store."""


class UnsettledError(Exception):
    """A batch asks for more and more; the text names its first record."""


@dataclass(slots=True)
class Batch:
    """What is to be done in one transaction. `positions`: where to read on; `retried`: rows of `failed` it came from."""

    incoming: Sequence[Incoming]
    positions: Mapping[Partition, int] = field(default_factory=dict)
    retried: Sequence[int] = ()


@dataclass(slots=True)
class Effects:
    """What a transaction leaves, to be written with its positions."""

    folded: Folded
    failures: Sequence[Undecodable] = ()


class Delivery:
    """The batches of one service in one process."""

    def __init__(self, service: AnyService, schema: str, database: Database, relay: Relay, world: World) -> None:
        self.service = service
        self.world = world
        self.database = database
        self.busy_since: float | None = None
        self.watermark = Watermark(database, world)
        self._schema = schema
        self._relay = relay
        self._turn = asyncio.Lock()
        self._epoch = -1
        self._store: Store[Any] = service.store(schema)

    async def deliver(self, records: Sequence[Record], broker: Log) -> None:
        """Takes a batch of records. Returns when it is in the database, however long that takes; never raises."""
        incoming = [_decoded(record) for record in records]
        messages = [each for each in incoming if isinstance(each, Message)]
        if Topic.REFERENCE in self.service.subscriptions:
            await self.watermark.wait_for(max((each.reference for each in messages), default=0), broker)
        BATCH_SIZE.labels(self.service.name).observe(len(records))
        self.busy_since = self.world.clock.monotonic()
        with traced(self.service.name, messages):
            await self.take(Batch(incoming, _positions(records)))
        self.busy_since = None

    async def take(self, batch: Batch) -> None:
        """Takes a batch; if the database refuses its data, in halves, until the message is found that it refuses."""
        work = partial(self._take_records, batch)
        try:
            await self.transact(work)
        except Exception as error:  # noqa: BLE001 - what may pass was tried again inside; this is of the data
            if len(batch.incoming) == 1:
                await self._keep_failed(batch, error)
                return
            middle = len(batch.incoming) // 2
            for half in (batch.incoming[:middle], batch.incoming[middle:]):
                await self.take(Batch(half, _positions([_record(each) for each in half]), batch.retried))

    async def transact(
        self, work: Callable[[Connection, tables.State, Store[Any]], Any], when: Callable[[BaseException], bool] = may_pass
    ) -> None:
        """One transaction under the service's lock; `work` gives what goes to the relay. Tried again while it may pass."""
        await persistently("batch", partial(self._once, work), self.world, when=when)

    async def _once(self, work: Callable[[Connection, tables.State, Store[Any]], Any]) -> None:
        begun = self.world.clock.monotonic()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._turn)
            try:
                async with self.database.transaction() as connection:
                    state = await tables.open_batch(connection, self._schema)
                    row, messages = await work(connection, state, self._current_store(state))
            except BaseException:
                self._relay.catch_up()  # the commit's outcome may be unknown: if it was one, the row is in the table
                raise
            if row is not None:
                await self._relay.put(row, messages)
        BATCH_SECONDS.labels(self.service.name).observe(self.world.clock.monotonic() - begun)

    def _current_store(self, state: tables.State) -> Store[Any]:
        if state.epoch != self._epoch:
            self._store = self.service.store(self._schema)  # whatever the old one has in memory is void
            self._epoch = state.epoch
        self.watermark.seen = state.reference
        return self._store

    async def _take_records(self, batch: Batch, connection: Connection, state: tables.State, store: Store[Any]) -> tuple[int | None, list[Encoded]]:
        claimed = _claims(self.service, batch.incoming)
        known = await tables.claim(connection, claimed)
        to_fold = [each for each in batch.incoming if isinstance(each, Message) and concerns(self.service, each)]
        failures = [each for each in batch.incoming if isinstance(each, Undecodable)]
        inbox, folded = Inbox(known), Folded()
        if to_fold or len(failures) < len(batch.incoming):
            books = await store.load(connection, to_fold)
            inbox, folded, defects = await fold_loaded(
                connection, store, books, lambda inbox, skip: fold_batch(self.service, books, inbox, batch.incoming, skip), known
            )
            failures += [Undecodable(_record(batch.incoming[number]), error) for number, error in defects.items()]
            await store.save(connection, books)
        await tables.correct_inbox(connection, claimed, known, inbox.changes)
        await tables.forget_failed(connection, [] if failures else batch.retried)
        self._count(len(batch.incoming), folded, failures)
        return await self.write(connection, state, Effects(folded, failures), batch.positions)

    async def write(
        self, connection: Connection, state: tables.State, effects: Effects, positions: Mapping[Partition, int]
    ) -> tuple[int | None, list[Encoded]]:
        """Writes refusals, failures, outbox and positions; gives the outbox row's id and its messages."""
        outgoing = effects.folded.outgoing
        for each in outgoing:
            each.reference = max(each.reference, state.reference, _reference_of(positions))
        await tables.refuse(connection, effects.folded.refusals)
        await tables.fail(connection, effects.failures)
        messages = encoded(outgoing)
        row = await tables.finish(connection, positions, pack(messages) if messages else None)
        OUTGOING.labels(self.service.name).inc(len(messages))
        return row, messages

    async def _keep_failed(self, batch: Batch, error: Exception) -> None:
        """Puts a message that cannot be taken into `failed`; that itself is tried until it is done."""
        failure = Undecodable(_record(batch.incoming[0]), error)
        work = partial(self._take_records, Batch([failure], batch.positions, batch.retried))
        await self.transact(work, when=whatever)

    def _count(self, records: int, folded: Folded, failures: Sequence[Undecodable]) -> None:
        counts = {"taken": folded.taken, "duplicate": folded.duplicates, "refused": len(folded.refusals), "failed": len(failures)}
        for outcome, number in counts.items():
            if number:
                MESSAGES.labels(self.service.name, outcome).inc(number)
        MESSAGES.labels(self.service.name, "seen").inc(records)
        for each in failures:
            log.error("a message is kept in the table failed", topic=each.record.topic, offset=each.record.offset, exc_info=each.error)
