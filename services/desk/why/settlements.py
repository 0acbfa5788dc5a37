"""Main lines, exchange gains and losses, and differences of a settlement record.

Invariant: a main line has the record's amount, at L's rate in L's company; a gain or loss is a difference of accounting amounts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.desk.why.amounts import at_own_rate, chained, own_rate, published_rates, worth
from services.desk.why.facts import Asked, Explained, Facts, Money, Parameter, Settled
from services.posting.rules.accounts import DUE_FROM, DUE_TO
from services.settlement.rules.values import Document
from shared.events.settlements import WhyGain
from shared.money import ZERO


def main_line(facts: Facts, settled: Settled) -> Explained:
    """What L gave to R, between their companies or between summary accounts (F-C01, F-C02, F-C03, F-C17)."""
    record, lowering, raising, _ = settled
    found = Explained(rules=(facts.line.rule, "F-B04"))
    same = lowering.currency == raising.currency
    if same or not record.why or worth(settled):
        found.amounts = [record.amount]
    key = "main_enlarges" if record.enlarges else "main_summary" if facts.line.rule == "F-C17" else "main"
    found.say(key, amount=Money(record.amount, lowering.currency), lowering=_name(lowering), raising=_name(raising),
              payment_company=lowering.company, invoice_company=raising.company)  # fmt: skip
    if not same:
        _say_worth(settled, found)
    _how_much(settled, found)
    if facts.line.posting_type in {DUE_TO, DUE_FROM}:
        found.parameters.append(facts.lookup(Asked(facts.line.posting_type, facts.voucher.company, facts.line.partner, record.ledger)))
        found.say("intercompany_account", company=facts.voucher.company, partner=facts.line.partner, account=facts.line.account)
    _main_value(facts, settled, found)
    name_age(facts, settled, found)
    if "moved" in settled.why:
        name(facts, settled, found, "cash_discount_administration", lowering.company)
    return found


def _say_worth(settled: Settled, found: Explained) -> None:
    """What L's money is worth for R, and the rates of that."""
    lowering, raising = settled.lowering, settled.raising
    used = settled.why.get("rates", ())
    agreed = [rate for rate in used if rate["of"] == "event"]
    rates: list[Any] = [("rate_agreed", (rate["from"], rate["rate"], rate["to"])) for rate in agreed]
    rates = rates or list(published_rates(settled.why))
    if not agreed and lowering.currency != lowering.accounting_currency:
        rates.insert(0, own_rate(lowering))
    found.rules = (*found.rules, "F-C14" if agreed else "F-C12")
    applied = Money(settled.applied, raising.currency)
    found.say("worth_agreed" if agreed else "worth", applied=applied, raising=_name(raising), rates=("rates", tuple(rates)))


def _how_much(settled: Settled, found: Explained) -> None:
    """Why no more and no less: what was open, what was offered, what a mark let through."""
    record, lowering, raising, why = settled
    if record.why is None or record.enlarges:
        return
    if "let_through" in why:
        found.say("let_through", let_through=why["let_through"], raising=_name(raising))
        found.rules = (*found.rules, "F-B05")
    elif "open_before" not in why:
        found.say("closes", raising=_name(raising))
    elif "money" not in why:
        found.say("all_money", lowering=_name(lowering), open=Money(why["open_before"], raising.currency), raising=_name(raising))
    if "moved" in why:
        found.say("moved", moved=Money(why["moved"], raising.currency))
        found.rules = (*found.rules, "F-E05")


def _main_value(facts: Facts, settled: Settled, found: Explained) -> None:
    """The accounting amount of a main line: L's in L's company; in R's the same, or converted (F-C06)."""
    record, lowering, raising, why = settled
    own = at_own_rate(lowering, record.amount)
    paid = own.amount
    if "value_left" in why:
        beside = lowering.at_own_rate(settled.remainder) + lowering.at_own_rate(_own_discount_of(settled))
        paid = why["value_left"] - beside
    in_payment = facts.voucher.company == lowering.company
    if not facts.is_foreign:
        found.accounting = [record.amount]
        return
    found.rules = (*found.rules, "F-C06")
    if in_payment or lowering.accounting_currency == raising.accounting_currency:
        found.accounting = [abs(paid)]
        if "value_left" in why:
            found.say("value_left", value=facts.posted_accounting, left=Money(why["value_left"], lowering.accounting_currency),
                      lowering=_name(lowering))  # fmt: skip
        else:
            found.say("value_of", value=facts.posted_accounting, rates=("rates", (own_rate(lowering),)))
        return
    company = raising.accounting_currency
    values = list(chained(why, paid, lowering.accounting_currency, company, company))
    found.accounting = [abs(each.amount) for each in values]
    for each in values[:1]:
        found.say("value_converted", value=facts.posted_accounting, rates=("rates", tuple(published_rates(why, each))))


def _own_discount_of(settled: Settled) -> Decimal:
    return ZERO if settled.record.enlarges else settled.record.credit_note_discount


def gain(facts: Facts, settled: Settled) -> Explained:
    """The realized gain or loss: what came in less what it was worth (F-C09), in whichever company posts it (F-C07, F-C08)."""
    record, lowering, raising, why = settled
    found = Explained(amounts=[ZERO], rules=(facts.line.rule, "F-C09"))
    decided = why.get("gain")
    if decided is None:
        value = abs(record.realized_gain)
        found.say("gain_alone", value=Money(value, raising.accounting_currency))
    else:
        value = _say_gain(settled, decided, found)
    found.accounting = [value]
    if facts.voucher.accounting_currency != raising.accounting_currency:
        own = raising.accounting_currency
        values = list(chained(why, value, own, lowering.accounting_currency, own))
        found.accounting = [each.amount for each in values]
        for each in values[:1]:
            found.say("value_converted", value=facts.posted_accounting, rates=("rates", tuple(published_rates(why, each))))
        found.rules = (*found.rules, "F-C11")
    name_age(facts, settled, found)
    if decided is not None and "discount" in decided:
        name(facts, settled, found, "cash_discount_rate", raising.company)
    if lowering.company != raising.company:
        _where_gain(facts, settled, found)
    return found


def _where_gain(facts: Facts, settled: Settled, found: Explained) -> None:
    """In which company a gain or loss is posted: by the option, but by I where L is in the own currency of P or of I."""
    _, lowering, raising, _ = settled
    owner = next((each.company for each in (lowering, raising) if each.accounting_currency == lowering.currency), None)
    if owner is None:
        where(facts, settled, found, "post_exchange_gain_or_loss")
        return
    found.rules = (*found.rules, "F-C08")
    found.say("where_own_currency", company=raising.company, lowering=_name(lowering), currency=lowering.currency, owner=owner)


def _say_gain(settled: Settled, decided: WhyGain, found: Explained) -> Decimal:
    """What it is the difference of, the larger first; of a document that enlarged the primary, the other way round."""
    beside, before = decided.get("discount", ZERO), decided.get("discount_before", ZERO)
    received, stood = decided["received"], decided["settled"]
    if settled.record.enlarges:
        received, stood = stood, received
    difference = received + beside - stood - before
    amounts = {"received": received, "settled": stood, "value": abs(difference)}
    suffix = ""
    if beside != before:
        amounts, suffix = {**amounts, "discount": beside, "discount_before": before}, "_with_discount"
        found.rules = (*found.rules, "C1")
    currency = settled.raising.accounting_currency
    values = {name: Money(each, currency) for name, each in amounts.items()}
    found.say(f"gain_{'up' if difference > 0 else 'down'}{suffix}", raising=_name(settled.raising), **values)
    _say_rates_of_gain(settled, found)
    return abs(difference)


def _say_rates_of_gain(settled: Settled, found: Explained) -> None:
    """The rates of both amounts, of which day and whose."""
    _, lowering, raising, why = settled
    paid: list[Any] = [("rate_agreed", (rate["from"], rate["rate"], rate["to"])) for rate in why.get("rates", ()) if rate["of"] == "event"]
    paid += published_rates(why)
    if lowering.currency != lowering.accounting_currency:
        paid.insert(0, own_rate(lowering))
    if paid:
        found.say("gain_rates_paid", rates=("rates", tuple(paid)))
    if raising.currency != raising.accounting_currency:
        found.say("gain_rates_books", rates=("rates", (own_rate(raising),)))


def name_age(facts: Facts, settled: Settled, found: Explained) -> None:
    """How old a published rate may be, of the companies that say so and whose rates were used."""
    for company in dict.fromkeys(rate["company"] for rate in settled.why.get("rates", ()) if rate["of"] == "published"):
        parameter = facts.lookup(Asked("maximum_rate_age_days", company, None, settled.record.ledger))
        if parameter.of is not None:
            found.parameters.append(parameter)


def name(facts: Facts, settled: Settled, found: Explained, option: str, company: str) -> None:
    """Names a settlement parameter of a company that decided, once."""
    parameter = facts.lookup(Asked(option, company, None, settled.record.ledger))
    if parameter not in found.parameters:
        found.parameters.append(parameter)


def where(facts: Facts, settled: Settled, found: Explained, option: str) -> None:
    """In which company it is posted, and what says so."""
    record, lowering, raising, _ = settled
    parameter = facts.lookup(Asked(option, lowering.company, raising.company, record.ledger))
    found.parameters.append(parameter)
    found.rules = (*found.rules, "F-C10")
    found.say(f"where_{parameter.of or 'default'}", option=option, owner=lowering.company, partner=raising.company, value=parameter.value)
    set_by(parameter, found)


def set_by(parameter: Parameter, found: Explained) -> None:
    """Which event set it, and since when it counts, where that is known."""
    if parameter.event is not None:
        found.say("set_by", event=parameter.event.id, since=parameter.since)


def difference(facts: Facts, settled: Settled) -> Explained:
    """What L had left or R lacked, written off within a limit (F-E01, F-E02)."""
    _, lowering, raising, why = settled
    penny = facts.line.rule == "F-E01"
    found = Explained(rules=(facts.line.rule, "C9", "F-E06"))
    limits = ("maximum_penny_difference",) if penny else ("maximum_penny_difference", "maximum_overpayment_or_underpayment")
    sides = (
        ("remainder", lowering, settled.remainder, why.get("remainder")),
        ("shortfall", raising, settled.shortfall, why.get("shortfall")),
    )
    for side, document, amount, limit in sides:
        if not amount or amount != facts.posted.amount or document.company != facts.voucher.company:
            continue
        value = document.at_own_rate(amount)
        found.amounts.append(amount)
        found.accounting.append(value)
        key = f"{side}_penny" if penny else side
        found.say(key, amount=Money(amount, document.currency), document=_name(document))
        if limit is not None:
            found.say("limit", limit=Money(limit["limit"], document.accounting_currency), company=limit["company"],
                      value=Money(value, document.accounting_currency))  # fmt: skip
        for each in reversed(limits):
            name(facts, settled, found, each, document.company)
        if not penny:
            name(facts, settled, found, "over_under_policy", lowering.company)
        break
    return found


def _name(document: Document) -> tuple[str, str]:
    return document.kind, document.document
