"""Steps 5 to 7 of a run: unspecific overpayments, full settlement, what is written off."""

from __future__ import annotations

from decimal import Decimal

from services.settlement.rules.run.conversion import cost, worth
from services.settlement.rules.run.state import Claim, Pair, Run
from services.settlement.rules.run.tolerance import PENNY, writes_off_lacking, writes_off_left
from shared.money import ZERO


def settle_differences(run: Run) -> None:
    """Changes the run's pairs by what is left and lacking; what nothing writes off stays open."""
    for lowering in run.lowering:
        _unspecific(run, lowering)
    for raising in run.raising:
        _full_settlement(raising)
    for lowering in run.lowering:
        _write_off_left(run, lowering)
    for raising in run.raising:
        _write_off_lacking(run, raising)


def _paying_pairs(lowering: Claim) -> list[Pair]:
    return [pair for pair in lowering.pairs if not pair.enlarges]


def _all_closed(lowering: Claim) -> bool:
    pairs = _paying_pairs(lowering)
    return bool(pairs) and not any(pair.raising.left for pair in pairs)


def _unspecific(run: Run, lowering: Claim) -> None:
    """Step 5 (F-E05, C5, C10, C11): money left on a payment lowers the discounts of its R's, the last one first."""
    administration = run.reference.parameters(lowering.document.company, run.ledger).cash_discount_administration
    if administration != "unspecific" or not lowering.is_payment or not lowering.left or lowering.held or not _all_closed(lowering):
        return
    for giving in reversed(_paying_pairs(lowering)):
        if giving.raising.typed_discount is not None:
            continue
        for losing in reversed(giving.raising.pairs):
            if lowering.left and _posted_with_money(run, losing, lowering):
                _move(run, lowering, giving, losing)


def _move(run: Run, lowering: Claim, giving: Pair, losing: Pair) -> None:
    value = worth(run.reference, lowering.document, giving.raising.document, lowering.left)
    lost = min(losing.discount, value)
    if not lost:
        return
    paid = min(lowering.left, cost(run.reference, lowering.document, giving.raising.document, lost))
    losing.discount -= lost
    losing.discount_rule = "F-E05"
    giving.applied += lost
    giving.amount += paid
    lowering.left -= paid


def _posted_with_money(run: Run, losing: Pair, lowering: Claim) -> bool:
    return discount_company(run, losing) == lowering.document.company


def discount_company(run: Run, pair: Pair) -> str:
    """The company that posts R's discount of a pair: the invoice's, or by option the payment's (F-C04, F-C05)."""
    payer, invoice = pair.lowering.document.company, pair.raising.document.company
    option = run.reference.posting_option("post_cash_discount", run.ledger, payer, invoice)
    return payer if option == "payment" else invoice


def _full_settlement(raising: Claim) -> None:
    """Step 6 (F-B17): what R still has open becomes discount, on its last record."""
    if raising.mark is None or not raising.mark.full_settlement or not raising.left or not raising.pairs:
        return
    last = raising.pairs[-1]
    last.discount += raising.left
    last.discount_rule = last.discount_rule or "F-B17"
    raising.left = ZERO
    raising.held = False


def _write_off_left(run: Run, lowering: Claim) -> None:
    """Step 7, money left: only on L's last record, and only where it closes L."""
    if not lowering.left or lowering.held or not _all_closed_or_written_off(lowering):
        return
    pairs = _paying_pairs(lowering)
    kind = writes_off_left(run, lowering, any(_run_discount(pair.raising) for pair in pairs))
    if kind is None:
        return
    last = pairs[-1]
    last.left, last.left_is_penny = lowering.left, kind == PENNY
    lowering.left = lowering.lent = ZERO


def _all_closed_or_written_off(lowering: Claim) -> bool:
    pairs = _paying_pairs(lowering)
    return bool(pairs) and all(not pair.raising.left or pair.raising.written_off for pair in pairs)


def _run_discount(raising: Claim) -> Decimal:
    return sum((pair.discount for pair in raising.pairs), ZERO)


def _write_off_lacking(run: Run, raising: Claim) -> None:
    """Step 7, money lacking: on R's last record, unless a mark held back money that is there."""
    if not raising.left or raising.held or not raising.pairs:
        return
    payers = [pair.lowering for pair in raising.pairs]
    kind = writes_off_lacking(run, raising, payers, raising.left, bool(_run_discount(raising)))
    if kind is None:
        return
    last = raising.pairs[-1]
    last.lacking, last.lacking_is_penny = raising.left, kind == PENNY
    raising.left = ZERO
