"""What companies owe each other: of vouchers that were just made, in inquiry's form, and where two companies' books disagree.

Of what is posted the matrix is inquiry's (`services.inquiry.queries.intercompany`); a scenario's and the reconciler's is made here.

Invariant: due from is debit positive, due to credit positive; both are per pair of companies and transaction currency, so that
what A is due from B must be what B is due to A.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from services.inquiry.queries.intercompany import Cell, Place, cell_rows
from shared.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]

_DUE = frozenset({"due_from", "due_to"})


class Dues(NamedTuple):
    """What is due from the partner and what is due to it, in transaction currency."""

    due_from: Decimal = ZERO
    due_to: Decimal = ZERO


Sums = dict[Place, Dues]


def matrix_of(vouchers: Iterable[Row]) -> list[Row]:
    """The matrix of these vouchers; the accounting currency of a company without any is taken to be that of the line."""
    cells: dict[Place, Cell] = {}
    own: dict[str, str] = {}
    theirs: dict[str, str] = {}
    for voucher in vouchers:
        own[voucher["company"]] = voucher["accounting_currency"]
        for line in voucher["lines"]:
            if line["posting_type"] not in _DUE:
                continue
            cell = cells.setdefault(Place(voucher["company"], line["partner"], line["currency"]), Cell())
            amount, booked = (Decimal(line[f"{kind}debit"]) - Decimal(line[f"{kind}credit"]) for kind in ("", "accounting_"))
            cell.add(line["posting_type"], amount, booked, dt.date.fromisoformat(voucher["date"]))
            theirs[line["partner"]] = line["currency"]
    return cell_rows(cells, {**theirs, **own})


def sums_of_balances(rows: Iterable[Row]) -> Sums:
    """Due from and due to, from balance rows; those of other accounts are left out."""
    sums: Sums = {}
    for row in rows:
        _add(sums, row["company"], row)
    return sums


def _add(sums: Sums, company: str, posted: Row) -> None:
    if posted["posting_type"] not in _DUE:
        return
    place = Place(company, posted["partner"], posted["currency"])
    debit = Decimal(posted["debit"]) - Decimal(posted["credit"])
    before = sums.get(place, Dues())
    own = Dues(debit, ZERO) if posted["posting_type"] == "due_from" else Dues(ZERO, -debit)
    sums[place] = Dues(before.due_from + own.due_from, before.due_to + own.due_to)


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
