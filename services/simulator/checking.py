"""Many seeds, one after the other; of one that fails the shortest list of faults that is found.

Invariant: a seed is judged by itself: what is found for it is found again by running it alone (docs/architecture/faults.md).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from services.simulator.seeds import MOST_STEPS, Arena, SeedOutcome, arena, run_seed
from shared.embedded.database import embedded_database
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.simulator.faults import FaultKind

_NAMESPACE: Final = "faults"
_NOTHING_LOGGED: Final = 50
_WORTH_A_PROCESS: Final = 20
"""Seeds that take longer than a database does to start."""


@dataclass
class Summary:
    """What came of many seeds."""

    seeds: int = 0
    steps: int = 0
    seconds: float = 0.0
    """Virtual."""
    struck: Counter[FaultKind] = field(default_factory=Counter)
    workloads: Counter[str] = field(default_factory=Counter)
    failed: SeedOutcome | None = None
    """The first seed that failed, with as few faults as were found to suffice."""
    shortened_from: int = 0

    def add(self, outcome: SeedOutcome) -> None:
        """Counts a seed."""
        self.seeds += 1
        self.steps += outcome.steps
        self.seconds += outcome.seconds
        self.struck += outcome.struck
        self.workloads[outcome.workload] += 1

    def join(self, other: Summary) -> None:
        """Counts what was run beside; of the seeds that failed the first one counts."""
        self.seeds += other.seeds
        self.steps += other.steps
        self.seconds += other.seconds
        self.struck += other.struck
        self.workloads += other.workloads
        if other.failed is not None and (self.failed is None or other.failed.seed < self.failed.seed):
            self.failed, self.shortened_from = other.failed, other.shortened_from


@contextmanager
def own_arena(database_url: str | None = None) -> Iterator[Arena]:
    """An arena on a database of its own, which is gone afterwards; or on one that is there, in a namespace of its own.

    The services say nothing meanwhile: each fault would be a warning.
    """
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_NOTHING_LOGGED), cache_logger_on_first_use=False)
    try:
        with _database(database_url) as address:
            settings = Settings(kafka_bootstrap_servers="localhost:9", database_url=address, namespace=_NAMESPACE)  # type: ignore[arg-type]
            with arena(address, settings) as made:
                yield made
    finally:
        structlog.configure(**before)


@contextmanager
def _database(database_url: str | None) -> Iterator[str]:
    if database_url is not None:
        yield database_url
        return
    with tempfile.TemporaryDirectory(prefix="intercompany-faults-", dir=_memory()) as folder, asyncio.Runner() as runner:
        database = embedded_database(Path(folder))
        try:
            yield runner.run(database.__aenter__())
        finally:
            runner.run(database.__aexit__(None, None, None))


def _memory() -> str | None:
    """A file system in memory, where there is one: tables are emptied for each seed."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own in it


def check_in_parts(seeds: range, steps: int = MOST_STEPS, jobs: int | None = None) -> Summary:
    """Runs seeds in several processes, each with a database of its own; each ends at its first seed that fails.

    `jobs`: how many; as many as the machine has processors, but not for a few seeds. BackingServiceError if a database does not start.
    """
    jobs = jobs or max(1, min(os.cpu_count() or 1, len(seeds) // _WORTH_A_PROCESS))
    if jobs == 1:
        return _check_part(seeds, steps)
    total = Summary()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for part in pool.map(_check_part, [seeds[number::jobs] for number in range(jobs)], repeat(steps)):
            total.join(part)
    return total


def _check_part(seeds: range, steps: int) -> Summary:
    with own_arena() as on:
        return check(on, seeds, steps)


def check(on: Arena, seeds: Iterable[int], steps: int = MOST_STEPS) -> Summary:
    """Runs seeds until one fails."""
    summary = Summary()
    for seed in seeds:
        outcome = run_seed(on, seed, steps=steps)
        summary.add(outcome)
        if outcome.problems:
            summary.shortened_from = len(outcome.faults)
            summary.failed = shortened(on, outcome, steps)
            break
    return summary


def shortened(on: Arena, failed: SeedOutcome, steps: int = MOST_STEPS) -> SeedOutcome:
    """The same seed with each fault left out without which it still fails."""
    shortest, number = failed, 0
    while number < len(shortest.faults):
        faults = (*shortest.faults[:number], *shortest.faults[number + 1 :])
        tried = run_seed(on, failed.seed, faults, steps)
        if tried.problems:
            shortest = tried
        else:
            number += 1
    return shortest
