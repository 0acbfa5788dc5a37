"""Groups of consumers, and the consumers of one process (ports.Consumers), over the model of the broker.

Invariant: a partition belongs to one member of a group at a time, as far as the broker knows; a member that does not know of a
rebalance yet continues with the batch that it has, and reads on with the next one as the database says. A batch ends anywhere. What a
handler does not take is read again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from services.simulator.broker import Broker, record_at
from services.simulator.faults import CallPlace
from shared.delivery.ports import Partition
from shared.events.envelope import Topic

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from services.simulator.world import Incarnation, World
    from shared.delivery.ports import Consumer, Handler, ReadOn
    from shared.delivery.service import AnyService
    from shared.events.envelope import Record

_WAITS: Final = 0.5
_GATHERS: Final = (0.0, 0.05, 0.2, 0.3)
"""Seconds in which more records come before they are read."""
_LARGEST_BATCH: Final = 12
_LARGEST_OF_REFERENCE: Final = 20
_FINISHES_WITHIN: Final = 15.0
"""Seconds in which a batch may be finished at a stop: FastStream's graceful_timeout."""
_SESSION: Final = (0.2, 1.0, 3.0)
"""Seconds until the group notices that a member is gone."""


class Group:
    """A consumer group: its members, who has which partitions, the offsets that were committed."""

    def __init__(self, broker: Broker, places: Sequence[Partition]) -> None:
        self.places = places
        self.are_moved = False
        """Whether somebody moves its offsets to the ends before its next member joins; he cannot while it has any."""
        self.committed: dict[Partition, int] = {}
        self.generation = 0
        self.slow_until = 0.0
        self._broker = broker
        self._members: list[SimulatedConsumer] = []

    def join(self, member: SimulatedConsumer) -> None:
        """A member comes; all partitions are given out again."""
        if self.are_moved and not self._members:
            self.committed = {place: len(self._broker.logs[place].records) for place in self.places}
            self.are_moved = False
        self._members.append(member)
        self.generation += 1

    def leave(self, member: SimulatedConsumer) -> None:
        """A member goes; all partitions are given out again."""
        if member in self._members:
            self._members.remove(member)
            self.generation += 1

    def rotate(self) -> None:
        """The partitions change hands, or are given to the same member again."""
        self._members = [*self._members[1:], *self._members[:1]]
        self.generation += 1

    def of(self, member: SimulatedConsumer) -> list[Partition]:
        """What a member has."""
        if member not in self._members:
            return []
        number = self._members.index(member)
        return [place for count, place in enumerate(self.places) if count % len(self._members) == number]

    def reads_beyond(self, place: Partition, end: int) -> bool:
        """Whether a member would read on from behind a log's end: it has yet to see that the log was reset."""
        return any(member.reads_on(place) > end for member in self._members)

    def commit(self, generation: int, offsets: Mapping[Partition, int]) -> None:
        """Commits offsets; of a member that does not know of the last rebalance none."""
        if generation == self.generation:
            self.committed.update(offsets)


class SimulatedConsumer:
    """One member of a group (ports.Consumer)."""

    def __init__(self, world: World, broker: Broker, who: Incarnation, group: Group, topics: Collection[str]) -> None:
        self.topics = topics
        self.passed: Mapping[Partition, int] = {}
        self.missing: Collection[str] = ()
        self.group = group
        self._world, self._broker, self._who = world, broker, who
        self._generation = -1
        self._positions: dict[Partition, int] = {}
        self._is_stopping = False

    @property
    def assigned(self) -> Collection[Partition]:
        """What it reads."""
        return list(self._positions)

    def reads_on(self, place: Partition) -> int:
        """The offset that it reads next."""
        return self._positions.get(place, 0)

    def polled_ms(self) -> Mapping[Partition, int | None]:
        """Readiness is not simulated."""
        return {}

    def ends(self) -> Mapping[Partition, int]:
        """Where what it reads ends."""
        return {place: len(self._broker.logs[place].records) for place in self._positions}

    def stop(self) -> None:
        """Takes no new batch."""
        self._is_stopping = True

    async def read(self, handler: Handler, read_on: ReadOn) -> None:
        """Hands on batch after batch until it is stopped."""
        while not self._is_stopping:
            await self._world.step(self._who, "fetch", CallPlace.FETCH)
            while self.group.slow_until > self._world.now:
                await asyncio.sleep(self.group.slow_until - self._world.now)
            if self._broker.away_until > self._world.now:
                await asyncio.sleep(self._broker.away_until - self._world.now)
            elif self._generation != self.group.generation:
                await self._take_assignment(read_on)
            elif batch := self._batch():
                await self._hand_on(handler, batch)
            else:
                await self._wait()

    async def _take_assignment(self, read_on: ReadOn) -> None:
        generation = self.group.generation
        places = self.group.of(self)
        self._positions = {}
        offsets = {place: self.group.committed.get(place, 0) for place in places}
        if places:
            offsets |= await read_on(places)
        if generation == self.group.generation:
            self._positions = {place: offsets[place] for place in places}
            self._generation = generation

    def _batch(self) -> list[Record]:
        """The next records, of some of the partitions, and of each a part at most."""
        random = self._world.random
        places = list(self._positions)
        random.shuffle(places)
        room = random.randint(1, _LARGEST_OF_REFERENCE if Topic.REFERENCE in self.topics else _LARGEST_BATCH)
        batch: list[Record] = []
        for place in places:
            records, position = self._broker.logs[place].records, self._positions[place]
            if position > len(records):  # the log was reset: out of range, so from its beginning
                position = 0
            taken = records[position : position + random.randint(1, room)] if room else []
            batch += [record_at(place, position + number, message) for number, message in enumerate(taken)]
            room -= len(taken)
            self._positions[place] = position + len(taken)
        return batch

    async def _hand_on(self, handler: Handler, batch: list[Record]) -> None:
        generation = self._generation
        offsets = {Partition(record.topic, record.partition): record.offset + 1 for record in batch}
        self.passed = {place: offset for place, offset in self.passed.items() if place not in offsets}
        self._world.note(f"{self._who.name} reads " + ", ".join(f"{place.topic} {place.number} <{end}" for place, end in offsets.items()))
        try:
            await handler(self, batch)
        except Exception as error:  # noqa: BLE001 - as the real one: nothing is committed, the batch is read again
            self._world.note(f"{self._who.name} did not take its batch: {error!r}")
            self._generation = -1
            return
        if await self._world.step(self._who, "offsets", CallPlace.OFFSETS) is None:
            self.group.commit(generation, offsets)

    async def _wait(self) -> None:
        self.passed = dict(self._positions)
        self._broker.arrived.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAITS):
                await self._broker.arrived.wait()
        await asyncio.sleep(self._world.random.choice(_GATHERS))


class SimulatedConsumers:
    """All consumers of one process: one of the reference topic, one of all others."""

    def __init__(  # noqa: PLR0913 - what a consumer is made of
        self, world: World, broker: Broker, who: Incarnation, groups: Sequence[Group], handler: Handler, read_on: ReadOn
    ) -> None:
        self._world, self._who, self._broker = world, who, broker
        self._handler, self._read_on = handler, read_on
        self._all = [SimulatedConsumer(world, broker, who, group, sorted({place.topic for place in group.places})) for group in groups]
        self.each: Sequence[Consumer] = self._all
        self._reading: list[asyncio.Task[None]] = []
        who.at_death.append(self._die)

    async def start(self) -> None:
        """Joins the groups."""
        await self._world.step(self._who, "joins")
        self._broker.check()
        for consumer in self._all:
            consumer.group.join(consumer)
            self._reading.append(asyncio.create_task(consumer.read(self._handler, self._read_on)))

    async def stop(self) -> None:
        """Finishes the batch at hand and leaves; as FastStream does it, one consumer after the other, and not for ever."""
        for consumer, reading in zip(self._all, self._reading, strict=False):  # none reads before it has started
            consumer.stop()
            await asyncio.wait([reading], timeout=_FINISHES_WITHIN)
            reading.cancel()
            consumer.group.leave(consumer)
        self._leave()

    def _die(self) -> None:
        self._world.loop.call_later(self._world.random.choice(_SESSION), self._leave)

    def _leave(self) -> None:
        for consumer in self._all:
            consumer.group.leave(consumer)


def groups_of(broker: Broker, service: AnyService) -> list[Group]:
    """A service's groups: of the reference topic, and of all others that it reads."""
    places = [place for place in broker.logs if place.topic in service.subscriptions]
    reference = [place for place in places if place.topic == Topic.REFERENCE]
    return [Group(broker, reference), Group(broker, [place for place in places if place.topic != Topic.REFERENCE])]
