"""What others may read of the posting service's tables: vouchers and balances as its rules have them, and what checks them.

Invariant: `connection` is one to the posting service's schema; rows are read as the service's own store reads them
(stored_tables), and what is not asked for is not read. Nothing is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
from shared.events.kinds import SETTLEMENT, SETTLEMENT_REVERSAL
from shared.events.vouchers import voucher_number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
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
_OF_A_KIND: Final = (
    f"{VOUCHERS} join unnest($1::text[], $2::text[]) as wanted (run_source, run_id) using (run_source, run_id) where v.kind = "
)
_OF_RUNS: Final = f"""
select * from ({_OF_A_KIND}'{SETTLEMENT}' union all {_OF_A_KIND}'{SETTLEMENT_REVERSAL}') as of_runs
order by company, date, series, number"""  # noqa: S608 - the two kinds
"""Each by the index on its kind."""
CURRENCIES: Final = """
select data ->> 'company' as company, data ->> 'currency' as currency from reference where type = 'company.defined'"""

_MARKS: Final = "select company, series, number from numbers order by company, series"
_LAST: Final = "select number from numbers where company = $1 and series = $2"
_PAGE_CHECKED: Final = 500
"""Vouchers, without their lines, that are read at once where all are gone through."""
_FOUND_OF_DOCUMENTS: Final = """
select ledger, company, document, kind, series, number from vouchers
join unnest($1::text[], $2::text[], $3::text[]) as wanted (ledger, company, document) using (ledger, company, document)
where run_id is null order by company, series, number"""
_FOUND_OF_RECORDS: Final = " union all ".join(
    f"""select run_source, run_id, ledger, record, company, kind, series, number from vouchers
    join unnest($1::text[], $2::text[], $3::text[], $4::int[]) as wanted (run_source, run_id, ledger, record)
    using (run_source, run_id, ledger, record) where kind = '{kind}'"""  # noqa: S608 - the two kinds
    for kind in (SETTLEMENT, SETTLEMENT_REVERSAL)
)
"""Each by the index on its kind."""


class Found(NamedTuple):
    """A voucher of a document or of a settlement record, without its lines."""

    company: str
    voucher: str
    kind: str


DocumentName = tuple[str, str, str]
"""A document: ledger, company, number."""
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
        async for part in light_parts(connection, rows):
            yield await _read(connection, part)
        after = VoucherKey(*key_of(rows[-1]))


async def light_parts(connection: Connection, rows: Sequence[Any]) -> AsyncIterator[list[Any]]:
    """Rows that name vouchers, as many at once as those weigh no more than MOST_LINES lines, one at least."""
    part: list[Any] = []
    held = 0
    weights = await connection.fetch(WEIGHTS, *columns(map(key_of, rows), 3)) if rows else []
    for row, weighed in zip(rows, weights, strict=True):
        if part and held + weighed["weight"] > MOST_LINES:
            yield part
            part, held = [], 0
        part.append(row)
        held += weighed["weight"]
    if part:
        yield part


async def _with_lines(connection: Connection, query: str, *arguments: Any) -> list[Voucher]:
    return await _read(connection, await connection.fetch(query, *arguments))


async def _read(connection: Connection, rows: Sequence[Any], known: Mapping[str, str] | None = None) -> list[Voucher]:
    lines = lines_by_voucher(await connection.fetch(LINES_OF_VOUCHERS, *columns(map(key_of, rows), 3)))
    currencies = await _currencies(connection) if known is None else known
    return [voucher_of(row, lines, currencies[row["company"]])[1] for row in rows]


async def _currencies(connection: Connection) -> dict[str, str]:
    return {row["company"]: row["currency"] for row in await connection.fetch(CURRENCIES)}


async def balances(connection: Connection, company: str | None = None) -> dict[BalanceKey, Balance]:
    """The running sums of all accounts, or of one company's, in the order of their keys."""
    return dict(balance_of(row) for row in await connection.fetch(BALANCES, company))


# What the reconciler goes through: a page at a time, each in a statement of its own


class LedgerStand(NamedTuple):
    """The last number given in each series (company, series), and the balances, of one moment; currencies by company."""

    numbers: dict[tuple[str, str], int]
    balances: dict[BalanceKey, Balance]
    currencies: dict[str, str]


async def ledger(connection: Connection) -> LedgerStand:
    """How the ledger stands: the vouchers up to these numbers add up to these balances. The transaction is of one moment."""
    numbers = {(row["company"], row["series"]): row["number"] for row in await connection.fetch(_MARKS)}
    return LedgerStand(numbers, await balances(connection), await _currencies(connection))


async def last_number(connection: Connection, company: str, series: str) -> int:
    """The last number given in a series; 0: none."""
    return int(await connection.fetchval(_LAST, company, series) or 0)


async def voucher_page(connection: Connection, after: VoucherKey | None, currencies: Mapping[str, str]) -> list[Voucher]:
    """The next vouchers by company, series and number, with their lines, MOST_LINES of them at most, one voucher at least.

    None: from the first one on. Empty after the last one. `currencies` as `ledger` gives them: they never change.
    """
    rows = await connection.fetch(_NEXT, *(after or VoucherKey("", "", 0)), None, None, _PAGE_CHECKED)
    part: list[Any] = await anext(light_parts(connection, rows), [])
    return await _read(connection, part, currencies) if part else []


async def found_of_documents(connection: Connection, documents: Iterable[DocumentName]) -> dict[DocumentName, list[Found]]:
    """The vouchers of these documents and of their reversals."""
    found: dict[DocumentName, list[Found]] = {}
    for row in await connection.fetch(_FOUND_OF_DOCUMENTS, *columns(documents, 3)):
        found.setdefault((row["ledger"], row["company"], row["document"]), []).append(_found(row))
    return found


async def found_of_records(connection: Connection, records: Iterable[RecordName]) -> dict[RecordName, list[Found]]:
    """The vouchers of these settlement records and of their reversals, in all companies."""
    found: dict[RecordName, list[Found]] = {}
    for row in await connection.fetch(_FOUND_OF_RECORDS, *columns(records, 4)):
        found.setdefault((row["run_source"], row["run_id"], row["ledger"], row["record"]), []).append(_found(row))
    return found


def _found(row: Any) -> Found:
    return Found(row["company"], voucher_number(row["series"], row["number"]), row["kind"])
