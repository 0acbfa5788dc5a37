"""Steps 3 and 4 of a run: who settles with whom (C26, C27) and which discount each pair gives (F-D05 to F-D12, C35 to C37)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from services.settlement.rules.run.conversion import cost, worth
from services.settlement.rules.run.state import (
    Claim,
    Pair,
    Run,
    discounted,
    full_discount,
    offered_money,
    own_discount,
    own_money,
    whole_money,
)
from services.settlement.rules.run.tolerance import writes_off_lacking
from shared.events.inbound import CashDiscount
from shared.money import ZERO, rounded_fraction, share


def pair_up(run: Run) -> None:
    """Makes the pairs of a run whose claims are in order."""
    if run.primary is not None:
        _enlarge(run, run.primary)
    lowering = run.lowering if run.primary is None else [run.primary]
    for raising in run.raising:
        _settle_raising(run, raising, lowering)
    for raising in run.raising:
        _see_what_is_held(run, raising)


def _settle_raising(run: Run, raising: Claim, lowering: list[Claim]) -> None:
    for claim in lowering:
        if raising.left and not raising.written_off:
            _take(run, raising, claim, lowering)
    if raising.left and not raising.written_off:
        _no_partial_discount(run, raising)


def _take(run: Run, raising: Claim, lowering: Claim, all_lowering: list[Claim]) -> None:
    """One pair: what L pays of what R needs, and R's discount (step 4a, b and d)."""
    money = offered_money(lowering, _own_part(run, lowering, raising))
    if not money or raising.limit == ZERO:
        return
    run.pairing = (lowering, raising)
    on = run.discount_date if run.discount_date is not None else lowering.document.date
    part, term = discounted(run, raising, lowering, on)
    discount = full_discount(raising, part)
    need = raising.left - discount
    price = cost(run.reference, lowering.document, raising.document, need)
    usable = min(money, _let_through(run, raising, lowering, money))
    value = worth(run.reference, lowering.document, raising.document, usable)
    if run.payment is None and raising.limit is not None:
        value = min(value, raising.limit)
    if usable >= price or value >= need:
        paid, applied = min(price, usable), need
    else:
        paid, applied = usable, min(value, need)
        if not applied:
            return
        pair_leaves = need - applied
        if _last_money(run, raising, lowering, usable, all_lowering) and writes_off_lacking(
            run, raising, [*(pair.lowering for pair in raising.pairs), lowering], pair_leaves, bool(discount or _has_discount(raising))
        ):
            raising.written_off = True
        elif raising.typed_discount is None:
            discount = rounded_fraction(Fraction(applied) / (1 - part) * part, raising.document.currency)
    _add_pair(run, raising, lowering, Amounts(paid, applied, discount), term)


class Amounts:
    """What one pair moves: paid in L's currency, applied and discount in R's."""

    __slots__ = ("applied", "discount", "paid")

    def __init__(self, paid: Decimal, applied: Decimal, discount: Decimal) -> None:
        self.paid = paid
        self.applied = applied
        self.discount = discount


def _add_pair(run: Run, raising: Claim, lowering: Claim, amounts: Amounts, term: CashDiscount | None) -> None:
    pair = Pair(lowering, raising, run.record_date(lowering, raising))
    pair.amount, pair.applied, pair.discount = amounts.paid, amounts.applied, amounts.discount
    pair.discount_rule = "F-D10" if raising.typed_discount is not None else ""
    pair.discount_account = term.account if term is not None else None
    _spend_limit(run, raising, lowering, amounts)
    _give(run, lowering, pair, amounts.paid)
    raising.left -= amounts.applied + amounts.discount
    raising.pairs.append(pair)
    lowering.pairs.append(pair)
    run.pairs.append(pair)
    run.pairing = None


def _give(run: Run, lowering: Claim, pair: Pair, paid: Decimal) -> None:
    """Takes what a pair pays from L, with the credit note's own discount on what is its own (step 4, last paragraph)."""
    part, term = own_discount(run, lowering, pair.date)
    mine = own_money(lowering, part)
    own = min(paid, mine)
    pair.credit_note_discount = _own_discount_of(lowering, own, mine, part)
    pair.credit_note_account = term.account if term is not None else None
    lowering.lent -= paid - own
    lowering.left -= paid + pair.credit_note_discount
    if lowering.limit is not None:
        lowering.limit -= paid


def _own_discount_of(lowering: Claim, given: Decimal, money: Decimal, part: Fraction) -> Decimal:
    if not part:
        return ZERO
    if given == money:
        return lowering.left - lowering.lent - given
    return rounded_fraction(Fraction(given) / (1 - part) * part, lowering.document.currency)


def _own_part(run: Run, lowering: Claim, raising: Claim) -> Fraction:
    return own_discount(run, lowering, run.record_date(lowering, raising))[0]


def _let_through(run: Run, raising: Claim, lowering: Claim, money: Decimal) -> Decimal:
    """What R's mark lets L pay, in L's currency: the mark is in the payment's currency, a request's in R's own."""
    if raising.limit is None:
        return money
    if run.payment is None:
        return cost(run.reference, lowering.document, raising.document, raising.limit)
    return worth(run.reference, run.payment, lowering.document, raising.limit)


def _spend_limit(run: Run, raising: Claim, lowering: Claim, amounts: Amounts) -> None:
    if raising.limit is None:
        return
    if run.payment is None:
        raising.limit -= min(raising.limit, amounts.applied)
    elif run.payment.currency == lowering.document.currency:
        raising.limit -= min(raising.limit, amounts.paid)
    else:
        through = _let_through(run, raising, lowering, ZERO)
        spent = Fraction(amounts.paid) / Fraction(through) if through else Fraction(1)
        raising.limit -= min(raising.limit, share(raising.limit, min(spent, Fraction(1)), run.payment.currency))


def _last_money(run: Run, raising: Claim, lowering: Claim, usable: Decimal, all_lowering: list[Claim]) -> bool:
    """Whether no money is left for R anywhere once L has paid: neither held back by a mark nor with another L."""
    if whole_money(lowering, _own_part(run, lowering, raising)) > usable:
        return False
    return not any(_worth_something(run, raising, claim) for claim in all_lowering if claim is not lowering)


def _worth_something(run: Run, raising: Claim, lowering: Claim) -> bool:
    money = whole_money(lowering, _own_part(run, lowering, raising))
    return bool(money) and bool(worth(run.reference, lowering.document, raising.document, money))


def _has_discount(raising: Claim) -> bool:
    return any(pair.discount for pair in raising.pairs)


def _see_what_is_held(run: Run, raising: Claim) -> None:
    """Whether an `amount_to_settle` that is used up, R's or a marked L's, holds back money that is there (step 7)."""
    if not raising.left or raising.written_off:
        return
    for claim in run.lowering:
        if ZERO in (raising.limit, claim.limit) and _worth_something(run, raising, claim):
            raising.held = claim.held = True


def _no_partial_discount(run: Run, raising: Claim) -> None:
    """Step 4c, C36: R not closed and partial discounts off: this run gives R none; `always` and a typed one excepted."""
    use = "normal" if raising.mark is None else raising.mark.use_cash_discount
    parameters = run.reference.parameters(raising.document.company, run.ledger)
    if parameters.cash_discounts_for_partial_payments or use == "always" or raising.typed_discount is not None:
        return
    for pair in raising.pairs:
        raising.left += pair.discount
        pair.discount = ZERO


def _enlarge(run: Run, primary: Claim) -> None:
    """Step 3 with a primary: other L's enlarge it, in order, only as far as the marked R's need it (C27)."""
    wanted = sum((_asks(run, raising, primary) for raising in run.raising), ZERO)
    lacking = wanted - _primary_offer(run, primary)
    for other in run.lowering:
        if other is not primary and lacking > ZERO:
            lacking -= _lend(run, primary, other, lacking)


def _primary_offer(run: Run, primary: Claim) -> Decimal:
    part, _ = own_discount(run, primary, run.date if not run.raising else run.record_date(primary, run.raising[0]))
    return offered_money(primary, part)


def _asks(run: Run, raising: Claim, primary: Claim) -> Decimal:
    """What R would take from a primary that has enough, in the primary's currency."""
    run.pairing = (primary, raising)
    on = run.discount_date if run.discount_date is not None else primary.document.date
    part, _ = discounted(run, raising, primary, on)
    price = cost(run.reference, primary.document, raising.document, raising.left - full_discount(raising, part))
    return min(price, _let_through(run, raising, primary, price))


def _lend(run: Run, primary: Claim, other: Claim, lacking: Decimal) -> Decimal:
    """Another L in R's place: gives its money to the primary; returns what the primary grew by, in its currency."""
    run.pairing = (primary, other)
    pair = Pair(primary, other, run.record_date(primary, other), enlarges=True)
    part, _ = own_discount(run, other, pair.date)
    money = offered_money(other, part)
    if not money:
        return ZERO
    price = cost(run.reference, primary.document, other.document, money)
    if price <= lacking:
        pair.amount, pair.applied = price, money
    else:
        pair.amount = lacking
        pair.applied = min(worth(run.reference, primary.document, other.document, lacking), money)
    if not pair.amount or not pair.applied:
        return ZERO
    _give(run, other, pair, pair.applied)
    primary.lent += pair.amount
    primary.left += pair.amount
    if primary.limit is not None:
        primary.limit += pair.amount
    run.pairs.append(pair)
    run.pairing = None
    return pair.amount
