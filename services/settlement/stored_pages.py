"""Indexes that are read in order, a page at a time: who holds a document, who waits to reserve it, the last records of a run.

And what waits for a key, for a reason, or over a document, a slice at a time.

Invariant: of what there may be very much of, only as many rows are given as are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from services.settlement.rules.waiting import EVERY, OVER, WOKEN_AS_ONE
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


def _woken(place: str, also: str = "") -> str:
    """The statement for what is found by an expression (`place`), `also` what the index is limited to."""
    after = f"from waiting where {also}({place}, sequence) >"
    first = f"order by {place}, sequence limit 1"
    return f"""
with recursive walk as (
    select k.wakes, w.sequence, w.size, w.size as upto, 1 as number from unnest($1::text[]) as k (wakes) cross join lateral
    (select sequence, octet_length(body::text)::bigint as size from
     (select *, {place} as place {after} (k.wakes, $2) {first}) n where n.place = k.wakes) w
    union all
    select p.wakes, w.sequence, w.size, p.upto + w.size, p.number + 1 from walk p cross join lateral
    (select sequence, octet_length(body::text)::bigint as size from
     (select *, {place} as place {after} (p.wakes, p.sequence) {first}) n where n.place = p.wakes) w
    where p.number <= $3 and p.upto - p.size < $4
){_GIVEN}"""  # noqa: S608 - expressions of our own


_GIVEN: Final = """, summed as (select wakes, sequence, number, sum(size) over (order by sequence) - size as before from walk)
select wakes, case when number <= $3 and before < $4 then (select body from waiting w where w.sequence = s.sequence) end as body
from summed s order by sequence
"""
_REASON: Final = "split_part(wakes, chr(31), 1)"
_OVER: Final = f"""
with walk as (
    select k.wakes, w.sequence, octet_length(w.body::text)::bigint as size, o.number
    from unnest($1::text[]) as k (wakes) cross join lateral (
        select sequence, row_number() over (order by sequence)::int as number from (
            select sequence from (select sequence from waiting where reserves @> array[k.wakes] offset 0) r where sequence > $2
            union
            select sequence from (
                select sequence from waiting where concerns @> array[k.wakes] and cardinality(concerns) > 0 offset 0
            ) c where sequence > $2
            order by sequence limit $3 + 1
        ) oldest
    ) o join waiting w on w.sequence = o.sequence
){_GIVEN}"""  # noqa: S608 - as above

WOKEN: Final = {
    "wakes": _woken("wakes"),
    EVERY: _woken(_REASON, f"{_REASON} in ({', '.join(map(repr, sorted(WOKEN_AS_ONE)))}) and "),
    OVER: _OVER,
}
"""By index, what waits for each of these keys ($1), after a sequence ($2), the oldest first: at most $3 rows of a key, and of all
together as many as begin within $4 bytes. A row without body says of a key that there is more.

Row by row along the index of both, which alone gives this order: whatever the planner believes of the table, no more is read
than is given. With `wakes = k order by sequence limit 1` it walks through all that waits for something else. What is over a
document is found by an index that has no order: its places are sorted, its bodies read as far as they are given.
"""
