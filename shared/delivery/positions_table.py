"""The SQL on how far a service has read: logs that were reset, and records that were gone before they were read.

A batch moves positions on itself, with all else that it writes (`shell_tables.finish`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.delivery.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from shared.delivery.ports import Connection


async def rebase(connection: Connection, ends: Mapping[Partition, int]) -> dict[Partition, int]:
    """Notes which logs were reset (they end before where they were read to), and gives each partition's base.

    `ends`: the broker's end offsets. The offsets of such a log are rebased: they continue from where the old one was read to.
    """
    topics, numbers = [partition.topic for partition in ends], [partition.number for partition in ends]
    await connection.execute(
        """update positions set base = next_offset from unnest($1::text[], $2::int[], $3::bigint[]) as log (topic, number, ends)
           where positions.topic = log.topic and partition = number and next_offset - base > ends""",
        topics,
        numbers,
        list(ends.values()),
    )
    rows = await connection.fetch("select topic, partition, base from positions where base <> 0")
    return {Partition(row["topic"], row["partition"]): row["base"] for row in rows}


async def positions_of(connection: Connection, places: Collection[Partition]) -> dict[Partition, int]:
    """Where these partitions were read to, rebased; without those that were never read."""
    query = """select topic, partition, next_offset from positions
               where (topic, partition) in (select * from unnest($1::text[], $2::int[]))"""
    rows = await connection.fetch(query, [place.topic for place in places], [place.number for place in places])
    return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def note_gaps(connection: Connection, gaps: Mapping[Partition, tuple[int, int]]) -> None:
    """Notes records that are gone unread: of each partition the first, and the first that is there again."""
    rows = [(*place, first, begin - 1) for place, (first, begin) in gaps.items()]
    if rows:
        query = """insert into gaps (topic, partition, first, last) select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
                   on conflict (topic, partition, first) do update set last = greatest(gaps.last, excluded.last)"""
        await connection.execute(query, *map(list, zip(*rows, strict=True)))


async def open_gaps(connection: Connection) -> list[str]:
    """The first gaps that nobody has acknowledged, as readiness says them."""
    rows = await connection.fetch("select topic, partition, first, last from gaps where not acknowledged order by noted_at limit 5")
    return ["{}/{}: the records {} to {} were gone before they were read".format(*row.values()) for row in rows]


async def acknowledged_gaps(connection: Connection) -> list[dict[str, Any]]:
    """What operators have acknowledged and the log has not said yet; it has, from now on."""
    query = """update gaps set in_log = true where acknowledged and not in_log
               returning topic, partition, first, last, coalesce(acknowledged_by, 'somebody') as by"""
    return [dict(row) for row in await connection.fetch(query)]
