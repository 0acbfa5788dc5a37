"""One batch of records is one transaction: inbox, load, fold, save, outbox, positions, commit; then the relay.

Invariant:
- Nothing is lost: the offsets are committed after this returns, and it returns only when the batch is in the database.
- Nothing is taken twice: the inbox, under one lock per service, knows every id; a rebalance, a crash or an unknown
  outcome of a commit leads to the same batch again, which is then made of duplicates.
- No record stops a batch. What cannot be read is refused (an event). What this program fails on, a defect of ours, is kept
  whole in the table `failed`, the rest of the batch is folded without it, and readiness says so until an operator has it
  tried again: dropping it would lose it, and holding the batch would stop every company for one message.
- A transient failure is tried again for ever (shared.runtime.retry).
- What one transaction takes is bounded by its weight (weight.py). Where memory or the database's time does not suffice, the
  same work is taken in halves, and after a crash in small parts, so that no batch can stop the service for good.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Final

import structlog

from shared.delivery import shell_tables as tables
from shared.delivery.folding import Candidate, Defect, Folded, Incoming, candidates, fold_candidates, incoming_of
from shared.delivery.inbox import Inbox, InboxKey
from shared.delivery.loading import fold_loaded
from shared.delivery.outbox import encoded, pack
from shared.delivery.ports import Partition
from shared.delivery.reference_watermark import Watermark
from shared.delivery.weight import Pace, by_entries, first_by_size
from shared.events.attributes import headers_said
from shared.events.envelope import Message, Record, Topic
from shared.metrics import BATCH_SECONDS, BATCH_SIZE, MESSAGES, OUTGOING, REFUSALS
from shared.runtime.retry import Runtime, any_error, retry_forever
from shared.telemetry import named_in_logs, traced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Mapping, Sequence

    from shared.delivery.ports import Connection, Database, Encoded, Log
    from shared.delivery.relay import Relay
    from shared.delivery.service import AnyService, Store, WorkingSet
    from shared.delivery.shell_tables import Failed, State

    Written = tuple[int | None, list[Encoded]]
    Work = Callable[[Connection], Awaitable[Written]]

log = structlog.get_logger(__name__)


MOST_TIMEOUTS: Final = 2
"""So often the database may not finish a batch in time before it is taken in halves."""


class OverdueError(TimeoutError):
    """The database was there, and did not finish the work of a batch in time."""


@dataclass(slots=True)
class Batch:
    """What is to be done in one transaction. `positions`: where to read on; `retried`: the row of `failed` that it came from.

    `count`: says in metrics and log what became of it; set by each attempt, called once one of them was committed.
    """

    incoming: Sequence[Incoming]
    positions: Mapping[Partition, int] = field(default_factory=dict)
    retried: Failed | None = None
    count: Callable[[], None] | None = None


class Delivery:
    """The batches of one service in one process."""

    def __init__(self, service: AnyService, database: Database, relay: Relay, broker: Log, runtime: Runtime) -> None:
        self.service = service
        self.runtime = runtime
        self.database = database
        self.watermark = Watermark(database, broker, runtime)
        self.pace = Pace()
        self.has_released = asyncio.Event()
        """Something may resume in transactions of its own (housekeeping.py)."""
        self.busy_since: dict[int, float] = {}
        self._relay = relay
        self._reads_reference = Topic.REFERENCE in service.subscriptions
        self._turn = asyncio.Lock()
        self._epoch = -1
        self._store: Store[Any] = service.store()

    async def start(self, instance: str) -> None:
        """Notes that this instance runs; if the one before it has crashed, perhaps over its batch, small parts come first."""
        async with self.database.transaction() as connection:
            if not await tables.note_start(connection, instance):
                log.warning("the last stop was a crash: small parts are taken first", instance=instance)
                self.pace.be_cautious()

    async def stop(self, instance: str) -> None:
        """Notes that this instance stops in good order."""
        async with self.database.transaction() as connection:
            await tables.note_stop(connection, instance)

    async def deliver(self, records: Sequence[Record]) -> None:
        """Takes a batch of records. Returns when it is in the database, however long that takes; only cancelling ends it."""
        self.busy_since[id(records)] = self.runtime.clock.monotonic()
        try:
            rest = records
            while rest:
                part = first_by_size(rest, self.pace.limits)
                if await self._is_delivered(part):
                    rest = rest[len(part) :]
        finally:
            del self.busy_since[id(records)]

    async def _is_delivered(self, part: Sequence[Record]) -> bool:
        """Whether a part is in the database; False: memory did not suffice to read it, so smaller ones are to be tried."""
        try:
            await self._deliver_part(part)
        except MemoryError as error:
            self.pace.be_cautious()
            if len(part) > 1:
                return False
            await self._keep_failed(Batch([Defect(part[0], error)], _positions(part)), error)
        return True

    async def _deliver_part(self, records: Sequence[Record]) -> None:
        """Reads a part of a batch, and takes it in as many transactions as its events weigh."""
        incoming = [each for record in records for each in incoming_of(self.service, record)]
        messages = [each for each in incoming if isinstance(each, Message)]
        arrived = self.runtime.clock.now()
        for each in messages:
            each.arrived = arrived
        parts = list(by_entries(incoming, self.pace.limits)) or [[]]
        with traced(self.service.name, messages):
            for part in parts:
                BATCH_SIZE.labels(self.service.name).observe(len(part))
                # What is passed over after the last part's events counts as read with it.
                positions = _positions(records if part is parts[-1] else map(_record, part))
                await self.take(Batch(part, positions))
                self.pace.succeeded()

    async def take(self, batch: Batch) -> None:
        """Takes a batch; in halves if the database refuses its data, if memory or time do not suffice, or if much of it fails."""
        try:
            await self._transact_counted(batch, self._retried(batch))
        except Exception as error:  # noqa: BLE001 - what may pass was tried again inside: this is of the data, or its weight
            if isinstance(error, MemoryError | TimeoutError):
                self.pace.be_cautious()
            if len(batch.incoming) == 1:
                await self._keep_failed(batch, error)
                return
            clear_frames(error.__traceback__)  # with them all that the whole batch had loaded: the halves are not to be held beside it
        else:
            return
        middle = len(batch.incoming) // 2
        first, second = batch.incoming[:middle], batch.incoming[middle:]
        await self.take(Batch(first, _positions(map(_record, first))))
        await self.take(Batch(second, batch.positions, batch.retried))

    def _retried(self, batch: Batch) -> Callable[[BaseException], bool]:
        """What may pass is tried again; of several messages that the database does not finish in time, only once."""
        timeouts = 0
        # What retries is a cycle of references: with the batch in it, the garbage collector would have to go through every message.
        is_single = len(batch.incoming) == 1

        def retry_if(error: BaseException) -> bool:
            nonlocal timeouts
            timeouts += isinstance(error, OverdueError)
            return self.runtime.is_transient(error) and (timeouts < MOST_TIMEOUTS or is_single)

        return retry_if

    async def _transact_counted(self, batch: Batch, retry_if: Callable[[BaseException], bool]) -> None:
        """Takes a batch in one transaction, and counts it once: not what an attempt decided that was rolled back."""
        await self.transact(partial(self._take, batch), retry_if=retry_if, before=partial(self._wait_for_reference, batch.incoming))
        if batch.count is not None:
            batch.count()

    async def _wait_for_reference(self, incoming: Iterable[Incoming]) -> None:
        """Waits for the reference data that the messages were decided by."""
        if self._reads_reference:
            await self.watermark.wait_for(max((each.reference_offset for each in incoming if isinstance(each, Message)), default=0))

    async def transact(
        self, work: Work, retry_if: Callable[[BaseException], bool] | None = None, before: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """One transaction under the service's lock; what `work` gives goes to the relay. Tried again while it may pass.

        `before`: what each attempt waits for first, without transaction or lock.
        """
        await retry_forever("batch", partial(self._once, work, before), self.runtime, retry_if=retry_if)

    async def _once(self, work: Work, before: Callable[[], Awaitable[None]] | None) -> None:
        """The turn is kept until the relay has the messages: they go out in the order of the commits."""
        if before is not None:
            await before()
        begun = self.runtime.clock.monotonic()
        async with self._turn:
            try:
                async with self.database.transaction(tables.batch_lock(self.database.schema)) as connection:
                    row, messages = await _in_time(work(connection))
            except BaseException:
                self._relay.catch_up()  # the commit's outcome may be unknown: if it was one, the row is in the table
                raise
            if row is not None:
                await self._relay.put(row, messages)
        BATCH_SECONDS.labels(self.service.name).observe(self.runtime.clock.monotonic() - begun)

    async def open(self, connection: Connection, keys: Collection[InboxKey] = (), opening: str = "") -> tuple[State, Store[Any]]:
        """What a batch finds, those of its ids that are taken already and what its store begins with among it, and the store for it."""
        state = await tables.open_batch(connection, keys, opening)
        if state.epoch != self._epoch:
            self._store = self.service.store()  # whatever the old one has in memory is void
            self._epoch = state.epoch
        return state, self._store

    async def _take(self, batch: Batch, connection: Connection) -> Written:
        await self._believe_operators_alone(connection, batch.incoming)
        coming = candidates(self.service, batch.incoming)
        state, store = await self.open(connection, _ids(coming), self._store.opening)
        self.watermark.check(state.reference)
        failures = [each for each in batch.incoming if isinstance(each, Defect)]
        inbox, folded, defects = await self._fold(coming, connection, state, store)
        if defects and self._reads_reference:
            await self.watermark.check_log(state.reference)
        failures += [Defect(_record(batch.incoming[number]), error) for number, error in defects.items()]
        taken_now = await tables.change_inbox(connection, state.taken, inbox.changes)
        await tables.fail(connection, failures)
        if batch.retried and not any(batch.retried.is_place_of(each.record) for each in failures):
            await tables.forget_failed(connection, batch.retried)
        batch.count = partial(self._count, len(batch.incoming), folded, failures)
        return await self.write(connection, state, folded, batch.positions, taken_now)

    async def _believe_operators_alone(self, connection: Connection, incoming: Sequence[Incoming]) -> None:
        """A replay counts that an operator has noted beside the refusal (operations/replay.py); what others say of one does not."""
        replayed = self.service.replayed
        if replayed is None:
            return
        said = [data for each in incoming if isinstance(each, Message) and (data := replayed(each)) is not None]
        if said:
            noted = await tables.noted_replays(connection, {data.event for data in said})
            for data in said:
                if data.replay > noted.get(data.event, 0):
                    data.replay = 0

    async def _fold(
        self, coming: Sequence[Candidate], connection: Connection, state: State, store: Store[Any]
    ) -> tuple[Inbox, Folded, dict[int, Exception]]:
        """Without a message to be folded (a replay of what was taken) nothing is loaded and nothing saved."""
        to_fold = _to_fold(coming, state.taken)
        books = await store.load(connection, to_fold, state.opened) if to_fold else self.service.new_books()
        books.released.loaded_whole(None, state.next_released.items())
        inbox = Inbox(state.taken)

        def one_pass(skip: Container[int]) -> Folded:
            inbox.changes.clear()
            return fold_candidates(self.service, books, inbox, coming, skip)

        folded, defects = await fold_loaded(self.service.name, connection, store, books, one_pass)
        if to_fold:
            await self.save(connection, store, books, state)
        return inbox, folded, defects

    async def save(self, connection: Connection, store: Store[Any], books: WorkingSet, state: State) -> None:
        """Writes the changed rows of the books, or has `write` do it.

        What was released and not yet resumed is resumed in transactions of its own.
        """
        await store.save(connection, books, state.later)
        await tables.save_released(connection, books.released.changed, state.next_released)
        if books.released.changed:
            self.has_released.set()

    async def write(
        self,
        connection: Connection,
        state: State,
        folded: Folded,
        positions: Mapping[Partition, int],
        taken_now: Mapping[InboxKey, bytes] | None = None,
    ) -> Written:
        """Writes refusals, positions, ids that are new in the inbox, outbox, and what of the books is still to be written.

        Gives the outbox row's id and its messages, encoded.
        """
        reached = max(state.reference, positions.get(tables.REFERENCE, 0) - state.base)
        for each in folded.outgoing:
            each.reference_offset = max(each.reference_offset, reached)
        refused_at = self.runtime.clock.now()
        for refusal in folded.refusals:
            refusal.outgoing.data.at = refused_at
        await tables.refuse(connection, folded.refusals)
        await tables.forget_given_up(connection, folded.refusals)
        messages = encoded(folded.outgoing)
        row = await tables.finish(connection, positions, pack(messages) if messages else None, taken_now, state.later)
        OUTGOING.labels(self.service.name).inc(len(messages))
        return row, messages

    async def _keep_failed(self, batch: Batch, error: Exception) -> None:
        """Puts a message that cannot be taken into `failed`; that itself is tried until it is done."""
        failure = Defect(_record(batch.incoming[0]), error)
        await self._transact_counted(Batch([failure], batch.positions, batch.retried), any_error)

    def _count(self, records: int, folded: Folded, failures: Sequence[Defect]) -> None:
        outcomes = {"taken": folded.taken, "duplicate": folded.duplicates, "refused": len(folded.refusals), "failed": len(failures)}
        for outcome, number in {"seen": records, **outcomes}.items():
            MESSAGES.labels(self.service.name, outcome).inc(number)
        for refused in folded.refusals:
            REFUSALS.labels(self.service.name, refused.outgoing.data.code, refused.outgoing.data.scope).inc()
        for each in failures:
            place = {"topic": each.record.topic, "offset": each.record.offset, **named_in_logs(headers_said(each.record))}
            log.error("a message is kept in the table failed", **place, exc_info=each.error)


async def _in_time(work: Awaitable[Written]) -> Written:
    """What the work gives; OverdueError if the database took longer for it than it may, which is not the database being away."""
    try:
        return await work
    except TimeoutError as error:
        raise OverdueError(str(error) or "the database did not answer in time") from error


def _ids(coming: Iterable[Candidate]) -> set[InboxKey]:
    """The ids to be looked up."""
    return {identity[0] for _, _, identity in coming if identity}


def _to_fold(coming: Iterable[Candidate], known: Container[InboxKey]) -> list[Message]:
    """The messages that the core may see, for the store to load by."""
    return [event for _, event, identity in coming if isinstance(event, Message) and (identity is None or identity[0] not in known)]


def _positions(records: Iterable[Record]) -> dict[Partition, int]:
    """The offset after the last record of each partition; a record of several events is read once they all are."""
    positions: dict[tuple[str, int], int] = {}
    for record in records:
        place = (record.topic, record.partition)
        if record.offset >= positions.get(place, 0):
            positions[place] = record.offset + (not record.is_followed)
    return {Partition(*place): offset for place, offset in positions.items()}


def _record(event: Incoming) -> Record:
    if event.record is None:
        msg = f"{event} has no record"
        raise ValueError(msg)
    return event.record
