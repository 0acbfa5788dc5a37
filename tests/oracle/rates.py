"""What money in one currency is worth in another, between two companies (F-C12, F-C13, F-C14, C32).

Invariant: every step is rounded to its currency; a rate is asked for only where a step needs it.
"""

from __future__ import annotations

from fractions import Fraction

from tests.oracle.documents import Document
from tests.oracle.money import ZERO, rounded
from tests.oracle.reference import Reference


class MissingRate(Exception):
    """A rate that a figure needs is not published on or before the date."""

    def __init__(self, company: str, currency: str) -> None:
        super().__init__(company, currency)
        self.key = {"company": company, "currency": currency}


class Rates:
    """The rates of the invoice's company at the date of the lowering document, its own towards its company."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    def of(self, company: str, currency: str, lowering: Document) -> Fraction:
        """1 unit of the currency in the company's own; a missing one is the inverse of the payment company's (C32)."""
        when = lowering.date
        found = self.reference.rate(company, currency, when)
        if found is None:
            inverse = self.reference.between(lowering.company, self.reference.currency(company), currency, when)
            if inverse is None:
                raise MissingRate(company, currency)
            found = 1 / inverse
        return found

    def booked(self, amount: Fraction, value: Fraction, lowering: Document, company: str) -> Fraction:
        """Main lines in the invoice's company: `value` is what they are in the payment's company."""
        theirs, own = self.reference.currency(lowering.company), self.reference.currency(company)
        if theirs == own:
            return value
        if lowering.currency == own:
            return amount
        return rounded(value * self.of(company, theirs, lowering), own) if value else ZERO

    def to_payer(self, value: Fraction, lowering: Document, company: str) -> Fraction:
        """A value of the invoice's company in the payment company's accounting currency."""
        theirs = self.reference.currency(lowering.company)
        if theirs == self.reference.currency(company) or not value:
            return value
        return rounded(value / self.of(company, theirs, lowering), theirs)

    def worth(self, money: Fraction, lowering: Document, company: str, currency: str, agreed: Fraction | None = None) -> Fraction:
        """F-C12: money of the lowering document in the currency of a document of the company."""
        if lowering.currency == currency:
            return money
        if agreed is not None:
            return rounded(money * agreed, currency)
        own, theirs = self.reference.currency(company), self.reference.currency(lowering.company)
        value = money
        if lowering.currency != own:
            value = rounded(money * lowering.rate, theirs)
            if theirs != own:
                value = rounded(value * self.of(company, theirs, lowering), own)
        return value if currency == own else rounded(value / self.of(company, currency, lowering), currency)

    def cost(self, need: Fraction, lowering: Document, company: str, currency: str, agreed: Fraction | None = None) -> Fraction:
        """F-C13: what an amount in the currency of a document of the company costs in the lowering document's."""
        if lowering.currency == currency:
            return need
        if agreed is not None:
            return rounded(need / agreed, lowering.currency)
        own, theirs = self.reference.currency(company), self.reference.currency(lowering.company)
        value = need if currency == own else rounded(need * self.of(company, currency, lowering), own)
        if lowering.currency == own:
            return value
        if theirs != own:
            value = rounded(value / self.of(company, theirs, lowering), theirs)
        return rounded(value / lowering.rate, lowering.currency)
