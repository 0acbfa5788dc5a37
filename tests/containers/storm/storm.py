"""A storm: the load flows while faults begin and end by plan; then all faults end, everything drains, and everything is looked at.

Invariant: each wait has a bound; faults that have begun are ended, whatever happens, and nothing of the run is left in the engine.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka.errors import KafkaError

from services.local.in_process import running_services
from services.local.quiescence import as_it_reads, what_is_left
from services.registry import INQUIRY, PROCESSES, SERVICES
from shared.kafka.log_ends import reading
from shared.postgresql.database import Postgres
from tests.containers.storm.checks import findings
from tests.containers.storm.engine import Engine
from tests.containers.storm.faults import KINDS
from tests.containers.storm.load import Load
from tests.containers.storm.outcome import Expected
from tests.containers.storm.plan import Turns, plan
from tests.containers.storm.progress import Progress
from tests.containers.storm.sending import OpenLoop
from tests.containers.storm.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shared.settings import Settings
    from tests.containers.storm.faults import Fault
    from tests.containers.storm.plan import Planned

PAIRS: Final = 240
"""Pairs of parties, between twelve companies."""

STANDS_STILL_AFTER: Final = 180.0
"""Seconds in which nothing has moved: then whatever is left will never be done. A slow machine is given as long as it needs."""

_MEGABYTES: Final = 768
_KILOBYTES_OF_A_UNIT: Final = 40
_LONGER_AT_MOST: Final = 3
_LONGER: Final = 600.0
_FLUSHED_WITHIN: Final = 900.0
_LOOK_EVERY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A storm of so many seconds, with so many units a second; what is drawn follows from the seed."""

    seconds: float
    seed: int
    rate: float

    @property
    def megabytes(self) -> int:
        """The size of a database's file system: room for what the load can come to, should the storm last longer."""
        return int(_MEGABYTES + self.seconds * self.rate * _KILOBYTES_OF_A_UNIT / 1024)


@dataclass(slots=True)
class Report:
    """What a storm came to: faults carried out by kind, counts, and what is wrong."""

    asked: Asked
    faults: Counter[str] = field(default_factory=Counter)
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Storm:
    """`says` is given each line of what happens; `logs`: a folder for what the containers wrote."""

    def __init__(self, asked: Asked, says: Callable[[str], None], logs: Path) -> None:
        self._asked = asked
        self._says = says
        self._engine = Engine(logs)
        self._stage = Stage(self._engine, asked.megabytes)
        self._load = Load(PAIRS)
        self.report = Report(asked)
        self._begun = time.monotonic()

    async def run(self) -> Report:
        """Everything, from the first container to the last."""
        planned = plan(self._asked.seed, self._asked.seconds)
        for each in planned:
            self._says(f"planned {each.at:7.1f} s  {each.fault.said}, {each.fault.lasts:.1f} s")
        with self._engine.removed():
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._engine.observed())
                self._note("making the image, the broker and the databases")
                await self._stage.prepare()
                settings = self._stage.settings
                await self._make_group(settings)
                await stack.enter_async_context(self._stage.serving())
                await self._blow(settings, planned)
            self.report.problems += self._engine.unexplained()
        return self.report

    async def _make_group(self, settings: Settings) -> None:
        """Schemas, topics, reference data."""
        async with running_services(settings, here=False, inquiry=True) as services:
            await services.send(self._load.reference())

    async def _blow(self, settings: Settings, planned: list[Planned]) -> None:
        """The storm itself, and what is looked at afterwards."""
        sending, progress = OpenLoop(settings, self._load, self._asked.rate, self._asked.seed), Progress(settings)
        self._begun = time.monotonic()
        self._note("all services are ready: the load begins")
        async with progress.watched():
            async with sending.flowing(_FLUSHED_WITHIN):
                await self.carry_out(planned)
                self._note("all faults have ended: the load ends")
            ended = time.monotonic()
            self._note(f"{sending.units} units in {sending.acknowledged} events acknowledged: waiting until everything has come to rest")
            await self._drained(settings)
            self.report.seconds |= {"until everything had come to rest": time.monotonic() - ended}
        self.report.seconds |= {"longest without a posting": progress.longest}
        self._note(f"at rest; the longest time without a posting began at {progress.longest_at:.1f} s; looking at everything")
        for service in PROCESSES:
            await self._stage.until_ready(service.name)
        await self._look(settings, sending)

    async def carry_out(self, planned: list[Planned]) -> None:
        """Begins each fault in its time. A storm that is late lasts until each kind has been, and leaves out the rest."""
        turns = Turns(planned)
        async with asyncio.timeout(self._asked.seconds * _LONGER_AT_MOST + _LONGER), asyncio.TaskGroup() as tasks:
            while turns.left and (self._passed < self._asked.seconds or len(self.report.faults) < len(KINDS)):
                if (fault := turns.begin(self._passed)) is not None:
                    self.report.faults[fault.kind] += 1
                    tasks.create_task(self._carried_out(fault, turns))
                await asyncio.sleep(_LOOK_EVERY)

    async def _carried_out(self, fault: Fault, turns: Turns) -> None:
        self._note(f"begins  {fault.said}")
        await fault.begin(self._stage)
        self._note(f"is      {fault.said}, for {fault.lasts:.1f} s")
        await asyncio.sleep(fault.lasts)
        await fault.end(self._stage)
        self._note(f"ends    {fault.said}")
        turns.end(fault, self._passed)

    async def _drained(self, settings: Settings) -> None:
        """Waits until every event has had all its effects in all services, for as long as something moves."""
        left, since = "", time.monotonic()
        while now := await _left(settings):
            if now != left:
                left, since = now, time.monotonic()
            assert time.monotonic() - since < STANDS_STILL_AFTER, f"nothing moves any more: {left}"
            await asyncio.sleep(_LOOK_EVERY)

    async def _look(self, settings: Settings, sending: OpenLoop) -> None:
        found = await findings(settings, self._load, Expected(self._load), sending.units)
        sent = {"units": sending.units, "events sent": sending.sent, "events acknowledged": sending.acknowledged}
        self.report.counts |= {**sent, "times that the broker's answer was missing": sending.failures, **found.counts}
        self.report.counts["megabytes of the database"] = await self._stage.database.used()
        self.report.problems += found.problems

    @property
    def _passed(self) -> float:
        return time.monotonic() - self._begun

    def _note(self, text: str) -> None:
        self._says(f"{self._passed:9.1f} s  {text}")


async def _left(settings: Settings) -> str | None:
    """What the services have still to do, in words; that broker or database did not answer, if so."""
    services = [*SERVICES, as_it_reads(INQUIRY, settings)]
    try:
        async with Postgres(settings.database, "public").session() as connection, reading(settings) as consumer:
            return await what_is_left(connection, consumer, services, settings)
    except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return repr(error)


def told(report: Report) -> Iterator[str]:
    """The report as lines: faults by kind, counts, times, what is wrong."""
    asked = report.asked
    yield f"{asked.seconds / 60:.1f} minutes, {asked.rate:g} units a second, seed {asked.seed}"
    rows = [("faults", sum(report.faults.values())), *((f"  {kind}", often) for kind, often in sorted(report.faults.items()))]
    yield from (f"{what:44}{number:12,}" for what, number in (*rows, *report.counts.items()))
    yield from (f"{what:44}{seconds:10.1f} s" for what, seconds in report.seconds.items())
    yield f"wrong: {len(report.problems)}"
    yield from report.problems
