"""The lines of accounts in the order of their dates: a statement, with a running balance where one account in one currency is asked for.

Invariant: the running balance of a line is the balance of the account up to and with that line, in the order of date, series, number
and line, whatever page it stands on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from services.inquiry.queries.as_of import NOW, AsOf
from services.inquiry.queries.balances import DAYS
from services.inquiry.queries.companies import scope
from services.inquiry.queries.pages import PageOfRows, PageWanted, Place, read_page
from services.inquiry.queries.vouchers import line_of, posted
from shared.events.vouchers import voucher_number
from shared.money import ZERO
from shared.rows import line_row, money

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineSelection:
    """Which lines: None selects all; `from_` to `as_of.date`. `dimensions`: names and values that a line must have.

    `running` is shown where `companies` is one company and `account` and `currency` are given, `party` and `dimensions` not.
    """

    companies: tuple[str, ...] | None = None
    account: str | None = None
    posting_type: str | None = None
    partner: str | None = None
    currency: str | None = None
    party: str | None = None
    dimensions: tuple[tuple[str, str], ...] = ()
    from_: dt.date | None = None
    as_of: AsOf = NOW

    @property
    def has_running(self) -> bool:
        """Whether a balance can run along these lines: sums of days are kept by account and currency, not by party or dimension."""
        single = self.companies is not None and len(self.companies) == 1 and self.account is not None and self.currency is not None
        return single and self.party is None and not self.dimensions


_OF_LINE: Final = """
v.posted_at <= $3 and ($4::text is null or l.account = $4) and ($5::text is null or l.posting_type = $5)
and ($6::text is null or l.partner = $6) and ($7::text is null or l.currency = $7) and ($9::text is null or l.party = $9)
and ($10::text is null or l.dimensions::jsonb @> $10::jsonb)"""
_FILTERS: Final = f"l.company = c.company and l.date <= $2 and ($11::text[] is not null or l.date >= $8) and {_OF_LINE}"
_COLUMNS: Final = """
l.*, v.ledger, v.kind, v.document, v.accounting_currency, v.run_source, v.run_id, v.record, v.first_source, v.first_id"""
_PLACE: Final = "(($11::text[])[1]::date, ($11::text[])[2], ($11::text[])[3]::bigint, ($11::text[])[4]::int, ($11::text[])[5])"
_AFTER: Final = f"($11::text[] is null or (l.date, l.series, l.number, l.line, l.company) > {_PLACE})"
_ORDER: Final = "l.date, l.series, l.number, l.line"
_JOINED: Final = """
lines l cross join lateral (
    select * from vouchers v where v.company = l.company and v.series = l.series and v.number = l.number offset 0
) as v"""
"""Lines with their vouchers, each by its key: with `offset 0` the planner does not make of it a join that reads all vouchers."""
_BY_LINES: Final = f"""
select l.* from unnest($1::text[]) as c (company) cross join lateral (
    select {_COLUMNS} from {_JOINED} where {_FILTERS} and {_AFTER} order by {_ORDER} limit $12
) as l order by {_ORDER}, l.company limit $12"""
_BY_PARTNER: Final = f"""
select l.* from (
    select distinct company, currency from daily where partner = $6 and company = any($1) and ($7::text is null or currency = $7)
) as c cross join lateral (
    select {_COLUMNS} from {_JOINED} where {_FILTERS} and l.currency = c.currency and {_AFTER} order by {_ORDER} limit $12
) as l order by {_ORDER}, l.company limit $12"""
_BY_VOUCHERS: Final = f"""
select l.* from unnest($1::text[]) as c (company) cross join lateral (
    select {_COLUMNS} from vouchers v cross join lateral (
        select * from lines l where l.company = v.company and l.series = v.series and l.number = v.number order by l.line offset 0
    ) as l
    where v.company = c.company and v.date <= $2 and ($11::text[] is not null or v.date >= $8) and {_OF_LINE}
    and ($11::text[] is null or (
        (v.date, v.series, v.number) >= (($11::text[])[1]::date, ($11::text[])[2], ($11::text[])[3]::bigint)
        and case when (v.date, v.series, v.number, l.line, v.company) > {_PLACE} then true else false end))
    order by v.date, v.series, v.number, l.line limit $12
) as l order by {_ORDER}, l.company limit $12"""
_BEFORE: Final = f"""
select coalesce(sum(debit - credit), 0) as balance, coalesce(sum(accounting_debit - accounting_credit), 0) as accounting_balance
from ({DAYS}) as days where date < $8
union all
select coalesce(sum(coalesce(l.debit, 0) - coalesce(l.credit, 0)), 0),
coalesce(sum(coalesce(l.accounting_debit, 0) - coalesce(l.accounting_credit, 0)), 0)
from {_JOINED} where l.company = any($1) and l.account = $4 and ($5::text is null or l.posting_type = $5)
and ($6::text is null or l.partner = $6) and l.currency = $7 and v.posted_at <= $3 and l.date = $8 and l.date <= $2
and (l.series, l.number, l.line) <= ($9, $10, $11)"""
"""What the selected lines add up to: those dated before $8, and on that day those up to a line."""


class _Balance(NamedTuple):
    """A balance in transaction and in accounting currency, debit positive."""

    amount: Decimal
    accounting_amount: Decimal


async def lines(connection: Connection, selection: LineSelection, page: PageWanted) -> PageOfRows:
    """The selected lines, the oldest first; a row's place: date, series, number, line, company."""
    companies = await scope(connection, selection.companies)
    shown = await read_page(
        connection,
        page,
        _statement(selection),
        companies,
        *selection.as_of.arguments,
        selection.account,
        selection.posting_type,
        selection.partner,
        selection.currency,
        selection.from_ or dt.date.min,
        selection.party,
        orjson.dumps(dict(selection.dimensions)).decode() if selection.dimensions else None,
        page.texts(5),
        place=_place,
    )
    rows = [_row(record) for record in shown.records]
    if selection.has_running and rows:
        _run_along(rows, shown.records, await _before(connection, selection, page.after))
    return PageOfRows(rows, shown.after, shown.total)


def _statement(selection: LineSelection) -> str:
    if selection.account is not None or selection.party is not None:
        return _BY_LINES
    return _BY_VOUCHERS if selection.partner is None else _BY_PARTNER


def _place(record: Any) -> Place:
    return (record["date"].isoformat(), record["series"], record["number"], record["line"], record["company"])


def _row(record: Any) -> Row:
    settlement = None if record["run_id"] is None else {"source": record["run_source"], "id": record["run_id"]}
    return {
        "company": record["company"],
        "voucher": voucher_number(record["series"], record["number"]),
        "line": record["line"],
        "date": record["date"].isoformat(),
        "ledger": record["ledger"],
        "kind": record["kind"],
        "document": record["document"],
        "accounting_currency": record["accounting_currency"],
        **line_row(line_of(record), record["accounting_currency"]),
        "settlement": settlement,
        "record": record["record"],
        **posted(record),
    }


async def _before(connection: Connection, selection: LineSelection, after: Place | None) -> _Balance:
    """The balance that the page begins with."""
    place = (selection.from_ or dt.date.min, "", 0, 0)
    if after is not None:
        place = (dt.date.fromisoformat(str(after[0])), str(after[1]), int(after[2]), int(after[3]))
    filters = (selection.account, selection.posting_type, selection.partner, selection.currency)
    rows = await connection.fetch(_BEFORE, list(selection.companies or ()), *selection.as_of.arguments, *filters, *place)
    return _Balance(sum((row["balance"] for row in rows), ZERO), sum((row["accounting_balance"] for row in rows), ZERO))


def _run_along(rows: list[Row], records: list[Any], before: _Balance) -> None:
    amount, accounting_amount = before
    for row, record in zip(rows, records, strict=True):
        amount += (record["debit"] or ZERO) - (record["credit"] or ZERO)
        accounting_amount += (record["accounting_debit"] or ZERO) - (record["accounting_credit"] or ZERO)
        row["running"] = money(amount, record["currency"])
        row["accounting_running"] = money(accounting_amount, record["accounting_currency"])
