"""In which order documents settle: C13, user-defined priority (F-B13), and F-B07 where the marks exceed the money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.settlement.rules.run.state import Claim, Run, discounted, full_discount, offered_money, own_discount
from shared.money import share

_NEVER = date.max


def put_in_order(run: Run) -> None:
    """Step 2: orders the run's claims in place; compared amounts are taken as they stand, whatever their currency."""
    priority = _priority(run)
    rank = _by(priority) if priority else _default(run)
    if len(run.lowering) > 1:
        run.lowering.sort(key=lambda claim: (not claim.is_payment, rank(claim)))
    if len(run.raising) > 1:
        run.raising.sort(key=rank)
        if not run.automatic and _demand(run) > _money(run):
            run.raising.sort(key=_oldest_first(run))


def _priority(run: Run) -> list[dict[str, Any]]:
    if not run.automatic:
        return []
    document = (run.raising or run.lowering)[0].document
    return run.reference.parameters(document.company, run.ledger).settlement_priority


def _saved(run: Run, claim: Claim) -> Decimal:
    """The amount that the terms save at the date of the order, on the remaining balance."""
    find = own_discount if claim.document.lowers else _terms_discount
    part, _ = find(run, claim, run.order_date)
    return share(claim.left, part, claim.document.currency)


def _terms_discount(run: Run, claim: Claim, on: date) -> tuple[Any, Any]:
    return discounted(run, claim, None, on)


def _default(run: Run) -> Callable[[Claim], tuple[Any, ...]]:
    """C13: due date, better discount, date, voucher, company."""
    return lambda claim: (
        claim.document.due_date,
        -_saved(run, claim),
        claim.document.date,
        claim.document.document,
        claim.document.company,
    )


def _oldest_first(run: Run) -> Callable[[Claim], tuple[Any, ...]]:
    """F-B07: date, better discount, voucher, company."""
    return lambda claim: (claim.document.date, -_saved(run, claim), claim.document.document, claim.document.company)


def _demand(run: Run) -> Decimal:
    total = Decimal(0)
    for claim in run.raising:
        part, _ = discounted(run, claim, None, run.order_date)
        need = claim.left - full_discount(claim, part)
        total += need if claim.limit is None else min(claim.limit, need)
    return total


def _money(run: Run) -> Decimal:
    total = Decimal(0)
    for claim in run.lowering:
        part, _ = own_discount(run, claim, max(claim.document.date, run.date))
        total += offered_money(claim, part)
    return total


def _by(priority: list[dict[str, Any]]) -> Callable[[Claim], tuple[Any, ...]]:
    """F-B13: the attributes in their order and direction; the document number always breaks ties."""
    return lambda claim: (
        *(_rank(claim, attribute, order) for entry in priority for attribute, order in entry.items()),
        claim.document.document,
        claim.document.company,
    )


def _rank(claim: Claim, attribute: str, order: Any) -> Any:
    if attribute == "transaction_type":
        return order.index(claim.document.kind) if claim.document.kind in order else len(order)
    value = _ATTRIBUTES[attribute](claim)
    return value if order == "ascending" else _Descending(value)


def _discount_date(claim: Claim) -> date:
    """The date of the first tier; a document without one comes last, as one without a limit of time."""
    if not claim.terms.tiers:
        return _NEVER
    first = claim.terms.tiers[0]
    if first.until is not None:
        return first.until
    return _NEVER if first.days is None else claim.terms.date + timedelta(days=first.days)


_ATTRIBUTES: dict[str, Callable[[Claim], Any]] = {
    "transaction_date": lambda claim: claim.document.date,
    "due_date": lambda claim: claim.document.due_date,
    "transaction_amount": lambda claim: claim.document.amount,
    "cash_discount_date": _discount_date,
    "voucher": lambda claim: claim.document.document,
}


@dataclass(frozen=True, slots=True)
class _Descending:
    """A value that sorts the other way round; texts have no negative."""

    value: Any

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)
