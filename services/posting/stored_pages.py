"""Vouchers as they stand in the posting service's tables, for whoever checks their chain: read as text, not as what it says.

Invariant: whatever somebody has put into the tables is read without failing, and no byte of a voucher's lines is passed over; at most
MOST_LINES lines are held at once, those of one voucher at least. Nothing is changed here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from services.posting.queries import CURRENCIES, light_parts
from services.posting.rules.chain import content_digest
from services.posting.rules.numbers import VoucherKey
from services.posting.stored_tables import IN_ORDER, LINES_OF_VOUCHERS, SELECTED, VOUCHERS, columns, key_of, last_of, voucher_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from services.posting.rules.numbers import LastVoucher
    from shared.delivery.ports import Connection
    from shared.events.vouchers import Voucher

_PAGE: Final = 500
_NEXT: Final = f"{VOUCHERS} where (company, series, number) > ($1, $2, $3) {IN_ORDER} limit {_PAGE}"
_LASTS: Final = "select company, series, number, digest from numbers"
_AROUND: Final = "select number, digest from vouchers where company = $1 and series = $2 and number between $3 and $4 order by number"
_KINDS: Final = ("settlement", "settlement_reversal")
_SISTERS: Final = {
    kind: f"""
with wanted as (select * from unnest($1::text[], $2::text[], $3::text[], $4::int[]) as w (run_source, run_id, ledger, record))
{SELECTED} from (select distinct run_source, run_id from wanted) run cross join lateral (
    select * from vouchers where run_id = run.run_id and run_source = run.run_source and kind = '{kind}' offset 0
) v join wanted w on (w.run_source, w.run_id, w.ledger, w.record) = (v.run_source, v.run_id, v.ledger, v.record)
order by v.company, v.series, v.number"""  # noqa: S608 - our own names
    for kind in _KINDS
}

Record = tuple[str, str, str, str, int]
"""What sisters share: the kind, the source and id of their run, ledger and number of the record."""


class StoredVoucher(NamedTuple):
    """A voucher as it is stored: without lines, and its lines as their text."""

    voucher: Voucher
    lines: bytes

    @property
    def key(self) -> VoucherKey:
        """What names it."""
        return VoucherKey(self.voucher.company, self.voucher.series, self.voucher.number)

    @property
    def record(self) -> Record | None:
        """What its sisters share with it; None where it has none."""
        voucher = self.voucher
        if voucher.settlement is None or voucher.record is None or voucher.kind not in _KINDS:
            return None
        return (voucher.kind, *voucher.settlement.ref, voucher.ledger, voucher.record)

    def content(self, number: int | None = None) -> bytes:
        """The digest of its content, as if it had this number."""
        voucher = self.voucher if number is None else replace(self.voucher, number=number)
        return content_digest(voucher, self.lines)


async def last_vouchers(connection: Connection) -> dict[tuple[str, str], LastVoucher]:
    """The last number that was given in each series, with its digest."""
    return {(row["company"], row["series"]): last_of(row) for row in await connection.fetch(_LASTS)}


async def digests_around(connection: Connection, key: VoucherKey, most: int) -> list[tuple[int, str | None]]:
    """Numbers and digests of the vouchers of a series that have at most `most` numbers more or less than this one."""
    rows = await connection.fetch(_AROUND, key.company, key.series, key.number - most, key.number + most)
    return [(row["number"], row["digest"]) for row in rows]


async def stored_pages(connection: Connection) -> AsyncIterator[list[StoredVoucher]]:
    """All vouchers in the order of companies, series and numbers, a page at a time."""
    after = VoucherKey("", "", 0)
    while rows := await connection.fetch(_NEXT, *after):
        async for part in light_parts(connection, rows):
            yield await _read(connection, part)
        after = VoucherKey(*key_of(rows[-1]))


async def stored_sisters(connection: Connection, records: Iterable[Record]) -> AsyncIterator[StoredVoucher]:
    """All vouchers of these settlement records."""
    for kind in _KINDS:
        wanted = sorted(record[1:] for record in records if record[0] == kind)
        rows = await connection.fetch(_SISTERS[kind], *columns(wanted, 4)) if wanted else []
        async for part in light_parts(connection, rows):
            for each in await _read(connection, part):
                yield each


async def _read(connection: Connection, rows: Sequence[Any]) -> list[StoredVoucher]:
    lines = {key_of(row): row["lines"].encode() for row in await connection.fetch(LINES_OF_VOUCHERS, *columns(map(key_of, rows), 3))}
    currencies = {row["company"]: row["currency"] for row in await connection.fetch(CURRENCIES)}
    return [_stored(row, lines.get(key_of(row), b""), currencies.get(row["company"], "")) for row in rows]


def _stored(row: Any, lines: bytes, accounting_currency: str) -> StoredVoucher:
    try:
        return StoredVoucher(voucher_of(row, {}, accounting_currency)[1], lines)
    except msgspec.MsgspecError:  # nobody here has written it: the voucher is not as it was posted
        return StoredVoucher(voucher_of({**row, "sister_contents": None}, {}, accounting_currency)[1], lines)
