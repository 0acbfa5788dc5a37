"""Indexes that are read in order, a page at a time: who holds a document, who waits to reserve it, the last records of a run.

Invariant: of what there may be very much of, only as many rows are read as are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from services.settlement.stored_tables import Row, joined

IN_LINE: Final = 2
"""So many of those that hold a document, or wait to reserve it, are read first; every further page is as large as all before it."""


class StoredPages(NamedTuple):
    """How an index is read in order, a page at a time; the statement gives an array of bodies for each page."""

    table: str
    select: str
    key: Callable[[Any], Row]


def _pages(table: str, found: str, order: str, key: Callable[[Any], Row], *columns: str) -> StoredPages:
    unnested = ", ".join(f"${number}::text[]" for number in range(1, len(columns) + 1))
    select = (
        f"select array({found} order by {order} offset k.after limit k.most) as bodies"  # noqa: S608 - names of our own
        f" from unnest({unnested}, ${len(columns) + 1}::int[], ${len(columns) + 2}::int[])"
        f" with ordinality as k ({', '.join(columns)}, after, most, number) order by k.number"
    )
    return StoredPages(table, select, key)


# What reserves is found by its index and not, as a limit would suggest, by going through all that waits in order.
_RESERVING = "select body from (select sequence, body from waiting where reserves @> array[k.key] offset 0) held"
# Not `wakes = k.key`: by that any index in the order of sequences would do, also that of all that waits.
_WAITERS = "select body from waiting where wakes between k.key and k.key"
_OF_RUN = "select body from records where run_id = k.id and run_source = k.source and ledger = k.ledger"
PAGES: Final = {
    "waiters": _pages("waiting", _WAITERS, "wakes, sequence", lambda key: (joined(key),), "key"),
    "holders": _pages("waiting", _RESERVING, "sequence", lambda key: (joined(key),), "key"),
    "numbered": _pages("records", _OF_RUN, "records.number desc", lambda key: (*key[0], key[1]), "source", "id", "ledger"),
}
