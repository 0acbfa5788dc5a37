"""Vouchers with their lines, their sisters in other companies, and what the companies' own systems said of them.

Invariant: a voucher is spelled as on the topic (shared.rows.voucher_row) and has beside it when it was posted and why; a page takes
as many statements whatever is in it; it is found along (company, date), along (company, what was said of its import, date), or along
the lines of an account or a party.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from services.inquiry.queries.as_of import ALWAYS
from services.inquiry.queries.companies import scope
from services.inquiry.queries.pages import LARGEST, PageOfRows, PageWanted, read_page
from services.inquiry.rules.imports import NOTHING_SAID
from shared.events.vouchers import EventName, Voucher, VoucherLine, voucher_number
from shared.money import ZERO
from shared.rows import instant, voucher_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VoucherSelection:
    """Which vouchers: None selects all. `minimum` and `maximum`: of their debit in accounting currency.

    `settlement` is the id of the event that asked for it, `settlement_source` its source. `imported`: whether the company's own system
    has it; `no`: nothing was said of it yet.
    """

    companies: tuple[str, ...] | None = None
    ledger: str | None = None
    kind: str | None = None
    document: str | None = None
    party: str | None = None
    settlement: str | None = None
    settlement_source: str | None = None
    from_: dt.date | None = None
    to: dt.date | None = None
    account: str | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    sort: Literal["date", "-date"] = "-date"
    known_at: dt.datetime | None = None
    imported: Literal["no", "failed", "yes"] | None = None


_STATES: Final = {"no": NOTHING_SAID, "failed": "failed", "yes": "imported"}
_FILTERS: Final = """
v.company = any($1) and ($2::text is null or v.ledger = $2) and ($3::text is null or v.kind = $3)
and ($4::text is null or v.document = $4) and ($5::text is null or v.run_id = $5) and ($6::text is null or v.run_source = $6)
and {v_dates} and v.posted_at <= $9
and ($12::numeric is null and $13::numeric is null or (
    select coalesce($12, 0) <= sum(l.accounting_debit) and sum(l.accounting_debit) <= coalesce($13, 'infinity'::numeric)
    from lines l where l.company = v.company and l.series = v.series and l.number = v.number))"""
_LINE_FILTERS: Final = """
l.company = c.company and ($10::text is null or l.account = $10) and ($11::text is null or l.party = $11)
and {l_dates}"""
_HAS_LINE: Final = """
($10::text is null and $11::text is null or exists (
    select from lines l where l.company = v.company and l.series = v.series and l.number = v.number
    and ($10::text is null or l.account = $10) and ($11::text is null or l.party = $11)))"""
_PLACE: Final = "(($14::text[])[1]::date, ($14::text[])[2], ($14::text[])[3]::bigint, ($14::text[])[4])"
_STATE: Final = "($15::text is null or v.import_state = $15)"
_ALONG: Final = f"""
select v.* from unnest($1::text[]) as c (company) cross join lateral (
    select v.* from vouchers v where v.company = c.company and {_FILTERS} and {_HAS_LINE} and {{state}}
    and ($14::text[] is null or (v.date, v.series, v.number, v.company) {{comparison}} {_PLACE})
    order by {{order}} limit $16
) as v order by {{order}}, v.company{{way}} limit $16"""
_FEW: Final = f"""
with found as materialized (select v.* from vouchers v where {_FILTERS} and {_HAS_LINE} and {_STATE})
select v.* from found v where ($14::text[] is null or (v.date, v.series, v.number, v.company) {{comparison}} {_PLACE})
order by {{order}}, v.company{{way}} limit $16"""
_BY_LINE: Final = f"""
select v.* from unnest($1::text[]) as c (company) cross join lateral (
    select v.* from (
        select l.date, l.series, l.number, l.company from lines l where {_LINE_FILTERS}
        and case when exists (
            select from lines f where f.company = l.company and f.series = l.series and f.number = l.number and f.line < l.line
            and ($10::text is null or f.account = $10) and ($11::text is null or f.party = $11)
        ) then false else true end
        and ($14::text[] is null or (l.date, l.series, l.number, l.company) {{comparison}} {_PLACE})
        order by {{line_order}}
    ) as l cross join lateral (
        select * from vouchers v where v.company = l.company and v.series = l.series and v.number = l.number offset 0
    ) as v where {_FILTERS} and {_STATE} order by {{line_order}} limit $16
) as v order by {{order}}, v.company{{way}} limit $16"""


def _in_order(statement: str, sort: str) -> str:
    comparison, way = ("<", " desc") if sort == "-date" else (">", "")
    order, line_order = (", ".join(f"{table}.{name}{way}" for name in ("date", "series", "number")) for table in "vl")
    passed = "$14::text[] is not null or"  # the place is a narrower bound, and an index can begin at one alone
    for table in "vl":
        first, last = f"{table}.date >= $7", f"{table}.date <= $8"
        dates = f"{first} and ({passed} {last})" if sort == "-date" else f"({passed} {first}) and {last}"
        statement = statement.replace(f"{{{table}_dates}}", dates)
    return statement.replace("{comparison}", comparison).replace("{way}", way).replace("{order}", order).replace("{line_order}", line_order)


_LISTS: Final = {
    (source, sort): _in_order(statement, sort)
    for source, statement in (
        ("along", _ALONG.replace("{state}", "$15::text is null")),
        ("state", _ALONG.replace("{state}", "v.import_state = $15")),
        ("few", _FEW),
        ("lines", _BY_LINE),
    )
    for sort in ("date", "-date")
}
_ONE: Final = "select v.* from vouchers v where v.company = $1 and v.series = $2 and v.number = $3"
LINES: Final = """
select l.* from unnest($1::text[], $2::text[], $3::bigint[]) as k (company, series, number)
join lines l using (company, series, number) order by l.company, l.series, l.number, l.line"""
_SISTERS: Final = """
select k.company as of_company, k.series as of_series, k.number as of_number, v.company, v.series, v.number
from unnest($1::text[], $2::text[], $3::bigint[]) as k (company, series, number)
join vouchers o using (company, series, number)
join vouchers v on v.run_id = o.run_id and v.run_source = o.run_source and v.ledger = o.ledger and v.record = o.record and v.kind = o.kind
and v.company <> o.company order by v.company, v.series, v.number"""
_IMPORTED: Final = """
select k.company, k.voucher, i.state, i.at, i.erp_number, i.message, i.event_source, i.event_id
from unnest($1::text[], $2::text[]) as k (company, voucher) join imported i using (company, voucher)"""


async def vouchers(connection: Connection, selection: VoucherSelection, page: PageWanted) -> PageOfRows:
    """The selected vouchers with their lines, the newest date first or last; a row's place: date, series, number, company."""
    shown = await read_page(
        connection,
        page,
        _LISTS[_source(selection), selection.sort],
        await scope(connection, selection.companies),
        selection.ledger,
        selection.kind,
        selection.document,
        selection.settlement,
        selection.settlement_source,
        selection.from_ or dt.date.min,
        selection.to or dt.date.max,
        selection.known_at or ALWAYS,
        selection.account,
        selection.party,
        selection.minimum,
        selection.maximum,
        page.texts(4),
        _STATES.get(selection.imported or ""),
        place=lambda each: (each["date"].isoformat(), each["series"], each["number"], each["company"]),
    )
    return PageOfRows(await voucher_rows(connection, shown.records), shown.after, shown.total)


def _source(selection: VoucherSelection) -> str:
    if selection.document is not None or selection.settlement is not None:
        return "few"
    if selection.account is not None or selection.party is not None:
        return "lines"
    return "along" if selection.imported is None else "state"


async def voucher(connection: Connection, company: str, name: str) -> Row | None:
    """A voucher by its company and name (series-number); None: there is none."""
    series, _, number = name.rpartition("-")
    if not number.isdecimal() or not series or int(number) > LARGEST:
        return None
    rows = await voucher_rows(connection, await connection.fetch(_ONE, company, series, int(number)))
    return rows[0] if rows else None


async def voucher_rows(connection: Connection, records: Sequence[Any]) -> list[Row]:
    """Vouchers as they are shown, from rows of the table, in their order: three statements however many they are."""
    if not records:
        return []
    columns = [[record[name] for record in records] for name in ("company", "series", "number")]
    lines: dict[tuple[str, str, int], list[VoucherLine]] = {}
    for line in await connection.fetch(LINES, *columns):
        lines.setdefault(_key(line), []).append(line_of(line))
    sisters: dict[tuple[str, str, int], list[Row]] = {}
    for each in await connection.fetch(_SISTERS, *columns):
        key = (each["of_company"], each["of_series"], each["of_number"])
        sisters.setdefault(key, []).append({"company": each["company"], "voucher": _name(each)})
    said = await connection.fetch(_IMPORTED, columns[0], [_name(record) for record in records])
    imported = {(each["company"], each["voucher"]): _imported(each) for each in said}
    return [
        {
            **numbered(voucher_row(_voucher(record, lines.get(_key(record), [])))),
            **posted(record),
            "sisters": sisters.get(_key(record), []),
            "imported": imported.get((record["company"], _name(record))),
        }
        for record in records
    ]


def numbered(row: Row) -> Row:
    """A voucher with the number of each line, by which it is asked why the line is there."""
    return {**row, "lines": [{"line": number, **line} for number, line in enumerate(row["lines"], start=1)]}


def posted(record: Any) -> Row:
    """When a voucher was posted, and the event from outside that it came of."""
    return {
        "posted_at": instant(record["posted_at"]),
        "caused_by": {"source": record["first_source"], "id": record["first_id"]},
    }


def _key(record: Any) -> tuple[str, str, int]:
    return record["company"], record["series"], record["number"]


def _name(record: Any) -> str:
    return voucher_number(record["series"], record["number"])


def _voucher(record: Any, lines: list[VoucherLine]) -> Voucher:
    return Voucher(
        voucher=_name(record),
        series=record["series"],
        number=record["number"],
        company=record["company"],
        accounting_currency=record["accounting_currency"],
        ledger=record["ledger"],
        kind=record["kind"],
        date=record["date"],
        document=record["document"],
        lines=lines,
        settlement=None if record["run_id"] is None else EventName(record["run_source"], record["run_id"]),
        record=record["record"],
        reference=record["reference"],
        digest=record["digest"],
    )


def line_of(record: Any) -> VoucherLine:
    """A line as the topic has it: 0 on the side that it is not on."""
    return VoucherLine(
        posting_type=record["posting_type"],
        account=record["account"],
        partner=record["partner"],
        party=record["party"],
        party_account=record["party_account"],
        settles=record["settles"],
        currency=record["currency"],
        debit=record["debit"] or ZERO,
        credit=record["credit"] or ZERO,
        accounting_debit=record["accounting_debit"] or ZERO,
        accounting_credit=record["accounting_credit"] or ZERO,
        dimensions=orjson.loads(record["dimensions"]) if record["dimensions"] else {},
        text=record["text"],
        rule=record["rule"],
    )


def _imported(record: Any) -> Row:
    return {
        "state": record["state"],
        "at": instant(record["at"]),
        "erp_number": record["erp_number"],
        "message": record["message"],
        "said_by": {"source": record["event_source"], "id": record["event_id"]},
    }
