"""When which fault begins: drawn from a seed, and after the rest that a part needs.

Invariant: the same seed and seconds give the same plan; of any so many faults in a row as there are kinds, beginning with the first,
each kind is there once, so none is rare. A part is left alone after a fault for as long as that took: where a broker needs a minute to
start, the next fault still finds it at work.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.containers.storm.faults import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.containers.storm.faults import Fault

LEAST_PAUSE: Final = 3.0
LONGEST_PAUSE: Final = 9.0
AT_ONCE: Final = 3
"""Faults that are under way."""
REST: Final = 6.0
"""Seconds for which a part is left alone after a fault, at least."""


class Planned(NamedTuple):
    """A fault, and how many seconds after the storm's beginning it begins at the earliest."""

    at: float
    fault: Fault


class Turns:
    """The faults of a plan as they can begin: each in its time, and once its part has rested. Seconds since the storm's beginning."""

    def __init__(self, planned: Iterable[Planned]) -> None:
        self.left = list(planned)
        self._begun: dict[str, float] = {}
        self._rested: dict[str, float] = {}

    def begin(self, now: float) -> Fault | None:
        """The first fault that can begin now; its part is taken until `end`. None while there are enough of them."""
        for planned in self.left if len(self._begun) < AT_ONCE else ():
            turn = planned.fault.turn
            if planned.at <= now and turn not in self._begun and self._rested.get(turn, 0.0) <= now:
                self.left.remove(planned)
                self._begun[turn] = now
                return planned.fault
        return None

    def end(self, fault: Fault, now: float) -> None:
        """The fault is over."""
        self._rested[fault.turn] = now + max(REST, now - self._begun.pop(fault.turn))


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
