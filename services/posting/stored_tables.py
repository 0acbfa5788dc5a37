"""How vouchers and their lines stand in the posting service's tables: the columns, what selects them, how a row is read.

Invariant: a voucher read back equals the one written, but that a side which is not stored is zero with the digits of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

from services.posting.rules.books import Balance, BalanceKey
from services.posting.rules.numbers import VoucherKey
from shared.delivery.weight import ENTRY
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
)
LINE_COLUMNS: Final = (
    *("company", "series", "number", "line", "posting_type", "account", "partner", "party", "party_account", "settles", "currency"),
    *("debit", "credit", "accounting_debit", "accounting_credit", "dimensions", "text", "rule"),
)
VOUCHERS: Final = f"select {', '.join('v.' + column for column in VOUCHER_COLUMNS)} from vouchers v"  # noqa: S608 - the columns above
LINES: Final = f"select {', '.join('l.' + column for column in LINE_COLUMNS)} from lines l"  # noqa: S608 - the columns above
IN_ORDER: Final = "order by company, series, number"
LINES_OF_VOUCHERS: Final = f"""
{LINES} join unnest($1::text[], $2::text[], $3::bigint[]) as wanted (company, series, number)
using (company, series, number) order by l.company, l.series, l.number, l.line"""
_WEIGHT: Final = f"1 + (octet_length(l.text) + coalesce(octet_length(l.dimensions::text), 0)) / {ENTRY}"
WEIGHTS: Final = f"""
select coalesce((select sum({_WEIGHT}) from lines l where (l.company, l.series, l.number) = (w.company, w.series, w.number)), 0)::bigint
as weight from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as w (company, series, number, place) order by place"""  # noqa: S608 - as above
"""What each of these vouchers weighs, as an event would (shared/delivery/weight.py): its lines, and more for what they repeat."""
WEIGHT_OF_ALL: Final = f"""
select coalesce(sum(weight), 0)::bigint from (
    select {_WEIGHT} as weight from unnest($1::text[], $2::text[], $3::bigint[]) as w (company, series, number)
    cross join lateral (select * from lines l where (l.company, l.series, l.number) = (w.company, w.series, w.number)) l limit $4
) first"""  # noqa: S608 - as above
"""What they weigh together, of no more than so many lines ($4): what is too heavy is not read to its end to know that."""
BALANCES: Final = """
select company, account, posting_type, partner, currency, debit, credit, accounting_debit, accounting_credit from balances
where $1::text is null or company = $1 order by company, account, posting_type, partner, currency"""

Key = tuple[Any, ...]
LinesByVoucher = dict[Key, list[VoucherLine]]


def columns(rows: Iterable[Sequence[Any]], width: int = 0) -> list[list[Any]]:
    """Rows as the arrays that unnest takes; `width` where there may be no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def key_of(row: Any) -> Key:
    """What names the voucher of a row, be it the voucher's own or a line's."""
    return (row["company"], row["series"], row["number"])


def lines_by_voucher(rows: Iterable[Any]) -> LinesByVoucher:
    """The lines of these rows, which come in their order, by the voucher that they belong to."""
    lines: LinesByVoucher = {}
    for row in rows:
        lines.setdefault(key_of(row), []).append(_line(row))
    return lines


def _line(row: Any) -> VoucherLine:
    dimensions = orjson.loads(row["dimensions"]) if row["dimensions"] is not None else {}
    sides = (*_both_sides(row["debit"], row["credit"]), *_both_sides(row["accounting_debit"], row["accounting_credit"]))
    place = (row["posting_type"], row["account"], row["partner"], row["party"], row["party_account"], row["settles"], row["currency"])
    return VoucherLine(*place, *sides, dimensions, row["text"], row["rule"])


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
    return key, Voucher(*named, *about, lines.get(key, []), run, row["record"], row["reference"])


def balance_of(row: Any) -> tuple[BalanceKey, Balance]:
    """The balance of a row, and what it is kept for."""
    key = BalanceKey(row["company"], row["account"], row["posting_type"], row["partner"] or None, row["currency"])
    return key, Balance(row["debit"], row["credit"], row["accounting_debit"], row["accounting_credit"])
