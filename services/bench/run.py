"""A whole run: reference data, history, invoices, payments at full speed, payments at a rate, the COPY loop, the verdict.

Invariant: the last step is the verdict; a run that is wrong says so, whatever its figures.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import count
from typing import TYPE_CHECKING, Final

from services.bench import measure, phases
from services.bench.correct import problems, simulated
from services.bench.history import SEED, SEED_NUMBERING, History
from services.bench.limit import CopyLoops, Rows, copy_loops
from services.bench.outcome import Outcome, Plan, Stage
from services.bench.stack import Stack, running_stack
from services.bench.workload import SHAPES, Numbering, Payment, Workload

if TYPE_CHECKING:
    from services.bench.phases import Latency, Loaded
    from services.bench.progress import Show
    from shared.events.envelope import Record

_TRIED: Final = 2_000
"""Payments whose invoices are loaded first where the number of payments has to be guessed from their speed."""
_INVOICES_LIKE_A_PAYMENT: Final = 1.7
"""A guess on the safe side: so many invoices are at least as much work as a payment."""
_INVOICES: Final = 2
_LONGEST_AT_RATE: Final = 30.0


async def bench(plan: Plan, show: Show) -> Outcome:
    """Runs the benchmark. BackingServiceError or NotQuiescentError if it cannot be run to its end. SIGTERM ends it in good order, too."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    show.says("Starting broker, database and services …")
    async with running_stack(embedded=plan.embedded, keep=plan.keep, inquiry=plan.inquiry) as stack:
        show.says(f"{stack.kind} broker and database, namespace {stack.settings.namespace}, processes {dict(stack.processes)}")
        return await _Run(plan, stack, show).all()


class _Run:
    def __init__(self, plan: Plan, stack: Stack, show: Show) -> None:
        self._plan = plan
        self._stack = stack
        self._show = show
        self._workload = Workload(plan.parties, plan.hot, stack.settings.topic_partitions)
        self._numbers = count()
        self._paid: list[Payment] = []
        self._outcome = Outcome(plan, stack.kind, partitions=stack.settings.topic_partitions)

    async def all(self) -> Outcome:
        """The phases in their order."""
        outcome, stack = self._outcome, self._stack
        outcome.load_average = os.getloadavg()[0]
        outcome.database = await stack.connection.fetchval("show server_version")
        reference = self._workload.reference()
        self._show.says(f"Reference data: {len(reference)} events of {self._plan.parties} parties …")
        await stack.services.send(reference)
        await stack.services.until_quiescent()
        self._vouchers = [vouchers_of(self._workload, shape) for shape in range(SHAPES)]
        history = await self._seed() if any(self._plan.history) else None
        for lines in self._plan.history:
            if history is not None and lines > history.lines:
                with self._show.progress("history, voucher lines", lines) as advance:
                    await history.grow(lines, advance)
            outcome.stages.append(await self._stage(lines))
        if self._plan.rate:
            outcome.latency = await self._at_rate()
        outcome.peak_rss_mib = measure.peak_rss_mib(stack.processes)
        outcome.copy_loops = await self._copy_loops(outcome.stages[-1])
        self._show.says("Reconciling, and comparing a sample with the simulation …")
        outcome.problems = await problems(stack.settings, self._workload, self._paid)
        return outcome

    def _vouchers_of(self, number: int) -> int:
        """How many vouchers a payment makes, its invoices' aside: what the simulation says of its shape."""
        return self._vouchers[number % SHAPES]

    async def _seed(self) -> History:
        seed = list(self._workload.payments(0, SEED, SEED_NUMBERING))
        await self._load([record for each in seed for record in each.invoices], "invoices of the history's seed")
        with self._show.progress("payments of the history's seed", SEED) as advance:
            await phases.full_speed(self._stack, seed, self._vouchers_of, self._plan.seconds, advance)
        await self._stack.services.until_quiescent()
        history = History(self._stack.connection, self._stack.settings, seed)
        await history.take_seed()
        return history

    async def _load(self, records: list[Record], what: str) -> Loaded:
        with self._show.progress(what, len(records)) as advance:
            return await phases.load(self._stack, records, len(records), advance)

    async def _invoices(self, number: int) -> tuple[list[Payment], Loaded]:
        """So many more payments, whose invoices have been posted."""
        first = next(self._numbers)
        self._numbers = count(first + number)
        payments = list(self._workload.payments(first, number))
        return payments, await self._load([record for each in payments for record in each.invoices], "invoices")

    async def _stage(self, lines: int) -> Stage:
        stack = self._stack
        payments, loaded = await self._invoices(self._plan.payments or _TRIED)
        if self._plan.payments is None:
            needed = int(self._plan.seconds * loaded.documents / loaded.seconds / _INVOICES_LIKE_A_PAYMENT)
            more, loaded = await self._invoices(needed)
            payments += more
        before = await measure.look(stack)
        with self._show.progress("payments at full speed", len(payments)) as advance:
            speed = await phases.full_speed(stack, payments, self._vouchers_of, self._plan.seconds, advance)
        await stack.services.until_quiescent()
        after = await measure.look(stack)
        behind = await self._inquiry_behind(after.at)
        self._paid += payments[: speed.sent]
        rows = await measure.rows_written(stack.connection, stack.settings, before.transaction, after.transaction)
        return Stage(lines, loaded, speed, before, after, rows, behind)

    async def _inquiry_behind(self, since: float) -> float | None:
        if not self._plan.inquiry:
            return None
        await self._stack.services.until_inquiry_has_read()
        return time.monotonic() - since

    async def _at_rate(self) -> Latency:
        plan = self._plan
        number = max(SHAPES, int(plan.rate * min(plan.seconds, _LONGEST_AT_RATE)))
        number = min(number, plan.payments or number)
        payments, _ = await self._invoices(number)
        with self._show.progress(f"payments at {plan.rate:g} per second", number) as advance:
            latency = await phases.at_rate(self._stack, payments, self._vouchers_of, plan.rate, advance)
        await self._stack.services.until_quiescent()
        self._paid += payments
        return latency

    async def _copy_loops(self, stage: Stage) -> CopyLoops:
        rows = Rows(list(stage.rows), stage.before.transaction, stage.after.transaction, stage.speed.sent)
        self._show.says("Writing the same rows by a COPY loop, and those of the yardstick …")
        return await copy_loops(self._stack.connection, self._stack.settings, rows)


def vouchers_of(workload: Workload, shape: int) -> int:
    """How many vouchers come of a payment of this shape."""
    payments = list(workload.payments(shape, 1, Numbering("S")))
    books = simulated(workload.reference([workload.pair(shape)]), payments).books.posting
    return sum(1 for _ in books.vouchers) - _INVOICES
