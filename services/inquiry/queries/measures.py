"""What is measured of the books every few seconds: which companies do not agree with another one, and how long vouchers took.

Invariant: the cost grows with the pairs of companies, and with the newest vouchers, of which no more than MOST_TIMED are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

MOST_TIMED: Final = 2_000
"""Vouchers whose time is taken at one look: the newest."""

_PAIRS: Final = """
select company, bool_or(differs)::int as differs from (
    select least(company, partner) as one, greatest(company, partner) as other, currency, sum(debit - credit) <> 0 as differs
    from between_months group by 1, 2, 3) as pairs
cross join lateral (values (one), (other)) as each (company) group by company"""
_LAST: Final = "select position from vouchers order by position desc limit 1"
_TIMED: Final = """
select v.kind, v.position, extract(epoch from v.posted_at - e.received_at)::float8 as seconds
from (select kind, position, posted_at, first_source, first_id from vouchers where position > $1 order by position desc limit $2) as v
join events e on e.id = v.first_id and e.source = v.first_source and e.is_current"""


class Timed(NamedTuple):
    """A voucher's kind, its place, and the seconds from the broker's time of the first event to its commit."""

    kind: str
    position: int
    seconds: float


async def pairs_that_differ(connection: Connection) -> dict[str, float]:
    """By company that owes another one or is owed: 1 where it and another one do not have the same, in some currency; else 0."""
    return {row["company"]: row["differs"] for row in await connection.fetch(_PAIRS)}


async def last_position(connection: Connection) -> int:
    """The place of the voucher that was read last; 0: there is none."""
    return await connection.fetchval(_LAST) or 0


async def timed(connection: Connection, after: int) -> list[Timed]:
    """The newest vouchers after a place."""
    rows: list[Any] = await connection.fetch(_TIMED, after, MOST_TIMED)
    return [Timed(*row.values()) for row in rows]
