"""The balances of accounts: opening, debit, credit and closing of a period, from the sums of days; and these sums day by day.

Invariant: opening plus debit less credit is closing, in both currencies, debit positive; with `known_at` the lines of vouchers
posted later are taken off the sums of their days.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from services.inquiry.queries.as_of import NOW, AsOf
from services.inquiry.queries.companies import currencies, scope
from services.inquiry.queries.pages import PageOfRows, PageWanted, read_page
from shared.rows import BALANCE_AMOUNTS, amounts_row

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

Row = dict[str, Any]

KEY: Final = ("company", "account", "posting_type", "partner", "currency")


@dataclass(frozen=True, slots=True)
class BalanceSelection:
    """Which accounts: None selects all; `from_`: first day of the period, None: from the beginning; it ends at `as_of.date`.

    `by`: one row per account, posting type, partner and currency for the period, or one per day on which something was posted.
    """

    companies: tuple[str, ...] | None = None
    account: str | None = None
    posting_type: str | None = None
    partner: str | None = None
    currency: str | None = None
    from_: dt.date | None = None
    by: Literal["account", "day"] = "account"
    as_of: AsOf = NOW


_SELECTED: Final = """
{of}company = any($1) and {of}date <= $2 and ($4::text is null or {of}account = $4) and ($5::text is null or {of}posting_type = $5)
and ($6::text is null or {partner} = $6) and ($7::text is null or {of}currency = $7)"""
_OF_DAY: Final = _SELECTED.format(of="", partner="partner")
_OF_LINE: Final = _SELECTED.format(of="l.", partner="coalesce(l.partner, '')")
DAYS: Final = f"""
select company, account, posting_type, partner, currency, date, debit, credit, accounting_debit, accounting_credit, lines
from daily where {_OF_DAY}
union all
select l.company, l.account, l.posting_type, coalesce(l.partner, '') as partner, l.currency, l.date,
-coalesce(l.debit, 0), -coalesce(l.credit, 0), -coalesce(l.accounting_debit, 0), -coalesce(l.accounting_credit, 0), -1
from vouchers v cross join lateral (
    select * from lines l where l.company = v.company and l.series = v.series and l.number = v.number offset 0
) as l where $3::timestamptz < 'infinity' and v.posted_at > $3 and v.company = any($1) and v.date <= $2 and {_OF_LINE}"""
"""The sums of the selected days, and taken off them what was posted after $3: companies, date, known_at, then the four filters."""

_SUMS: Final = ", ".join(
    f"coalesce(sum({name}) filter (where date {period}), 0) as {prefix}{name}"
    for prefix, period in (("opening_", "< $8"), ("", ">= $8"))
    for name in BALANCE_AMOUNTS
)
_BY_ACCOUNT: Final = f"""
select {", ".join(KEY)}, {_SUMS}, max(date) as last_date from ({DAYS}) as days
group by {", ".join(KEY)} having sum(lines) > 0
and ($9::text[] is null or ({", ".join(KEY)}) > (($9::text[])[1], ($9::text[])[2], ($9::text[])[3], ($9::text[])[4], ($9::text[])[5]))
order by {", ".join(KEY)} limit $10"""
_BY_DAY: Final = f"""
select {", ".join(KEY)}, date, {", ".join(f"sum({name}) as {name}" for name in BALANCE_AMOUNTS)} from ({DAYS}) as days
where date >= $8 group by {", ".join(KEY)}, date having sum(lines) > 0
and ($9::text[] is null or ({", ".join(KEY)}, date) >
(($9::text[])[1], ($9::text[])[2], ($9::text[])[3], ($9::text[])[4], ($9::text[])[5], ($9::text[])[6]::date))
order by {", ".join(KEY)}, date limit $10"""


async def balances(connection: Connection, selection: BalanceSelection, page: PageWanted) -> PageOfRows:
    """The balances by account, or the sums by account and day, in the order of company, account, posting type, partner, currency."""
    by_day = selection.by == "day"
    shown = await read_page(
        connection,
        page,
        _BY_DAY if by_day else _BY_ACCOUNT,
        await scope(connection, selection.companies),
        *selection.as_of.arguments,
        selection.account,
        selection.posting_type,
        selection.partner,
        selection.currency,
        selection.from_ or dt.date.min,
        page.texts(len(KEY) + by_day),
        place=lambda each: (*(each[name] for name in KEY), *([each["date"].isoformat()] if by_day else [])),
    )
    own = await currencies(connection, (each["company"] for each in shown.records))
    return PageOfRows([(_day if by_day else _balance)(each, own[each["company"]]) for each in shown.records], shown.after, shown.total)


def _key(record: Any) -> Row:
    return {name: record[name] for name in KEY} | {"partner": record["partner"] or None}


def _amounts(record: Any, accounting_currency: str, amounts: dict[str, Decimal]) -> Row:
    return {"accounting_currency": accounting_currency, **amounts_row(amounts, record["currency"], accounting_currency)}


def _day(record: Any, accounting_currency: str) -> Row:
    amounts = {name: record[name] for name in BALANCE_AMOUNTS}
    return {**_key(record), "date": record["date"].isoformat(), **_amounts(record, accounting_currency, amounts)}


def _balance(record: Any, accounting_currency: str) -> Row:
    opening = {prefix: record[f"opening_{prefix}debit"] - record[f"opening_{prefix}credit"] for prefix in ("", "accounting_")}
    moved = {prefix: record[f"{prefix}debit"] - record[f"{prefix}credit"] for prefix in opening}
    amounts = {
        **{f"{prefix}opening": amount for prefix, amount in opening.items()},
        **{name: record[name] for name in BALANCE_AMOUNTS},
        **{f"{prefix}closing": opening[prefix] + moved[prefix] for prefix in opening},
    }
    return {**_key(record), **_amounts(record, accounting_currency, amounts), "last_date": record["last_date"].isoformat()}
