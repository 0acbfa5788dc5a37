"""What each company is owed by each other one and owes it, and whether the partner's books say the same.

Invariant: due from is debit positive, due to credit positive; both are per pair of companies and transaction currency, so that
what A is due from B must be what B is due to A.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.rows import money
from shared.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]

DUE_FROM: Final = "due_from"
DUE_TO: Final = "due_to"


class Place(NamedTuple):
    """Whose books, towards whom, in which currency."""

    company: str
    partner: str
    currency: str

    def mirrored(self) -> Place:
        """The same seen from the partner's books."""
        return Place(self.partner, self.company, self.currency)


class Dues(NamedTuple):
    """What is due from the partner and what is due to it, in transaction currency."""

    due_from: Decimal = ZERO
    due_to: Decimal = ZERO

    def mirrored(self) -> Dues:
        """What the partner must have for these."""
        return Dues(self.due_to, self.due_from)


Sums = dict[Place, Dues]


def sums_of_balances(rows: Iterable[Row]) -> Sums:
    """Due from and due to, from balance rows; those of other accounts are left out."""
    sums: Sums = {}
    for row in rows:
        _add(sums, row["company"], row)
    return sums


def sums_of_vouchers(rows: Iterable[Row]) -> Sums:
    """Due from and due to, from voucher rows."""
    sums: Sums = {}
    for voucher in rows:
        for line in voucher["lines"]:
            _add(sums, voucher["company"], line)
    return sums


def _add(sums: Sums, company: str, posted: Row) -> None:
    if posted["posting_type"] not in {DUE_FROM, DUE_TO}:
        return
    place = Place(company, posted["partner"], posted["currency"])
    debit = Decimal(posted["debit"]) - Decimal(posted["credit"])
    before = sums.get(place, Dues())
    own = Dues(debit, ZERO) if posted["posting_type"] == DUE_FROM else Dues(ZERO, -debit)
    sums[place] = Dues(before.due_from + own.due_from, before.due_to + own.due_to)


def pair_rows(sums: Sums) -> list[Row]:
    """One row per pair of companies and currency, with the partner's side and whether both say the same."""
    return list(_pair_rows(sums))


def _pair_rows(sums: Sums) -> Iterator[Row]:
    for place, dues in sorted(sums.items()):
        partner = sums.get(place.mirrored(), Dues())
        yield {
            **place._asdict(),
            "due_from": money(dues.due_from, place.currency),
            "due_to": money(dues.due_to, place.currency),
            "partner_due_from": money(partner.due_from, place.currency),
            "partner_due_to": money(partner.due_to, place.currency),
            "agrees": partner == dues.mirrored(),
        }


def disagreements(sums: Sums) -> list[str]:
    """Where what one company is due from another is not what that one is due to it, in words."""
    problems = []
    for (company, partner, currency), dues in sorted(sums.items()):
        other = sums.get(Place(partner, company, currency))
        if (there := other.due_to if other else ZERO) != dues.due_from:
            problems.append(f"{company} has {dues.due_from:,} {currency} due from {partner}, which has {there:,} due to {company}")
        if dues.due_to and other is None:
            problems.append(f"{company} has {dues.due_to:,} {currency} due to {partner}, which has nothing due from {company}")
    return problems
