"""Documents with what is open of each, and one document with all that was taken from it.

Invariant: open, state and age are those of the date that is asked for (as_of.py); a page is read by an index whatever the filter:
open documents from what is open and what was touched since, others along (company, due date) or (company, date), few by their names.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import orjson

from services.inquiry.queries.as_of import NOW, OF_KEYS, THEN, THERE, TOUCHED, UNTOUCHED, AsOf
from services.inquiry.queries.companies import names, scope
from services.inquiry.queries.discounts import SALES_TAX, Terms, still_to_be_had
from services.inquiry.queries.pages import PageOfRows, PageWanted, read_page
from shared.events.kinds import LOWERING
from shared.events.vouchers import voucher_number
from shared.rows import document_row, instant, money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.delivery.ports import Connection

Row = dict[str, Any]

State = Literal["open", "closed", "reversed"]
Sort = Literal["due_date", "-due_date", "date", "-date"]


class DocumentName(NamedTuple):
    """A document's name in its ledger."""

    ledger: str
    company: str
    document: str


@dataclass(frozen=True, slots=True)
class DocumentSelection:
    """Which documents: None selects all. `minimum`: of what is open of the state `open`, else of the amount; document's currency."""

    companies: tuple[str, ...] | None = None
    ledger: str | None = None
    party: str | None = None
    account: str | None = None
    kind: str | None = None
    document: str | None = None
    state: State | None = None
    due_to: dt.date | None = None
    currency: str | None = None
    minimum: Decimal | None = None
    sort: Sort = "due_date"
    as_of: AsOf = NOW


_FILTERS: Final = """
($4::text is null or d.ledger = $4) and ($5::text is null or d.party = $5)
and ($6::text is null or d.account = $6) and ($7::text is null or d.kind = $7) and ($8::text is null or d.document = $8)
and ($9::date is null or coalesce(d.due_date, d.date) <= $9) and ($10::text is null or d.currency = $10)"""
_DATES: Final = {"date": "$2", "known_at": "$3", "companies": "$1"}
_THERE: Final = THERE.format(**_DATES)
_THEN: Final = THEN.format(**_DATES)
_COLUMNS: Final = "d.*, open_then, open_accounting_then, is_reversed"
_STATE: Final = """
case $12::text when 'open' then open_then <> 0 when 'reversed' then is_reversed
when 'closed' then case when open_then <> 0 then false else not is_reversed end else true end
and ($11::numeric is null or case $12::text when 'open' then abs(open_then) else d.amount end >= $11)"""

_OF_OPEN: Final = f"""
with touched as materialized ({TOUCHED.format(**_DATES)}),
found as (
    select d.* from unnest($1::text[]) as c (company) cross join lateral (
        select d.*, d.open as open_then, d.open_accounting as open_accounting_then, false as is_reversed from documents d
        where d.company = c.company and d.open <> 0 and {UNTOUCHED} and {_FILTERS} and {{there}}
        and ($11::numeric is null or abs(d.open) >= $11) and {{after}} order by {{order}} limit $14
    ) as d
    union all
    select {_COLUMNS} from touched k {OF_KEYS} {_THEN} where d.company = any($1) and {_FILTERS} and {_THERE} and {_STATE}
)"""
_OF_FEW: Final = f"""
with found as materialized (
    select {_COLUMNS} from documents d {_THEN} where d.company = any($1) and {_FILTERS} and {_THERE} and {_STATE}
)"""
_OF_REVERSED: Final = f"""
with found as materialized (
    select {_COLUMNS} from documents d {_THEN}
    where d.reversed_on <= $2 and d.company = any($1) and {_FILTERS} and {_THERE} and {_STATE}
)"""
_ALONG: Final = f"""
with found as (
    select d.* from unnest($1::text[]) as c (company) cross join lateral (
        select {_COLUMNS} from documents d {_THEN}
        where d.company = c.company and {_FILTERS} and {{there}} and {_STATE} and {{after}} order by {{order}} limit $14
    ) as d
)"""
_PAGE: Final = """
select d.*, d.cash_discounts::text as tiers, {key} as sorted_by from found d where {after} order by {order} limit $14"""
_SOURCES: Final = {"open": _OF_OPEN, "few": _OF_FEW, "reversed": _OF_REVERSED, "along": _ALONG}
_KEYS: Final = {"due_date": "coalesce(d.due_date, d.date)", "date": "d.date"}


def _statement(source: str, sort: str) -> str:
    """A list from one of the sources in one order; a place in it is (date, ledger, document, company)."""
    key, comparison, way = _KEYS[sort.removeprefix("-")], *(("<", " desc") if sort.startswith("-") else (">", ""))
    row = f"({key}, d.ledger, d.document, d.company)"
    place = "(($13::text[])[1]::date, ($13::text[])[2], ($13::text[])[3], ($13::text[])[4])"
    after = f"($13::text[] is null or {row} {comparison} {place})"
    order = ", ".join(f"{each}{way}" for each in (key, "d.ledger", "d.document", "d.company"))
    # A place by descending date is a narrower bound than the date asked for, and an index can begin at one alone.
    there = _THERE.replace("d.date <= $2", "($13::text[] is not null or d.date <= $2)") if sort == "-date" else _THERE
    return _SOURCES[source].replace("{there}", there).replace("{after}", after).replace("{order}", order) + _PAGE.format(
        key=key, after=after, order=order
    )


_LISTS: Final = {(source, sort): _statement(source, sort) for source in _SOURCES for sort in ("due_date", "-due_date", "date", "-date")}

_ONE: Final = f"""
select {_COLUMNS}, d.cash_discounts::text as tiers from documents d {_THEN}
where d.ledger = $4 and d.company = $1 and d.document = $5 and {_THERE}"""
_NET: Final = """
select e.source, e.id, (
    select coalesce(sum((line ->> 'amount')::numeric), 0) from json_array_elements(e.data -> 'lines') as line
    where line ->> 'account' = $3 or line ->> 'account' in (
        select json_array_elements_text(r.data -> 'accounts' -> $3) from reference_taken r
        where r.type = 'company.defined' and r.key = 'company/' || replace(replace(e.company, '%', '%25'), '/', '%2F'))
) as tax, (
    select r.data ->> 'cash_discount_base' from reference_taken r
    where r.key = 'settlement-parameters/' || replace(replace(k.company, '%', '%25'), '/', '%2F') || '/' || k.ledger
    order by r.position desc limit 1
) as base
from unnest($1::text[], $2::text[], $4::text[], $5::text[]) as k (source, id, company, ledger)
join events e on e.source = k.source and e.id = k.id and e.is_current"""
_TAKES: Final = """
select t.*, o.ledger as other_ledger, o.company as other_company, o.document as other_document, d.currency, d.accounting_currency,
case when t.side = 'L' then r.amount else r.applied end * case when t.side = 'L' and r.enlarges then -1 else 1 end as paid,
case when t.side = 'R' then r.cash_discount else 0 end as cash_discount,
case when (t.side = 'R') = r.enlarges then r.credit_note_discount else 0 end as credit_note_discount
from takes t join documents d using (ledger, company, document)
join records r on r.run_id = t.run_id and r.run_source = t.run_source and r.ledger = t.ledger and r.number = t.number
left join takes o on o.run_id = t.run_id and o.run_source = t.run_source and o.ledger = t.ledger and o.number = t.number
and o.side <> t.side
where t.ledger = $1 and t.company = $2 and t.document = $3 and t.date <= $4 and t.posted_at <= $5
order by t.date, t.run_source, t.run_id, t.number, t.side"""
_VOUCHERS: Final = """
select company, series, number, kind, date, posted_at from vouchers
where document = $3 and ledger = $1 and company = $2 and run_id is null and date <= $4 and posted_at <= $5
union
select v.company, v.series, v.number, v.kind, v.date, v.posted_at from takes t
join vouchers v on v.run_id = t.run_id and v.run_source = t.run_source and v.ledger = t.ledger and v.record = t.number
where t.ledger = $1 and t.company = $2 and t.document = $3 and v.date <= $4 and v.posted_at <= $5
order by posted_at, company, series, number"""


async def documents(connection: Connection, selection: DocumentSelection, page: PageWanted) -> PageOfRows:
    """The selected documents as of the date asked for, a page of them; the place of a row: date sorted by, ledger, document, company."""
    companies = await scope(connection, selection.companies)
    shown = await read_page(
        connection,
        page,
        _LISTS[_source(selection), selection.sort],
        companies,
        *selection.as_of.arguments,
        selection.ledger,
        selection.party,
        selection.account,
        selection.kind,
        selection.document,
        selection.due_to,
        selection.currency,
        selection.minimum,
        selection.state,
        page.texts(4),
        place=lambda each: (each["sorted_by"].isoformat(), each["ledger"], each["document"], each["company"]),
    )
    return PageOfRows(await _rows(connection, shown.records, selection.as_of), shown.after, shown.total)


def _source(selection: DocumentSelection) -> str:
    of_few = selection.document is not None or selection.party is not None
    if selection.state == "open" and not (of_few and selection.as_of != NOW):
        return "open"
    if of_few:
        return "few"
    return "reversed" if selection.state == "reversed" else "along"


async def document(connection: Connection, key: DocumentName, as_of: AsOf = NOW) -> Row | None:
    """One document as of the date asked for, with what was taken from it by then and its vouchers; None: there is none."""
    record = await connection.fetchrow(_ONE, key.company, *as_of.arguments, key.ledger, key.document)
    if record is None:
        return None
    (row,) = await _rows(connection, [record], as_of)
    takes = await connection.fetch(_TAKES, *key, *as_of.arguments)
    vouchers = await connection.fetch(_VOUCHERS, *key, *as_of.arguments)
    return {**row, "takes": [_take(each, as_of) for each in takes], "vouchers": [_voucher(each) for each in vouchers]}


async def _rows(connection: Connection, records: list[Any], as_of: AsOf) -> list[Row]:
    called = await names(connection, (record["party"] for record in records))
    terms = await _terms(connection, records)
    return [_row(record, called.get(record["party"]), terms.get((record["ledger"], *_name(record))), as_of) for record in records]


def _name(record: Any) -> tuple[str, str]:
    return record["company"], record["document"]


async def _terms(connection: Connection, records: Iterable[Any]) -> dict[tuple[str, str, str], Terms]:
    """The terms of discount of the open documents that lower nothing: a credit note's own are another matter (C16)."""
    giving = [each for each in records if each["tiers"] is not None and each["open_then"] > 0 and each["kind"] not in LOWERING]
    if not giving:
        return {}
    columns = [[record[name] for record in giving] for name in ("event_source", "event_id", "company", "ledger")]
    rows = await connection.fetch(_NET, *columns[:2], SALES_TAX, *columns[2:])
    tax = {(row["source"], row["id"]): Decimal(0) if row["base"] == "gross" else row["tax"] for row in rows}
    terms = {}
    for each in giving:
        net = each["amount"] - tax.get((each["event_source"], each["event_id"]), Decimal(0))
        terms[each["ledger"], *_name(each)] = Terms(orjson.loads(each["tiers"]), each["date"], each["amount"], net, each["currency"])
    return terms


def _row(record: Any, party_name: str | None, terms: Terms | None, as_of: AsOf) -> Row:
    currency, left, due_date = record["currency"], record["open_then"], record["due_date"] or record["date"]
    discount = still_to_be_had(terms, left, as_of.date) if terms is not None and as_of.date is not None else None
    state = "reversed" if record["is_reversed"] else "open" if left else "closed"
    return {
        **document_row(record["ledger"], _name(record), currency, record["sign"] * left),
        "kind": record["kind"],
        "party": {"id": record["party"], "name": party_name},
        "account": record["account"],
        "date": record["date"].isoformat(),
        "due_date": due_date.isoformat(),
        "age_days": None if as_of.date is None or state != "open" or record["kind"] in LOWERING else (as_of.date - due_date).days,
        "amount": money(record["amount"], currency),
        "open": money(left, currency),
        "accounting_currency": record["accounting_currency"],
        "open_accounting": money(record["open_accounting_then"], record["accounting_currency"]),
        "state": state,
        "reversed_on": record["reversed_on"].isoformat() if record["is_reversed"] else None,
        "discount": None
        if discount is None
        else {"amount": money(discount.amount, currency), "until": None if discount.until is None else discount.until.isoformat()},
        "reference": record["reference"],
        "text": record["text"],
        "event": {"source": record["event_source"], "id": record["event_id"]},
        "posted_at": instant(record["posted_at"]),
    }


def _take(record: Any, as_of: AsOf) -> Row:
    date, known_at = as_of.arguments
    reversed_on = record["reversed_on"]
    in_force = reversed_on is None or reversed_on > date or (as_of.known_at is not None and record["reversed_at"] > known_at)
    return {
        "settlement": {"source": record["run_source"], "id": record["run_id"]},
        "record": record["number"],
        "other": {"ledger": record["other_ledger"], "company": record["other_company"], "document": record["other_document"]},
        "date": record["date"].isoformat(),
        "amount": money(record["amount"], record["currency"]),
        **{name: money(amount, record["currency"]) for name, amount in _parts(record).items()},
        "accounting_amount": money(record["value"], record["accounting_currency"]),
        "reversed_on": None if in_force else reversed_on.isoformat(),
        "posted_at": instant(record["posted_at"]),
    }


def _parts(record: Any) -> dict[str, Decimal]:
    """What a take is made of: paid, the discounts, and the rest: an over- or underpayment or a penny difference."""
    parts = {name: record[name] for name in ("paid", "cash_discount", "credit_note_discount")}
    return {**parts, "difference": record["amount"] - sum(parts.values())}


def _voucher(record: Any) -> Row:
    return {
        "company": record["company"],
        "voucher": voucher_number(record["series"], record["number"]),
        "kind": record["kind"],
        "date": record["date"].isoformat(),
        "posted_at": instant(record["posted_at"]),
    }
