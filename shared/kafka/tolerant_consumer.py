"""aiokafka's consumer, made safe against records that it cannot read, and awake when one comes.

Invariant: every record is handed on, whatever the names of its headers are; when a read fails, nothing of what it
had read is passed over; a read that finds something returns at once.

It is the one place through which records come, so here what was newly assigned is set to where the database says, before
anything of it is read.

Why: FastStream sleeps for `batch_timeout_ms` after a read that found nothing, as long again as the read waited: half of all
records would come while it sleeps. A read waits longer here, so that there is hardly any such sleep.

aiokafka 0.14 decodes the names of headers as UTF-8 while it reads. One record with another name (a client in C or Go
can send it) stops its partition for ever; and what the same call had read of other partitions is dropped although their
positions have moved on, so that the next commit passes it. There is no setting for either, so this reaches into
aiokafka, which is locked to a version and held by tests/live/delivery/test_process.py.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable
from weakref import WeakSet

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
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

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> dict[TopicPartition, Any]:
        """The next records by partition; without any, what came within half a second."""
        if not await self._is_positioned():
            return {}
        assignment, before = self._positions()
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
        elif (listener := self._listener()) is not None:
            listener.note_found(read)
        return read

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
        ours = getattr(given, "listener", given)
        return ours if isinstance(ours, Positioned) else None

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


def _records(fetched: bytes) -> Any:
    """Parses what was fetched: fast, and tolerant while a consumer needs it."""
    return (_TolerantRecords if _TOLERANT else LimitedRecords)(bounded(fetched))


def read_carefully(broker: KafkaBroker) -> None:
    """Has a connected broker's subscribers use this consumer; FastStream has no setting for it."""
    fetcher.MemoryRecords = _records
    bound_reads()
    config = broker.config.broker_config
    arguments: dict[str, Any] = getattr(config.builder, "keywords", {})
    config.builder = partial(CarefulConsumer, **arguments)
