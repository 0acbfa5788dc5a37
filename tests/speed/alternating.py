"""Two states of the code by turns, on a machine that does other things too: `python -m tests.speed.alternating OTHER_CLONE`.

Each state runs in a process of its own with the interpreter of its own clone, and posts a batch whenever it is told to; the ratio of
the processor time of each pair of neighbouring batches is that of the states, whatever else the machine does. Less than 1: the one
this is run in is faster.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[2]
CHILD = """
import asyncio, sys, tempfile, time
from pathlib import Path
from pydantic import SecretStr
import gc
from services.bench.history import SEED_NUMBERING
from services.bench.workload import Workload
from shared.embedded.database import embedded_database
from shared.settings import Settings
from tests.speed.assembly import running_line

async def main(size):
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_database(Path(folder)) as url, running_line(Settings(database_url=SecretStr(url), namespace="byturns")) as line:
            workload = Workload(parties=1_000)
            await line.send(workload.reference())
            warm = list(workload.payments(0, size, SEED_NUMBERING))
            await line.invoices(warm)
            await line.pay(warm)
            gc.collect(); gc.freeze(); gc.set_threshold(50_000, 20, 100)
            first = 0
            print("ready", flush=True)
            while sys.stdin.readline().strip():
                payments = list(workload.payments(first, size))
                first += size
                spent = [-time.process_time()]
                await line.invoices(payments)
                spent[0] += time.process_time(); spent.append(-time.process_time())
                await line.pay(payments)
                spent[1] += time.process_time()
                print(*(each / size * 1e6 for each in spent), flush=True)

asyncio.run(main(int(sys.argv[1])))
"""


class State:
    """A state of the code at work."""

    def __init__(self, clone: Path, batch: int) -> None:
        command = [str(clone / ".venv/bin/python"), "-c", CHILD, str(batch)]
        self._process = subprocess.Popen(command, cwd=clone, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        self.answer()

    def answer(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def batch(self) -> tuple[float, float]:
        """Microseconds of processor time for a payment's invoices, and for the payment."""
        assert self._process.stdin is not None
        self._process.stdin.write("next\n")
        self._process.stdin.flush()
        invoices, payment = map(float, self.answer().split())
        return invoices, payment

    def end(self) -> None:
        """Lets it stop."""
        self._process.communicate("\n")


def ratio(pairs: list[tuple[float, float]]) -> str:
    """The median of the ratios, and between what it lies 95 times of 100."""
    ratios = [here / there for here, there in pairs]
    drawn = random.Random(1)  # noqa: S311 - no secret
    medians = sorted(statistics.median(drawn.choices(ratios, k=len(ratios))) for _ in range(2_000))
    here, there = (statistics.median(each) for each in zip(*pairs, strict=True))
    return (
        f"{statistics.median(ratios):.3f} ({medians[50]:.3f} to {medians[1949]:.3f}), {len(pairs)} pairs; {here:,.0f} and {there:,.0f} µs"
    )


def main(other: Path, pairs: int, batch: int) -> None:
    """Runs both by turns, and prints the ratios."""
    here, there = State(HERE, batch), State(other, batch)
    spent = []
    for number in range(pairs):
        order = (here, there) if number % 2 else (there, here)
        first, second = (state.batch() for state in order)
        spent.append((first, second) if number % 2 else (second, first))
    for name, place in (("two invoices", 0), ("payment", 1)):
        sys.stdout.write(f"{name}: {ratio([(one[place], two[place]) for one, two in spent])}\n")
    here.end()
    there.end()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("other", type=Path)
    arguments.add_argument("--pairs", type=int, default=30)
    arguments.add_argument("--batch", type=int, default=100)
    main(**vars(arguments.parse_args()))
