"""In which order documents settle: C13, user-defined priority (F-B13), and F-B07 where the marks exceed the money.

Invariant: the order follows from the run alone (documents, marks, settings), never from the order in which anything was loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.settlement.rules.run.cash_discount import available, full_discount, offered_money, own_available
from services.settlement.rules.run.state import OpenItem, Run
from shared.events.reference import SettlementParametersDefined
from shared.money import ZERO, share

_NEVER = date.max

PriorityEntry = tuple[str, str | tuple[str, ...]]
"""An attribute, and its direction or (`transaction_type`) the kinds in order."""

Rank = Callable[[OpenItem], tuple[Any, ...]]


def put_in_order(run: Run) -> None:
    """Step 2: orders the run's items in place; compared amounts are taken as they stand, whatever their currency."""
    if run.automatic:
        return
    rank = _by_default(run.order_date)
    if len(run.lowering) > 1:
        run.lowering.sort(key=lambda item: (not item.is_payment, rank(item)))
    if len(run.raising) > 1:
        run.raising.sort(key=rank)
        if _demand(run) > _money(run):
            run.raising.sort(key=_oldest_first(run.order_date))


def priority_of(settings: SettlementParametersDefined) -> tuple[PriorityEntry, ...]:
    """The attributes by which a company orders automatic settlement, in order; none: the default order."""
    entries = (entry for each in settings.settlement_priority for entry in each.items())
    return tuple((attribute, tuple(order) if isinstance(order, list) else order) for attribute, order in entries)


def automatic_rank(priority: tuple[PriorityEntry, ...], on: date) -> Rank:
    """The order of automatic settlement: payments before credit notes, then by priority, else by default (C13)."""
    rank = _by_priority(priority, on) if priority else _by_default(on)
    return lambda item: (not item.is_payment, *rank(item))


def _saved(item: OpenItem, on: date) -> Decimal:
    """The amount that the terms save at the date of the order, on the remaining balance."""
    find = own_available if item.document.lowers else available
    return share(item.left, find(item, on).share, item.document.currency)


def _by_default(on: date) -> Rank:
    """C13: due date, better discount, date, voucher, company."""
    return lambda item: (
        item.document.due_date,
        -_saved(item, on),
        item.document.date,
        item.document.document,
        item.document.company,
    )


def _oldest_first(on: date) -> Rank:
    """F-B07: date, better discount, voucher, company."""
    return lambda item: (item.document.date, -_saved(item, on), item.document.document, item.document.company)


def _demand(run: Run) -> Decimal:
    """What the marks ask for, less their discounts."""
    total = ZERO
    for item in run.raising:
        need = item.left - full_discount(item, available(item, run.order_date))
        total += need if item.limit is None else min(item.limit, need)
    return total


def _money(run: Run) -> Decimal:
    """What is there to settle with; a credit note's less its own discount."""
    return sum((offered_money(item, max(item.document.date, run.date)) for item in run.lowering), ZERO)


def _by_priority(priority: tuple[PriorityEntry, ...], on: date) -> Rank:
    """F-B13: the attributes in their order and direction; the document number always breaks ties."""
    return lambda item: (
        *(_rank(item, attribute, order, on) for attribute, order in priority),
        item.document.document,
        item.document.company,
    )


def _rank(item: OpenItem, attribute: str, order: Any, on: date) -> Any:
    if attribute == "transaction_type":
        return order.index(item.document.kind) if item.document.kind in order else len(order)
    value = _ATTRIBUTES[attribute](item, on)
    return value if order == "ascending" else _Descending(value)


def _discount_date(item: OpenItem, on: date) -> date:
    """The last date of the tier that the run's date still reaches; a document without one counts as later than all."""
    tier = item.terms.reached(on)
    return (item.terms.last_date(tier) if tier is not None else None) or _NEVER


_ATTRIBUTES: dict[str, Callable[[OpenItem, date], Any]] = {
    "transaction_date": lambda item, _: item.document.date,
    "due_date": lambda item, _: item.document.due_date,
    "transaction_amount": lambda item, _: item.document.amount,
    "cash_discount_date": _discount_date,
    "voucher": lambda item, _: item.document.document,
}


@dataclass(frozen=True, slots=True)
class _Descending:
    """A value that sorts the other way round; texts have no negative."""

    value: Any

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)
