"""Steps 3 and 4 of a run: who settles with whom (C26, C27), and what each match moves (F-D05 to F-D12, C35 to C37).

Invariant: a match takes no more from L than it offers, no more of R than it has left, and neither more than its mark lets
through.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from services.settlement.rules.run.cash_discount import (
    AvailableDiscount,
    available_from,
    drop_partial_discounts,
    full_discount,
    give,
    offered_money,
    partial_discount,
    take_discount,
    usable_rest,
)
from services.settlement.rules.run.differences import held_back_in, may_be_written_off, shortfall_kind
from services.settlement.rules.run.state import Match, OpenItem, Run
from shared.money import ZERO

MOST_AUTOMATIC: Final = 2_000
"""An automatic run makes no more matches than this; a further run takes up what is left."""

NONE: Final = -1
"""No place."""


def match_all(run: Run) -> None:
    """Steps 3 and 4, done again while a shortfall was written off that a mark only holds back (step 7)."""
    while True:
        enlarge_primary(run)
        _pair_up(run)
        short = [raising for raising in run.raising if raising.is_short]
        is_held_back = held_back_in(run) if short else None
        held_back = [raising for raising in short if is_held_back is not None and is_held_back(raising)]
        if not held_back:
            return
        for raising in held_back:
            raising.stays_open = True
        run.restart()


# Step 3: a primary is enlarged


def enlarge_primary(run: Run) -> None:
    """Other L's enlarge the primary, in order, only as far as the marked R's need it (C27)."""
    primary = run.primary
    if primary is None:
        return
    wanted = sum((_asked_of(run, primary, raising) for raising in run.raising), ZERO)
    missing = wanted - offered_money(primary, max(primary.document.date, run.date))
    for other in run.lowering:
        if other is not primary and missing > ZERO:
            missing -= _enlarge(run, primary, other, missing)


def _asked_of(run: Run, primary: OpenItem, raising: OpenItem) -> Decimal:
    """What R would take from a primary that has enough, in the primary's currency."""
    match = run.match(primary, raising)
    run.look_at(match)
    need = raising.left - full_discount(raising, available_from(run, raising, primary))
    cap = _cap(run, match)
    price = match.conversion.cost(need if cap.applied is None else min(need, cap.applied))
    return price if cap.paid is None else min(price, cap.paid)


def _enlarge(run: Run, primary: OpenItem, other: OpenItem, missing: Decimal) -> Decimal:
    """Another L in R's place gives its money to the primary; returns what the primary grew by, in its currency."""
    match = run.match(primary, other, enlarges=True)
    money = offered_money(other, match.date)
    if not money:
        return ZERO
    run.look_at(match)
    match.open_before, match.money = other.left, money
    match.amount, match.applied = match.conversion.exchange(missing, money)
    if not match.amount or not match.applied:
        return ZERO
    give(other, match, match.applied)
    primary.enlarged_by += match.amount
    run.add(match)
    return match.amount


# Steps 3 and 4: R's take from their L's


def _pair_up(run: Run) -> None:
    """Makes the matches of a run whose items are in order: first in, first out, or all with the primary (C26, C27)."""
    first = place = 0
    while (first := _first_with_money(run, first)) != NONE and (raising := run.raising_at(place)) is not None:
        _take_from_sources(run, raising, first)
        if raising.left and not raising.is_short:
            drop_partial_discounts(raising)
        if run.continues:
            break
        place += 1


def _first_with_money(run: Run, place: int) -> int:
    """The place of the first L from there on that may still give anything; NONE where there is none."""
    while (lowering := run.source_at(place)) is not None:
        if usable_rest(lowering):
            return place
        place += 1
    return NONE


def _take_from_sources(run: Run, raising: OpenItem, place: int) -> None:
    """R takes from the L's from this place on, until it needs no more."""
    while raising.left and not raising.is_short and not _is_used_up(run, raising):
        lowering = run.source_at(place)
        if lowering is None:
            return
        if run.automatic and len(run.matches) >= (MOST_AUTOMATIC if run.most is None else run.most):
            run.continues = raising.stays_open = True
            return
        _settle(run, raising, lowering, place)
        place += 1


def _is_used_up(run: Run, raising: OpenItem) -> bool:
    """Whether R's mark lets nothing more through, whoever pays: it said so once and counts in R's own currency."""
    if not raising.is_limited or raising.limit is None or raising.paid + raising.applied < raising.limit:
        return False
    return run.payment is None or run.payment.document.currency == raising.document.currency


def _settle(run: Run, raising: OpenItem, lowering: OpenItem, place: int) -> None:
    """One match: what the L at this place pays of what R needs, and R's discount (step 4a, b and d)."""
    match = run.match(lowering, raising)
    money = offered_money(lowering, match.date)
    if not money:
        return
    run.look_at(match)
    match.open_before, match.money = raising.left, money
    available = available_from(run, raising, lowering)
    discount = full_discount(raising, available)
    need, cap = raising.left - discount, _cap(run, match)
    if need and cap.is_used_up:
        raising.is_limited = True
        return
    want = need if cap.applied is None else min(need, cap.applied)
    match.let_through = cap.applied if cap.paid is None else cap.paid
    match.amount, match.applied = match.conversion.exchange(money if cap.paid is None else min(money, cap.paid), want)
    if want < need:
        match.applied = min(match.applied, match.conversion.worth(match.amount))
    if want and not match.applied:
        return
    if match.applied < need:
        raising.is_limited = raising.is_limited or cap.holds_back(match, need)
        if _is_written_off(match, need - match.applied, discount) and _gets_no_more(run, match, cap, place + 1):
            raising.is_short = True
        else:
            match.is_partial = True
            discount = partial_discount(raising, available, match.applied, discount)
    _make(run, match, discount, available)


def _make(run: Run, match: Match, discount: Decimal, available: AvailableDiscount) -> None:
    """The match becomes part of the run, and its documents have so much less left."""
    lowering, raising = match.lowering, match.raising
    take_discount(match, discount, available)
    give(lowering, match, match.amount)
    raising.left -= match.applied + match.discount
    if _in_marks_currency(run, lowering):
        raising.paid += match.amount
    else:
        raising.applied += match.applied
    run.add(match)


def _is_written_off(match: Match, shortfall: Decimal, discount: Decimal) -> bool:
    """C35: whether what R lacks is within the tolerance, and no step to come would close R or open it again."""
    raising = match.raising
    if raising.wants_full_settlement or raising.stays_open or not may_be_written_off(raising, shortfall):
        return False
    payers = [*(earlier.lowering for earlier in raising.matches), match.lowering]
    return shortfall_kind(raising, payers, shortfall, bool(discount) or raising.discount_taken) is not None


def _gets_no_more(run: Run, match: Match, cap: _Cap, place: int) -> bool:
    """Whether its mark lets no more through, or no L from this place on has money for it."""
    if cap.is_reached_by(match):
        return True
    while (other := run.source_at(place)) is not None:
        if _has_money_for(run, other, match.raising):
            return False
        place += 1
    return True


def _has_money_for(run: Run, lowering: OpenItem, raising: OpenItem) -> bool:
    """Whether L offers money that is worth anything to R."""
    money = offered_money(lowering, run.record_date(lowering, raising))
    return bool(money) and bool(run.conversion(lowering, raising).worth(money))


# What a mark lets R take


class _Cap(NamedTuple):
    """What R's mark still lets one L pay, in L's currency where that is the payment's, else in R's own; None: all."""

    paid: Decimal | None = None
    applied: Decimal | None = None

    @property
    def is_used_up(self) -> bool:
        """Whether nothing more is let through."""
        return (self.paid is not None and self.paid <= ZERO) or (self.applied is not None and self.applied <= ZERO)

    def is_reached_by(self, match: Match) -> bool:
        """Whether the match takes all that is let through."""
        return match.amount == self.paid or match.applied == self.applied

    def holds_back(self, match: Match, need: Decimal) -> bool:
        """Whether it lets less through than R needs."""
        if self.applied is not None:
            return self.applied < need
        return self.paid is not None and match.conversion.exchange(self.paid, need)[1] < need


def _in_marks_currency(run: Run, lowering: OpenItem) -> bool:
    return run.payment is not None and lowering.document.currency == run.payment.document.currency


def _cap(run: Run, match: Match) -> _Cap:
    """What counts of other L's in R's currency, and what those in the payment's have paid, is taken off both ways (step 2)."""
    raising, payment = match.raising, run.payment
    limit = raising.limit
    if limit is None:
        return _NO_CAP
    if payment is None or payment.document.currency == raising.document.currency:
        rest = limit - raising.paid - raising.applied
        return _Cap(paid=rest) if _in_marks_currency(run, match.lowering) else _Cap(applied=rest)
    conversion = run.conversion(payment, raising)
    if not _in_marks_currency(run, match.lowering):
        return _Cap(applied=conversion.worth(limit) - raising.applied - conversion.worth(raising.paid))
    if raising.applied and conversion.worth(limit) <= raising.applied:
        return _Cap(paid=ZERO)
    return _Cap(paid=limit - raising.paid - conversion.cost(raising.applied))


_NO_CAP = _Cap()
