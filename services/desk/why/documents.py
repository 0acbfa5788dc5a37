"""Lines of a document's own voucher, and lines of reversals.

Invariant: a document's lines add up to its amount, each at its own rate; a mirrored line has the amounts of the one it mirrors.
"""

from __future__ import annotations

from decimal import Decimal

from services.desk.why.amounts import at_own_rate
from services.desk.why.facts import Asked, Explained, Facts, Money
from services.posting.rules.accounts import SALES_TAX
from shared.events.kinds import PAYMENT
from shared.money import ZERO, share
from shared.reference import as_fraction


def mirrored(facts: Facts) -> Explained:
    """A line of a reversal: that of the original on the other side (C21)."""
    found = Explained(rules=("C21", "F-F01"))
    original = facts.original
    if original is None or facts.place >= len(original.lines):
        return found
    line = original.lines[facts.place]
    side = "credit" if line.credit or line.accounting_credit else "debit"
    found.amounts = [line.debit + line.credit]
    found.accounting = [line.accounting_debit + line.accounting_credit]
    found.mirrors = {"company": original.company, "voucher": original.voucher, "line": facts.place + 1}
    found.say(
        f"mirror_of_{side}", amount=facts.posted, voucher=original.voucher, number=facts.place + 1, date=original.date, rule=line.rule
    )
    _say_reversal(facts, found)
    return found


def _say_reversal(facts: Facts, found: Explained) -> None:
    """Who or what reversed it, and why."""
    reversal = facts.reversal
    if reversal is None:
        return
    key = "reversed_by_event" if reversal.actor is None else "reversed_by_actor"
    found.say(key, event=reversal.event.id, source=reversal.event.source, actor=reversal.actor)
    if reversal.reason:
        found.say("reversed_reason", reason=reversal.reason)


def summary(facts: Facts) -> Explained:
    """The receivable or payable line: what the other lines add up to, on the summary account (F-A16)."""
    others = [line for line in facts.voucher.lines if line is not facts.line and line.rule != "F-E08"]
    amount = abs(sum((line.debit - line.credit for line in others), ZERO))
    found = Explained(amounts=[amount], rules=("F-A16",))
    found.say("summary", amount=Money(amount, facts.line.currency), document=_document(facts))
    profile = None if facts.document is None else facts.document.posting_profile
    account = facts.lookup(Asked("summary_account", facts.voucher.company, None, facts.voucher.ledger, profile))
    found.parameters.append(account._replace(value=facts.line.account))
    found.say("summary_account", account=facts.line.account)
    _value(facts, found, amount)
    return found


def offset(facts: Facts) -> Explained:
    """A line of the other side: one that the event gives, or one of the kind (F-A18, F-A02, F-C19)."""
    others = [line for line in facts.voucher.lines if line is not facts.line and line.rule != "F-E08"]
    amount = abs(sum((line.debit - line.credit for line in others), ZERO))
    found = Explained(amounts=[amount], rules=(facts.line.rule,))
    own = Money(amount, facts.line.currency)
    if facts.line.posting_type == SALES_TAX:
        found.say("offset_tax", amount=own, document=_document(facts))
        found.rules = ("F-C19", "F-A18")
    elif len(others) == 1:
        found.say("offset_payment" if facts.voucher.kind == PAYMENT else "offset_whole", amount=own, document=_document(facts))
    else:
        whole = next((line for line in others if line.rule == "F-A16"), others[0])
        found.say("offset_part", amount=own, document=_document(facts), whole=Money(whole.debit + whole.credit, whole.currency))
    _value(facts, found, amount)
    return found


def rounding(facts: Facts) -> Explained:
    """What rounding alone left between debits and credits in accounting currency (F-E08)."""
    others = [line for line in facts.voucher.lines if line is not facts.line]
    value = abs(sum((line.accounting_debit - line.accounting_credit for line in others), ZERO))
    found = Explained(amounts=[ZERO], accounting=[value], rules=("F-E08",))
    found.say("rounding", value=Money(value, facts.voucher.accounting_currency))
    return found


def _document(facts: Facts) -> tuple[str, str]:
    return facts.voucher.kind, facts.voucher.document


def _value(facts: Facts, found: Explained, amount: Decimal) -> None:
    """The accounting amount at the document's rate."""
    if not facts.is_foreign:
        found.accounting = [amount]
        return
    document = facts.document
    if document is None:
        return
    currency = facts.voucher.accounting_currency
    found.accounting = [document.at_own_rate(amount), share(amount, as_fraction(document.exchange_rate), currency)]
    found.rules = (*found.rules, "F-C15")
    own = at_own_rate(document, amount)
    found.say("value", value=facts.posted_accounting, date=document.date, rate=own.rate, rate_from=own.from_, rate_to=own.to)
