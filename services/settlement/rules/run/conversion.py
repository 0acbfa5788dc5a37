"""What money is worth across currencies and companies: F-C12, F-C13, C32 and the accounting amounts of a record.

Invariant: a document's own rate is used for the document itself, published rates of the invoice company for the rest, all
at the date of L and the same in both directions; each step is rounded to its currency; a rate that is needed and missing is
waited for, and no other.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from services.settlement.rules.values import Document
from shared.money import ZERO, share
from shared.reference import Reference
from shared.waiting import Need, for_exchange_rate


class WaitForError(Exception):
    """A run cannot be computed or posted yet: `need` says for what it waits."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.reason)
        self.need = need


class PublishedRate(NamedTuple):
    """1 unit of a currency in the invoice company's own; `is_of_payment_company`: that company has none, the payment's has (C32)."""

    rate: Fraction
    is_of_payment_company: bool


def published_rate(  # noqa: PLR0913 - whose rate of what on which day
    reference: Reference, invoice_company: str, payment_company: str, currency: str, own: str, on: dt.date
) -> PublishedRate | None:
    """1 unit of a currency in I's own on L's date, as I has it; C32: else the inverse of P's. None: neither has one."""
    found = reference.rate(invoice_company, currency, own, on)
    if found is not None:
        return PublishedRate(found, is_of_payment_company=False)
    back = reference.rate(payment_company, own, currency, on)
    return None if back is None else PublishedRate(1 / back, is_of_payment_company=True)


class Conversion:
    """Between the money of a lowering document (of company P) and what a raising one (of company I) needs.

    Every method takes and gives amounts rounded to their currency, raises WaitForError where it needs a rate that is missing,
    and looks up a rate only once. `agreed` is the agreed rate, 1 unit of L's currency in R's: it stands for F-C12 and F-C13,
    accounting amounts are found without it (F-C14).
    """

    __slots__ = ("_agreed", "_rates", "_reference", "by_payment_company", "lowering", "raising", "same_currency")

    def __init__(self, reference: Reference, lowering: Document, raising: Document, agreed: Decimal | None = None) -> None:
        self._reference = reference
        self._rates: dict[str, Fraction] = {}
        self.by_payment_company: set[str] = set()
        self._agreed = Fraction(agreed) if agreed is not None else None
        self.lowering = lowering
        self.raising = raising
        self.same_currency = lowering.currency == raising.currency

    def worth(self, money: Decimal) -> Decimal:
        """What money in L's currency is worth in R's (F-C12)."""
        if self.same_currency or not money:
            return money
        if self._agreed is not None:
            return share(money, self._agreed, self.raising.currency)
        lowering, own = self.lowering, self.raising.accounting_currency
        value = money
        if lowering.currency != own:
            value = self._converted(lowering.at_own_rate(money), lowering.accounting_currency, own)
        return self._converted(value, own, self.raising.currency)

    def cost(self, need: Decimal) -> Decimal:
        """What an amount in R's currency costs in L's (F-C13)."""
        if self.same_currency or not need:
            return need
        if self._agreed is not None:
            return share(need, 1 / self._agreed, self.lowering.currency)
        lowering, own = self.lowering, self.raising.accounting_currency
        value = self._converted(need, self.raising.currency, own)
        if lowering.currency == own:
            return value
        value = self._converted(value, own, lowering.accounting_currency)
        if lowering.currency == lowering.accounting_currency:
            return value
        return share(value, 1 / lowering.rate, lowering.currency)

    def exchange(self, money: Decimal, want: Decimal) -> tuple[Decimal, Decimal]:
        """What L pays of its money and what R gets of what it wants; L keeps money that is worth nothing to R.

        R gets all if either the money covers the cost or its worth covers what is wanted. Nothing costs nothing, at any rate.
        """
        if self.same_currency or not want:
            paid = min(money, want)
            return paid, paid
        worth, cost = self.worth(money), self.cost(want)
        if money >= cost or worth >= want:
            return min(cost, money), want
        return (money, worth) if worth else (ZERO, ZERO)

    def main_value(self, amount: Decimal, accounting_amount: Decimal) -> Decimal:
        """The main line in I: P's accounting amount if I keeps the same currency, the amount if it is in I's own, else converted."""
        if not amount and not accounting_amount:
            return ZERO
        lowering, own = self.lowering, self.raising.accounting_currency
        if lowering.accounting_currency == own:
            return accounting_amount
        if lowering.currency == own:
            return amount
        return self._converted(accounting_amount, lowering.accounting_currency, own)

    def discount_at_payment_date(self, discount: Decimal) -> Decimal:
        """A discount in R's currency at the rate of the payment (C1 `payment_date`), in I's accounting currency."""
        lowering, raising = self.lowering, self.raising
        if raising.currency == raising.accounting_currency or not discount:
            return discount
        if self.same_currency and lowering.accounting_currency == raising.accounting_currency:
            return lowering.at_own_rate(discount)
        return self._converted(discount, raising.currency, raising.accounting_currency)

    def in_payment_company(self, accounting_amount: Decimal) -> Decimal:
        """An amount in I's accounting currency in P's (F-C11, F-D15)."""
        return self._converted(accounting_amount, self.raising.accounting_currency, self.lowering.accounting_currency)

    def _converted(self, amount: Decimal, from_: str, to: str) -> Decimal:
        """Into or out of I's own currency; 0.00 needs no rate."""
        if from_ == to or not amount:
            return amount
        if to == self.raising.accounting_currency:
            return share(amount, self._rate_of(from_), to)
        return share(amount, 1 / self._rate_of(to), to)

    def _rate_of(self, currency: str) -> Fraction:
        """1 unit of a currency in I's own, as I has it on L's date; C32: else the inverse of P's."""
        found = self._rates.get(currency)
        if found is None:
            found = self._rates[currency] = self._published(currency)
        return found

    def _published(self, currency: str) -> Fraction:
        on, own = self.lowering.date, self.raising.accounting_currency
        found = published_rate(self._reference, self.raising.company, self.lowering.company, currency, own, on)
        if found is None:
            raise WaitForError(for_exchange_rate(self.raising.company, currency, own, on))
        if found.is_of_payment_company:
            self.by_payment_company.add(currency)
        return found.rate

    @property
    def agreed(self) -> Fraction | None:
        """The agreed rate, 1 unit of L's currency in R's; None without one."""
        return self._agreed

    @property
    def published(self) -> dict[str, Fraction]:
        """The published rates that were used so far: 1 unit of each currency in I's own; those of P are `by_payment_company`."""
        return self._rates
