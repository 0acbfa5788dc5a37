"""The processes of a run: started, killed, started again, joined by others, and hit by what happens to the whole world.

Invariant: each process is the product's own (shared.runtime.process.Process) with the services' own cores, stores and SQL; only its
ports are simulated. What was killed comes back by itself, after a while, on the same database and broker.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from services.local.queries import Snapshot, snapshot
from services.registry import SERVICES
from services.simulator.broker import Broker, SimulatedLog, SimulatedProducer
from services.simulator.consumers import SimulatedConsumers, groups_of
from services.simulator.database import Backend, SimulatedDatabase
from services.simulator.faults import FaultKind, InjectedFault
from services.simulator.history import CommittedHistory, observed
from services.simulator.virtual_time import SimulatedClock
from services.simulator.world import Incarnation, World
from shared.kafka.topics import TOPICS
from shared.runtime.process import Ports, Process
from shared.runtime.retry import Runtime
from shared.runtime.system import is_transient
from shared.runtime.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.simulator.server import Server
    from shared.delivery.ports import Partition
    from shared.settings import Settings

_BACK_WITHIN: Final = 2.0
_TRY_AGAIN: Final = 0.1
_CAUTIOUS: Final = (0, 0, 5, 6)
"""How often a process was cautious before it begins: it takes all at once, or so little that one record takes several transactions."""
_HOUR: Final = 3600.0
_STOPS_WITHIN: Final = 60.0
_LOOK_EVERY: Final = 0.25

Slot = tuple[int, int]
"""A service and an instance of it."""


class Cluster:
    """All processes of a run. `ended`: those that ended by themselves, or not when they were told to; none may."""

    def __init__(self, world: World, server: Server, settings: Settings) -> None:
        self.world, self.server, self.settings = world, server, settings
        self.history = CommittedHistory(SERVICES)
        self.backend = Backend(world, server, self.history)
        self.broker = Broker(world, [topic.name for topic in TOPICS], self._has_read_beyond)
        self.groups = [groups_of(self.broker, service) for service in SERVICES]
        self.is_faulty = True
        self.ended: list[str] = []
        self._running: dict[Slot, tuple[Incarnation, asyncio.Task[None]]] = {}
        self._numbers: dict[Slot, int] = {}
        world.on_kill = self._killed
        world.on_leave = self._leaves

    def start(self, slot: Slot) -> None:
        """Starts a process, unless it runs."""
        if slot in self._running:
            return
        number = self._numbers[slot] = self._numbers.get(slot, 0) + 1
        service = SERVICES[slot[0]]
        who = Incarnation(*slot, number, service.name)
        task = self.world.spawn(who, self._serve(who))
        self._running[slot] = who, task

    async def _serve(self, who: Incarnation) -> None:
        service = observed(SERVICES[who.service])
        settings = self.settings.model_copy(update={"group_instance_id": f"{service.name}-{who.instance}"})
        clock = SimulatedClock(self.world.loop, who)
        ports = Ports(
            Runtime(clock, self.world.random, Troubles(clock), is_transient),
            SimulatedDatabase(self.world, who, self.backend, settings.schema_name(service.name)),
            SimulatedProducer(self.broker, who),
            SimulatedLog(self.broker, who),
            lambda handler, read_on: SimulatedConsumers(self.world, self.broker, who, self.groups[who.service], handler, read_on),
            lambda: self._provision(who),
        )
        process = Process(service, settings, ports)
        for _ in range(self.world.random.choice(_CAUTIOUS)):
            process.delivery.pace.be_cautious()
        try:
            await process.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, a process must not end of it
            if not who.dead:
                self.ended.append(f"{who.name} ended by itself: {error!r}")
        finally:
            self.world.note(f"{who.name} has ended")

    async def _provision(self, who: Incarnation) -> None:
        await self.world.step(who, "provision")
        self.broker.check()

    def _killed(self, who: Incarnation) -> None:
        slot = (who.service, who.instance)
        del self._running[slot]
        self.world.loop.call_later(self.world.random.random() * _BACK_WITHIN, self.start, slot)

    def befall(self, fault: InjectedFault) -> None:
        """A fault that hits more than one call."""
        if self.is_faulty:
            self.world.note(f"FAULT {fault.kind}")
            if _ACTS[fault.kind](self, fault):
                self.world.plan.struck[fault.kind] += 1

    async def stop(self, slot: Slot) -> None:
        """Stops a process in good order. It is told once, and has to end within a minute."""
        if slot not in self._running:
            return
        who, task = self._running[slot]
        if who.stopping:
            await asyncio.wait([task])
            return
        who.stopping = True
        task.cancel()
        until = self.world.now + _STOPS_WITHIN
        while not task.done() and not who.dead and self.world.now < until:
            await asyncio.wait([task], timeout=_LOOK_EVERY)
        if who.dead:
            return
        if task.done():
            del self._running[slot]
            self.world.end(who)
        else:
            self.ended.append(f"{who.name} does not stop: it was told {_STOPS_WITHIN:.0f} s ago")
            self.world.kill(who)

    async def stop_all(self) -> None:
        """Stops all processes in good order."""
        for slot in list(self._running):
            await self.stop(slot)

    def _go_away(self, fault: InjectedFault) -> bool:
        self.backend.go_away(fault.lasts)
        return True

    def _broker_goes_away(self, fault: InjectedFault) -> bool:
        self.broker.away_until = max(self.broker.away_until, self.world.now + fault.lasts)
        return True

    def _move_offsets(self, fault: InjectedFault) -> bool:
        """While the service does not run: all its instances are killed for that."""
        for group in self.groups[fault.target % 3]:
            group.are_moved = True
        for who, _ in list(self._running.values()):
            if who.service == fault.target % 3:
                self.world.kill(who)
        return True

    def _rebalance(self, fault: InjectedFault) -> bool:
        self.groups[fault.target % 3][fault.target // 3].rotate()
        return True

    def _slow_down(self, fault: InjectedFault) -> bool:
        self.groups[fault.target % 3][0].slow_until = self.world.now + fault.lasts
        return True

    def _join(self, fault: InjectedFault) -> bool:
        slot = (fault.target % 3, 1)
        is_new = slot not in self._running
        self.start(slot)
        return is_new

    def _leave(self, fault: InjectedFault) -> bool:
        slot = (fault.target % 3, fault.target // 3)
        if slot not in self._running:
            return False
        self.world.background(self._leave_and_return(slot, fault.lasts))
        return True

    def _leaves(self, who: Incarnation, after: float) -> None:
        self.world.background(self._leave_and_return((who.service, who.instance), after))

    async def _leave_and_return(self, slot: Slot, after: float) -> None:
        await self.stop(slot)
        await asyncio.sleep(after)
        self.start(slot)

    def _clock_jumps(self, fault: InjectedFault) -> bool:
        for who, _ in self._running.values():
            if who.service == fault.target % 3:
                who.clock_offset += _HOUR if fault.target // 3 else -_HOUR
        return True

    def _reset(self, fault: InjectedFault) -> bool:
        """As soon as all that a log holds was read: what was not would be lost with it."""
        read = self.stand().read
        places = [place for place in self.broker.logs if self._is_read(place, read)]
        if places:
            place = places[fault.target % len(places)]
            self.world.note(f"{place.topic} {place.number} is reset")
            self.broker.reset(place)
            self.history.reference_was_reset |= place.topic == TOPICS[0].name
        elif self.is_faulty:
            self.world.loop.call_later(_TRY_AGAIN, self.befall, fault)
        return bool(places)

    def _is_read(self, place: Partition, read: Mapping[tuple[str, str, int], int]) -> bool:
        end = len(self.broker.logs[place].records)
        readers = [service.name for service in SERVICES if place.topic in service.subscriptions]
        return bool(readers) and self.broker.can_be_reset(place) and all(read.get((name, *place)) == end for name in readers)

    def _has_read_beyond(self, place: Partition, end: int) -> bool:
        read = self.stand().read
        if any(read.get((service.name, *place), 0) > end for service in SERVICES):
            return True
        return any(group.reads_beyond(place, end) for groups in self.groups for group in groups)

    def stand(self) -> Snapshot:
        """What the services' tables say of what is read and what is unsent."""
        raw = self.server.take("public")
        now = self.server.run(snapshot(raw, {service.name: self.settings.schema_name(service.name) for service in SERVICES}))
        self.server.give_back("public", raw)
        return now


_ACTS: Final[Mapping[FaultKind, Callable[[Cluster, InjectedFault], bool]]] = {
    FaultKind.DATABASE_AWAY: Cluster._go_away,  # noqa: SLF001 - its own
    FaultKind.BROKER_AWAY: Cluster._broker_goes_away,  # noqa: SLF001
    FaultKind.OFFSETS_MOVED: Cluster._move_offsets,  # noqa: SLF001
    FaultKind.REBALANCE: Cluster._rebalance,  # noqa: SLF001
    FaultKind.SLOW_REFERENCE: Cluster._slow_down,  # noqa: SLF001
    FaultKind.JOIN: Cluster._join,  # noqa: SLF001
    FaultKind.LEAVE: Cluster._leave,  # noqa: SLF001
    FaultKind.CLOCK_JUMP: Cluster._clock_jumps,  # noqa: SLF001
    FaultKind.LOG_RESET: Cluster._reset,  # noqa: SLF001
}
