"""What others may read of the posting service's tables: vouchers and balances as its rules have them, and what checks them.

Invariant: `connection` is one to the posting service's schema; rows are read as the service's own store reads them
(stored_tables), and what is not asked for is not read. Nothing is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.posting.rules.numbers import VoucherKey
from services.posting.stored_tables import (
    BALANCES,
    IN_ORDER,
    LINES_OF_VOUCHERS,
    VOUCHERS,
    WEIGHTS,
    balance_of,
    columns,
    key_of,
    lines_by_voucher,
    voucher_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from datetime import date

    from services.posting.rules.books import Balance, BalanceKey
    from shared.delivery.ports import Connection
    from shared.events.vouchers import Voucher

_LONGEST_COUNT: Final = 9
"""Digits that a voucher's count can have and the column can hold."""
_PAGE: Final = 50
"""Vouchers, without their lines, read at once."""
MOST_LINES: Final = 2_000
"""Lines read at once, those of one voucher at least, which may have ten thousand; long dimensions count as more lines."""
_NEXT: Final = f"""
{VOUCHERS} where (company, series, number) > ($1, $2, $3) and ($4::text is null or company = $4) and ($5::date is null or date >= $5)
{IN_ORDER} limit $6"""
_OF_DOCUMENTS: Final = f"""
{VOUCHERS} join unnest($1::text[], $2::text[], $3::text[]) as wanted (ledger, company, document) using (ledger, company, document)
where v.run_id is null order by company, date, series, number"""
_NUMBERED: Final = f"{VOUCHERS} where v.company = $1 and v.series = $2 and v.number = $3"
_OF_RUNS: Final = f"""
{VOUCHERS} join unnest($1::text[], $2::text[]) as wanted (run_source, run_id) using (run_source, run_id)
where v.kind in ('settlement', 'settlement_reversal') order by company, date, series, number"""
CURRENCIES: Final = """
select data ->> 'company' as company, data ->> 'currency' as currency from reference where type = 'company.defined'"""

_COUNT: Final = "select count(*) from vouchers"
_SETTLEMENT_COUNT: Final = "select count(*) from vouchers where kind in ('settlement', 'settlement_reversal')"
_UNBALANCED: Final = """
select company, series || '-' || number as voucher from lines group by company, series, number, currency
having coalesce(sum(debit), 0) <> coalesce(sum(credit), 0)
union select company, series || '-' || number from lines group by company, series, number
having coalesce(sum(accounting_debit), 0) <> coalesce(sum(accounting_credit), 0) limit 20"""
_GAPS: Final = """
select n.company, n.series, n.number as last, count(v.number) as vouchers, coalesce(max(v.number), 0) as highest
from numbers n left join vouchers v using (company, series) group by n.company, n.series, n.number
having count(v.number) <> n.number or coalesce(max(v.number), 0) <> n.number"""
_BALANCES_DIFFER: Final = """
with sums as (
    select company, account, posting_type, coalesce(partner, '') as partner, currency,
    coalesce(sum(debit), 0) as debit, coalesce(sum(credit), 0) as credit,
    coalesce(sum(accounting_debit), 0) as accounting_debit, coalesce(sum(accounting_credit), 0) as accounting_credit
    from lines group by company, account, posting_type, coalesce(partner, ''), currency
)
select coalesce(s.company, b.company) as company, coalesce(s.account, b.account) as account
from sums s full join balances b using (company, account, posting_type, partner, currency)
where (s.debit, s.credit, s.accounting_debit, s.accounting_credit)
is distinct from (b.debit, b.credit, b.accounting_debit, b.accounting_credit) limit 20"""
_DOCUMENT_COUNTS: Final = """
select company, ledger, kind, count(*) as vouchers from vouchers where run_id is null group by company, ledger, kind"""
_RECORD_COUNTS: Final = """
select run_source, run_id, ledger, record, count(*) filter (where kind = 'settlement') as made,
count(*) filter (where kind = 'settlement_reversal') as reversed
from vouchers join unnest($1::text[], $2::text[], $3::text[], $4::int[]) as wanted (run_source, run_id, ledger, record)
using (run_source, run_id, ledger, record) group by run_source, run_id, ledger, record"""

RecordName = tuple[str, str, str, int]
"""A settlement record: source and id of its run, ledger, number."""


async def voucher_numbered(connection: Connection, company: str, voucher: str) -> Voucher | None:
    """A company's voucher by its number as an ERP shows it (AR-SET-000012); None if there is none."""
    series, _, number = voucher.rpartition("-")
    if not (number.isascii() and number.isdecimal()) or len(number) > _LONGEST_COUNT:
        return None
    return next(iter(await _with_lines(connection, _NUMBERED, company, series, int(number))), None)


async def vouchers_of_documents(connection: Connection, documents: Iterable[tuple[str, str, str]]) -> list[Voucher]:
    """The vouchers that posted these documents (ledger, company, number), and those that reversed them."""
    return await _with_lines(connection, _OF_DOCUMENTS, *columns(documents, 3))


async def vouchers_of_runs(connection: Connection, runs: Iterable[tuple[str, str]]) -> list[Voucher]:
    """The vouchers of these runs (source, id) and of their reversals, in all companies."""
    return await _with_lines(connection, _OF_RUNS, *columns(runs, 2))


async def voucher_pages(connection: Connection, company: str | None = None, since: date | None = None) -> AsyncIterator[list[Voucher]]:
    """All vouchers, of one company, from a voucher date on; in the order of companies, series and numbers, a page at a time."""
    after = VoucherKey("", "", 0)
    while rows := await connection.fetch(_NEXT, *after, company, since, _PAGE):
        async for part in _in_parts(connection, rows):
            yield part
        after = VoucherKey(*key_of(rows[-1]))


async def _in_parts(connection: Connection, rows: Sequence[Any]) -> AsyncIterator[list[Voucher]]:
    """The vouchers of these rows, as many at once as weigh no more than MOST_LINES lines, one at least."""
    part: list[Any] = []
    held = 0
    weights = await connection.fetch(WEIGHTS, *columns(map(key_of, rows), 3))
    for row, weighed in zip(rows, weights, strict=True):
        if part and held + weighed["weight"] > MOST_LINES:
            yield await _read(connection, part)
            part, held = [], 0
        part.append(row)
        held += weighed["weight"]
    if part:
        yield await _read(connection, part)


async def _with_lines(connection: Connection, query: str, *arguments: Any) -> list[Voucher]:
    return await _read(connection, await connection.fetch(query, *arguments))


async def _read(connection: Connection, rows: Iterable[Any]) -> list[Voucher]:
    lines = lines_by_voucher(await connection.fetch(LINES_OF_VOUCHERS, *columns(map(key_of, rows), 3)))
    currencies = {row["company"]: row["currency"] for row in await connection.fetch(CURRENCIES)}
    return [voucher_of(row, lines, currencies[row["company"]])[1] for row in rows]


async def balances(connection: Connection, company: str | None = None) -> dict[BalanceKey, Balance]:
    """The running sums of all accounts, or of one company's, in the order of their keys."""
    return dict(balance_of(row) for row in await connection.fetch(BALANCES, company))


# What checks the tables: each of these is empty, or agrees with what settlement has, when nothing is under way


async def voucher_count(connection: Connection) -> int:
    """How many vouchers there are."""
    return int(await connection.fetchval(_COUNT))


async def settlement_voucher_count(connection: Connection) -> int:
    """How many of them belong to a settlement record, reversals included."""
    return int(await connection.fetchval(_SETTLEMENT_COUNT))


async def unbalanced_vouchers(connection: Connection) -> list[str]:
    """Vouchers that do not balance in each of their currencies and in the accounting currency; the first 20."""
    return [_words(row) for row in await connection.fetch(_UNBALANCED)]


async def number_gaps(connection: Connection) -> list[str]:
    """Series in which a number up to the last that was given has no voucher: last number, vouchers, highest number."""
    return [_words(row) for row in await connection.fetch(_GAPS)]


async def differing_balances(connection: Connection) -> list[str]:
    """Accounts whose balance is not the sum of their lines; the first 20."""
    return [_words(row) for row in await connection.fetch(_BALANCES_DIFFER)]


async def document_voucher_counts(connection: Connection) -> dict[tuple[str, str, str], int]:
    """How many vouchers post or reverse a document, by company, ledger and kind."""
    rows = await connection.fetch(_DOCUMENT_COUNTS)
    return {(row["company"], row["ledger"], row["kind"]): row["vouchers"] for row in rows}


async def record_voucher_counts(connection: Connection, records: Iterable[RecordName]) -> dict[RecordName, tuple[int, int]]:
    """How many settlement vouchers each of these records has, and how many that reverse them; those that have any."""
    rows = await connection.fetch(_RECORD_COUNTS, *columns(records, 4))
    return {(row["run_source"], row["run_id"], row["ledger"], row["record"]): (row["made"], row["reversed"]) for row in rows}


def _words(row: Any) -> str:
    return " ".join(str(value) for value in row.values())
