"""Vouchers as rows with `why` on each line, out of books that have all that their lines come of.

Invariant: the sentences are those of lines that are posted; a voucher that is not posted yet is named without its number, which only
posting gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from services.desk.why.books import facts_in
from services.desk.why.explain import explain
from services.posting.rules.numbers import VoucherKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.rows import BooksOfAll
    from services.desk.why.facts import Facts
    from shared.events.vouchers import Voucher

Row = dict[str, Any]

_NEXT: Final = "next"


def unnumbered(series: str) -> str:
    """How a voucher is named before posting gives it its number."""
    return f"{series}-{_NEXT}"


def with_reasons(books: BooksOfAll, rows: Iterable[Row], language: str, unposted: frozenset[VoucherKey] = frozenset()) -> list[Row]:
    """Rows of vouchers with `why` on each line, in a language; `unposted`: those that have no number yet."""
    by_key = {VoucherKey(each.company, each.series, each.number): each for each in books.posting.vouchers}
    return [_with_reasons(books, row, by_key[VoucherKey(row["company"], row["series"], row["number"])], language, unposted) for row in rows]


def _with_reasons(books: BooksOfAll, row: Row, voucher: Voucher, language: str, unposted: frozenset[VoucherKey]) -> Row:
    lines = []
    for place, line in enumerate(row["lines"]):
        explained = explain(_named(facts_in(books, voucher, place), unposted), language).as_row()
        del explained["line"]
        lines.append({**line, "why": explained})
    return {**row, "lines": lines}


def _named(facts: Facts, unposted: frozenset[VoucherKey]) -> Facts:
    """The facts with the names that vouchers have by now."""
    original = facts.original
    if original is None or VoucherKey(original.company, original.series, original.number) not in unposted:
        return facts
    return replace(facts, original=replace(original, voucher=unnumbered(original.series)))
