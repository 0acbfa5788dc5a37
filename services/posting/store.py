"""All SQL of the posting service.

Invariant: the number of queries of a batch does not depend on its size; vouchers and lines are only ever added;
rows that several batches change are written in the order of their keys. The reference data is kept in memory from batch
to batch, and only what was committed is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from services.posting.prefetch import NeededVouchers, needed_by
from services.posting.rules.books import INDEXES, Balance, BalanceKey, Books, balances_of
from services.posting.rules.numbers import SERIES, VoucherKey
from shared.delivery.ports import Connection
from shared.delivery.reference_table import ReferenceTable
from shared.events.envelope import EventRef, Message
from shared.events.kinds import DOCUMENT_KINDS
from shared.events.vouchers import Voucher, VoucherLine
from shared.money import ZERO
from shared.working_set import Missing

_VOUCHER: Final = ("company", "series", "number", "ledger", "kind", "date", "document", "run_source", "run_id", "record", "reference")
_LINE: Final = (
    *("company", "series", "number", "line", "posting_type", "account", "partner", "currency"),
    *("debit", "credit", "accounting_debit", "accounting_credit", "dimensions", "text", "rule"),
)
_VOUCHERS: Final = f"select {', '.join('v.' + column for column in _VOUCHER)} from vouchers v"  # noqa: S608 - the columns above
_LINES: Final = f"select {', '.join('l.' + column for column in _LINE)} from lines l"  # noqa: S608 - the columns above
_IN_ORDER: Final = "order by company, series, number"

OF_RECORDS: Final = f"""
{_VOUCHERS} join unnest($1::text[], $2::text[]) as run (source, id)
on v.run_id = run.id and v.run_source = run.source where v.kind = 'settlement' {_IN_ORDER}"""
OF_DOCUMENTS: Final = f"""
{_VOUCHERS} join unnest($1::text[], $2::text[], $3::text[]) as wanted (ledger, company, document)
on v.document = wanted.document and v.company = wanted.company and v.ledger = wanted.ledger
where v.run_id is null and v.kind = any($4) {_IN_ORDER}"""
OF_VOUCHERS: Final = f"""
{_LINES} join unnest($1::text[], $2::text[], $3::bigint[]) as wanted (company, series, number)
using (company, series, number) order by l.company, l.series, l.number, l.line"""
PAGE: Final = f"""
{_VOUCHERS} where (company, series, number) > ($1, $2, $3) and ($4::text is null or company = $4) and ($5::date is null or date >= $5)
{_IN_ORDER} limit $6"""
LAST_NUMBERS: Final = "select company, series, number from numbers where company = any($1) order by company, series for update"
SAVE_NUMBERS: Final = """
insert into numbers (company, series, number) select * from unnest($1::text[], $2::text[], $3::bigint[])
on conflict (company, series) do update set number = excluded.number"""
SAVE_BALANCES: Final = """
insert into balances as b (company, account, posting_type, partner, currency, debit, credit, accounting_debit, accounting_credit)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[])
on conflict (company, account, posting_type, partner, currency) do update set
debit = b.debit + excluded.debit, credit = b.credit + excluded.credit,
accounting_debit = b.accounting_debit + excluded.accounting_debit, accounting_credit = b.accounting_credit + excluded.accounting_credit"""

_Key = tuple[Any, ...]


class Store:
    """The tables of one schema; the connection's search_path names it."""

    def __init__(self) -> None:
        self._reference = ReferenceTable()

    # Loading

    async def load(self, connection: Connection, messages: Sequence[Message]) -> Books:
        """The vouchers that these messages reverse, the last numbers of their companies, the reference data.

        Two queries, five with reversals, whatever the number of messages.
        """
        books = Books(await self._reference.current(connection))
        await _load(connection, books, needed_by(messages))
        return books

    async def load_missing(self, connection: Connection, books: Books, missing: Iterable[Missing]) -> None:
        """What a fold asked for and `load` did not foresee."""
        needed = NeededVouchers()
        for each in missing:
            needed.add(each.table, each.by, each.key)
        await _load(connection, books, needed)

    async def load_all(self, connection: Connection) -> Books:
        """Everything, in the order of companies, series and numbers."""
        books = Books(await self._reference.current(connection), complete=True)
        lines = _by_voucher(await connection.fetch(f"{_LINES} order by company, series, number, line"))
        for row in await connection.fetch(f"{_VOUCHERS} {_IN_ORDER}"):
            key, voucher = _voucher(row, lines)
            books.vouchers.put(key, voucher)
        for row in await connection.fetch("select company, series, number from numbers"):
            books.numbers.put((row["company"], row["series"]), row["number"])
        books.vouchers.commit()
        books.numbers.commit()
        books.balances = await self.load_balances(connection)
        return books

    async def load_page(
        self, connection: Connection, after: VoucherKey, size: int, company: str | None, since: date | None
    ) -> list[tuple[VoucherKey, Voucher]]:
        """The next vouchers after a key, in the order of companies, series and numbers; of one company, from a date on."""
        rows = await connection.fetch(PAGE, *after, company, since, size)
        keys = [(row["company"], row["series"], row["number"]) for row in rows]
        lines = _by_voucher(await connection.fetch(OF_VOUCHERS, *_columns(keys, 3)))
        return [_voucher(row, lines) for row in rows]

    async def load_balances(self, connection: Connection) -> dict[BalanceKey, Balance]:
        """The running sums alone, in the order of their keys: what a `balances` command shows without reading the lines."""
        rows = await connection.fetch("select * from balances order by company, account, posting_type, partner, currency")
        return {_balance_key(row): _balance(row) for row in rows}

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> Books:
        """Nothing: posting lets nothing wait."""
        del events, older_than
        return Books(await self._reference.current(connection))

    # Saving

    async def save(self, connection: Connection, books: Books) -> None:
        """New vouchers, their lines, the last numbers, the balances, the reference events taken."""
        if books.vouchers.changed:
            vouchers = [(key, voucher) for key, voucher in books.vouchers.changed.items() if voucher is not None]
            await connection.copy_records_to_table("vouchers", records=map(_voucher_row, vouchers), columns=_VOUCHER)
            await connection.copy_records_to_table("lines", records=_line_rows(vouchers), columns=_LINE)
            await connection.execute(SAVE_NUMBERS, *_columns(sorted((*key, number) for key, number in books.numbers.changed.items())))
            await connection.execute(SAVE_BALANCES, *_columns(_balance_rows(books)))
        await self._reference.save(connection, books.reference_events)


# Reading


async def _load(connection: Connection, books: Books, needed: NeededVouchers) -> None:
    if needed.records or needed.documents:
        await _load_originals(connection, books, needed)
    await _load_numbers(connection, books, needed.companies | {voucher.company for voucher in books.vouchers})


async def _load_originals(connection: Connection, books: Books, needed: NeededVouchers) -> None:
    runs = sorted({(run.source, run.id) for run, _, _ in needed.records})
    rows = await connection.fetch(OF_RECORDS, *_columns(runs, 2)) if runs else []
    if needed.documents:
        rows += await connection.fetch(OF_DOCUMENTS, *_columns(sorted(needed.documents), 3), DOCUMENT_KINDS)
    keys = [(row["company"], row["series"], row["number"]) for row in rows]
    lines = _by_voucher(await connection.fetch(OF_VOUCHERS, *_columns(keys, 3)))
    places: list[tuple[str, _Key]] = [("record", key) for key in needed.records] + [("document", key) for key in needed.documents]
    found: dict[tuple[str, Any], list[VoucherKey]] = {place: [] for place in places}
    for row in rows:
        key, voucher = _voucher(row, lines)
        books.vouchers.loaded(key, voucher)
        for index, keys_of in INDEXES.items():
            for place in keys_of(voucher):
                found.get((index, place), []).append(key)
    for (index, place), vouchers in found.items():
        books.vouchers.loaded_index(index, place, vouchers)


async def _load_numbers(connection: Connection, books: Books, companies: set[str]) -> None:
    for company in companies:
        for series in SERIES.values():
            books.numbers.loaded((company, series), None)
    for row in await connection.fetch(LAST_NUMBERS, sorted(companies)):
        books.numbers.loaded((row["company"], row["series"]), row["number"])


def _by_voucher(rows: list[Any]) -> dict[_Key, list[VoucherLine]]:
    lines: dict[_Key, list[VoucherLine]] = {}
    for row in rows:
        lines.setdefault((row["company"], row["series"], row["number"]), []).append(_line(row))
    return lines


def _line(row: Any) -> VoucherLine:
    dimensions = orjson.loads(row["dimensions"]) if row["dimensions"] is not None else {}
    sides = (*_both_sides(row["debit"], row["credit"]), *_both_sides(row["accounting_debit"], row["accounting_credit"]))
    return VoucherLine(row["posting_type"], row["account"], row["partner"], row["currency"], *sides, dimensions, row["text"], row["rule"])


def _both_sides(debit: Decimal | None, credit: Decimal | None) -> tuple[Decimal, Decimal]:
    """A side that is not stored is zero, with the digits of the other."""
    if debit is None:
        stored = credit if credit is not None else ZERO
        return stored * 0, stored
    return debit, debit * 0


def _voucher(row: Any, lines: dict[_Key, list[VoucherLine]]) -> tuple[VoucherKey, Voucher]:
    key = VoucherKey(row["company"], row["series"], row["number"])
    run = EventRef(row["run_source"], row["run_id"]) if row["run_id"] is not None else None
    about = (row["ledger"], row["kind"], row["date"], row["document"])
    return key, Voucher(key.voucher, key.company, *about, lines.get(key, []), run, row["record"], row["reference"])


def _balance_key(row: Any) -> BalanceKey:
    return BalanceKey(row["company"], row["account"], row["posting_type"], row["partner"] or None, row["currency"])


def _balance(row: Any) -> Balance:
    return Balance(row["debit"], row["credit"], row["accounting_debit"], row["accounting_credit"])


# Writing


def _columns(rows: Sequence[Sequence[Any]], width: int = 0) -> list[list[Any]]:
    """Rows as the arrays that unnest takes; `width` where there may be no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _voucher_row(entry: tuple[VoucherKey, Voucher]) -> tuple[Any, ...]:
    key, voucher = entry
    run = voucher.settlement or (None, None)
    return (*key, voucher.ledger, voucher.kind, voucher.date, voucher.document, *run, voucher.record, voucher.reference)


def _line_rows(vouchers: Iterable[tuple[VoucherKey, Voucher]]) -> Iterator[tuple[Any, ...]]:
    for (company, series, count), voucher in vouchers:
        for number, line in enumerate(voucher.lines, start=1):
            is_debit = line.debit or line.accounting_debit  # a gain's lines are 0.00 in the document's currency
            sides = (line.debit, None, line.accounting_debit, None) if is_debit else (None, line.credit, None, line.accounting_credit)
            dimensions = orjson.dumps(line.dimensions).decode() if line.dimensions else None
            place = (company, series, count, number, line.posting_type, line.account, line.partner, line.currency)
            yield (*place, *sides, dimensions, line.text, line.rule)


def _balance_rows(books: Books) -> list[tuple[Any, ...]]:
    rows = balances_of(books.new_vouchers).items()
    return sorted((key.company, key.account, key.posting_type, key.partner or "", key.currency, *balance) for key, balance in rows)
