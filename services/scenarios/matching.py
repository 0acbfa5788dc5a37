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
    lost = [entry for entry in range(len(expected)) if not _place(entry, fits, taken)]
    return [expected[entry] for entry in lost], [row for place, row in enumerate(came) if place not in taken]


def _place(entry: int, fits: list[list[int]], taken: dict[int, int]) -> bool:
    """Finds the entry a place, breadth first; those in the way move on to another of theirs."""
    asked: dict[int, int] = {}
    queue = [entry]
    for asking in queue:
        for place in fits[asking]:
            if place in asked:
                continue
            asked[place] = asking
            if place not in taken:
                _move(entry, place, asked, taken)
                return True
            queue.append(taken[place])
    return False


def _move(entry: int, place: int, asked: dict[int, int], taken: dict[int, int]) -> None:
    held = {holder: place for place, holder in taken.items()}
    while True:
        asking = asked[place]
        taken[place] = asking
        if asking == entry:
            return
        place = held[asking]
