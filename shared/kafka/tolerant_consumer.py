"""aiokafka's consumer, made safe against records that it cannot read, and awake when one comes.

Invariant: every record is handed on, whatever the names of its headers are; when a read fails, nothing of what it
had read is passed over; a read that finds something returns at once; the group's offsets are committed after what was read
before them is done, never before.

It is the one place through which records come, so here what was newly assigned is set to where the database says, before
anything of it is read.

Why: the group's offsets are for those who look from outside (the database says where to read on), and to commit them takes the
broker and this client as long as a small batch. So they are committed beside the batches, once a second, not with each.

FastStream sleeps for `batch_timeout_ms` after a read that found nothing, as long again as the read waited: half of all
records would come while it sleeps. A read waits longer here, so that there is hardly any such sleep.

aiokafka 0.14 decodes the names of headers as UTF-8 while it reads. One record with another name (a client in C or Go
can send it) stops its partition for ever; and what the same call had read of other partitions is dropped although their
positions have moved on, so that the next commit passes it. There is no setting for either, so this reaches into
aiokafka, which is locked to a version and held by tests/live/delivery/test_process.py.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable
from weakref import WeakSet

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import _DefaultRecordBatchPy

from shared.kafka.inflating import bounded
from shared.kafka.limited_records import LimitedRecords, begin_read, bound_reads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from faststream.kafka import KafkaBroker

log = structlog.get_logger(__name__)

_READ_WAITS_MS: Final = 500
"""For the first record; FastStream's own time is how long it sleeps after a read that found nothing."""
_TOLERANT_READS: Final = 20
"""Reads with the slower parser after a failure; should the record still lie ahead then, they start over."""


_COMMIT_EVERY: Final = 1.0
"""Seconds between the commits of a group's offsets while there is something to commit."""
_LAST_COMMIT_WITHIN: Final = 2.0


class _Text(bytearray):
    """Bytes whose parts are decoded whatever they are: what is not UTF-8 stands escaped."""

    def __getitem__(self, place: Any) -> Any:
        part: Any = super().__getitem__(place)
        return _Text(part) if isinstance(place, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Text(self._buffer)


class _TolerantRecords(LimitedRecords):
    parser = _TolerantBatch


@runtime_checkable
class Positioned(Protocol):
    """A rebalance listener that says where to read on."""

    async def position(self, assigned: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offsets from which newly assigned partitions are read."""

    def note_passed(self, positions: Mapping[TopicPartition, int]) -> None:
        """The offsets that a read which found nothing has come to."""

    def note_found(self, places: Iterable[TopicPartition]) -> None:
        """The partitions of which a read has found something: what was passed before is over."""


class CarefulConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """Reads as its parent does; after a failure with a parser that takes every name."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._tolerant_reads = 0
        self._positioned: Any = None
        self._given: Any = None
        self._ours: Positioned | None = None
        self._at_hand = False
        self._uncommitted = False
        self._commit_at = 0.0
        self._committing: asyncio.Task[None] | None = None

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> dict[TopicPartition, Any]:
        """The next records by partition; without any, what came within half a second."""
        if not await self._is_positioned():
            return {}
        assignment, before = self._positions()
        self._commit_beside(before)
        waits = max(timeout_ms, _READ_WAITS_MS)
        begin_read(assignment)
        try:
            read: dict[TopicPartition, Any] = await super().getmany(*partitions, timeout_ms=waits, max_records=max_records)
        except Exception as error:
            self._go_back(assignment, before)
            if not isinstance(error, UnicodeDecodeError):
                raise
            log.warning("a header's name is not text: continuing with every name taken")
            self._tolerate(_TOLERANT_READS)
            return {}
        if read and self._tolerant_reads:
            self._tolerate(self._tolerant_reads - 1)
        if not read:
            self._note_passed(assignment)
            return read
        self._at_hand = self._uncommitted = True
        if (listener := self._listener()) is not None:
            listener.note_found(read)
        return read

    def note_done(self) -> None:
        """What the last read has found is done, or will be read again."""
        self._at_hand = False

    async def stop(self) -> None:
        """Commits what is done, unless the broker does not answer, and leaves the group."""
        last = asyncio.create_task(self._commit_last(), name="commit last offsets")
        await asyncio.wait([last], timeout=_LAST_COMMIT_WITHIN)
        for each in (last, self._committing):
            if each is not None:
                each.cancel()
        await super().stop()

    async def _commit_last(self) -> None:
        if self._committing is not None:
            await asyncio.wait([self._committing])
        if self._uncommitted and not self._at_hand:
            await self._commit(self._positions()[1])

    def _commit_beside(self, done: Mapping[TopicPartition, Any]) -> None:
        """Called where nothing is at hand: all that was read is done."""
        now = asyncio.get_running_loop().time()
        if self._uncommitted and now >= self._commit_at and (self._committing is None or self._committing.done()):
            self._uncommitted, self._commit_at = False, now + _COMMIT_EVERY
            self._committing = asyncio.create_task(self._commit(done), name="commit offsets")

    async def _commit(self, done: Mapping[TopicPartition, Any]) -> None:
        try:
            await self.commit(dict(done))
        except KafkaError as error:  # a rebalance, or the broker is away: the database says where to read on
            self._uncommitted = True
            log.info("the group's offsets are not committed now", error=repr(error))

    async def _is_positioned(self) -> bool:
        """Whether what is assigned is read from where the listener says; asked once for each assignment, before anything of it is read."""
        subscription = self._subscription.subscription
        assignment = subscription.assignment if subscription else None
        listener = self._listener()
        if assignment is None or assignment is self._positioned or listener is None:
            return True
        for place, offset in (await listener.position(assignment.tps)).items():
            if not assignment.active:
                return False
            assignment.state_value(place).seek(offset)
        self._positioned = assignment
        return True

    def _listener(self) -> Positioned | None:
        """The listener of ours: FastStream puts one of its own around it, which logs."""
        given = self._subscription.listener
        if given is not self._given:
            ours = getattr(given, "listener", given)
            self._given, self._ours = given, ours if isinstance(ours, Positioned) else None
        return self._ours

    def _note_passed(self, assignment: Any) -> None:
        """What a read that found nothing has come to, if it is the assignment that was read."""
        listener = self._listener()
        if assignment is not None and assignment.active and listener is not None:
            states = {place: assignment.state_value(place) for place in assignment.tps}
            listener.note_passed({place: state.position for place, state in states.items() if state.has_valid_position})

    def _tolerate(self, reads: int) -> None:
        self._tolerant_reads = reads
        (_TOLERANT.add if reads else _TOLERANT.discard)(self)

    def _positions(self) -> tuple[Any, dict[TopicPartition, Any]]:
        subscription = self._subscription.subscription
        assignment = subscription.assignment if subscription else None
        return assignment, assignment.all_consumed_offsets() if assignment else {}

    def _go_back(self, assignment: Any, before: dict[TopicPartition, Any]) -> None:
        if assignment is not None and assignment.active:
            for place, offset in before.items():
                assignment.state_value(place).seek(offset.offset)


_TOLERANT: Final[WeakSet[CarefulConsumer]] = WeakSet()


_NOTHING: Final = LimitedRecords(b"")


def _records(fetched: bytes) -> Any:
    """Parses what was fetched: fast, and tolerant while a consumer needs it. Of most partitions there is nothing."""
    if not fetched:
        return _NOTHING
    return (_TolerantRecords if _TOLERANT else LimitedRecords)(bounded(fetched))


def read_carefully(broker: KafkaBroker) -> None:
    """Has a connected broker's subscribers use this consumer; FastStream has no setting for it."""
    fetcher.MemoryRecords = _records
    bound_reads()
    config = broker.config.broker_config
    arguments: dict[str, Any] = getattr(config.builder, "keywords", {})
    config.builder = partial(CarefulConsumer, **arguments)
