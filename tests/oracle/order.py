"""The orders in which documents are settled (C13, F-B07, F-B13); the document number, as text, always breaks ties."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

Key = Callable[[Any], tuple[Any, ...]]


def by_default(better: Callable[[Any], Fraction]) -> Key:
    """C13: due date, better discount, date, voucher."""
    return lambda mark: (mark.document.due_date, -better(mark), mark.document.date, mark.document.number, mark.document.company)


def by_date(better: Callable[[Any], Fraction]) -> Key:
    """F-B07: date, better discount, voucher."""
    return lambda mark: (mark.document.date, -better(mark), mark.document.number, mark.document.company)


def by_priority(priority: list[dict[str, Any]], when: date) -> Key:
    """F-B13: the user's attributes one after the other."""

    def key(mark: Any) -> tuple[Any, ...]:
        document, found = mark.document, []
        tier = document.tier(when)
        attributes = {
            "transaction_date": document.date,
            "due_date": document.due_date,
            "transaction_amount": document.amount,
            "cash_discount_date": tier.until if tier and tier.until else date.max,
            "voucher": document.number,
        }
        for attribute, direction in (pair for entry in priority for pair in entry.items()):
            if attribute == "transaction_type":
                found.append(direction.index(document.kind) if document.kind in direction else len(direction))
            else:
                found.append(_Backwards(attributes[attribute]) if direction == "descending" else attributes[attribute])
        return (*found, document.number, document.company)

    return key


class _Backwards:
    """A sort key in descending order."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Backwards") -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)
