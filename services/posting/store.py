"""What the posting service reads and writes for a batch.

Invariant: the number of queries of a batch does not depend on its size; vouchers are only ever added;
rows that several batches change are written in the order of their keys. The reference data is kept in memory from batch
to batch, and only what was committed is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.posting.prefetch import NeededVouchers, needed_by
from services.posting.rules.books import INDEXES, Books, balances_of
from services.posting.rules.chain import about
from services.posting.rules.numbers import SERIES, VoucherKey
from services.posting.stored_tables import (
    ALL_LINES,
    BALANCES,
    COPIED_COLUMNS,
    IN_ORDER,
    LINES_OF_VOUCHERS,
    SELECTED,
    VOUCHERS,
    WEIGHT_OF_ALL,
    Key,
    balance_of,
    columns,
    key_of,
    last_of,
    lines_by_voucher,
    sister_contents_text,
    voucher_of,
)
from shared.delivery.copying import copied_text
from shared.delivery.ports import Connection
from shared.delivery.reference_table import LAST_POSITION, ReferenceTable
from shared.delivery.together import Statement
from shared.delivery.weight import MOST_ENTRIES, TooHeavyError
from shared.delivery.writes import Copied, Writes
from shared.events.envelope import EventRef, Message
from shared.events.vouchers import Voucher
from shared.missing import Missing
from shared.working_set import Released

# One look into the index for each: joined, all of a small table would be gone through for each, as long as that plan is kept.
OF_RECORDS: Final = f"""
{SELECTED} from unnest($1::text[], $2::text[]) as run (source, id) cross join lateral (
    select * from vouchers where run_id = run.id and run_source = run.source and kind = 'settlement' offset 0
) v {IN_ORDER}"""  # noqa: S608 - the columns of stored_tables
OF_DOCUMENTS: Final = f"""
{SELECTED} from unnest($1::text[], $2::text[], $3::text[]) as named (ledger, company, document) cross join lateral (
    select * from vouchers where document = named.document and company = named.company and run_id is null offset 0
) v where v.ledger = named.ledger and v.kind not in ('payment_reversal', 'document_reversal') {IN_ORDER}"""  # noqa: S608 - as above
LAST_NUMBERS: Final = "select company, series, number, digest from numbers where company = any($1) order by company, series for update"
SAVE_NUMBERS: Final = """
insert into numbers (company, series, number, digest) select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
on conflict (company, series) do update set number = excluded.number, digest = excluded.digest"""
SAVE_BALANCES: Final = """
insert into balances as b (company, account, posting_type, partner, currency, debit, credit, accounting_debit, accounting_credit)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[])
on conflict (company, account, posting_type, partner, currency) do update set
debit = b.debit + excluded.debit, credit = b.credit + excluded.credit,
accounting_debit = b.accounting_debit + excluded.accounting_debit, accounting_credit = b.accounting_credit + excluded.accounting_credit"""


class Store:
    """The tables of one schema; the connection's search_path names it."""

    opening = f"({LAST_POSITION}) as position"

    def __init__(self) -> None:
        self._reference = ReferenceTable()

    def only_look(self) -> None:
        """Nothing is drawn here."""

    # Loading

    async def load(self, connection: Connection, messages: Sequence[Message], opened: Mapping[str, Any] | None = None) -> Books:
        """The vouchers that these messages reverse, the last numbers of their companies, the reference data.

        One query, five with reversals, whatever the number of messages. TooHeavyError if several messages reverse more lines
        than one transaction takes: what a message says of a document does not say how many lines its voucher has.
        """
        books = Books(await self._reference.current(connection, None if opened is None else opened["position"]))
        await _load(connection, books, needed_by(messages), heaviest=MOST_ENTRIES if len(messages) > 1 else None)
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
        lines = lines_by_voucher(await connection.fetch(ALL_LINES))
        for row in await connection.fetch(f"{VOUCHERS} {IN_ORDER}"):
            key, voucher = voucher_of(row, lines, books.reference.currency(row["company"]))
            books.vouchers.put(key, voucher)
        for row in await connection.fetch("select company, series, number, digest from numbers"):
            last = last_of(row)
            books.numbers.put((row["company"], row["series"]), last.number)
            books.digests.put((row["company"], row["series"]), last.digest)
        books.vouchers.commit()
        books.numbers.commit()
        books.digests.commit()
        books.balances = dict(balance_of(row) for row in await connection.fetch(BALANCES, None))
        return books

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> Books:
        """Nothing: posting lets nothing wait."""
        del events, older_than
        return Books(await self._reference.current(connection))

    async def load_released(self, connection: Connection, released: Released) -> Books:
        """Nothing: posting lets nothing wait."""
        del released
        return Books(await self._reference.current(connection))

    # Saving

    def written(self, books: Books) -> Writes:
        """New vouchers with their lines, the last numbers, the balances."""
        writes = Writes()
        if books.vouchers.changed:
            vouchers = [(key, voucher) for key, voucher in books.vouchers.changed.items() if voucher is not None]
            rows = [_voucher_row(key, voucher, books.written_lines[key]) for key, voucher in vouchers]
            writes.copied.append(Copied("vouchers", copied_text(rows), COPIED_COLUMNS))
            writes.later += [(SAVE_NUMBERS, columns(_number_rows(books))), (SAVE_BALANCES, columns(_balance_rows(books)))]
        return writes

    async def save(self, connection: Connection, books: Books, later: list[Statement] | None = None, writes: Writes | None = None) -> None:
        """New vouchers with their lines, the last numbers, the balances, the reference events taken."""
        await (writes or self.written(books)).carry_out(connection, later)
        await self._reference.save(connection, books.reference_events)


# Reading


async def _load(connection: Connection, books: Books, needed: NeededVouchers, heaviest: int | None = None) -> None:
    if needed.records or needed.documents:
        await _load_originals(connection, books, needed, heaviest)
    await _load_numbers(connection, books, needed.companies | {voucher.company for voucher in books.vouchers})


async def _load_originals(connection: Connection, books: Books, needed: NeededVouchers, heaviest: int | None) -> None:
    runs = sorted({(run.source, run.id) for run, _, _ in needed.records})
    rows = await connection.fetch(OF_RECORDS, *columns(runs, 2)) if runs else []
    rows = [row for row in rows if (EventRef(row["run_source"], row["run_id"]), row["ledger"], row["record"]) in needed.records]
    rows += await connection.fetch(OF_DOCUMENTS, *columns(sorted(needed.documents), 3)) if needed.documents else []
    keys = [key_of(row) for row in rows]
    weight = await connection.fetchval(WEIGHT_OF_ALL, *columns(keys, 3))
    if heaviest is not None and weight > heaviest:
        msg = f"the vouchers to be reversed weigh as much as {weight} lines"
        raise TooHeavyError(msg)
    lines = lines_by_voucher(await connection.fetch(LINES_OF_VOUCHERS, *columns(keys, 3)))
    places: list[tuple[str, Key]] = [("record", key) for key in needed.records] + [("document", key) for key in needed.documents]
    found: dict[tuple[str, Any], list[VoucherKey]] = {place: [] for place in places}
    for row in rows:
        key, voucher = voucher_of(row, lines, books.reference.currency(row["company"]))
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
            books.digests.loaded((company, series), None)
    for row in await connection.fetch(LAST_NUMBERS, sorted(companies)):
        last = last_of(row)
        books.numbers.loaded((row["company"], row["series"]), last.number)
        books.digests.loaded((row["company"], row["series"]), last.digest)


# Writing


def _voucher_row(key: VoucherKey, voucher: Voucher, lines: bytes) -> tuple[Any, ...]:
    return (*key, *about(voucher), voucher.digest, sister_contents_text(voucher.sister_contents), lines.decode())


def _number_rows(books: Books) -> list[tuple[Any, ...]]:
    numbers, digests = sorted(books.numbers.changed.items()), books.digests.changed
    return [(*series, number, digest.hex() if (digest := digests.get(series)) else None) for series, number in numbers]


def _balance_rows(books: Books) -> list[tuple[Any, ...]]:
    rows = balances_of(books.new_vouchers).items()
    return sorted((key.company, key.account, key.posting_type, key.partner or "", key.currency, *balance) for key, balance in rows)
