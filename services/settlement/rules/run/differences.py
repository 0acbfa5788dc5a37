"""Step 7 of a run: what is left or lacking and whose limits write it off (F-E01, F-E02, F-E06, C8, C9).

Invariant: a difference is written off only where that closes its document, on its last record, and never what a mark
holds back.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Literal

from services.settlement.rules.run.cash_discount import all_closed, usable_rest
from services.settlement.rules.run.state import OpenItem, Run
from shared.money import ZERO

Kind = Literal["penny", "difference"]
PENNY: Final = "penny"
DIFFERENCE: Final = "difference"


def write_off(run: Run) -> None:
    """Step 7: money left over first, then what is lacking; what nothing writes off stays open.

    No money is left while a mark of any R keeps it from it, nor where a further run takes it.
    """
    limited = [raising for raising in run.raising if raising.is_limited]
    if not run.continues and not limited:
        for lowering in run.sources:
            _write_off_remainder(run, lowering)
    lacking = [raising for raising in run.raising if raising.left and raising.matches and not raising.stays_open]
    if lacking:
        is_held_back = held_back_in(run)
        for raising in lacking:
            if not is_held_back(raising):
                _write_off_shortfall(raising)


def held_back(run: Run) -> list[OpenItem]:
    """The items whose own mark held back money that is there: R's, and marked L's that have given all that was let through."""
    limited = [raising for raising in run.raising if raising.is_limited]
    if limited and not _with_money(run):
        limited = []
    return limited + [lowering for lowering in run.lowering if lowering.limit == ZERO and lowering.left]


def held_back_in(run: Run) -> Callable[[OpenItem], bool]:
    """Says of an R whether an `amount_to_settle`, its own or a marked L's, holds back money that is there when all have taken theirs."""
    there = _with_money(run)
    is_offer_limited = any(item.limit is not None and item.left > item.limit for item in there)
    return lambda raising: bool(there) and (raising.is_limited or is_offer_limited)


def _with_money(run: Run) -> list[OpenItem]:
    return [lowering for lowering in run.lowering if lowering.rest]


def _write_off_remainder(run: Run, lowering: OpenItem) -> None:
    """Money left: only on L's last record, and only where it closes L."""
    rest = lowering.rest
    if not rest or usable_rest(lowering) < rest or not all_closed(lowering):
        return
    kind = _remainder_kind(run, lowering)
    if kind is None:
        return
    last = lowering.matches[-1]
    last.remainder, last.remainder_is_penny = rest, kind == PENNY
    lowering.left = lowering.enlarged_by = ZERO


def _write_off_shortfall(raising: OpenItem) -> None:
    """Money lacking: on R's last record."""
    kind = shortfall_kind(raising, [match.lowering for match in raising.matches], raising.left, raising.discount_taken)
    if kind is None:
        return
    last = raising.matches[-1]
    last.shortfall, last.shortfall_is_penny = raising.left, kind == PENNY
    raising.left = ZERO


def shortfall_kind(raising: OpenItem, payers: list[OpenItem], shortfall: Decimal, has_discount: bool) -> Kind | None:  # noqa: FBT001 - one fact of four
    """How what R lacks is written off, or None: limits of R's company at R's rate; the policy is that of the last L's company."""
    allowed = _is_allowed(payers[-1], has_discount) and any(payer.is_payment for payer in payers)
    return _kind(raising, shortfall, allowed)


def _remainder_kind(run: Run, lowering: OpenItem) -> Kind | None:
    """How what L has left is written off, or None: limits and policy of L's company at L's rate; automatically only pennies (C45)."""
    has_discount = any(match.raising.discount_taken for match in lowering.matches)
    return _kind(lowering, lowering.rest, lowering.is_payment and not run.automatic and _is_allowed(lowering, has_discount))


def may_be_written_off(item: OpenItem, amount: Decimal) -> bool:
    """Whether an amount is within any limit of its company: what else counts need not be looked at if not."""
    settings = item.settings
    most = max(settings.maximum_penny_difference, settings.maximum_overpayment_or_underpayment)
    return bool(most) and item.document.at_own_rate(amount) <= most


def _kind(item: OpenItem, amount: Decimal, allowed: bool) -> Kind | None:  # noqa: FBT001 - one fact of three
    """C9: limits are inclusive; a limit of 0.00 writes nothing off."""
    value, settings = item.document.at_own_rate(amount), item.settings
    if settings.maximum_penny_difference and value <= settings.maximum_penny_difference:
        return PENNY
    most = settings.maximum_overpayment_or_underpayment
    return DIFFERENCE if allowed and most and value <= most else None


def _is_allowed(lowering: OpenItem, has_discount: bool) -> bool:  # noqa: FBT001 - one fact of two
    """C8: `classic`, or an R concerned has a discount in this run."""
    return has_discount or lowering.settings.over_under_policy == "classic"
