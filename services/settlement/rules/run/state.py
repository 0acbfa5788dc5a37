"""A run at work: the documents it may settle, what each still has, and the pairs made so far (rules.md, "A run").

What always holds: claims and pairs live inside one run and are changed only by its steps; the documents behind them stay
as they are until the whole run has been computed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from services.settlement.rules.values import CREDIT_NOTE, PAYMENT, Document
from shared.events.inbound import CashDiscount, Mark
from shared.events.values import Ledger
from shared.money import ZERO, share
from shared.reference import Reference

NOTHING: Final = Fraction(0)
WHOLE: Final = Fraction(1)


class Terms(NamedTuple):
    """The cash discount terms of a document: whose date counts, of whose amount an `amount` tier is a share."""

    tiers: tuple[CashDiscount, ...]
    date: dt.date
    amount: Decimal


@dataclass(slots=True)
class Claim:
    """A document in a run. `left` is what it has open, `limit` what its mark still lets through (None: all).

    The limit of a lowering document is in its own currency, that of a raising one in the currency of the run's marks.
    `lent` is what other documents have enlarged a primary by. `held` says that a mark held back money that was there.
    """

    document: Document
    mark: Mark | None
    position: int
    terms: Terms
    left: Decimal
    limit: Decimal | None = None
    lent: Decimal = ZERO
    held: bool = False
    written_off: bool = False
    pairs: list[Pair] = field(default_factory=list)

    @property
    def is_payment(self) -> bool:
        """Whether it is a payment (an over- or underpayment needs one, C8)."""
        return self.document.kind == PAYMENT

    @property
    def typed_discount(self) -> Decimal | None:
        """The discount typed on the mark (F-D10)."""
        return None if self.mark is None else self.mark.cash_discount_to_take


@dataclass(slots=True)
class Pair:
    """One settlement record in the making: amounts as in `SettlementRecord`."""

    lowering: Claim
    raising: Claim
    date: dt.date
    enlarges: bool = False
    amount: Decimal = ZERO
    applied: Decimal = ZERO
    discount: Decimal = ZERO
    discount_account: str | None = None
    discount_rule: str = ""
    credit_note_discount: Decimal = ZERO
    credit_note_account: str | None = None
    left: Decimal = ZERO
    left_is_penny: bool = False
    lacking: Decimal = ZERO
    lacking_is_penny: bool = False


@dataclass(slots=True)
class Run:
    """What a run is asked to settle. `date` is that of the document or request that caused it.

    `payment` is the payment whose marks these are, None for a request; `primary` the claim all pairs contain.
    """

    ledger: Ledger
    reference: Reference
    date: dt.date
    raising: list[Claim]
    lowering: list[Claim]
    payment: Document | None = None
    primary: Claim | None = None
    discount_date: dt.date | None = None
    automatic: bool = False
    pairs: list[Pair] = field(default_factory=list)
    pairing: tuple[Claim, Claim] | None = None

    @property
    def order_date(self) -> dt.date:
        """The date at which discounts are compared before anything is paired (rules.md, step 2)."""
        if self.discount_date is not None:
            return self.discount_date
        return self.primary.document.date if self.primary is not None else self.date

    def record_date(self, lowering: Claim, raising: Claim) -> dt.date:
        """The later of the two documents, but not before what caused the run (F-B10)."""
        return max(lowering.document.date, raising.document.date, self.date)

    def companies(self) -> list[str]:
        """The companies of the pairs, in order."""
        pairs = [(pair.lowering, pair.raising) for pair in self.pairs]
        if self.pairing is not None:
            pairs.append(self.pairing)
        return list(dict.fromkeys(claim.document.company for pair in pairs for claim in pair))


def terms_of(document: Document, credited: Document | None) -> Terms:
    """A document's own terms, or those of the document that a credit note credits (C16)."""
    source = credited if credited is not None else document
    return Terms(source.discounts, source.date, source.amount)


def claim(document: Document, mark: Mark | None, position: int, credited: Document | None = None) -> Claim:
    """A document as it enters a run."""
    limit = None if mark is None else mark.amount_to_settle
    return Claim(document, mark, position, terms_of(document, credited), document.open, limit)


def tier(terms: Terms, on: dt.date) -> CashDiscount | None:
    """The first tier whose date is not passed (F-D02, C17: inclusive)."""
    for candidate in terms.tiers:
        last = candidate.until
        if last is None and candidate.days is not None:
            last = terms.date + timedelta(days=candidate.days)
        if last is None or on <= last:
            return candidate
    return None


def tier_share(terms: Terms, chosen: CashDiscount | None, net_share: Fraction) -> Fraction:
    """The share p of a tier: percent scaled to the base, an amount as it stands (step 4a)."""
    if chosen is None:
        return NOTHING
    if chosen.percent is not None:
        return Fraction(chosen.percent) / 100 * net_share
    return Fraction(chosen.amount or ZERO) / Fraction(terms.amount)


def discounted(run: Run, raising: Claim, lowering: Claim | None, on: dt.date) -> tuple[Fraction, CashDiscount | None]:
    """The share of R's balance that is discount on a date, and its tier; `lowering` None where only orders are compared."""
    use = "normal" if raising.mark is None else raising.mark.use_cash_discount
    parameters = run.reference.parameters
    if use == "never" or not raising.terms.tiers:
        return NOTHING, None
    if lowering is not None and lowering.document.kind == CREDIT_NOTE:
        own = parameters(lowering.document.company, run.ledger)
        if not own.cash_discounts_for_credit_notes:
            return NOTHING, None
    chosen = tier(raising.terms, on)
    if chosen is None and use == "always":
        chosen = raising.terms.tiers[0]
    return tier_share(raising.terms, chosen, _net_share(run, raising.document)), chosen


def own_discount(run: Run, lowering: Claim, on: dt.date) -> tuple[Fraction, CashDiscount | None]:
    """The share of a credit note that is its own discount on a date (F-D11, C15)."""
    document = lowering.document
    if document.kind != CREDIT_NOTE or not lowering.terms.tiers:
        return NOTHING, None
    if not run.reference.parameters(document.company, run.ledger).cash_discounts_for_credit_notes:
        return NOTHING, None
    chosen = tier(lowering.terms, on)
    return tier_share(lowering.terms, chosen, _net_share(run, document)), chosen


def _net_share(run: Run, document: Document) -> Fraction:
    """Net by gross of a document, or 1 where the base is gross (F-D14, C23)."""
    if run.reference.parameters(document.company, run.ledger).cash_discount_base == "gross":
        return WHOLE
    return Fraction(document.net) / Fraction(document.amount)


def full_discount(raising: Claim, part: Fraction) -> Decimal:
    """The discount that closes R: as typed, at most its balance, else p of what is left."""
    typed = raising.typed_discount
    if typed is not None:
        return ZERO if raising.pairs else min(typed, raising.left)
    return share(raising.left, part, raising.document.currency)


def own_money(lowering: Claim, part: Fraction) -> Decimal:
    """What a lowering document has to give of its own: its balance less its own discount, without what was lent."""
    own = lowering.left - lowering.lent
    return own - share(own, part, lowering.document.currency)


def whole_money(lowering: Claim, part: Fraction) -> Decimal:
    """All that a lowering document has to give, its mark aside."""
    return own_money(lowering, part) + lowering.lent


def offered_money(lowering: Claim, part: Fraction) -> Decimal:
    """What a lowering document offers: all it has, at most what its mark lets through."""
    money = whole_money(lowering, part)
    return money if lowering.limit is None else min(money, lowering.limit)
