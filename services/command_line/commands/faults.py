"""`check faults`: the services under faults drawn from a seed, in virtual time."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from shared.console import fail, output
from shared.embedded.child import BackingServiceError

if TYPE_CHECKING:
    from services.simulator.checking import Summary
    from services.simulator.seeds import SeedOutcome

Seed = Annotated[int, typer.Option(min=0, help="The first seed.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many.")]
Steps = Annotated[int, typer.Option(min=1, help="After so many calls of ports the faults of a seed end.")]
_HASH_SEED: Final = "PYTHONHASHSEED"


def check_faults(*, seed: Seed = 0, seeds: Seeds = 1, steps: Steps = 50_000) -> None:
    """Runs the services on a simulated broker and an embedded database, kills them, cuts their connections, and judges their books.

    Everything is drawn from the seed and happens in virtual time, so a seed that fails fails again: it is printed with the shortest
    list of faults that was found and the last steps before its end. Exit code 1 if one fails. As many processes as processors share the
    seeds. Needs the embedded database; nothing of yours is touched.

    Example: intercompany check faults --seed 0 --seeds 500
    """
    _repeatable()
    from services.simulator.checking import check_in_parts  # noqa: PLC0415 - it is large, and no other command needs it

    begun = time.monotonic()
    try:
        summary = check_in_parts(range(seed, seed + seeds), steps)
    except BackingServiceError as error:
        fail(str(error))
    output().print(_table(summary, time.monotonic() - begun))
    if summary.failed is not None:
        _print_failure(summary.failed, summary.shortened_from)
        raise typer.Exit(1)


def _repeatable() -> None:
    """Begins again with a fixed order of sets, which Python draws again for each process."""
    if os.environ.get(_HASH_SEED) != "0":
        command = [sys.executable, "-m", "services.command_line.main", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | {_HASH_SEED: "0"})  # noqa: S606 - this program itself


def _table(summary: Summary, seconds: float) -> Table:
    table = Table("", "", show_edge=False, show_header=False)
    workloads = ", ".join(f"{name} {count}" for name, count in sorted(summary.workloads.items()))
    table.add_row("Seeds", f"{summary.seeds:,} ({workloads})")
    table.add_row("Steps", f"{summary.steps:,}")
    table.add_row("Virtual time", f"{summary.seconds / 60:,.1f} min")
    table.add_row("Time", f"{seconds:,.1f} s")
    table.add_row("Faults", f"{summary.struck.total():,}")
    for kind, count in summary.struck.most_common():
        table.add_row(f"  {kind}", f"{count:,}")
    return table


def _print_failure(failed: SeedOutcome, faults: int) -> None:
    out = output()
    out.print(f"\nSeed {failed.seed} fails ({failed.workload}):", style="red", highlight=False)
    for problem in failed.problems:
        out.print(f"  {problem}", markup=False, highlight=False)
    out.print(f"\nwith {len(failed.faults)} of its {faults} faults:", highlight=False)
    for fault in failed.faults:
        out.print(f"  {fault}", markup=False, highlight=False)
    out.print("\nThe last steps:", highlight=False)
    for line in failed.tail:
        out.print(f"  {line}", markup=False, highlight=False)
