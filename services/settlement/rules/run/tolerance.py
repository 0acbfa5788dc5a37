"""Whose limits write off what is left or lacking: penny differences, over- and underpayments (F-E01, F-E02, F-E06, C8, C9)."""

from __future__ import annotations

from decimal import Decimal

from services.settlement.rules.run.conversion import own_value
from services.settlement.rules.run.state import Claim, Run

PENNY = "penny"
DIFFERENCE = "difference"


def writes_off_lacking(run: Run, raising: Claim, payers: list[Claim], lacking: Decimal, has_discount: bool) -> str | None:  # noqa: FBT001 - one fact of five
    """How what R lacks is written off: `penny`, `difference` or not at all; limits of R's company at R's rate."""
    parameters = run.reference.parameters(raising.document.company, run.ledger)
    value = own_value(raising.document, lacking)
    if _within(value, parameters.maximum_penny_difference):
        return PENNY
    allowed = _policy(run, payers[-1], has_discount) and any(payer.is_payment for payer in payers)
    return DIFFERENCE if allowed and _within(value, parameters.maximum_overpayment_or_underpayment) else None


def writes_off_left(run: Run, lowering: Claim, has_discount: bool) -> str | None:  # noqa: FBT001 - one fact of three
    """How what L has left is written off; limits of L's company at L's rate."""
    parameters = run.reference.parameters(lowering.document.company, run.ledger)
    value = own_value(lowering.document, lowering.left)
    if _within(value, parameters.maximum_penny_difference):
        return PENNY
    allowed = lowering.is_payment and _policy(run, lowering, has_discount)
    return DIFFERENCE if allowed and _within(value, parameters.maximum_overpayment_or_underpayment) else None


def _within(value: Decimal, limit: Decimal) -> bool:
    """C9: limits are inclusive; a limit of 0.00 writes nothing off."""
    return bool(limit) and value <= limit


def _policy(run: Run, lowering: Claim, has_discount: bool) -> bool:  # noqa: FBT001 - one fact of three
    """C8: `classic`, or an R concerned has a discount in this run."""
    policy = run.reference.parameters(lowering.document.company, run.ledger).over_under_policy
    return has_discount or policy == "classic"
