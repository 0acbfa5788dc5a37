"""The journals that wait for a key, a slice at a time.

The statement gives what waits for each of these keys ($1, JSON lists), after a sequence ($2), the oldest first: at most $3 rows of
a key, and of all together as many as begin within $4 bytes. A row without data says of a key that there is more.

Invariant: row by row along an index of key and sequence, which alone gives this order: whatever the planner believes of the
table, no more is read than is given.
"""

from __future__ import annotations

from typing import Final

_NEXT: Final = """
(select * from (
    select sequence, octet_length(data::text)::bigint as size from
    (select * from waiting where (wakes, sequence) > ({key}, {after}) order by wakes, sequence limit 1) n where n.wakes = {key}
    union all
    select sequence, octet_length(data::text)::bigint as size from
    (select * from waiting where (relation, sequence) > ({key}, {after}) order by relation, sequence limit 1) n where n.relation = {key}
) either order by sequence limit 1)"""

WAITING_WOKEN: Final = f"""
with recursive walk as (
    select k.wakes, w.sequence, w.size, w.size as upto, 1 as number from unnest($1::text[]) as k (wakes)
    cross join lateral {_NEXT.format(key="k.wakes", after="$2")} w
    union all
    select p.wakes, w.sequence, w.size, p.upto + w.size, p.number + 1 from walk p
    cross join lateral {_NEXT.format(key="p.wakes", after="p.sequence")} w
    where p.number <= $3 and p.upto - p.size < $4
), summed as (select wakes, sequence, number, sum(size) over (order by sequence, wakes) - size as before from walk)
select wakes, case when number <= $3 and before < $4 then (select data from waiting w where w.sequence = s.sequence) end as data
from summed s order by sequence"""  # noqa: S608 - statements of our own
