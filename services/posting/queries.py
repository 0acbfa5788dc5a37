"""Vouchers and balances as the posting service's tables have them, selected in the database.

Invariant: rows come in the form of scenarios.md, whatever asked for them; what is not asked for is not read.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.inquiry.rows import voucher_order
from services.posting.rules.numbers import VoucherKey
from shared.money import ZERO, rounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from shared.delivery.ports import Connection

Row = dict[str, Any]

_SELECTED: Final = """
select company, series, number, ledger, kind, date, document, run_id, reference from vouchers
where ($1::text is null or company = $1) and ($2::text is null or document = $2) and ($3::text is null or kind = $3)
and ($4::date is null or date >= $4) and ($5::date is null or date <= $5)
order by date desc, company, series, number desc limit $6
"""
_OF_DOCUMENTS: Final = """
select company, series, number, ledger, kind, date, document, run_id, reference from vouchers
join unnest($1::text[], $2::text[], $3::text[]) as wanted (ledger, company, document) using (ledger, company, document)
where run_id is null order by company, date, series, number
"""
_OF_RUNS: Final = """
select company, series, number, ledger, kind, date, document, run_id, reference from vouchers
join unnest($1::text[], $2::text[]) as wanted (run_source, run_id) using (run_source, run_id)
where kind in ('settlement', 'settlement_reversal') order by company, date, series, number
"""
_LINES: Final = """
select company, series, number, posting_type, account, partner, currency, debit, credit, accounting_debit, accounting_credit,
dimensions, text, rule from lines join unnest($1::text[], $2::text[], $3::bigint[]) as wanted (company, series, number)
using (company, series, number) order by company, series, number, line
"""
_BALANCES: Final = """
select company, account, posting_type, partner, currency, debit, credit, accounting_debit, accounting_credit from balances
where $1::text is null or company = $1 order by company, account, posting_type, partner, currency
"""
_COMPANIES: Final = "select data from reference where type = 'company.defined'"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which vouchers: None selects all; the newest `limit` of them."""

    company: str | None = None
    document: str | None = None
    kind: str | None = None
    from_: date | None = None
    to: date | None = None
    limit: int = 50


async def vouchers(connection: Connection, selection: Selection) -> list[Row]:
    """The selected vouchers with their lines, by company and oldest first."""
    rows = await connection.fetch(_SELECTED, *astuple(selection))
    return sorted(await _with_lines(connection, rows), key=voucher_order)


async def vouchers_of_documents(connection: Connection, documents: Iterable[tuple[str, str, str]]) -> list[Row]:
    """The vouchers that posted these documents (ledger, company, number), and those that reversed them."""
    return await _with_lines(connection, await connection.fetch(_OF_DOCUMENTS, *_columns(documents, 3)))


async def vouchers_of_runs(connection: Connection, runs: Iterable[tuple[str, str]]) -> list[Row]:
    """The vouchers of these runs (source, id) and of their reversals, in all companies."""
    return await _with_lines(connection, await connection.fetch(_OF_RUNS, *_columns(runs, 2)))


async def balances(connection: Connection, company: str | None = None) -> list[Row]:
    """The balances of the accounts; amounts are Decimal, partner None where there is none."""
    rows = await connection.fetch(_BALANCES, company)
    return [{**dict(row), "partner": row["partner"] or None} for row in rows]


async def companies(connection: Connection) -> dict[str, Row]:
    """The companies that are defined, by code: `name`, `currency` and the rest of their data."""
    found = [orjson.loads(row["data"]) for row in await connection.fetch(_COMPANIES)]
    return {company["company"]: company for company in found}


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


async def _with_lines(connection: Connection, rows: Sequence[Any]) -> list[Row]:
    keys = [(row["company"], row["series"], row["number"]) for row in rows]
    lines: dict[tuple[Any, ...], list[Row]] = {key: [] for key in keys}
    currencies = {code: company["currency"] for code, company in (await companies(connection)).items()}
    for line in await connection.fetch(_LINES, *_columns(keys, 3)):
        lines[line["company"], line["series"], line["number"]].append(_line(line, currencies[line["company"]]))
    return [_voucher(row, lines[key]) for row, key in zip(rows, keys, strict=True)]


def _voucher(row: Any, lines: list[Row]) -> Row:
    return {
        "voucher": VoucherKey(row["company"], row["series"], row["number"]).voucher,
        "company": row["company"],
        "ledger": row["ledger"],
        "kind": row["kind"],
        "date": row["date"].isoformat(),
        "document": row["document"],
        "reference": row["reference"],
        "settlement": row["run_id"],
        "lines": lines,
    }


def _line(row: Any, accounting_currency: str) -> Row:
    currency = row["currency"]
    return {
        **{name: row[name] for name in ("posting_type", "account", "partner", "currency")},
        **{name: _money(row[name], currency) for name in ("debit", "credit")},
        **{name: _money(row[name], accounting_currency) for name in ("accounting_debit", "accounting_credit")},
        "dimensions": orjson.loads(row["dimensions"]) if row["dimensions"] else {},
        "text": row["text"],
        "rule": row["rule"],
    }


def _money(amount: Decimal | None, currency: str) -> str:
    """The table has nothing on the side that a line is not on."""
    return format(rounded(amount or ZERO, currency), "f")
