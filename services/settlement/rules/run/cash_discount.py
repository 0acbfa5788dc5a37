"""Cash discounts: which tier counts, how much it gives, and what later steps make of it (F-D01 to F-D18, steps 4 to 6).

A discount is a share p of what is left of a document. R's discount is taken when L pays; a credit note has one of its own,
which lowers what it can give.

Invariant: a discount changes only together with what is left of its document: what R has left plus what was applied plus
its discounts is what R had open.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from services.settlement.rules.values import CREDIT_NOTE, Document, DocumentKey
from shared.events.inbound import CashDiscount
from shared.events.reference import SettlementParametersDefined
from shared.money import ZERO, rest_share, share

if TYPE_CHECKING:
    from services.settlement.rules.run.state import Match, OpenItem, Run


# Terms


class CashDiscountTerms(Struct, frozen=True, gc=False):
    """The terms that count for a document: its own, or those of the document that a credit note credits (C16).

    Days count from `date`; a tier's `amount` is a share of `amount`; a percentage is of `net_share` of what is left (F-D14).
    """

    tiers: tuple[CashDiscount, ...]
    date: dt.date
    amount: Decimal
    net_share: Fraction

    def last_date(self, tier: CashDiscount) -> dt.date | None:
        """The last day on which a tier is given, inclusive (C17); None: no limit of time."""
        if tier.until is not None or tier.days is None or tier.days > (dt.date.max - self.date).days:
            return tier.until
        return self.date + dt.timedelta(days=tier.days)

    def reached(self, on: dt.date) -> CashDiscount | None:
        """The first tier whose date is not passed (F-D02)."""
        for tier in self.tiers:
            last = self.last_date(tier)
            if last is None or on <= last:
                return tier
        return None

    def given_by(self, tier: CashDiscount | None) -> AvailableDiscount:
        """What a tier gives: a percentage of the base, an amount as its share of the document's (step 4a); from nothing to all."""
        if tier is None:
            return NO_DISCOUNT
        if tier.percent is None:
            part = Fraction(tier.amount or ZERO) / Fraction(self.amount)
        else:
            part = _of_hundred(tier.percent)
            if self.net_share is not _WHOLE:
                part *= self.net_share
        if not 0 <= part.numerator <= part.denominator:
            part = max(_NOTHING, min(part, _WHOLE))
        return AvailableDiscount(part, tier.account, tier)


class AvailableDiscount(Struct, frozen=True, gc=False):
    """The share of a balance that may be taken as discount, the account of its tier, and the tier itself."""

    share: Fraction
    account: str | None
    tier: CashDiscount | None = None

    def of_nothing(self) -> AvailableDiscount:
        """The terms give nothing; a discount that was entered still has the account of their tier."""
        return AvailableDiscount(_NOTHING, self.account, self.tier)


class OwnDiscount(Struct, frozen=True, gc=False):
    """A credit note's own discount as it was found: `of` is what its share was taken of, what was given where it is partial."""

    available: AvailableDiscount
    of: Decimal
    is_partial: bool


_NOTHING: Final = Fraction(0)
_WHOLE: Final = Fraction(1)
NO_DISCOUNT: Final = AvailableDiscount(_NOTHING, None)


@lru_cache(maxsize=1024)  # of few percentages very many discounts are made
def _of_hundred(percent: Decimal) -> Fraction:
    return Fraction(percent) / 100


def terms_of(document: Document, settings: SettlementParametersDefined, credited: Document | None) -> CashDiscountTerms:
    """The terms of a document; a credit note's those of the document it credits, if that counts (C16, C23)."""
    source = credited if credited is not None else document
    net_share = _WHOLE
    if source.discounts and settings.cash_discount_base != "gross" and document.net != document.amount:
        net_share = Fraction(document.net) / Fraction(document.amount)
    return CashDiscountTerms(source.discounts, source.date, source.amount, net_share)


def credited_key(document: Document, settings: SettlementParametersDefined) -> DocumentKey | None:
    """The document whose terms count for a credit note (C16); None with the parameter off: its terms do not matter."""
    if document.kind != CREDIT_NOTE or document.credits is None or not settings.cash_discounts_for_credit_notes:
        return None
    return DocumentKey(document.ledger, document.company, document.credits)


# R's discount (step 4)


def available(raising: OpenItem, on: dt.date) -> AvailableDiscount:
    """What R's terms give on a date, the mark considered (F-D08, C37)."""
    terms, use = raising.terms, raising.use_cash_discount
    if not terms.tiers:
        return NO_DISCOUNT
    tier = terms.reached(on)
    if tier is None and use == "always":
        tier = terms.tiers[0]
    given = terms.given_by(tier)
    return given.of_nothing() if use == "never" else given


def available_from(run: Run, raising: OpenItem, lowering: OpenItem) -> AvailableDiscount:
    """What R's terms give where L pays: at L's date, and with a credit note only if its company has that switched on (F-D11)."""
    given = available(raising, run.discount_date_of(lowering))
    if lowering.document.kind == CREDIT_NOTE and not lowering.settings.cash_discounts_for_credit_notes:
        return given.of_nothing()
    return given


def full_discount(raising: OpenItem, discount: AvailableDiscount) -> Decimal:
    """The discount that closes R: as entered, at most its balance and once (F-D10), else its share of what is left (step 4b)."""
    entered = raising.entered_discount
    if entered is not None:
        return ZERO if raising.matches else min(entered, raising.left)
    return share(raising.left, discount.share, raising.document.currency)


def partial_discount(raising: OpenItem, discount: AvailableDiscount, applied: Decimal, full: Decimal) -> Decimal:
    """The discount beside what was applied where R stays open (F-D06): `full` if it was entered."""
    if raising.entered_discount is not None:
        return full
    return min(rest_share(applied, discount.share, raising.document.currency), raising.left - applied)


def take_discount(match: Match, amount: Decimal, discount: AvailableDiscount) -> None:
    """Notes R's discount of a match and the account of its tier (F-D03); one that was entered has it whatever the tier gives."""
    entered = match.raising.entered_discount is not None
    match.discount = amount
    match.available = discount
    match.discount_account = discount.account if discount.share or entered else None
    match.discount_rule = match.raising.entered_discount_rule if entered else ""


def drop_partial_discounts(raising: OpenItem) -> None:
    """Step 4c, C36: R stays open and partial discounts are off: this run gives it none; `always` and an entered one excepted."""
    if raising.settings.cash_discounts_for_partial_payments or raising.use_cash_discount == "always":
        return
    if raising.entered_discount is not None:
        return
    for match in raising.matches:
        raising.left += match.discount
        match.discount, match.available = ZERO, NO_DISCOUNT


# A credit note's own discount (step 4, F-D11, C15)


def own_available(lowering: OpenItem, on: dt.date) -> AvailableDiscount:
    """The share of a credit note's balance that is its own discount at the date of the record."""
    if lowering.document.kind != CREDIT_NOTE or not lowering.terms.tiers or not lowering.settings.cash_discounts_for_credit_notes:
        return NO_DISCOUNT
    return lowering.terms.given_by(lowering.terms.reached(on))


def own_money(lowering: OpenItem, on: dt.date) -> Decimal:
    """What L offers of its own: its balance less its own discount, at most what its mark lets through."""
    money = lowering.left
    if lowering.terms.tiers:
        money -= share(lowering.left, own_available(lowering, on).share, lowering.document.currency)
    return money if lowering.limit is None else min(money, lowering.limit)


def offered_money(lowering: OpenItem, on: dt.date) -> Decimal:
    """All that L offers: what it has of its own, and what enlarged it."""
    return own_money(lowering, on) + lowering.enlarged_by


def give(lowering: OpenItem, match: Match, paid: Decimal) -> None:
    """Takes from L what a match pays, its own money first, with the credit note's own discount on that, pair by pair."""
    given = min(paid, own_money(lowering, match.date))
    own = own_available(lowering, match.date) if lowering.terms.tiers else NO_DISCOUNT
    discount = ZERO
    if own.share and given:
        currency = lowering.document.currency
        whole = share(lowering.left, own.share, currency)
        closes = given == lowering.left - whole
        discount = whole if closes else min(rest_share(given, own.share, currency), lowering.left - given)
        match.credit_note_discount += discount
        match.credit_note_account = own.account
        match.own = OwnDiscount(own, lowering.left if closes else given, is_partial=not closes)
    lowering.left -= given + discount
    lowering.enlarged_by -= paid - given
    if lowering.limit is not None:
        lowering.limit -= given


# Unspecific overpayments (step 5)


def reduce_by_overpayments(run: Run) -> None:
    """Step 5 (F-E05, C5, C10, C11): money left on a payment lowers the discounts of its R's, the last one first.

    Of a run that continues no money is left: the further run takes it.
    """
    if run.continues:
        return
    for lowering in run.sources:
        if lowering.settings.cash_discount_administration == "unspecific" and lowering.is_payment and all_closed(lowering):
            for giving in reversed(lowering.matches):
                if giving.raising.entered_discount is None:
                    _reduce(run, giving)


def all_closed(lowering: OpenItem) -> bool:
    """Whether L has paid something and all that it paid on is closed."""
    return bool(lowering.matches) and not any(match.raising.left for match in lowering.matches)


def _reduce(run: Run, giving: Match) -> None:
    """The discounts of R, that of the payment's own record first: those that are posted where the money is."""
    lowering = giving.lowering
    if not usable_rest(lowering):
        return
    for losing in (giving, *(other for other in reversed(giving.raising.matches) if other is not giving)):
        money = usable_rest(lowering)
        if money and losing.discount and _posts_discount(run, losing) == lowering.document.company:
            _move(giving, losing, money)


def usable_rest(lowering: OpenItem) -> Decimal:
    """What L may still give once all R's have taken theirs, its own discount not taken off."""
    left = lowering.left if lowering.limit is None else min(lowering.left, lowering.limit)
    return left + lowering.enlarged_by


def _posts_discount(run: Run, match: Match) -> str:
    """The company that posts R's discount of a match."""
    return (match.lowering if run.discount_by_payment(match) else match.raising).document.company


def _move(giving: Match, losing: Match, money: Decimal) -> None:
    """What a discount loses is given by the payment that has the money, in its record."""
    paid, lost = giving.conversion.exchange(money, losing.discount)
    if not lost:
        return
    losing.discount -= lost
    losing.discount_lost += lost
    losing.discount_rule = "F-E05"
    giving.applied += lost
    giving.applied_for_discount += lost
    giving.amount += paid
    give(giving.lowering, giving, paid)


# Full settlement (step 6)


def settle_fully(run: Run) -> None:
    """Step 6 (F-B17): what R still has open becomes discount, on its last record, if the run applied anything to it."""
    for raising in run.raising:
        if raising.wants_full_settlement and raising.left and raising.matches:
            last = raising.matches[-1]
            last.discount += raising.left
            last.discount_added = raising.left
            last.discount_rule = last.discount_rule or "F-B17"
            raising.left = ZERO
