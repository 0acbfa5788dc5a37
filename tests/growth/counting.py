"""How work grows, by counting: calls, statements, rows read and bytes held are the same on every machine, seconds are not.

Invariant: what is counted at N is counted at 2N in the same way, and only of the work in question: what a test prepares does not
count.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any

TWICE: Final = 2.2
"""What twice the load may cost beside once the load, where the work is linear; a square would be 4."""
SAME: Final = 1.25
"""What twice the load may cost, where what is done or held is bounded."""
_COLLECTED: Final = (700, 10, 10)
"""When Python by itself looks for garbage."""
_ANYWAY: Final = 25
"""Queries, and rows, that a load may cost whatever its size."""
_KIB: Final = 1024


class Count:
    """Something that was counted within a context; 0 before its end."""

    def __init__(self) -> None:
        self.value = 0


@contextmanager
def calls() -> Iterator[Count]:
    """The calls of functions, Python's own and those written in C: a measure of work without a clock."""
    counted, before = Count(), sys.getprofile()
    number = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal number
        number += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        yield counted
    finally:
        sys.setprofile(before)
        counted.value = number


@contextmanager
def peak_bytes() -> Iterator[Count]:
    """The most bytes held at once beyond those held at the beginning.

    A service that ran in this process before has garbage looked for rarely, and it would count as held.
    """
    counted, threshold = Count(), gc.get_threshold()
    gc.set_threshold(*_COLLECTED)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield counted
    finally:
        counted.value = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        gc.set_threshold(*threshold)


class Cost(NamedTuple):
    """What a load cost a service."""

    queries: int
    """Statements sent to the database."""
    rows: int
    """Rows that the database read for them."""
    messages: int
    """Messages that the core handled, those folded again included."""
    peak: int
    """Bytes held at once."""

    def assert_linear(self, twice: Cost) -> None:
        """Twice the load costs no more than twice as much."""
        for name in ("queries", "rows"):
            assert_linear(_ANYWAY + getattr(self, name), _ANYWAY + getattr(twice, name), name)
        if self.messages:
            assert_linear(self.messages, twice.messages, "messages")

    def assert_bounded_memory(self, twice: Cost) -> None:
        """Twice the load holds no more."""
        assert twice.peak <= SAME * self.peak + 256 * _KIB, (self, twice)


def assert_linear(once: float, twice: float, what: str = "calls") -> None:
    """Twice the load costs no more than twice as much."""
    assert once > 0, what
    assert twice <= TWICE * once, f"{what}: {once} for the load, {twice} for twice the load"


def assert_bounded(once: float, twice: float, what: str = "calls") -> None:
    """Twice the load costs no more than the load."""
    assert once > 0, what
    assert twice <= SAME * once, f"{what}: {once} for the load, {twice} for twice the load"


def queries_of(schema: str) -> int:
    """The statements that were sent to a service's schema so far, COPY aside."""
    return int(REGISTRY.get_sample_value("intercompany_queries_total", {"schema": schema}) or 0)
