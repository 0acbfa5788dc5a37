"""What money is worth across currencies and companies: F-C12, F-C13, C32 and the accounting amounts of a record.

Invariant: a document's own rate is used for the document itself, published rates of the invoice company for the rest, all
at the date of L; each step is rounded to its currency; a rate that is needed and missing is waited for, and no other.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from services.settlement.rules.values import Document
from shared.waiting import Need, for_exchange_rate
from shared.money import ZERO, share
from shared.reference import Reference


class WaitForError(Exception):
    """A run cannot be computed or posted yet: `need` says for what it waits."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.reason)
        self.need = need


class Conversion:
    """Between the money of a lowering document (of company P) and what a raising one (of company I) needs.

    Every method takes and gives amounts rounded to their currency, raises WaitForError where it needs a rate that is missing,
    and looks up a rate only once.
    """

    __slots__ = ("_rates", "_reference", "lowering", "raising", "same_currency")

    def __init__(self, reference: Reference, lowering: Document, raising: Document) -> None:
        self._reference = reference
        self._rates: dict[tuple[str, str], Fraction] = {}
        self.lowering = lowering
        self.raising = raising
        self.same_currency = lowering.currency == raising.currency

    def worth(self, money: Decimal) -> Decimal:
        """What money in L's currency is worth in R's (F-C12)."""
        if self.same_currency or not money:
            return money
        lowering, own = self.lowering, self.raising.accounting_currency
        value = money
        if lowering.currency != own:
            value = self._converted(lowering.at_own_rate(money), lowering.accounting_currency, own)
        return self._converted(value, own, self.raising.currency)

    def cost(self, need: Decimal) -> Decimal:
        """What an amount in R's currency costs in L's (F-C13)."""
        if self.same_currency or not need:
            return need
        lowering, own = self.lowering, self.raising.accounting_currency
        value = self._converted(need, self.raising.currency, own)
        if lowering.currency == own:
            return value
        value = self._converted(value, own, lowering.accounting_currency)
        if lowering.currency == lowering.accounting_currency:
            return value
        return share(value, 1 / Fraction(lowering.exchange_rate), lowering.currency)

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
        """At I's rate of L's date; 0.00 needs no rate."""
        if from_ == to or not amount:
            return amount
        rate = self._rates.get((from_, to))
        if rate is None:
            rate = self._rates[from_, to] = self._published(from_, to)
        return share(amount, rate, to)

    def _published(self, from_: str, to: str) -> Fraction:
        """The rate of I; C32: else the inverse of P's."""
        on = self.lowering.date
        found = self._reference.rate(self.raising.company, from_, to, on)
        if found is not None:
            return found
        back = self._reference.rate(self.lowering.company, to, from_, on)
        if back is None:
            raise WaitForError(for_exchange_rate(self.raising.company, from_, to, on))
        return 1 / back
