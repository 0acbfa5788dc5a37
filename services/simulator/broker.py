"""A model of the broker: logs in memory, groups with their offsets, producers and consumers as the shell meets them.

Invariant: a partition keeps the order in which it was written, and hands it on in that order; everything else may change: what is
written may be written twice, late, in part or unknown to its sender, and is read again from any earlier place. All messages that
were ever written stay known (`written`, each by itself, whatever records they came in), also of a log that was reset.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import DefaultPartitioner

from services.simulator.faults import CallPlace, FaultKind, InjectedFault
from shared.delivery.bundling import bundled
from shared.delivery.ports import Encoded, Partition
from shared.events.bundles import events_in
from shared.events.envelope import Record, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from services.simulator.world import Incarnation, World

PARTITIONS: Final = 2
_LATE: Final = 1.5
_LOOK_AGAIN: Final = 0.05
_READERS_OF_OLD: Final = 3
"""A log that had fewer records is not reset: a service knows a log that was reset by its being shorter than what it has read."""


@dataclass
class LogOf:
    """One partition. `reset_at`: how long it was before it was reset, until all its readers have noticed; else 0."""

    records: list[Encoded] = field(default_factory=list)
    reset_at: int = 0
    was_reset: bool = False


class Broker:
    """The broker of a run. `has_read_beyond`: whether a service believes to have read more of a log than it has."""

    def __init__(self, world: World, topics: Iterable[str], has_read_beyond: Callable[[Partition, int], bool]) -> None:
        self.world = world
        self.logs: dict[Partition, LogOf] = {
            Partition(topic, number): LogOf() for topic in sorted(topics) for number in range(1 if topic == Topic.REFERENCE else PARTITIONS)
        }
        self.written: dict[Partition, list[Encoded]] = {place: [] for place in self.logs}
        self.arrived = asyncio.Event()
        self.away_until = 0.0
        self.late = 0
        self._has_read_beyond = has_read_beyond

    def check(self) -> None:
        """KafkaConnectionError while the broker is away."""
        if self.world.now < self.away_until:
            raise KafkaConnectionError

    def place_of(self, topic: str, key: bytes | None) -> Partition:
        """Where all clients put a key."""
        return Partition(topic, _partition(key, 1 if topic == Topic.REFERENCE else PARTITIONS))

    def has_room(self, place: Partition) -> bool:
        """Whether a record can be written now: a log that was reset stays shorter than it was until its readers have noticed."""
        log = self.logs[place]
        if log.reset_at and len(log.records) >= log.reset_at - 1 and not self._has_read_beyond(place, len(log.records)):
            log.reset_at = 0
        return not log.reset_at or len(log.records) < log.reset_at - 1

    async def append(self, place: Partition, messages: Sequence[Encoded]) -> None:
        """Writes messages in their order, several of our own as one record."""
        left = iter(messages)
        for record in bundled(messages):
            while not self.has_room(place):
                await asyncio.sleep(_LOOK_AGAIN)
            self.logs[place].records.append(record)
            self.written[place] += islice(left, events_in(Record(*record)))
        self.arrived.set()

    def reset(self, place: Partition) -> None:
        """The topic is made again: its log begins at 0."""
        log = self.logs[place]
        self.logs[place] = LogOf(reset_at=len(log.records), was_reset=True)

    def can_be_reset(self, place: Partition) -> bool:
        """Whether a service can notice it."""
        log = self.logs[place]
        return len(log.records) >= _READERS_OF_OLD and not log.was_reset and not self.late


@lru_cache(maxsize=1 << 12)
def _partition(key: bytes | None, partitions: int) -> int:
    numbers = list(range(partitions))
    chosen: int = DefaultPartitioner()(key or b"", numbers, numbers)
    return chosen


class SimulatedLog:
    """What the broker says of its logs (ports.Log)."""

    def __init__(self, broker: Broker, who: Incarnation) -> None:
        self._broker, self._who = broker, who

    async def begin_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Nothing is ever dropped at the front."""
        await self._ask("begins")
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """How long the logs are."""
        await self._ask("ends")
        return {place: len(self._broker.logs[place].records) for place in partitions}

    async def _ask(self, what: str) -> None:
        await self._broker.world.step(self._who, what)
        self._broker.check()


class SimulatedProducer:
    """Sends to the broker (ports.Producer)."""

    def __init__(self, broker: Broker, who: Incarnation) -> None:
        self._broker, self._who, self._world = broker, who, broker.world
        self._is_started = False

    async def restart(self) -> None:
        """Connects."""
        await self._world.step(self._who, "producer starts")
        self._broker.check()
        self._is_started = True

    async def close(self) -> None:
        """Ends it."""
        self._is_started = False

    async def send_all(self, messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        """Writes each partition's messages in their order; partitions are written in any order."""
        fault = await self._world.step(self._who, f"send {len(messages)}", CallPlace.SEND)
        if not self._is_started:
            raise KafkaConnectionError
        self._broker.check()
        lots: dict[Partition, list[Encoded]] = {}
        for message in messages:
            lots.setdefault(self._broker.place_of(message.topic, message.key), []).append(message)
        places = list(lots)
        self._world.random.shuffle(places)
        await self._write([(place, lots[place]) for place in places], fault)
        await self._world.step(self._who, "sent", CallPlace.SENT)
        return []

    async def _write(self, lots: list[tuple[Partition, list[Encoded]]], fault: InjectedFault | None) -> None:
        kind = fault.kind if fault else None
        if kind is FaultKind.SEND_LOST:
            raise KafkaConnectionError
        if kind is FaultKind.SEND_LATE:
            for place, lot in lots:
                self._write_late(place, lot)
            raise KafkaConnectionError
        half = len(lots) // 2 if kind in {FaultKind.SEND_PARTLY, FaultKind.KILL_IN_SEND} else len(lots)
        for place, lot in lots[:half]:
            await self._world.step(self._who, f"write {place.topic} {place.number}")
            await self._broker.append(place, lot)
            if kind is FaultKind.SEND_TWICE:
                await self._broker.append(place, lot)
        if kind is FaultKind.KILL_IN_SEND:
            self._world.kill(self._who)
            raise asyncio.CancelledError
        if kind in {FaultKind.SEND_PARTLY, FaultKind.SEND_UNACKNOWLEDGED}:
            raise KafkaConnectionError

    def _write_late(self, place: Partition, lot: Sequence[Encoded]) -> None:
        """The request arrives after its sender has given it up."""
        broker = self._broker

        async def write() -> None:
            await asyncio.sleep(self._world.random.random() * _LATE)
            await broker.append(place, lot)
            broker.late -= 1

        broker.late += 1
        self._world.background(write())


def record_at(place: Partition, offset: int, message: Encoded) -> Record:
    """A record as a consumer reads it; one of its own each time, since the shell changes it."""
    return Record(place.topic, message.key, message.value, message.headers, place.number, offset, 0, len(message.value))
