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

from shared.delivery import ahead as ahead_of_turn
from shared.delivery import changes_table
from shared.delivery import shell_tables as tables
from shared.delivery.ahead import Ahead, FoldOutcome
from shared.delivery.counting import count
from shared.delivery.folding import (
    Candidate,
    Defect,
    Folded,
    Incoming,
    candidates,
    fold_candidates,
    ids_of,
    incoming_of,
    positions_after,
    record_of,
    to_be_folded,
)
from shared.delivery.inbox import Inbox, InboxKey
from shared.delivery.loading import fold_loaded
from shared.delivery.outbox import encoded, pack
from shared.delivery.overdue import OverdueError, in_time
from shared.delivery.ports import Partition
from shared.delivery.reference_watermark import Watermark
from shared.delivery.replays import believe_operators_alone
from shared.delivery.weight import Pace, by_entries, first_by_size
from shared.events.envelope import Message, Record, Topic
from shared.metrics import BATCH_SECONDS, BATCH_SIZE, FOLDED_AHEAD, OUTGOING
from shared.runtime.retry import Runtime, any_error, retry_forever
from shared.telemetry import traced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Mapping, Sequence

    from shared.delivery.outbox import Said
    from shared.delivery.ports import Connection, Database, Encoded, Log
    from shared.delivery.relay import Relay
    from shared.delivery.service import AnyService, Store, WorkingSet
    from shared.delivery.shell_tables import Failed, State

    Written = tuple[int | None, list[Encoded]]
    Work = Callable[[Connection], Awaitable[Written]]

log = structlog.get_logger(__name__)

_WRITERS: Final = 1 << 52
MOST_TIMEOUTS: Final = 2
"""So often the database may not finish a batch in time before it is taken in halves."""


@dataclass(slots=True)
class Batch:
    """What is to be done in one transaction. `positions`: where to read on; `retried`: the row of `failed` that it came from.

    `ahead`: what it was folded to before its turn, by the attempt at hand, None: it was not.
    `count`: says in metrics and log what became of it; set by each attempt, called once one of them was committed.
    """

    incoming: Sequence[Incoming]
    positions: Mapping[Partition, int] = field(default_factory=dict)
    retried: Failed | None = None
    ahead: Ahead | None = None
    count: Callable[[], None] | None = None


async def _nothing() -> None:
    """Does nothing."""


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
        self._writer = int(runtime.randomness.random() * _WRITERS)
        self._others = False
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
            await self._keep_failed(Batch([Defect(part[0], error)], positions_after(part)), error)
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
                positions = positions_after(records if part is parts[-1] else map(record_of, part))
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
        await self.take(Batch(first, positions_after(map(record_of, first))))
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
        await self.transact(
            partial(self._take, batch),
            retry_if=retry_if,
            before=partial(self._wait_for_reference, batch.incoming),
            ahead=partial(self._look_ahead, batch),
        )
        if batch.count is not None:
            batch.count()

    async def _look_ahead(self, batch: Batch) -> None:
        """Where other instances take batches, too, a batch is folded before its turn, for each attempt."""
        batch.ahead = await in_time(self._fold_ahead(batch)) if self._others and self.service.looks_ahead else None

    async def _fold_ahead(self, batch: Batch) -> Ahead | None:
        """What a batch comes to by what is committed now; None where the core or the data fail on something: the turn will tell."""
        try:
            async with self.database.transaction() as connection:
                await changes_table.be_of_one_moment(connection)
                await believe_operators_alone(self.service, connection, batch.incoming)
                coming = candidates(self.service, batch.incoming)
                state, store = await self.open(connection, ids_of(coming), self._store.opening)
                if self.service.prepare is not None:
                    books = await store.load(connection, (), state.opened)
                    for each in to_be_folded(coming, state.taken):
                        self.service.prepare(books, each)
                    return Ahead(coming, state, FoldOutcome(Inbox(), Folded(), {}, books), is_whole=False)
                outcome = await self._fold(coming, connection, state, store)
        except Exception as error:
            if self.runtime.is_transient(error):
                raise
            return None
        if outcome.defects:
            return None
        outcome.folded.said = self._said(state, outcome.folded, batch.positions)
        if outcome.books is None:
            return Ahead(coming, state, outcome)
        outcome.writes, outcome.changed = store.written(outcome.books), ahead_of_turn.changed(outcome.books.tables)
        return Ahead(coming, state, outcome)

    async def _wait_for_reference(self, incoming: Iterable[Incoming]) -> None:
        """Waits for the reference data that the messages were decided by."""
        if self._reads_reference:
            await self.watermark.wait_for(max((each.reference_offset for each in incoming if isinstance(each, Message)), default=0))

    async def transact(
        self,
        work: Work,
        retry_if: Callable[[BaseException], bool] | None = None,
        before: Callable[[], Awaitable[None]] = _nothing,
        ahead: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        """One transaction under the service's lock; what `work` gives goes to the relay. Tried again while it may pass.

        `before`: what each attempt waits for first, without transaction or lock; `ahead`: what it does in this process's turn, before it
        waits for the lock.
        """
        await retry_forever("batch", partial(self._once, work, before, ahead), self.runtime, retry_if=retry_if)

    async def _once(self, work: Work, before: Callable[[], Awaitable[None]], ahead: Callable[[], Awaitable[None]]) -> None:
        """The turn is kept until the relay has the messages: they go out in the order of the commits."""
        await before()
        begun = self.runtime.clock.monotonic()
        async with self._turn:
            await ahead()
            try:
                async with self.database.transaction(tables.batch_lock(self.database.schema)) as connection:
                    row, messages = await in_time(work(connection))
            except BaseException:
                self._relay.catch_up()  # the commit's outcome may be unknown: if it was one, the row is in the table
                raise
            if row is not None:
                await self._relay.put(row, messages)
        BATCH_SECONDS.labels(self.service.name).observe(self.runtime.clock.monotonic() - begun)

    async def open(
        self, connection: Connection, keys: Collection[InboxKey] = (), opening: str = "", since: int | None = None
    ) -> tuple[State, Store[Any]]:
        """What a batch finds, those of its ids that are taken already and what its store begins with among it, and the store for it.

        `since`: the note of changes after which they are wanted.
        """
        state = await tables.open_batch(connection, keys, opening, self._writer, since)
        self._others = state.others
        if state.epoch != self._epoch:
            self._store = self.service.store()  # whatever the old one has in memory is void
            self._epoch = state.epoch
        return state, self._store

    async def _take(self, batch: Batch, connection: Connection) -> Written:
        ahead = batch.ahead
        if ahead is None:
            await believe_operators_alone(self.service, connection, batch.incoming)
        coming = candidates(self.service, batch.incoming) if ahead is None else ahead.coming
        since = None if ahead is None else ahead.state.changes_through
        state, store = await self.open(connection, ids_of(coming), self._store.opening, since)
        self.watermark.check(state.reference)
        failures = [each for each in batch.incoming if isinstance(each, Defect)]
        outcome = await self._outcome(coming, connection, state, store, ahead)
        if outcome.defects and self._reads_reference:
            await self.watermark.check_log(state.reference)
        if outcome.books is not None:
            await self.save(connection, store, outcome, state)
        failures += [Defect(record_of(batch.incoming[number]), error) for number, error in outcome.defects.items()]
        taken_now = await tables.change_inbox(connection, state.taken, outcome.inbox.changes)
        await tables.fail(connection, failures)
        if batch.retried and not any(batch.retried.is_place_of(each.record) for each in failures):
            await tables.forget_failed(connection, batch.retried)
        batch.count = partial(count, self.service.name, len(batch.incoming), outcome.folded, failures)
        return await self.write(connection, state, outcome.folded, batch.positions, taken_now)

    async def _outcome(
        self, coming: Sequence[Candidate], connection: Connection, state: State, store: Store[Any], ahead: Ahead | None
    ) -> FoldOutcome:
        """What was folded ahead, if it holds; else the batch is folded now."""
        if ahead is None:
            return await self._fold(coming, connection, state, store)
        holds = ahead.holds(state)
        if ahead.is_whole:
            FOLDED_AHEAD.labels(self.service.name, "held" if holds else "again").inc()
        return ahead.outcome if holds else await self._fold(coming, connection, state, store, ahead.outcome.books)

    async def _fold(
        self, coming: Sequence[Candidate], connection: Connection, state: State, store: Store[Any], earlier: WorkingSet | None = None
    ) -> FoldOutcome:
        """Folds a batch; `earlier`: books of before its turn, in which that may have been prepared.

        Without a message to be folded (a replay of what was taken) nothing is loaded and nothing saved.
        """
        to_fold = to_be_folded(coming, state.taken)
        books = await store.load(connection, to_fold, state.opened) if to_fold else self.service.new_books()
        books.released.loaded_whole(None, state.next_released.items())
        if earlier is not None:
            books.prepared, books.prepared_by = earlier.prepared, earlier.prepared_by
        inbox = Inbox(state.taken)

        def one_pass(skip: Container[int]) -> Folded:
            inbox.changes.clear()
            return fold_candidates(self.service, books, inbox, coming, skip)

        folded, defects = await fold_loaded(self.service.name, connection, store, books, one_pass)
        return FoldOutcome(inbox, folded, defects, books if to_fold else None)

    async def save(self, connection: Connection, store: Store[Any], outcome: FoldOutcome, state: State) -> None:
        """Writes the changed rows of the books, or has `write` do it.

        What was released and not yet resumed is resumed in transactions of its own.
        """
        books = outcome.books
        await store.save(connection, books, state.later, outcome.writes)
        if self.service.looks_ahead:
            is_noted = state.others and self.service.folds_ahead
            changed = (outcome.changed or ahead_of_turn.changed(books.tables)) if is_noted else None
            state.later.append(changes_table.note(self._writer, None if changed is None else changed.noted()))
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
        messages, packed = folded.said or self._said(state, folded, positions)
        await tables.refuse(connection, folded.refusals)
        await tables.forget_given_up(connection, folded.refusals)
        row = await tables.finish(connection, positions, packed, taken_now, state.later)
        OUTGOING.labels(self.service.name).inc(len(messages))
        return row, messages

    def _said(self, state: State, folded: Folded, positions: Mapping[Partition, int]) -> Said:
        """What a fold says, encoded, and packed as the outbox holds it; None if it says nothing."""
        reached = max(state.reference, positions.get(tables.REFERENCE, 0) - state.base)
        for each in folded.outgoing:
            each.reference_offset = max(each.reference_offset, reached)
        refused_at = self.runtime.clock.now()
        for refusal in folded.refusals:
            refusal.outgoing.data.at = refused_at
        messages = encoded(folded.outgoing)
        return messages, pack(messages) if messages else None

    async def _keep_failed(self, batch: Batch, error: Exception) -> None:
        """Puts a message that cannot be taken into `failed`; that itself is tried until it is done."""
        failure = Defect(record_of(batch.incoming[0]), error)
        await self._transact_counted(Batch([failure], batch.positions, batch.retried), any_error)
