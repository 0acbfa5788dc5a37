"""The mutation score of the cores, by package, from what `mutmut results --all true` prints (`make mutants`).

A mutant counts as killed if a test fails, if the tests do not end in time, or if mypy refuses it, as `make lint` would.
The last column leaves out what mypy refuses: how many of the others the tests alone see.
What was not checked (`make mutants ONLY=...`) counts nowhere and is told below the table.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

LEAST = 85
"""The score, in percent, below which this ends with an error."""
SEEN = ("killed", "timeout")
BY_TYPES = "caught by type check"
STATUSES = (*SEEN, BY_TYPES, "survived", "no tests")
NOT_CHECKED = "not checked"


def _package(mutant: str) -> str:
    parts = mutant.split(".")
    return ".".join(parts[:3] if parts[0] == "services" else parts[:2])


def counted(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """How many mutants of each package have which status; the lines are `mutant: status`."""
    counts: dict[str, Counter[str]] = {}
    for line in lines:
        mutant, _, status = line.strip().rpartition(": ")
        counts.setdefault(_package(mutant), Counter())[status] += 1
    return counts


def scores(counts: Counter[str]) -> tuple[float, float]:
    """The score, and that of the tests alone, in percent."""
    seen, total = sum(counts[status] for status in SEEN), counts.total()
    return 100 * (seen + counts[BY_TYPES]) / total, 100 * seen / max(total - counts[BY_TYPES], 1)


def main() -> int:
    """Prints the table; 1 if the score is too low."""
    counts = counted(sys.stdin)
    unchecked = sum(of_package.pop(NOT_CHECKED, 0) for of_package in counts.values())
    counts = {package: of_package for package, of_package in counts.items() if of_package.total()}
    counts["all"] = sum(counts.values(), Counter())
    table = Table("package", *STATUSES, "other", "total", "score %", "tests alone %")
    for package, of_package in sorted(counts.items(), key=lambda entry: (entry[0] == "all", entry[0])):
        figures = [of_package[status] for status in STATUSES]
        other = of_package.total() - sum(figures)
        table.add_row(package, *map(str, (*figures, other, of_package.total())), *(f"{score:.1f}" for score in scores(of_package)))
    console = Console(width=140)
    console.print(table)
    if unchecked:
        console.print(f"{unchecked} mutants were not checked")
    return int(scores(counts["all"])[0] < LEAST)


if __name__ == "__main__":
    sys.exit(main())
