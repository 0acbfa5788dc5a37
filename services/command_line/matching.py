"""Which expected rows find a row of their own among those that came: the largest matching, whatever the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E")
C = TypeVar("C")


def unmatched(expected: list[E], came: list[C], agrees: Callable[[E, C], bool]) -> tuple[list[E], list[C]]:
    """The expected rows that found none, and the rows that came for which none was expected.

    An expected row may agree with several (it need not name every field), so an earlier one gives way to another row
    where a later one would find none (augmenting paths).
    """
    fits = [[place for place, row in enumerate(came) if agrees(entry, row)] for entry in expected]
    taken: dict[int, int] = {}

    def find(entry: int, tried: set[int]) -> bool:
        free = next((place for place in fits[entry] if place not in taken), None)
        if free is not None:
            taken[free] = entry
            return True
        for place in fits[entry]:
            if place not in tried:
                tried.add(place)
                if find(taken[place], tried):
                    taken[place] = entry
                    return True
        return False

    lost = [entry for entry in range(len(expected)) if not find(entry, set())]
    return [expected[entry] for entry in lost], [row for place, row in enumerate(came) if place not in taken]
