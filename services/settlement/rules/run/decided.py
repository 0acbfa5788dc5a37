"""What decided the amounts of a record, told when it is decided: nobody has to find it out again from what is in force later.

Invariant: nothing is computed here that the run has not computed; what is usual is left out (shared/events/settlements.py, Why),
so a record that settles one document with another in one currency says no more than its discount.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from services.settlement.rules.values import CREDIT_NOTE
from shared.events.settlements import Why, WhyDiscount, WhyGain, WhyLimit, WhyRate
from shared.money import ZERO, exact

if TYPE_CHECKING:
    from services.settlement.rules.run.cash_discount import AvailableDiscount
    from services.settlement.rules.run.conversion import Conversion
    from services.settlement.rules.run.state import Match, OpenItem, Run
    from shared.events.settlements import SettlementRecord

_WHOLE: Final = Decimal(1)
_FULL: Final = ("F-D02", "F-D05")
_PARTIAL: Final = ("F-D02", "F-D06")
_ALWAYS: Final = {_FULL: ("F-D08", "C37", "F-D05"), _PARTIAL: ("F-D08", "C37", "F-D06")}


def why_of(run: Run, match: Match, record: SettlementRecord, lowering_rest: Decimal | None) -> Why:
    """What decided a record that is made; `lowering_rest`: the accounting amount that L had left where this record closes it."""
    why = Why()
    if match.discount:
        why["discount"] = discount = _discount(run, match)
        if len(discount) > 1 or match.shortfall:
            why["rules"] = _rules(run, match, discount)
    if match.own is not None and match.credit_note_discount:
        why["own_discount"] = _own_discount(match)
    taken = match.applied + (match.credit_note_discount if match.enlarges else match.discount) + match.shortfall
    offered = match.applied if match.enlarges else match.amount
    if match.open_before != taken or match.money != offered or match.applied_for_discount or match.raising.is_limited:
        _amount(why, match, taken, offered)
    if match.remainder or match.shortfall:
        _differences(why, match)
    lowering = match.lowering.document
    own = {lowering.currency, lowering.accounting_currency, match.raising.document.accounting_currency}
    if len(own) > 1 or not match.conversion.same_currency or record.gain is not None:
        _in_currencies(why, match, record, lowering_rest)
    return why


def _amount(why: Why, match: Match, taken: Decimal, offered: Decimal) -> None:
    """What there was and what was asked, where the record took neither all of the one nor all of the other."""
    if match.open_before != taken:
        why["open_before"] = match.open_before
    if match.money != offered:
        why["money"] = match.money
    if match.let_through is not None and match.raising.is_limited:
        why["let_through"] = match.let_through
    if match.applied_for_discount:
        why["moved"] = match.applied_for_discount


def _differences(why: Why, match: Match) -> None:
    """The limits within which something was written off."""
    if match.remainder:
        why["remainder"] = _limit(match.lowering, match.remainder, penny=match.remainder_is_penny)
    if match.shortfall:
        why["shortfall"] = _limit(match.raising, match.shortfall, penny=match.shortfall_is_penny)


def _in_currencies(why: Why, match: Match, record: SettlementRecord, lowering_rest: Decimal | None) -> None:
    """Rates beside the documents' own, what the gain or loss is the difference of, and the rest of a value."""
    if lowering_rest is not None and record.accounting_amount_in_payment_company != match.lowering.document.at_own_rate(match.amount):
        why["value_left"] = lowering_rest
    if record.gain is not None and match.values is not None:
        values = match.values
        why["gain"] = gain = WhyGain(received=values.received, settled=values.applied)
        if values.discount or values.discount_before:
            gain["discount"], gain["discount_before"] = values.discount, values.discount_before
    rates = _rates(match.conversion)
    if rates:
        why["rates"] = rates


def _discount(run: Run, match: Match) -> WhyDiscount:
    """Of R: what its tier gave at the date that counts, what was entered, and what steps 5 and 6 made of it."""
    raising, mark = match.raising, match.raising.mark
    why = WhyDiscount()
    if mark is not None and mark.cash_discount_to_take is not None:
        why["how"] = "entered" if raising.entered_discount_rule == "F-D10" else "mirrored"
    elif match.available.share:
        why = _tier(raising, match.available)
        if match.is_partial:
            why["how"] = "partial"
        why["of"] = match.applied - match.applied_for_discount if match.is_partial else match.open_before
    else:
        why["how"] = "rest"
    if run.discount_date is not None:
        why["date"], why["whose"] = run.discount_date, "request"
    elif run.primary is match.lowering:
        why["whose"] = "primary"
    if match.discount_lost:
        why["lost"] = match.discount_lost
    if match.discount_added:
        why["added"] = match.discount_added
    return why


def _own_discount(match: Match) -> WhyDiscount:
    """A credit note's own, at the date of the record."""
    item, own = (match.raising if match.enlarges else match.lowering), match.own
    if own is None:
        return WhyDiscount()
    why = _tier(item, own.available)
    why["of"] = own.of
    if own.is_partial:
        why["how"] = "partial"
    why["date"] = match.date
    return why


def _tier(item: OpenItem, available: AvailableDiscount) -> WhyDiscount:
    """A tier, its last day and its base; the share itself only where it is not what these give."""
    tier, terms = available.tier, item.terms
    why = WhyDiscount()
    if tier is None:
        return why
    until = terms.last_date(tier)
    if until is not None:
        why["until"] = until
    if tier.percent is None:
        why["tier_amount"], why["gross"] = tier.amount or ZERO, terms.amount
        return why
    why["percent"] = tier.percent
    if terms.net_share != 1:
        why["net"], why["gross"] = item.document.net, item.document.amount
    if available.share == 1:
        why["share"] = _WHOLE
    return why


def _rules(run: Run, match: Match, why: WhyDiscount) -> tuple[str, ...]:
    """The rules of the amount of R's discount, beside that of where it is posted."""
    how = why.get("how")
    if how in {"entered", "mirrored", "rest"}:
        rules: tuple[str, ...] = ()
    else:
        rules = _PARTIAL if how else _FULL
        until = why.get("until")
        if until is not None and match.raising.use_cash_discount == "always" and until < run.discount_date_of(match.lowering):
            rules = _ALWAYS[rules]
    if "net" in why:
        rules = (*rules, "F-D14")
    if match.shortfall:
        rules = (*rules, "C35")
    if why.get("whose") == "request":
        rules = (*rules, "F-D09")
    if match.lowering.document.kind == CREDIT_NOTE:
        rules = (*rules, "F-D11")
    if match.discount_lost:
        rules = (*rules, "C5", "C11")
    if match.discount_added:
        rules = (*rules, "F-B17")
    return rules


def _limit(item: OpenItem, amount: Decimal, *, penny: bool) -> WhyLimit:
    settings = item.settings
    limit = settings.maximum_penny_difference if penny else settings.maximum_overpayment_or_underpayment
    return WhyLimit(limit=limit, company=item.document.company, value=item.document.at_own_rate(amount))


def _rates(conversion: Conversion) -> list[WhyRate]:
    """The published rates, as they are published or their inverse, and the agreed one."""
    lowering, raising = conversion.lowering, conversion.raising
    found: list[WhyRate] = []
    if conversion.agreed is not None:
        found.append({"from": lowering.currency, "to": raising.currency, "rate": exact(conversion.agreed) or ZERO, "of": "event"})
    for currency, rate in conversion.published.items():
        company = (lowering if currency in conversion.by_payment_company else raising).company
        own, direct = raising.accounting_currency, exact(rate)
        from_, to = (currency, own) if direct is not None else (own, currency)
        value = direct if direct is not None else exact(1 / rate)
        found.append({"from": from_, "to": to, "rate": value or ZERO, "date": lowering.date, "of": "published", "company": company})
    return found
