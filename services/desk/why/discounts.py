"""Lines of a cash discount: R's, a credit note's own, and the sales tax in either.

Invariant: a discount is its tier's share of the base, what steps 5 and 6 made of it included; its lines add up to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from services.desk.why.amounts import at_own_rate, chained, converted, discount_before_steps, own_rate, parts_of, published_rates, tax_in
from services.desk.why.facts import Explained, Facts, Money, Settled
from services.desk.why.settlements import name, name_age, set_by, where
from services.posting.rules.accounts import CASH_DISCOUNT, DUE_FROM, DUE_TO, SALES_TAX
from services.settlement.rules.values import Document
from shared.events.settlements import WhyDiscount
from shared.money import ZERO


class ExplainedDiscount(NamedTuple):
    """A discount of a record: the document that has it, its whole amount, what decided it."""

    document: Document
    amount: Decimal
    why: WhyDiscount | None
    is_own: bool


def discount(facts: Facts, settled: Settled) -> Explained:
    """A line of R's discount, or with F-C22 of the credit note's own."""
    candidates = list(_discounts(settled))
    if facts.line.rule == "F-C22":
        candidates.reverse()
    found = Explained()
    for each in candidates:
        if facts.line.rule == "F-C22" and not each.is_own:
            continue
        found = _of_discount(facts, settled, each)
        if _gives(found, facts):
            break
    return found


def _gives(found: Explained, facts: Facts) -> bool:
    return facts.posted.amount in found.amounts and facts.posted_accounting.amount in found.accounting


def _discounts(settled: Settled) -> Iterable[ExplainedDiscount]:
    record, why = settled.record, settled.why
    if record.cash_discount:
        yield ExplainedDiscount(settled.raising, record.cash_discount, why.get("discount"), is_own=False)
    if record.credit_note_discount:
        own = settled.raising if record.enlarges else settled.lowering
        yield ExplainedDiscount(own, record.credit_note_discount, why.get("own_discount"), is_own=True)


def _of_discount(facts: Facts, settled: Settled, each: ExplainedDiscount) -> Explained:
    found = Explained(rules=(*(settled.why.get("rules", ()) if not each.is_own else ("F-D11", "C15")), facts.line.rule))
    if not _say_amount(facts, settled, each, found):
        return found
    if not each.is_own:
        _say_need(settled, each, found)
    _say_role(facts, settled, each, found)
    if not each.is_own and settled.lowering.company != settled.raising.company:
        where(facts, settled, found, "post_cash_discount")
    _name_parameters(facts, settled, each, found)
    return found


def _name_parameters(facts: Facts, settled: Settled, each: ExplainedDiscount, found: Explained) -> None:
    """The settlement parameters that had a say in the amount, each of the company whose parameters count for it."""
    why, company = each.why or WhyDiscount(), each.document.company
    if each.document.tax_lines:
        if "percent" in why:
            name(facts, settled, found, "cash_discount_base", company)
        name(facts, settled, found, "tax_on_cash_discount", company)
    if each.is_own:
        name(facts, settled, found, "cash_discounts_for_credit_notes", company)
    if why.get("how") == "partial":
        name(facts, settled, found, "cash_discounts_for_partial_payments", company)
    if why.get("lost"):
        name(facts, settled, found, "cash_discount_administration", settled.lowering.company)
    if not each.is_own and each.document.currency != each.document.accounting_currency:
        _say_rate_parameter(facts, settled, found)
    name_age(facts, settled, found)


def _say_rate_parameter(facts: Facts, settled: Settled, found: Explained) -> None:
    """Whose day the rate of the discount is of, and what says so (C1)."""
    name(facts, settled, found, "cash_discount_rate", settled.raising.company)
    parameter = next(each for each in found.parameters if each.asked.name == "cash_discount_rate")
    key = "rate_by_default" if parameter.of is None else "rate_by_parameter"
    found.say(key, company=settled.raising.company, option="cash_discount_rate", value=parameter.value)
    set_by(parameter, found)


def _say_amount(facts: Facts, settled: Settled, each: ExplainedDiscount, found: Explained) -> bool:
    """How the whole discount comes about; False if the arithmetic does not give it."""
    currency, why = each.document.currency, each.why
    total = Money(each.amount, currency)
    if why is None:
        found.say("discount_alone", total=total)
        return True
    how, lost, added = why.get("how"), why.get("lost", ZERO), why.get("added", ZERO)
    before = each.amount + lost - added
    if how == "rest":
        found.say("discount_rest", total=total, document=_name(each.document))
        return before == ZERO
    if how in {"entered", "mirrored"}:
        _say_given(facts, each, before, found)
    else:
        most = None
        if how == "partial":
            open_before = settled.why.get("open_before")
            most = None if open_before is None or each.is_own else open_before - why["of"]
        if discount_before_steps(why, currency, most) != before and not (how == "partial" and _closes(each, settled, before)):
            return False
        _say_tier(settled, each, before, found)
    if lost:
        found.say("discount_lost", before=Money(before, currency), lost=Money(lost, currency), total=Money(before - lost, currency))
    if added:
        found.say("discount_added", before=Money(before - lost, currency), added=Money(added, currency), total=total)
    return True


def _say_given(facts: Facts, each: ExplainedDiscount, before: Decimal, found: Explained) -> None:
    """A discount that was entered, or taken over from the vendor payment that this sales payment mirrors."""
    how, total, bought = (each.why or WhyDiscount()).get("how"), Money(before, each.document.currency), facts.bought
    if how != "mirrored" or bought is None:
        found.say(f"discount_{how}", total=total, document=_name(each.document))
        return
    found.say("discount_mirrored_of", total=total, document=_name(each.document), company=each.document.company,
              payment=_name(bought.payment), payer=bought.payment.company, invoice=_name(bought.invoice),
              buyer=bought.invoice.company)  # fmt: skip


def _closes(each: ExplainedDiscount, settled: Settled, before: Decimal) -> bool:
    """Whether a partial discount is all that was left of the document (rounding would take more)."""
    why = each.why or WhyDiscount()
    taken = settled.record.taken_from_lowering if each.is_own and not settled.record.enlarges else settled.record.taken_from_raising
    return before <= discount_before_steps(why, each.document.currency, None) and before == taken - why["of"]


def _say_tier(settled: Settled, each: ExplainedDiscount, before: Decimal, found: Explained) -> None:
    why, currency = each.why or WhyDiscount(), each.document.currency
    values = {"total": Money(before, currency), "of": Money(why["of"], currency), "share": _share(why, currency)}
    found.say("discount_partial" if why.get("how") == "partial" else "discount_full", **values)
    if "net" in why:
        found.say("base_net")
    elif not each.document.tax_lines and "percent" in why:
        found.say("base_no_tax")
    elif "percent" in why:
        found.say("base_gross")
    date, whose = why.get("date", settled.lowering.date), why.get("whose", "record" if each.is_own else "lowering")
    late = "until" in why and date > why["until"]
    key = f"date_{whose}" if whose in {"request", "record", "primary"} else "date"
    found.say(key, date=date, lowering=_name(settled.lowering))
    found.say("always" if late else "until" if "until" in why else "no_until", **({"until": why["until"]} if "until" in why else {}))


def _share(why: WhyDiscount, currency: str) -> tuple[str, tuple[object, ...]]:
    """The share in a text: a percentage, one of the net amount, or an amount of the whole."""
    if "tier_amount" in why:
        return "share_amount", (Money(why["tier_amount"], currency), Money(why["gross"], currency))
    if "net" in why:
        return "share_net", (why["percent"], Money(why["net"], currency), Money(why["gross"], currency))
    return "share_percent", (why["percent"],)


def _say_need(settled: Settled, each: ExplainedDiscount, found: Explained) -> None:
    """What had to be paid, and what was."""
    record, why = settled.record, each.why or WhyDiscount()
    if record.why is None or why.get("how") == "partial" or "of" not in why or why.get("lost") or why.get("added"):
        return
    currency = settled.raising.currency
    need = why["of"] - each.amount
    key = "needed_short" if settled.shortfall else "needed"
    found.say(key, of=Money(why["of"], currency), total=Money(each.amount, currency), need=Money(need, currency),
              paid=Money(settled.applied, currency), short=Money(settled.shortfall, currency))  # fmt: skip


def _say_role(facts: Facts, settled: Settled, each: ExplainedDiscount, found: Explained) -> None:
    """Which part of the discount the line has: the whole, its tax, or the rest by dimensions.

    Whether the tax fell with the discount is seen from the lines: the parameter may have another value by now.
    """
    for has_tax in (True, False) if each.document.tax_lines else (False,):
        fitting = [(abs(amount), abs(value)) for amount, value in _parts(facts, settled, each, has_tax=has_tax)]
        found.amounts = [amount for amount, _ in fitting if amount == facts.posted.amount]
        values = [value for amount, value in fitting if amount == facts.posted.amount]
        found.accounting = values if facts.is_foreign else [facts.posted.amount]
        if found.amounts and facts.posted_accounting.amount in found.accounting:
            break
    _say_part(facts, each, found, has_tax=has_tax)
    if facts.is_foreign:
        _say_value(facts, settled, each, found)


def _parts(facts: Facts, settled: Settled, each: ExplainedDiscount, *, has_tax: bool) -> Iterable[tuple[Decimal, Decimal]]:
    """What a line of the discount may have, as amount and accounting amount."""
    line, document = facts.line, each.document
    for value in _values(settled, each):
        tax = tax_in(document, each.amount, value) if has_tax else []
        rest = each.amount - sum((amount for amount, _, _ in tax), ZERO)
        rest_value = value - sum((amount for _, amount, _ in tax), ZERO)
        if line.rule == "F-D18":
            yield from ((amount, tax_value) for amount, tax_value, _ in tax)
        elif line.posting_type == CASH_DISCOUNT or line.posting_type in {DUE_TO, DUE_FROM}:
            for own_value in _in_company(facts, settled, each, rest, rest_value):
                yield rest, own_value
                if line.posting_type == CASH_DISCOUNT:
                    yield from parts_of(document, rest, own_value, facts.voucher.accounting_currency)
        else:
            yield each.amount, value


def _say_value(facts: Facts, settled: Settled, each: ExplainedDiscount, found: Explained) -> None:
    """The accounting amount, and whose rate gave it where one rate alone did."""
    posted, accounting = facts.posted, facts.posted_accounting
    for document in (each.document, settled.lowering):
        own = at_own_rate(document, posted.amount)
        same = (document.currency, document.accounting_currency) == (posted.currency, accounting.currency)
        if same and own.amount == accounting.amount:
            found.say("value_of", value=accounting, rates=("rates", (own_rate(document),)))
            return
    for value in converted(settled.why, posted.amount, posted.currency, accounting.currency):
        if value.amount == accounting.amount:
            found.say("value_converted", value=accounting, rates=("rates", tuple(published_rates(settled.why, value))))
            return
    found.say("value_plain", value=accounting)


def _say_part(facts: Facts, each: ExplainedDiscount, found: Explained, *, has_tax: bool) -> None:
    line, currency = facts.line, each.document.currency
    if line.posting_type == SALES_TAX:
        found.say("part_tax", amount=facts.posted, total=Money(each.amount, currency), gross=Money(each.document.amount, currency))
        found.rules = (*found.rules, "C22")
    elif line.posting_type in {DUE_TO, DUE_FROM}:
        found.say("part_due", amount=facts.posted, partner=line.partner)
    elif line.posting_type == CASH_DISCOUNT and facts.posted.amount != each.amount:
        found.say("part_rest_tax" if has_tax else "part_dimensions", amount=facts.posted, total=Money(each.amount, currency))
        found.rules = (*found.rules, "F-D18") if has_tax else (*found.rules, "F-D17")
    elif line.posting_type != CASH_DISCOUNT:
        found.say("part_document", document=_name(each.document))


def _values(settled: Settled, each: ExplainedDiscount) -> Iterable[Decimal]:
    """The accounting amount of the whole in the document's company: at its own rate, or at the payment's (C1)."""
    document, lowering, why = each.document, settled.lowering, settled.why
    gain = why.get("gain", {})
    if not each.is_own and "discount" in gain:
        yield gain["discount"]
    yield at_own_rate(document, each.amount).amount
    if not each.is_own and document.currency != document.accounting_currency:
        if lowering.currency == document.currency and lowering.accounting_currency == document.accounting_currency:
            yield lowering.at_own_rate(each.amount)
        own = document.accounting_currency
        yield from (value.amount for value in chained(why, each.amount, document.currency, own, own))


def _in_company(facts: Facts, settled: Settled, each: ExplainedDiscount, rest: Decimal, value: Decimal) -> Iterable[Decimal]:
    """What is posted to `cash_discount` in the company of the voucher: P's is translated at I's rate (F-D15)."""
    yield value
    if facts.voucher.company != each.document.company:
        if each.document.currency == facts.voucher.accounting_currency:
            yield rest
        own = each.document.accounting_currency
        yield from (found.amount for found in chained(settled.why, value, own, facts.voucher.accounting_currency, own))


def _name(document: Document) -> tuple[str, str]:
    return document.kind, document.document
