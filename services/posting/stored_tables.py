"""How vouchers and their lines stand in the posting service's tables: the columns, what selects them, how a row is read.

Invariant: a voucher read back equals the one written, but that a side which is not stored is zero with the digits of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.posting.rules.books import Balance, BalanceKey
from services.posting.rules.numbers import LastVoucher, VoucherKey
from shared.events.vouchers import EventName, Voucher, VoucherLine
from shared.money import ZERO

VOUCHER_COLUMNS: Final = (
    "company",
    "series",
    "number",
    "ledger",
    "kind",
    "date",
    "document",
    "run_source",
    "run_id",
    "record",
    "reference",
    "digest",
    "sister_contents",
)
COPIED_COLUMNS: Final = (*VOUCHER_COLUMNS, "lines")
SELECTED: Final = f"select {', '.join('v.' + column for column in VOUCHER_COLUMNS)}"
VOUCHERS: Final = f"{SELECTED} from vouchers v"
"""Without their lines, of which there may be very many."""
IN_ORDER: Final = "order by company, series, number"
ALL_LINES: Final = "select company, series, number, lines from vouchers"
LINES_OF_VOUCHERS: Final = """
select v.* from unnest($1::text[], $2::text[], $3::bigint[]) as w (company, series, number) cross join lateral (
    select company, series, number, lines from vouchers where (company, series, number) = (w.company, w.series, w.number) offset 0
) v"""
_LINE: Final = 128
"""Bytes of lines that weigh as much as one: a line in which nothing is long has about as many."""
_WEIGHT: Final = f"1 + octet_length(lines) / {_LINE}"
WEIGHTS: Final = f"""
select coalesce((select {_WEIGHT} from vouchers v where (v.company, v.series, v.number) = (w.company, w.series, w.number)), 0)::bigint
as weight from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as w (company, series, number, place) order by place"""  # noqa: S608 - as above
"""What each of these vouchers weighs, as an event would (shared/delivery/weight.py): as many lines as its bytes could be."""
WEIGHT_OF_ALL: Final = f"select coalesce(sum(weight), 0)::bigint from ({WEIGHTS}) weighed"  # noqa: S608 - as above
"""What they weigh together."""
BALANCES: Final = """
select company, account, posting_type, partner, currency, debit, credit, accounting_debit, accounting_credit from balances
where $1::text is null or company = $1 order by company, account, posting_type, partner, currency"""

Key = tuple[Any, ...]
LinesByVoucher = dict[Key, list[VoucherLine]]
_Name = str | None
_Side = Decimal | None
_StoredLine = tuple[str, str, _Name, _Name, _Name, _Name, str, _Side, _Side, _Side, _Side, dict[str, str] | None, str, str]
"""The fields of VoucherLine as rules/chain.py writes them; a side that a line is not on, and what has no dimensions, is null."""
_LINES: Final = msgspec.json.Decoder(list[_StoredLine])
_WRITER: Final = msgspec.json.Encoder()
_DIGESTS: Final = msgspec.json.Decoder(dict[str, str])


def columns(rows: Iterable[Sequence[Any]], width: int = 0) -> list[list[Any]]:
    """Rows as the arrays that unnest takes; `width` where there may be no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def key_of(row: Any) -> Key:
    """What names the voucher of a row, be it the voucher's own or a line's."""
    return (row["company"], row["series"], row["number"])


def lines_by_voucher(rows: Iterable[Any]) -> LinesByVoucher:
    """The lines of the vouchers of these rows."""
    return {key_of(row): [_line(stored) for stored in _LINES.decode(row["lines"])] for row in rows}


def _line(stored: _StoredLine) -> VoucherLine:
    posting_type, account, partner, party, party_account, settles, currency, *_ = stored
    debit, credit, accounting_debit, accounting_credit, dimensions, text, rule = stored[7:]
    sides = (*_both_sides(debit, credit), *_both_sides(accounting_debit, accounting_credit))
    return VoucherLine(posting_type, account, partner, party, party_account, settles, currency, *sides, dimensions or {}, text, rule)


def _both_sides(debit: Decimal | None, credit: Decimal | None) -> tuple[Decimal, Decimal]:
    """A side that is not stored is zero, with the digits of the other."""
    if debit is None:
        stored = credit if credit is not None else ZERO
        return stored * 0, stored
    return debit, debit * 0


def voucher_of(row: Any, lines: LinesByVoucher, accounting_currency: str) -> tuple[VoucherKey, Voucher]:
    """The voucher of a row with its lines; `accounting_currency`: its company's, which never changes and is not stored with it."""
    key = VoucherKey(*key_of(row))
    run = EventName(row["run_source"], row["run_id"]) if row["run_id"] is not None else None
    about = (row["ledger"], row["kind"], row["date"], row["document"])
    named = (key.voucher, key.series, key.number, key.company, accounting_currency)
    sisters = _DIGESTS.decode(row["sister_contents"]) if row["sister_contents"] is not None else {}
    return key, Voucher(*named, *about, lines.get(key, []), run, row["record"], row["reference"], row["digest"], sisters)


def sister_contents_text(contents: dict[str, str]) -> str | None:
    """The contents of a voucher's sisters as they are stored."""
    return _WRITER.encode(contents).decode() if contents else None


def last_of(row: Any) -> LastVoucher:
    """The last voucher of the series of a row."""
    return LastVoucher(row["number"], None if row["digest"] is None else bytes.fromhex(row["digest"]))


def balance_of(row: Any) -> tuple[BalanceKey, Balance]:
    """The balance of a row, and what it is kept for."""
    key = BalanceKey(row["company"], row["account"], row["posting_type"], row["partner"] or None, row["currency"])
    return key, Balance(row["debit"], row["credit"], row["accounting_debit"], row["accounting_credit"])
