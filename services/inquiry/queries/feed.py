"""The vouchers in the order in which they were taken here: for a system that reads on from where it was, without Kafka.

Invariant: the caller keeps the position; whoever asks with the last position that he took gets every voucher at least once. A rebuild
keeps the positions, and tables that are made again give none that was given before (migration 0003): a position is either that of the
same voucher as ever, or one at which nobody can read on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.inquiry.queries.companies import scope
from services.inquiry.queries.vouchers import voucher_rows

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

Row = dict[str, Any]


class Feed(NamedTuple):
    """Vouchers, and the position to ask with next: that of the last of them, or the one given if there are none."""

    rows: list[Row]
    after: int


_NEXT: Final = """
select v.* from unnest($1::text[]) as c (company) cross join lateral (
    select v.* from vouchers v where v.company = c.company and v.position > $2 order by v.position limit $3
) as v order by v.position limit $3"""
_GIVEN: Final = "select exists (select from vouchers where position = $1)"


async def is_place(connection: Connection, after: int) -> bool:
    """Whether one can read on from there: at 0, or at the position of a voucher, of whatever company."""
    return after == 0 or bool(await connection.fetchval(_GIVEN, after))


async def feed(connection: Connection, companies: tuple[str, ...] | None, after: int, limit: int) -> Feed:
    """The first `limit` vouchers after a position (0: from the beginning), of these companies, each with its `position`."""
    found = await connection.fetch(_NEXT, await scope(connection, companies), after, limit)
    rows = await voucher_rows(connection, found)
    shown = [{**row, "position": record["position"]} for row, record in zip(rows, found, strict=True)]
    return Feed(shown, found[-1]["position"] if found else after)
