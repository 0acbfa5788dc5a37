"""What each vendor payment of a run gave to which invoice (rules.md, "Sales payment journals").

Invariant: only money of payments counts, what credit notes gave is left out; what a payment gave adds up to what
its journals will say. Pure; amounts in the payment's own currency, discounts in the invoice's.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from shared.events.kinds import PAYMENT
from shared.events.settlements import SettledDocument, SettlementPosted, SettlementRecord
from shared.money import ZERO, rounded, share


class Share(NamedTuple):
    """What a payment gave to an invoice: `amount` applied and `written_off` beyond it, and the discount taken with it.

    `cross_rate` is the agreed rate at which it gave, 1 unit of its own currency in the invoice's; None: at published rates.
    `cash_discount_rule` is the rule that made the discount; empty: the invoice's terms did.
    """

    invoice: SettledDocument
    amount: Decimal
    written_off: Decimal
    cash_discount: Decimal
    cross_rate: Decimal | None
    cash_discount_rule: str


class PaymentShares(NamedTuple):
    """A vendor payment of the run and what it gave, in the order of the run."""

    payment: SettledDocument
    shares: list[Share]


class _Source(NamedTuple):
    """Money that fills the marks: `amount` in the primary's currency is worth `own` in the payment's own."""

    payment: SettledDocument
    amount: Decimal
    own: Decimal
    is_primary: bool
    same_currency: bool


def payment_shares(settlement: SettlementPosted) -> list[PaymentShares]:
    """The payments of a run in the order in which they pay, each with what it gave to which document."""
    if settlement.primary is None:
        return _without_primary(settlement)
    return _with_primary(settlement, settlement.documents[settlement.primary])


def _without_primary(settlement: SettlementPosted) -> list[PaymentShares]:
    given: dict[int, PaymentShares] = {}
    for record in settlement.records:
        payment = settlement.documents[record.lowering]
        if payment.kind == PAYMENT:
            entry = given.setdefault(record.lowering, PaymentShares(payment, []))
            entry.shares.append(_whole(record, payment, settlement.documents[record.raising]))
    return list(given.values())


def _whole(record: SettlementRecord, payment: SettledDocument, invoice: SettledDocument) -> Share:
    """An agreed rate counts for the payment that marks (it has no mark itself, `mark` is 0), for no other L (F-C14)."""
    agreed = invoice.cross_rate if payment.mark == 0 else None
    return Share(invoice, record.amount, _written_off(record), _discount(record, invoice), agreed, _discount_rule(record))


def _written_off(record: SettlementRecord) -> Decimal:
    return record.remainder.amount if record.remainder is not None else ZERO


def _discount(record: SettlementRecord, invoice: SettledDocument) -> Decimal:
    return record.discount.amount if record.discount is not None else rounded(ZERO, invoice.currency)


def _discount_rule(record: SettlementRecord) -> str:
    return record.discount.rule if record.discount is not None else ""


def _with_primary(settlement: SettlementPosted, primary: SettledDocument) -> list[PaymentShares]:
    """The primary's own money fills the marks first, then that of each payment that enlarged it.

    What credit notes put in fills what is then left: the marks from the last one back.
    """
    paying = [record for record in settlement.records if not record.enlarges]
    filling = _Allocation(paying, settlement.documents)
    return [PaymentShares(source.payment, filling.fill(source)) for source in _sources(settlement, primary, paying)]


def _sources(settlement: SettlementPosted, primary: SettledDocument, paying: list[SettlementRecord]) -> Iterable[_Source]:
    enlarging = [record for record in settlement.records if record.enlarges]
    if primary.kind == PAYMENT:
        own = sum((record.amount for record in paying), ZERO) - sum((record.amount for record in enlarging), ZERO)
        yield _Source(primary, own, own, is_primary=True, same_currency=True)
    for record in enlarging:
        other = settlement.documents[record.raising]
        if other.kind == PAYMENT:
            yield _Source(other, record.amount, record.applied, is_primary=False, same_currency=other.currency == primary.currency)


class _Allocation:
    """The marks of a run with a primary, being filled one after the other."""

    def __init__(self, paying: list[SettlementRecord], documents: list[SettledDocument]) -> None:
        self._paying = paying
        self._documents = documents
        self._open = [record.amount for record in paying]
        self._paid_on: set[int] = set()

    def fill(self, source: _Source) -> list[Share]:
        """What money pays on which mark; the open marks shrink by it."""
        left, parts = source.amount, []
        for number, record in enumerate(self._paying):
            part = min(left, self._open[number])
            written_off = _written_off(record) if source.is_primary else ZERO
            if part > 0 or written_off or (source.is_primary and not record.amount):
                parts.append((number, part, written_off))
                self._open[number] -= part
                left -= part
        amounts = _in_own_currency(source, [part for _, part, _ in parts])
        shares = [self._share(number, amount, written_off) for (number, _, written_off), amount in zip(parts, amounts, strict=True)]
        return shares if source.same_currency else [share._replace(cross_rate=None) for share in shares]

    def _share(self, number: int, amount: Decimal, written_off: Decimal) -> Share:
        """What enlarged the primary was given at the primary's agreed rate."""
        record = self._paying[number]
        invoice = self._documents[record.raising]
        discount = rounded(ZERO, invoice.currency) if number in self._paid_on else _discount(record, invoice)
        self._paid_on.add(number)
        return Share(invoice, amount, written_off, discount, invoice.cross_rate, _discount_rule(record))


def _in_own_currency(source: _Source, parts: list[Decimal]) -> list[Decimal]:
    """A payment in another currency than the primary's gives in proportion; the last mark takes the rest."""
    if source.same_currency or not parts:
        return parts
    amounts = [share(source.own, Fraction(part) / Fraction(source.amount), source.payment.currency) for part in parts[:-1]]
    return [*amounts, source.own - sum(amounts, ZERO)]
