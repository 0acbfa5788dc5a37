"""What money is worth across currencies and companies: F-C12, F-C13, C32 and the values of a record.

What always holds: a document's own rate is used for the document itself, published rates of the invoice company for the
rest, all at the date of L; each step is rounded to its currency; a rate that is needed and missing is waited for.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from services.settlement.rules.values import Document, Need, detail
from shared.money import ZERO, share
from shared.reference import Reference


class WaitForError(Exception):
    """A run cannot be computed or posted yet: `need` says for what it waits."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.reason)
        self.need = need


def rate_need(company: str, from_: str, to: str, on: date) -> Need:
    """The wait for a published rate between two currencies, either way."""
    low, high = sorted((from_, to))
    return Need("exchange-rate", detail(company=company, **{"from": from_, "to": to}, date=on), ("exchange-rate", low, high))


def published(reference: Reference, owner: Document, payer: Document, from_: str, to: str) -> Fraction:
    """The rate of the company of `owner` at the date of `payer`; C32: else the inverse of the payer's company's.

    WaitForError if there is neither.
    """
    on = payer.date
    found = reference.rate(owner.company, from_, to, on)
    if found is None:
        back = reference.rate(payer.company, to, from_, on)
        found = 1 / back if back is not None else None
    if found is None:
        raise WaitForError(rate_need(owner.company, from_, to, on))
    return found


def converted(  # noqa: PLR0913 - a conversion has these six parts
    reference: Reference, owner: Document, payer: Document, amount: Decimal, from_: str, to: str
) -> Decimal:
    """An amount at that rate, in the minor digits of `to`; 0 needs no rate."""
    if from_ == to or not amount:
        return amount
    return share(amount, published(reference, owner, payer, from_, to), to)


def worth(reference: Reference, payer: Document, invoice: Document, money: Decimal) -> Decimal:
    """What money in the payer's currency is worth in the invoice's (F-C12)."""
    if payer.currency == invoice.currency or not money:
        return money
    own = invoice.accounting_currency
    if payer.currency == own:
        value = money
    else:
        value = own_value(payer, money)
        value = converted(reference, invoice, payer, value, payer.accounting_currency, own)
    return converted(reference, invoice, payer, value, own, invoice.currency)


def cost(reference: Reference, payer: Document, invoice: Document, need: Decimal) -> Decimal:
    """What an amount in the invoice's currency costs in the payer's (F-C13)."""
    if payer.currency == invoice.currency or not need:
        return need
    own = invoice.accounting_currency
    value = converted(reference, invoice, payer, need, invoice.currency, own)
    if payer.currency == own:
        return value
    value = converted(reference, invoice, payer, value, own, payer.accounting_currency)
    if payer.currency == payer.accounting_currency:
        return value
    return share(value, 1 / Fraction(payer.exchange_rate), payer.currency)


def own_value(document: Document, amount: Decimal) -> Decimal:
    """An amount of a document in its company's accounting currency at the document's own rate (F-C15)."""
    if document.currency == document.accounting_currency:
        return amount
    return share(amount, Fraction(document.exchange_rate), document.accounting_currency)


def main_value(reference: Reference, payer: Document, invoice: Document, amount: Decimal, value: Decimal) -> Decimal:
    """The main line in I: P's value if the accounting currencies are equal, the amount if in I's own, else converted."""
    if not amount and not value:
        return ZERO
    if payer.accounting_currency == invoice.accounting_currency:
        return value
    if payer.currency == invoice.accounting_currency:
        return amount
    return converted(reference, invoice, payer, value, payer.accounting_currency, invoice.accounting_currency)


def discount_value(reference: Reference, payer: Document, invoice: Document, discount: Decimal) -> Decimal:
    """A discount at the rate of the payment (C1 `payment_date`), in I's accounting currency."""
    if invoice.currency == invoice.accounting_currency or not discount:
        return discount
    if payer.currency == invoice.currency and payer.accounting_currency == invoice.accounting_currency:
        return own_value(payer, discount)
    return converted(reference, invoice, payer, discount, invoice.currency, invoice.accounting_currency)
