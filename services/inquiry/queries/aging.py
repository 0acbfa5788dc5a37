"""What is open by how long it has been due: per company or party, ledger and currency, and per company in accounting currency.

What lowers (payments, credit notes) is not due: what of it is not applied yet stands beside the ages, in a bucket of its own.

Invariant: the sums are those of the open documents of that date (documents.py), debit positive; each document is in one bucket.
"""

from __future__ import annotations

import datetime as dt
import heapq
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from services.inquiry.queries.as_of import NOW, OF_KEYS, THEN, THERE, TOUCHED, UNTOUCHED, AsOf
from services.inquiry.queries.companies import names, scope
from shared.events.kinds import LOWERING
from shared.money import ZERO
from shared.rows import money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.delivery.ports import Connection

Row = dict[str, Any]

_Key = tuple[str, str, str]
"""Company or party, ledger, currency."""

BUCKETS: Final = (30, 60, 90)
"""The last days of the buckets of what is overdue."""
UNAPPLIED: Final = "unapplied"
"""The bucket of what lowers: payments and credit notes of which something is open."""
MOST_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class AgingSelection:
    """Which open documents, summed by what, at which date. `buckets`: ascending days overdue at which a bucket ends.

    `on`: the day that due dates are compared with; None: that of `as_of`, which must then have one. `top`: so many rows at most, those
    with the largest totals.
    """

    companies: tuple[str, ...] | None = None
    ledger: str | None = None
    party: str | None = None
    by: Literal["company", "party"] = "company"
    buckets: tuple[int, ...] = BUCKETS
    as_of: AsOf = NOW
    on: dt.date | None = None
    top: int = MOST_ROWS


class Aging(NamedTuple):
    """`buckets`: their names in order; `rows`: per key and currency; `sums`: per company and ledger in accounting currency.

    `left_out`: how many rows there are beside those with the largest totals.
    """

    buckets: list[str]
    rows: list[Row]
    sums: list[Row]
    left_out: int = 0


_DATES: Final = {"date": "$2", "known_at": "$3", "companies": "$1"}
_WANTED: Final = f"""
d.company = any($1) and {THERE.format(**_DATES)}
and ($4::text is null or d.ledger = $4) and ($5::text is null or d.party = $5)"""
_OPEN: Final = f"""
with touched as materialized ({TOUCHED.format(**_DATES)}),
open as (
    select d.ledger, d.company, d.kind, d.party, d.currency, d.accounting_currency, d.due_date, d.date,
    d.sign * d.open as amount, d.sign * d.open_accounting as accounting_amount
    from documents d where d.open <> 0 and {UNTOUCHED} and {_WANTED}
    union all
    select d.ledger, d.company, d.kind, d.party, d.currency, d.accounting_currency, d.due_date, d.date,
    d.sign * open_then, d.sign * open_accounting_then
    from touched k {OF_KEYS} {THEN.format(**_DATES)} where open_then <> 0 and {_WANTED}
)
select company, ledger, {{party}} as party, currency, accounting_currency,
case when kind = any($8::text[]) then cardinality($6::int[]) + 1
else width_bucket($7::date - coalesce(due_date, date), $6::int[]) end as bucket,
sum(amount) as amount, sum(accounting_amount) as accounting_amount, count(*) as documents
from open group by 1, 2, 3, 4, 5, 6"""
_BY: Final = {"company": _OPEN.format(party="null::text"), "party": _OPEN.format(party="party")}


async def aging(connection: Connection, selection: AgingSelection) -> Aging:
    """What is open by how long it has been due. ValueError without a day to compare with, or if the buckets do not ascend from 1."""
    on = selection.on or selection.as_of.date
    if on is None:
        msg = "the ages of what is open need a day to compare due dates with"
        raise ValueError(msg)
    bounds = _bounds(selection.buckets)
    companies = await scope(connection, selection.companies)
    filters = (selection.ledger, selection.party)
    found = await connection.fetch(_BY[selection.by], companies, *selection.as_of.arguments, *filters, bounds, on, sorted(LOWERING))
    buckets = bucket_names(selection.buckets)
    totals = _totals(found, selection.by, buckets)
    largest = heapq.nlargest(selection.top, totals, key=lambda key: abs(totals[key].total))
    called = await names(connection, (value for value, _, _ in largest)) if selection.by == "party" else {}
    rows = [_row(selection.by, key, totals[key], buckets, called) for key in sorted(largest)]
    return Aging(buckets, rows, _sums(found, buckets), len(totals) - len(rows))


def _bounds(buckets: tuple[int, ...]) -> list[int]:
    """Where each bucket but the first begins: 1 day overdue, and the day after the last of the one before."""
    bounds = [1, *(last + 1 for last in buckets)]
    if any(high <= low for low, high in pairwise(bounds)):
        msg = f"the buckets end at {', '.join(map(str, buckets))} days: each has to end later than the one before, the first after 0"
        raise ValueError(msg)
    return bounds


def bucket_names(buckets: tuple[int, ...]) -> list[str]:
    """What the buckets are called: not due, 1-30, 31-60, 61-90, over 90; and what is not applied yet."""
    bounds = [1, *(last + 1 for last in buckets)]
    return ["not_due", *(f"{low}-{high - 1}" for low, high in pairwise(bounds)), f"over_{bounds[-1] - 1}", UNAPPLIED]


def _totals(found: Iterable[Any], by: str, buckets: list[str]) -> dict[_Key, _Sum]:
    totals: dict[_Key, _Sum] = {}
    for record in found:
        key = (record[by], record["ledger"], record["currency"])
        totals.setdefault(key, _Sum.of(buckets)).add(record["bucket"], record["amount"], record["documents"])
    return totals


def _row(by: str, key: _Key, total: _Sum, buckets: list[str], called: dict[str, str | None]) -> Row:
    value, ledger, currency = key
    shown = {"company": value} if by == "company" else {"party": {"id": value, "name": called.get(value)}}
    return {**shown, "ledger": ledger, "currency": currency, **total.as_row(buckets, currency)}


def _sums(found: Iterable[Any], buckets: list[str]) -> list[Row]:
    sums: dict[tuple[str, str, str], _Sum] = {}
    for record in found:
        key = (record["company"], record["ledger"], record["accounting_currency"])
        sums.setdefault(key, _Sum.of(buckets)).add(record["bucket"], record["accounting_amount"], record["documents"])
    return [
        {"company": company, "ledger": ledger, "accounting_currency": currency, **total.as_row(buckets, currency)}
        for (company, ledger, currency), total in sorted(sums.items(), key=lambda each: each[0])
    ]


@dataclass(slots=True)
class _Sum:
    """What adds up to a row: an amount per bucket, and how many documents there are."""

    amounts: list[Decimal]
    documents: int = 0

    @classmethod
    def of(cls, buckets: list[str]) -> _Sum:
        """Nothing yet."""
        return cls([ZERO] * len(buckets))

    def add(self, bucket: int, amount: Decimal, documents: int) -> None:
        """One more group of documents."""
        self.amounts[bucket] += amount
        self.documents += documents

    @property
    def total(self) -> Decimal:
        """What is in all buckets."""
        return sum(self.amounts, ZERO)

    def as_row(self, buckets: list[str], currency: str) -> Row:
        """As it is shown."""
        amounts = {name: money(amount, currency) for name, amount in zip(buckets, self.amounts, strict=True)}
        return {"amounts": amounts, "total": money(self.total, currency), "documents": self.documents}
