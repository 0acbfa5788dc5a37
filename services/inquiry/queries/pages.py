"""Pages of a list: the rows after a place, and the place that the next page begins after.

Invariant: a place is the sort key of the last row that was shown, so what is posted between two pages shifts nothing; it is made of
texts and whole numbers alone, to be written into a cursor and read back as it was. Offsets are not used, and rows are counted only
where that is asked for, by the statement that lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.delivery.ports import Connection

Row = dict[str, Any]

Place = tuple[str | int, ...]
"""A row's place in its list: what the list is sorted by, ending with what names the row."""


LARGEST: Final = 2**63 - 1
"""The largest whole number that a column holds."""


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which rows of a list: at most `limit` after the place `after`; None: from the beginning. `counts`: only how many, no row."""

    after: Place | None = None
    limit: int = 50
    counts: bool = False

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
    """A page of a list; `after`: the place that the next one begins after, None: there are no more rows.

    `total`: of a page that only counts, how many rows there are, at most one more than its limit.
    """

    rows: list[Row]
    after: Place | None = None
    total: int | None = None


class Cut(NamedTuple):
    """The records of a page, and where it ends if there are more; of a page that only counts, none and how many there are."""

    records: list[Any]
    after: Place | None
    total: int | None = None


async def read_page(connection: Connection, page: PageWanted, statement: str, *arguments: Any, place: Callable[[Any], Place]) -> Cut:
    """What a statement lists, whose last argument is how many rows to read; `place` gives the place of a record."""
    if page.counts:
        return await counted(connection, page, statement, *arguments)
    return cut(page, await connection.fetch(statement, *arguments, page.probe), place)


async def counted(connection: Connection, page: PageWanted, statement: str, *arguments: Any, what: str = "*") -> Cut:
    """How many rows a statement lists, at most one more than the page's limit; `what`: counted of them, as SQL says it."""
    return Cut([], None, await connection.fetchval(f"select count({what}) from ({statement}) as listed", *arguments, page.probe))


def cut(page: PageWanted, records: Iterable[Any], place: Callable[[Any], Place]) -> Cut:
    """Of records read with `page.probe` those that are shown; `place` gives the place of one."""
    found = list(records)
    shown = found[: page.limit]
    return Cut(shown, place(shown[-1]) if len(found) > page.limit and shown else None)
