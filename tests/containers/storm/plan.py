"""When which fault begins: drawn from a seed.

Invariant: the same seed and seconds give the same plan; of any so many faults in a row as there are kinds, beginning with the first,
each kind is there once, so none is rare.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.containers.storm.faults import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.containers.storm.faults import Fault

LEAST_PAUSE: Final = 3.0
LONGEST_PAUSE: Final = 9.0


class Planned(NamedTuple):
    """A fault, and how many seconds after the storm's beginning it begins at the earliest."""

    at: float
    fault: Fault


def plan(seed: int, seconds: float) -> list[Planned]:
    """The faults of a storm of so many seconds, in their order; each kind at least once, whatever the seconds."""
    return list(_drawn(Random(seed), seconds))  # noqa: S311 - drawn, no secret


def _drawn(random: Random, seconds: float) -> Iterator[Planned]:
    at, turn = 0.0, list(KINDS)
    for number in range(1_000_000):
        if number % len(turn) == 0:
            random.shuffle(turn)
        at += random.uniform(LEAST_PAUSE, LONGEST_PAUSE)
        if number >= len(turn) and at > seconds:
            return
        yield Planned(at, turn[number % len(turn)].drawn(random))
