"""How much was posted minute by minute in the last hour, and what was posted last.

Invariant: its cost grows with what was posted in that hour, not with what was ever posted (an index on the time of posting).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from services.inquiry.queries.companies import scope
from shared.events.vouchers import voucher_number
from shared.rows import instant, money

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

Row = dict[str, Any]

MINUTES: Final = 60
LAST: Final = 8
"""So many vouchers are those that were posted last."""
_POSTED: Final = """
select date_trunc('minute', v.posted_at, 'UTC') as minute, count(*) as vouchers, count(*) filter (where v.kind = 'payment') as payments
from vouchers v where v.posted_at >= $2 and v.company = any($1::text[]) group by 1"""

_LAST: Final = """
select v.*, (
    select coalesce(sum(l.accounting_debit), 0) from lines l
    where l.company = v.company and l.series = v.series and l.number = v.number
) as amount
from (
    select v.* from unnest($1::text[]) as c (company) cross join lateral (
        select v.* from vouchers v where v.company = c.company order by v.position desc limit $2
    ) as v order by v.position desc limit $2
) as v order by v.position desc"""


async def posted_by_minute(connection: Connection, companies: tuple[str, ...] | None, now: datetime) -> list[Row]:
    """Payments and vouchers of these companies by the minute in which they were posted: sixty rows, the last one of now."""
    last = now.astimezone(UTC).replace(second=0, microsecond=0)
    minutes = [last - timedelta(minutes=MINUTES - 1 - place) for place in range(MINUTES)]
    found = {row["minute"]: row for row in await connection.fetch(_POSTED, await scope(connection, companies), minutes[0])}
    return [_row(minute, found.get(minute)) for minute in minutes]


async def posted_last(connection: Connection, companies: tuple[str, ...] | None) -> list[Row]:
    """The vouchers of these companies that were taken last, the last one first, with their debit in accounting currency."""
    return [_named(each) for each in await connection.fetch(_LAST, await scope(connection, companies), LAST)]


def _named(found: Any) -> Row:
    return {
        "company": found["company"],
        "voucher": voucher_number(found["series"], found["number"]),
        "kind": found["kind"],
        "date": found["date"].isoformat(),
        "document": found["document"],
        "amount": money(found["amount"], found["accounting_currency"]),
        "accounting_currency": found["accounting_currency"],
        "posted_at": instant(found["posted_at"]),
    }


def _row(minute: datetime, found: Any) -> Row:
    return {
        "minute": instant(minute),
        "payments": 0 if found is None else found["payments"],
        "vouchers": 0 if found is None else found["vouchers"],
    }
