"""Step 7 of a run: what is left or lacking and whose limits write it off (F-E01, F-E02, F-E06, C8, C9).

Invariant: a difference is written off only where that closes its document, on its last record, and never what a mark
holds back.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from services.settlement.rules.run.cash_discount import closes_all
from services.settlement.rules.run.state import OpenItem, Run
from shared.money import ZERO

Kind = Literal["penny", "difference"]
PENNY: Final = "penny"
DIFFERENCE: Final = "difference"


def write_off(run: Run) -> None:
    """Step 7: money left over first, then what is lacking; what nothing writes off stays open."""
    for lowering in run.lowering:
        _write_off_remainder(lowering)
    for raising in run.raising:
        _write_off_shortfall(raising)


def _write_off_remainder(lowering: OpenItem) -> None:
    """Money left: only on L's last record, and only where it closes L."""
    if not lowering.left or lowering.held_back or not closes_all(lowering, lambda raising: not raising.left or raising.written_off):
        return
    kind = _remainder_kind(lowering)
    if kind is None:
        return
    last = lowering.matches[-1]
    last.remainder, last.remainder_is_penny = lowering.left, kind == PENNY
    lowering.left = lowering.enlarged_by = ZERO


def _write_off_shortfall(raising: OpenItem) -> None:
    """Money lacking: on R's last record, unless a mark held back money that is there."""
    if not raising.left or raising.held_back or not raising.matches:
        return
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


def _remainder_kind(lowering: OpenItem) -> Kind | None:
    """How what L has left is written off, or None: limits and policy of L's company at L's rate."""
    has_discount = any(match.raising.discount_taken for match in lowering.matches)
    return _kind(lowering, lowering.left, lowering.is_payment and _is_allowed(lowering, has_discount))


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
