"""Where a payment's time goes, by service and stage (`make budget`, docs/speed.md): three looks at the same payments, no test.

Calls are counted, so they are the same on every machine; microseconds are processor time of this process, split by samples that
disturb nothing; blocks are those of Python's memory that a stage leaves behind for later ones.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import asyncpg
import psutil
from pydantic import SecretStr

import services
from services.bench.history import SEED_NUMBERING
from services.bench.measure import rows_written
from services.bench.workload import Workload
from shared.embedded.database import embedded_database
from shared.settings import Settings
from tests.speed.assembly import Line, running_line
from tests.speed.stages import DRIVER, STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import CodeType, FrameType

    from services.bench.workload import Payment

    Key = tuple[str, str]

ROOT = Path(services.__file__).parents[1]
OWN = tuple(f"{ROOT / room}/" for room in ("services", "shared"))
SAMPLE_SECONDS = 0.0005
_BY_NAME = {(path, name): stage for path, of_file in STAGES.items() for stage, names in of_file.items() for name in names}
_STAGE_OF: dict[CodeType, str | None] = {}
PLACE = "select pg_current_wal_insert_lsn() - '0/0' as wal, pg_current_xact_id()::text::bigint as xid"


def stage_begun(code: CodeType) -> str | None:
    """The stage that a function begins; None: it belongs to its caller's."""
    try:
        return _STAGE_OF[code]
    except KeyError:
        path = code.co_filename.removeprefix(f"{ROOT}/")
        found = _STAGE_OF[code] = _BY_NAME.get((path, code.co_qualname))
        return found


class Counting:
    """Calls by service and stage: all of them, and of the product's own functions; `service` says whose batch is under way."""

    def __init__(self, service: Callable[[], str]) -> None:
        self._service = service
        self._stack: list[str] = []
        self._blocks = sys.getallocatedblocks()
        self.own: Counter[Key] = Counter()
        self.all: Counter[Key] = Counter()
        self.blocks: Counter[Key] = Counter()

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        """As sys.setprofile calls it."""
        if event == "call":
            self.begin(frame.f_code)
        elif event == "return":
            self.end(frame.f_code)
        elif event == "c_call":
            self.all[self._place()] += 1

    def begin(self, code: CodeType) -> None:
        """A function is called."""
        begun = stage_begun(code)
        if begun is not None:
            self._pass_to()
        self._stack.append(begun or self._place()[1])
        self.all[self._place()] += 1
        self.own[self._place()] += code.co_filename.startswith(OWN)

    def end(self, code: CodeType) -> None:
        """A function returns; one that was called before any of this was looked at is passed over."""
        if self._stack:
            if stage_begun(code) is not None:
                self._pass_to()
            self._stack.pop()

    def _place(self) -> Key:
        return (self._service(), self._stack[-1] if self._stack else DRIVER)

    def _pass_to(self) -> None:
        """Another stage begins: the blocks since the last change are of the one before."""
        self.blocks[self._place()] += sys.getallocatedblocks() - self._blocks
        self._blocks = sys.getallocatedblocks()


class Sampling:
    """Samples of processor time by service and stage, for the time of the context."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.samples: Counter[Key] = Counter()
        self.seconds = 0.0

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)
        self.seconds -= time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.process_time()
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        while frame is not None and (stage := stage_begun(frame.f_code)) is None:
            frame = frame.f_back
        self.samples[self._line.service, stage if frame is not None and stage else DRIVER] += 1


class Bench:
    """The services on a database of their own, with payments whose invoices are posted."""

    def __init__(self, line: Line, workload: Workload, batch: int) -> None:
        self.line = line
        self._workload = workload
        self._batch = batch
        self._first = count(0, batch)

    def batches(self, payments: int) -> Iterator[Sequence[Payment]]:
        """So many payments in batches."""
        for _ in range(max(1, payments // self._batch)):
            yield list(self._workload.payments(next(self._first), self._batch))


async def begin(line: Line, batch: int) -> Bench:
    """A line with its reference data in memory, and all code warm."""
    workload = Workload(parties=1_000)
    await line.send(workload.reference())
    warm = list(workload.payments(0, batch, SEED_NUMBERING))
    await line.invoices(warm)
    await line.pay(warm)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    return Bench(line, workload, batch)


class Budget(NamedTuple):
    """What a payment takes: by service and stage microseconds, calls of own functions, all calls, blocks; and the rest by name."""

    stages: tuple[Mapping[Key, float], ...]
    others: Mapping[str, float]


async def counted(bench: Bench, payments: int) -> list[Mapping[Key, float]]:
    """Calls and blocks of a payment whose invoices are there."""
    counting, number = Counting(lambda: bench.line.service), 0
    for batch in bench.batches(payments):
        await bench.line.invoices(batch)
        sys.setprofile(counting.profile)
        await bench.line.pay(batch)
        sys.setprofile(None)
        number += len(batch)
    return [{key: each / number for key, each in of.items()} for of in (counting.own, counting.all, counting.blocks)]


async def timed(bench: Bench, connection: Any, payments: int) -> tuple[Mapping[Key, float], Mapping[str, float]]:
    """Microseconds of a payment whose invoices are there, and what it costs beside them."""
    line, sampling = bench.line, Sampling(bench.line)
    others: defaultdict[str, float] = defaultdict(float)
    server = psutil.Process(await connection.fetchval("select pg_backend_pid()")).parent()
    number = 0
    for batch in bench.batches(payments):
        others["µs of its two invoices"] -= time.process_time() * 1e6
        await line.invoices(batch)
        others["µs of its two invoices"] += time.process_time() * 1e6
        before, queries = await connection.fetchrow(PLACE), line.queries()
        others["database µs"] -= _seconds(server) * 1e6
        with sampling:
            await line.pay(batch)
        others["database µs"] += _seconds(server) * 1e6
        after = await connection.fetchrow(PLACE)
        others["WAL bytes"] += float(after["wal"] - before["wal"])
        for service, asked in line.queries().items():
            others[f"queries for a batch of {len(batch)}: {service}"] += (asked - queries[service]) * len(batch)
        for name, rows in (await rows_written(connection, line.settings, before["xid"], after["xid"])).items():
            others[f"rows: {name}"] += rows
            others["rows"] += rows
        number += len(batch)
    others["µs"] = sampling.seconds * 1e6
    each = sampling.seconds * 1e6 / sampling.samples.total() / number
    return {key: samples * each for key, samples in sampling.samples.items()}, {name: of / number for name, of in others.items()}


def _seconds(server: Any) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in (server, *server.children()))


async def measured(bench: Bench, connection: Any, payments: int) -> Budget:
    """The budget of a payment."""
    counts = await counted(bench, payments // 4)
    us, others = await timed(bench, connection, payments)
    return Budget((us, *counts), others)


def table(budget: Budget) -> str:
    """The budget as a table of this project's pages."""
    us = budget.stages[0]
    lines = ["| service | stage | µs | calls of own functions | all calls | blocks left |", "|---|---|---|---|---|---|"]
    for service in ("payment", "settlement", "posting"):
        keys = sorted({key for of in budget.stages for key in of if key[0] == service}, key=lambda key: -us.get(key, 0))
        lines.append(_row(f"**{service}**", "all", [sum(of.get(key, 0) for key in keys) for of in budget.stages]))
        lines += [_row("", key[1], [of.get(key, 0) for of in budget.stages]) for key in keys]
    return "\n".join([*lines, "", *(f"{name}: {number:,.1f}" for name, number in sorted(budget.others.items()) if number > 0.05)])


def _row(service: str, stage: str, numbers: Sequence[float]) -> str:
    return f"| {service} | {stage} | {' | '.join(f'{number:,.0f}' for number in numbers)} |"


async def main(payments: int, batch: int) -> None:
    """Measures, and prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_database(Path(folder)) as url, running_line(Settings(database_url=SecretStr(url), namespace="budget")) as line:
            connection = await asyncpg.connect(url)
            sys.stdout.write(f"{table(await measured(await begin(line, batch), connection, payments))}\n")
            await connection.close()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--payments", type=int, default=4_000)
    arguments.add_argument("--batch", type=int, default=200)
    asyncio.run(main(**vars(arguments.parse_args())))
