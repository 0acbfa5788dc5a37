"""What each company is due from and due to each other one, and the two sides of a pair row by row.

Invariant: per ordered pair and transaction currency, never netted over currencies; due from is debit positive, due to credit
positive; a cell is mirrored where what one side is due from the other is what that one is due to it, and the other way round.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.inquiry.queries.as_of import NOW, AsOf
from services.inquiry.queries.companies import currencies, scope
from services.inquiry.queries.pages import PageOfRows, PageWanted, counted, cut
from shared.events.vouchers import voucher_number
from shared.money import ZERO
from shared.rows import amounts_row, money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.delivery.ports import Connection

Row = dict[str, Any]

_AMOUNTS: Final = ("due_from", "due_to", "accounting_due_from", "accounting_due_to")


@dataclass(frozen=True, slots=True)
class MatrixSelection:
    """Which cells: those of which one of the two companies is in `companies`."""

    companies: tuple[str, ...] | None = None
    currency: str | None = None
    as_of: AsOf = NOW


@dataclass(frozen=True, slots=True)
class PairSelection:
    """The two companies, and which of their postings towards each other: from `from_` to `as_of.date`."""

    company: str
    partner: str
    currency: str | None = None
    from_: dt.date | None = None
    as_of: AsOf = NOW


_SUMS: Final = """
    select m.company, m.partner, m.currency, m.posting_type, m.debit - m.credit as amount,
    m.accounting_debit - m.accounting_credit as accounting_amount, m.last_date, m.lines
    from unnest($1::text[]) as c (company) cross join lateral (
        select * from between_months m where m.company = c.company and m.month < $5::date offset 0
    ) as m
    union all
    select company, partner, currency, posting_type, debit - credit, accounting_debit - accounting_credit, date, lines
    from daily where partner <> '' and date >= $5 and date <= $2 and posting_type in ('due_from', 'due_to') and company = any($1)"""
"""Whole months before the month of the date ($5: its first day), and its days up to the date."""

_LATER: Final = """
    union all
    select company, partner, currency, posting_type, credit - debit, accounting_credit - accounting_debit, null, -lines
    from between_days where posted_on > $7 and date <= $2 and company = any($1)
    union all
    select company, partner, currency, posting_type, -amount, -accounting_amount, null, -1 from that_day where is_later"""
"""What was not known yet, to be taken off: what was posted on later days, and later on the day of `known_at` ($7)."""

_THAT_DAY: Final = """that_day as materialized (
    select company, partner, currency, posting_type, date, coalesce(debit, 0) - coalesce(credit, 0) as amount,
    coalesce(accounting_debit, 0) - coalesce(accounting_credit, 0) as accounting_amount, posted_at > $6 as is_later
    from lines where partner is not null and posting_type in ('due_from', 'due_to') and date <= $2 and company = any($1)
    and posted_at >= $7::date::timestamp at time zone 'UTC' and posted_at < ($7::date + 1)::timestamp at time zone 'UTC'
), known_that_day as materialized (
    select company, partner, currency, max(date) as date from that_day where not is_later group by company, partner, currency
), """
_LAST_DATE: Final = """greatest(
    (select d.date from between_days d where d.company = s.company and d.partner = s.partner and d.currency = s.currency
     and d.posting_type = 'due_from' and d.date <= $2 and d.posted_on < $7 order by d.date desc limit 1),
    (select d.date from between_days d where d.company = s.company and d.partner = s.partner and d.currency = s.currency
     and d.posting_type = 'due_to' and d.date <= $2 and d.posted_on < $7 order by d.date desc limit 1),
    (select t.date from known_that_day t where t.company = s.company and t.partner = s.partner and t.currency = s.currency))"""


def _cells(first: str, sums: str, last_date: str) -> str:
    return f"""
with {first}sums as ({sums}
)
select company, partner, currency, coalesce(sum(amount) filter (where posting_type = 'due_from'), 0) as due_from,
coalesce(-sum(amount) filter (where posting_type = 'due_to'), 0) as due_to,
coalesce(sum(accounting_amount) filter (where posting_type = 'due_from'), 0) as accounting_due_from,
coalesce(-sum(accounting_amount) filter (where posting_type = 'due_to'), 0) as accounting_due_to,
{last_date} as last_date, sum(lines)::bigint as lines
from sums s where ($3::text is null or currency = $3) and ($4::text[] is null or company = any($4) or partner = any($4))
group by company, partner, currency having sum(lines) > 0 order by company, partner, currency"""


_CELLS: Final = _cells("", _SUMS, "max(last_date)")
_CELLS_KNOWN: Final = _cells(_THAT_DAY, _SUMS + _LATER, _LAST_DATE)

_SIDE: Final = """
select l.* from (
    select distinct currency from daily where company = {company} and partner = {partner} and ($7::text is null or currency = $7)
) as c cross join lateral (
    select {company}::text as company, l.currency, l.date, coalesce(v.run_id, '') as run_id, coalesce(v.run_source, '') as run_source,
    v.ledger, coalesce(v.record, -1) as record, v.kind,
    case when v.run_id is null then l.company || ' ' || l.series || ' ' || l.number else '' end as alone,
    min(v.series) as series, min(v.number) as number, min(v.accounting_currency) as accounting_currency, min(v.document) as document,
    coalesce(sum(coalesce(l.debit, 0) - coalesce(l.credit, 0)) filter (where l.posting_type = 'due_from'), 0) as due_from,
    coalesce(sum(coalesce(l.credit, 0) - coalesce(l.debit, 0)) filter (where l.posting_type = 'due_to'), 0) as due_to,
    coalesce(sum(coalesce(l.accounting_debit, 0) - coalesce(l.accounting_credit, 0)) filter (where l.posting_type = 'due_from'), 0)
        as accounting_due_from,
    coalesce(sum(coalesce(l.accounting_credit, 0) - coalesce(l.accounting_debit, 0)) filter (where l.posting_type = 'due_to'), 0)
        as accounting_due_to
    from lines l cross join lateral (
        select * from vouchers v where v.company = l.company and v.series = l.series and v.number = l.number offset 0
    ) as v where l.company = {company} and l.partner = {partner} and l.currency = c.currency and l.posting_type in ('due_from', 'due_to')
    and l.date <= $3 and l.posted_at <= $4 and ($6::text[] is not null or l.date >= $5)
    and ($6::text[] is null or (l.date >= ($6::text[])[1]::date and (l.date, {key}) > {place}))
    group by l.currency, l.date, 4, 5, v.ledger, 7, v.kind, 9
    order by l.date, 4, 5, v.ledger, 7, v.kind, 9, l.currency limit $8
) as l"""
_KEY: Final = ("run_id", "run_source", "ledger", "record", "kind", "alone", "currency")
_KEY_OF_LINE: Final = """
coalesce(v.run_id, ''), coalesce(v.run_source, ''), v.ledger, coalesce(v.record, -1), v.kind,
case when v.run_id is null then l.company || ' ' || l.series || ' ' || l.number else '' end, l.currency"""
_PLACE: Final = """
(($6::text[])[1]::date, ($6::text[])[2], ($6::text[])[3], ($6::text[])[4], ($6::text[])[5]::int, ($6::text[])[6], ($6::text[])[7],
($6::text[])[8])"""
_NAMES: Final = f"date, {', '.join(_KEY)}"


def _side(company: str, partner: str) -> str:
    return _SIDE.format(company=company, partner=partner, key=_KEY_OF_LINE, place=_PLACE)


_PAIR: Final = f"""
select * from (
    select sides.*, dense_rank() over (order by {_NAMES}) as row from (({_side("$1", "$2")}) union all ({_side("$2", "$1")})) as sides
) as sides where row <= $8 order by row, company"""


class Place(NamedTuple):
    """Whose books, towards whom, in which currency."""

    company: str
    partner: str
    currency: str

    def mirrored(self) -> Place:
        """The same seen from the partner's books."""
        return Place(self.partner, self.company, self.currency)


@dataclass(slots=True)
class Cell:
    """What one side has in one currency."""

    due_from: Decimal = ZERO
    due_to: Decimal = ZERO
    accounting_due_from: Decimal = ZERO
    accounting_due_to: Decimal = ZERO
    last_date: dt.date | None = None
    lines: int = 0

    def add(self, posting_type: str, amount: Decimal, accounting_amount: Decimal, date: dt.date) -> None:
        """Takes in a line, debit positive; other posting types than due from and due to are none of a cell."""
        if posting_type == "due_from":
            self.due_from += amount
            self.accounting_due_from += accounting_amount
        elif posting_type == "due_to":
            self.due_to -= amount
            self.accounting_due_to -= accounting_amount
        else:
            return
        self.last_date = max(self.last_date or date, date)
        self.lines += 1

    def as_row(self, currency: str, own: str, prefix: str = "") -> Row:
        """Its amounts, each in its own currency."""
        net, accounting_net = self.due_from - self.due_to, self.accounting_due_from - self.accounting_due_to
        return {
            f"{prefix}due_from": money(self.due_from, currency),
            f"{prefix}due_to": money(self.due_to, currency),
            f"{prefix}net": money(net, currency),
            f"{prefix}accounting_currency": own,
            f"{prefix}accounting_due_from": money(self.accounting_due_from, own),
            f"{prefix}accounting_due_to": money(self.accounting_due_to, own),
            f"{prefix}accounting_net": money(accounting_net, own),
        }


async def matrix(connection: Connection, selection: MatrixSelection) -> list[Row]:
    """The cells by company, partner and currency; both orders of a pair where either side has posted towards the other."""
    everyone = await scope(connection, None)
    chosen = None if selection.companies is None else list(selection.companies)
    found = await connection.fetch(*_question(selection, everyone, chosen))
    cells = {Place(each["company"], each["partner"], each["currency"]): Cell(*list(each.values())[3:]) for each in found}
    own = await currencies(connection, {name for place in cells for name in place[:2]})
    return cell_rows(cells, own)


def _question(selection: MatrixSelection, everyone: list[str], chosen: list[str] | None) -> tuple[Any, ...]:
    date, known_at = selection.as_of.arguments
    asked = (everyone, date, selection.currency, chosen, date.replace(day=1))
    if selection.as_of.known_at is None:
        return _CELLS, *asked
    return _CELLS_KNOWN, *asked, known_at, known_at.astimezone(dt.UTC).date()


def cell_rows(cells: Mapping[Place, Cell], own: Mapping[str, str]) -> list[Row]:
    """Cells as they are shown, with those of the partners beside them; `own`: accounting currencies by company."""
    places = {*cells, *(place.mirrored() for place in cells)}
    return [_cell(cells, place, own) for place in sorted(places) if {place.company, place.partner} <= own.keys()]


def _cell(cells: Mapping[Place, Cell], place: Place, own: Mapping[str, str]) -> Row:
    here, there = cells.get(place, Cell()), cells.get(place.mirrored(), Cell())
    dates = [each.last_date for each in (here, there) if each.last_date is not None]
    return {
        **place._asdict(),
        **here.as_row(place.currency, own[place.company]),
        **there.as_row(place.currency, own[place.partner], "partner_"),
        "mirrored": (here.due_from, here.due_to) == (there.due_to, there.due_from),
        "last_date": max(dates).isoformat(),
        "lines": here.lines,
    }


async def pair(connection: Connection, selection: PairSelection, page: PageWanted) -> PageOfRows:
    """What both companies posted towards each other, a row per settlement record, kind of voucher and currency, the oldest first.

    `difference`: what the first is due from the second, net, and the second from the first: 0.00 where the sides mirror each other.
    """
    asked = (
        *(selection.company, selection.partner, *selection.as_of.arguments, selection.from_ or dt.date.min),
        *(page.texts(1 + len(_KEY)), selection.currency),
    )
    if page.counts:
        return PageOfRows([], None, (await counted(connection, page, _PAIR, *asked, what="distinct row")).total)
    found = await connection.fetch(_PAIR, *asked, page.probe)
    rows: dict[int, list[Any]] = {}
    for record in found:
        rows.setdefault(record["row"], []).append(record)
    shown = cut(page, rows.values(), lambda sides: (sides[0]["date"].isoformat(), *(sides[0][name] for name in _KEY)))
    return PageOfRows([_pair_row(sides, selection) for sides in shown.records], shown.after)


def _pair_row(records: list[Any], selection: PairSelection) -> Row:
    record, sides = records[0], {side["company"]: side for side in records}
    here, there = sides.get(selection.company), sides.get(selection.partner)
    return {
        "date": record["date"].isoformat(),
        "settlement": {"source": record["run_source"], "id": record["run_id"]} if record["run_id"] else None,
        "record": None if record["record"] < 0 else record["record"],
        "ledger": record["ledger"],
        "kind": record["kind"],
        "currency": record["currency"],
        "company": None if here is None else _shown(here),
        "partner": None if there is None else _shown(there),
        "difference": money(_net(here) + _net(there), record["currency"]),
    }


def _net(side: Any) -> Decimal:
    return ZERO if side is None else side["due_from"] - side["due_to"]


def _shown(side: Any) -> Row:
    own = side["accounting_currency"]
    return {
        "company": side["company"],
        "voucher": voucher_number(side["series"], side["number"]),
        "document": side["document"],
        **amounts_row({name: side[name] for name in _AMOUNTS}, side["currency"], own),
        "accounting_currency": own,
    }
