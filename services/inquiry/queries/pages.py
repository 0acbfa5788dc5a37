"""Pages of a list: the rows after a place, and the place that the next page begins after.

Invariant: a place is the sort key of the last row that was shown, so what is posted between two pages shifts nothing; it is made of
texts and whole numbers alone, to be written into a cursor and read back as it was. Offsets and totals are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = dict[str, Any]

Place = tuple[str | int, ...]
"""A row's place in its list: what the list is sorted by, ending with what names the row."""


LARGEST: Final = 2**63 - 1
"""The largest whole number that a column holds."""


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which rows of a list: at most `limit` after the place `after`; None: from the beginning."""

    after: Place | None = None
    limit: int = 50

    @property
    def probe(self) -> int:
        """How many rows to read: one more than are shown says whether there are more."""
        return self.limit + 1

    def texts(self, parts: int) -> list[str] | None:
        """The place as SQL takes it; ValueError if it is none of a list with so many parts in its sort key."""
        if self.after is None:
            return None
        if len(self.after) != parts:
            msg = f"a place in this list has {parts} parts, not {len(self.after)}"
            raise ValueError(msg)
        return [str(part) for part in self.after]


class PageOfRows(NamedTuple):
    """A page of a list; `after` is the place that the next one begins after, None: there are no more rows."""

    rows: list[Row]
    after: Place | None = None


class Cut(NamedTuple):
    """The records of a page, and where it ends if there are more."""

    records: list[Any]
    after: Place | None


def cut(page: PageWanted, records: Iterable[Any], place: Callable[[Any], Place]) -> Cut:
    """Of records read with `page.probe` those that are shown; `place` gives the place of one."""
    found = list(records)
    shown = found[: page.limit]
    return Cut(shown, place(shown[-1]) if len(found) > page.limit and shown else None)
