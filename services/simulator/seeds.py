"""One run of one seed, from empty tables to the verdict.

Invariant: a seed and a list of faults say everything that happens; nothing is left of a run when the next one begins. The faults end
after some virtual seconds (or so many steps), and then everything must come to rest by itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from services.registry import SERVICES
from services.simulator import faults as faults_of
from services.simulator import workload as workload_of
from services.simulator.cluster import Cluster
from services.simulator.queries import empty, hurry, watch_positions
from services.simulator.server import Server
from services.simulator.verdict import judge
from services.simulator.virtual_time import StuckError
from services.simulator.world import NotBuriedError, World
from shared.delivery.ports import Encoded
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.simulator.faults import FaultKind, InjectedFault
    from services.simulator.workload import DrawnWorkload
    from shared.settings import Settings

FAULTS_WITHIN: Final = 4.0
MOST_FAULTS: Final = 8
MOST_STEPS: Final = 50_000
"""Calls of ports in which faults strike; a run has some thousands."""
_REST_WITHIN: Final = 300.0
"""Virtual seconds after the faults in which everything has to be done."""
_LOOK_EVERY: Final = 0.25
_CANCELLATIONS: Final = 20


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """What came of a seed. `digest`: of the whole trace; `tail`: its last steps."""

    seed: int
    workload: str
    faults: tuple[InjectedFault, ...]
    problems: tuple[str, ...]
    steps: int
    seconds: float
    struck: Counter[FaultKind]
    digest: str
    tail: tuple[str, ...]


_INSTANCES: Final = (1, 1, 2)
"""Of each service from the beginning: beside others batches are folded before their turn."""


class Arena:
    """A database with the services' schemas, for one run after the other."""

    def __init__(self, address: str, settings: Settings) -> None:
        self.settings = settings
        self.schemas = {service.name: settings.schema_name(service.name) for service in SERVICES}
        self.server = Server(address)
        self._address = address
        self.server.run(self._prepare())

    async def _prepare(self) -> None:
        for service in SERVICES:
            database = Postgres(self._address, self.schemas[service.name])
            await migrate(database, database.schema, service)
            await database.close()
        async with Postgres(self._address, "public").session() as connection:
            await hurry(connection)
            for schema in self.schemas.values():
                await watch_positions(connection, schema)

    def empty(self) -> None:
        """Empties all tables."""
        raw = self.server.take("public")
        self.server.run(empty(raw, list(self.schemas.values())))
        self.server.give_back("public", raw)

    def close(self) -> None:
        """Closes the connections."""
        self.server.close()


@contextmanager
def arena(address: str, settings: Settings) -> Iterator[Arena]:
    """An arena on a database."""
    made = Arena(address, settings)
    try:
        yield made
    finally:
        made.close()


def faults_of_seed(seed: int) -> list[InjectedFault]:
    """The faults of a seed."""
    return faults_of.draw(Random(f"{seed}/faults"), FAULTS_WITHIN, MOST_FAULTS)


def run_seed(on: Arena, seed: int, faults: Sequence[InjectedFault] | None = None, steps: int = MOST_STEPS) -> SeedOutcome:
    """Runs a seed, with its own faults or others."""
    chosen = faults_of_seed(seed) if faults is None else list(faults)
    on.empty()
    world, workload = World(seed, chosen), workload_of.draw(seed)
    asyncio_loop = world.loop
    run = _SeedRun(on, world, workload, steps)
    problems: list[str] = []
    try:
        asyncio_loop.run_until_complete(run.to_the_end(chosen))
    except (StuckError, NotBuriedError, _NoRestError) as error:
        problems.append(str(error))
    run.cluster.backend.end_run()
    problems += run.cluster.ended
    if not problems:
        problems += judge(on, run.cluster, workload)
    _clean_up(world)
    plan = world.plan
    return SeedOutcome(
        seed, workload.name, tuple(chosen), tuple(problems), world.steps, world.now, plan.struck, world.digest, tuple(world.tail)
    )


class _NoRestError(Exception):
    """What is still to be done long after the faults have ended."""


class _SeedRun:
    def __init__(self, on: Arena, world: World, workload: DrawnWorkload, steps: int) -> None:
        self.cluster = Cluster(world, on.server, on.settings)
        self._world, self._workload, self._steps = world, workload, steps
        self._is_sent = False

    async def to_the_end(self, faults: Sequence[InjectedFault]) -> None:
        cluster, world = self.cluster, self._world
        instances = world.random.choice(_INSTANCES)
        for number, _ in enumerate(SERVICES):
            for instance in range(instances):
                cluster.start((number, instance))
        world.background(self._send())
        for fault in faults:
            if fault.place is None:
                world.loop.call_at(fault.at, cluster.befall, fault)
        while world.now < FAULTS_WITHIN and world.steps < self._steps:
            await asyncio.sleep(_LOOK_EVERY)
        cluster.is_faulty = False
        world.plan.waiting.clear()
        await self._rest(world.now + _REST_WITHIN)
        await cluster.stop_all()

    async def _send(self) -> None:
        """As other systems do: each record to its partition, in the order of time."""
        broker = self.cluster.broker
        waited = not self._workload.is_comparable
        for sending in self._workload.sendings:
            await asyncio.sleep(max(0.0, sending.at - self._world.now))
            if not waited and not sending.is_reference:
                while self._left() is not None:
                    await asyncio.sleep(_LOOK_EVERY)
                waited = True
            record = sending.record
            place = broker.place_of(record.topic, record.key)
            await broker.append(place, [Encoded(record.topic, record.key, record.value or b"", record.headers)])
        self._is_sent = True

    async def _rest(self, until: float) -> None:
        while not self._is_sent or self.cluster.broker.late or (left := self._left()) is not None:
            if self._world.now > until:
                msg = f"not at rest {_REST_WITHIN:.0f} s after the last fault: {left}"
                raise _NoRestError(msg)
            left = None
            await asyncio.sleep(_LOOK_EVERY)

    def _left(self) -> str | None:
        """What is still to be done; None: nothing."""
        now = self.cluster.stand()
        if now.unsent:
            return f"{now.unsent} have something to send or to resume"
        for service in SERVICES:
            for place, log in self.cluster.broker.logs.items():
                read = now.read.get((service.name, *place), 0)
                if place.topic in service.subscriptions and log.records and read != len(log.records):  # more: a log that was reset
                    return f"{service.name} has read {read} of {len(log.records)} of {place.topic} {place.number}"
        return None


def _clean_up(world: World) -> None:
    """Ends what is left of the run's tasks."""
    for _ in range(_CANCELLATIONS):
        left = asyncio.all_tasks(world.loop)
        for task in left:
            task.cancel()
        if left:
            world.loop.run_until_complete(asyncio.wait(left, timeout=1))
    world.loop.close()
