"""Steps 3 and 4 of a run: who settles with whom (C26, C27), and what each match moves (F-D05 to F-D12, C35 to C37).

Invariant: a match takes no more from L than it offers, no more of R than it has left, and neither more than its mark lets
through.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from services.settlement.rules.run.cash_discount import (
    available_from,
    drop_partial_discounts,
    full_discount,
    give,
    offered_money,
    own_available,
    partial_discount,
    take_discount,
    whole_money,
)
from services.settlement.rules.run.differences import shortfall_kind
from services.settlement.rules.run.state import Match, OpenItem, Run
from shared.money import ZERO, share

# Step 3: a primary is enlarged


def enlarge_primary(run: Run) -> None:
    """Other L's enlarge the primary, in order, only as far as the marked R's need it (C27)."""
    primary = run.primary
    if primary is None:
        return
    wanted = sum((_asked_of(run, primary, raising) for raising in run.raising), ZERO)
    first = run.record_date(primary, run.raising[0]) if run.raising else run.date
    missing = wanted - offered_money(primary, own_available(primary, first))
    for other in run.lowering:
        if other is not primary and missing > ZERO:
            missing -= _enlarge(run, primary, other, missing)


def _asked_of(run: Run, primary: OpenItem, raising: OpenItem) -> Decimal:
    """What R would take from a primary that has enough, in the primary's currency."""
    match = run.match(primary, raising)
    need = raising.left - full_discount(raising, available_from(run, raising, primary))
    price = match.conversion.cost(need)
    return min(price, _let_through(run, match, price))


def _enlarge(run: Run, primary: OpenItem, other: OpenItem, missing: Decimal) -> Decimal:
    """Another L in R's place gives its money to the primary; returns what the primary grew by, in its currency."""
    match = run.match(primary, other, enlarges=True)
    money = offered_money(other, own_available(other, match.date))
    price = match.conversion.cost(money)
    if price <= missing:
        match.amount, match.applied = price, money
    else:
        match.amount = missing
        match.applied = min(match.conversion.worth(missing), money)
    if not match.amount or not match.applied:
        return ZERO
    give(other, match, match.applied)
    primary.enlarged_by += match.amount
    primary.left += match.amount
    if primary.limit is not None:
        primary.limit += match.amount
    run.add(match)
    return match.amount


# Steps 3 and 4: R's take from their L's


def pair_up(run: Run) -> None:
    """Makes the matches of a run whose items are in order: first in, first out, or all with the primary (C26, C27)."""
    for raising in run.raising:
        for lowering in run.sources:
            if raising.left and not raising.written_off:
                _settle(run, raising, lowering)
        if raising.left and not raising.written_off:
            drop_partial_discounts(raising)
    run.trying = None


def _settle(run: Run, raising: OpenItem, lowering: OpenItem) -> None:
    """One match: what L pays of what R needs, and R's discount (step 4a, b and d)."""
    if raising.limit == ZERO:
        return
    match = run.match(lowering, raising)
    money = offered_money(lowering, own_available(lowering, match.date))
    if not money:
        return
    available = available_from(run, raising, lowering)
    discount = full_discount(raising, available)
    need = raising.left - discount
    price = match.conversion.cost(need)
    usable = min(money, _let_through(run, match, money))
    worth = match.conversion.worth(usable)
    if run.payment is None and raising.limit is not None:
        worth = min(worth, raising.limit)
    if usable >= price or worth >= need:
        match.amount, match.applied = min(price, usable), need
    else:
        match.amount, match.applied = usable, worth
        if not worth:
            return
        if _is_written_off(run, match, need - worth, bool(discount) or raising.discount_taken):
            raising.written_off = True
        else:
            discount = partial_discount(raising, available, worth, discount)
    take_discount(match, discount, available)
    _spend_limit(run, match)
    give(lowering, match, match.amount)
    raising.left -= match.applied + match.discount
    run.add(match)


def _is_written_off(run: Run, match: Match, shortfall: Decimal, has_discount: bool) -> bool:  # noqa: FBT001 - one fact of four
    """C35: no money is left for R anywhere, and what it lacks then is within the tolerance."""
    raising, lowering = match.raising, match.lowering
    if whole_money(lowering, own_available(lowering, match.date)) > match.amount:
        return False
    if any(has_money_for(run, other, raising) for other in run.sources if other is not lowering):
        return False
    payers = [*(earlier.lowering for earlier in raising.matches), lowering]
    return shortfall_kind(raising, payers, shortfall, has_discount) is not None


def has_money_for(run: Run, lowering: OpenItem, raising: OpenItem) -> bool:
    """Whether L has money that is worth anything to R, marks aside."""
    money = whole_money(lowering, own_available(lowering, run.record_date(lowering, raising)))
    return bool(money) and bool(run.conversion(lowering, raising).worth(money))


def _let_through(run: Run, match: Match, money: Decimal) -> Decimal:
    """What R's mark lets L pay, in L's currency: the mark is in the payment's currency, a request's in R's own."""
    limit = match.raising.limit
    if limit is None:
        return money
    if run.payment is None:
        return match.conversion.cost(limit)
    return run.conversion(run.payment, match.lowering).worth(limit)


def _spend_limit(run: Run, match: Match) -> None:
    """What R's mark lets through from now on."""
    raising = match.raising
    if raising.limit is None:
        return
    if run.payment is None:
        raising.limit -= min(raising.limit, match.applied)
    elif run.payment.document.currency == match.lowering.document.currency:
        raising.limit -= min(raising.limit, match.amount)
    else:
        through = _let_through(run, match, ZERO)
        spent = Fraction(match.amount) / Fraction(through) if through else Fraction(1)
        raising.limit -= min(raising.limit, share(raising.limit, min(spent, Fraction(1)), run.payment.document.currency))


# Step 7: what is neither left nor lacking


def note_what_is_held_back(run: Run) -> None:
    """Whether an `amount_to_settle` that is used up, R's or a marked L's, holds back money that is there."""
    for raising in run.raising:
        if raising.left and not raising.written_off:
            for lowering in run.lowering:
                if ZERO in (raising.limit, lowering.limit) and has_money_for(run, lowering, raising):
                    raising.held_back = lowering.held_back = True
