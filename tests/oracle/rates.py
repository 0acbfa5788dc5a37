"""What money in one currency is worth in another, between two companies (F-C12, F-C13, F-C14, C32).

Invariant: every step is rounded to its currency; a rate is asked for only where a step needs it.
"""

from fractions import Fraction

from tests.oracle.documents import Document
from tests.oracle.money import rounded
from tests.oracle.reference import Reference
from tests.oracle.waiting import wait_while


class Rates:
    """The rates of the invoice's company at the date of the lowering document L, which has its own towards its company."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    def find(self, company: str, currency: str, lowering: Document) -> Fraction | None:
        """1 unit of the currency in the company's own; a missing one is the inverse of the payment company's (C32)."""
        back = self.reference.between(lowering.company, self.reference.currency(company), currency, lowering.date)
        return self.reference.rate(company, currency, lowering.date) or (1 / back if back else None)

    def of(self, company: str, currency: str, lowering: Document) -> Fraction:
        """The rate that a figure needs; it is waited for."""
        pair = {currency, self.reference.currency(company)}
        wait_while(lambda: self.find(company, currency, lowering) is None, "exchange-rate", of=pair)
        return self.find(company, currency, lowering) or Fraction(0)

    def booked(self, amount: Fraction, value: Fraction, lowering: Document, company: str) -> Fraction:
        """Main lines in the invoice's company: `value` is what they are in the payment's company."""
        theirs, own = self.reference.currency(lowering.company), self.reference.currency(company)
        if theirs == own:
            return value
        if lowering.currency == own:
            return amount
        return rounded(value * self.of(company, theirs, lowering), own) if value else value

    def to_payer(self, value: Fraction, lowering: Document, company: str) -> Fraction:
        """A value of the invoice's company in the payment company's accounting currency (F-C11)."""
        theirs = self.reference.currency(lowering.company)
        if theirs == self.reference.currency(company) or not value:
            return value
        return rounded(value / self.of(company, theirs, lowering), theirs)

    def worth(self, money: Fraction, lowering: Document, other: Document, agreed: Fraction | None = None) -> Fraction:
        """F-C12: money of L in the currency of another document; at an agreed rate in one step (F-C14)."""
        if lowering.currency == other.currency:
            return money
        if agreed is not None:
            return rounded(money * agreed, other.currency)
        own, theirs, value = self.reference.currency(other.company), self.reference.currency(lowering.company), money
        if lowering.currency != own:
            value = rounded(money * lowering.rate, theirs)
            value = value if theirs == own else rounded(value * self.of(other.company, theirs, lowering), own)
        return value if other.currency == own else rounded(value / self.of(other.company, other.currency, lowering), other.currency)

    def cost(self, need: Fraction, lowering: Document, other: Document, agreed: Fraction | None = None) -> Fraction:
        """F-C13: what an amount in the other document's currency costs in L's."""
        if lowering.currency == other.currency:
            return need
        if agreed is not None:
            return rounded(need / agreed, lowering.currency)
        own, theirs, value = self.reference.currency(other.company), self.reference.currency(lowering.company), need
        if other.currency != own:
            value = rounded(need * self.of(other.company, other.currency, lowering), own)
        if lowering.currency == own:
            return value
        value = value if theirs == own else rounded(value / self.of(other.company, theirs, lowering), theirs)
        return rounded(value / lowering.rate, lowering.currency)
