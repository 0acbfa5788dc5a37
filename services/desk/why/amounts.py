"""The arithmetic that the sentences say, done again: shares, conversions, accounting amounts.

Invariant: every step is rounded as the rules round it (shared/money.py); no rate is used but a document's own and those that the
record says.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from services.desk.why.facts import Settled
from services.settlement.rules.values import Document
from shared.events.settlements import Why, WhyDiscount
from shared.money import ZERO, rest_share, share


class Valued(NamedTuple):
    """An accounting amount and the rate that gave it: 1 `from_` in `to`."""

    amount: Decimal
    rate: Decimal
    from_: str
    to: str


def share_of(why: WhyDiscount) -> Fraction:
    """The share of a balance that a tier gives (step 4a)."""
    if "share" in why:
        return Fraction(why["share"])
    if "tier_amount" in why:
        return Fraction(why["tier_amount"]) / Fraction(why["gross"])
    base = Fraction(why["net"]) / Fraction(why["gross"]) if "net" in why else Fraction(1)
    return Fraction(why["percent"]) / 100 * base


def discount_before_steps(why: WhyDiscount, currency: str, most: Decimal | None) -> Decimal:
    """The discount of a tier before steps 5 and 6: of all (step 4b), or of what was paid, then `most` is what was still open."""
    if why.get("how") != "partial":
        return share(why["of"], share_of(why), currency)
    found = rest_share(why["of"], share_of(why), currency)
    return found if most is None else min(found, most)


def at_own_rate(document: Document, amount: Decimal) -> Valued:
    """An amount of a document in its company's accounting currency; its rate is said as it was published."""
    value, inverse = document.at_own_rate(amount), document.inverse_rate
    if inverse is not None:
        return Valued(value, inverse, document.accounting_currency, document.currency)
    return Valued(value, document.exchange_rate, document.currency, document.accounting_currency)


def own_rate(document: Document) -> tuple[str, tuple[object, ...]]:
    """A document's rate for the texts: the rate, whose and of which day."""
    own = at_own_rate(document, ZERO)
    return "rate_of_document", (own.from_, own.rate, own.to, (document.kind, document.document), document.company, document.date)


def published_rates(why: Why, used: Valued | None = None) -> list[tuple[str, tuple[object, ...]]]:
    """The published rates of a record for the texts, for whom and on which day; `used`: that which gave a value alone."""
    return [
        ("rate_published", (rate["from"], rate["rate"], rate["to"], rate["company"], rate["date"]))
        for rate in why.get("rates", ())
        if rate["of"] == "published" and (used is None or (rate["from"], rate["rate"], rate["to"]) == (used.from_, used.rate, used.to))
    ]


def converted(why: Why, amount: Decimal, from_: str, to: str) -> Iterator[Valued]:
    """An amount at the published rates that the record used, direct and inverse."""
    for rate in why.get("rates", ()):
        if rate["of"] == "published" and (rate["from"], rate["to"]) == (from_, to):
            yield Valued(share(amount, Fraction(rate["rate"]), to), rate["rate"], from_, to)
        elif rate["of"] == "published" and (rate["to"], rate["from"]) == (from_, to):
            yield Valued(share(amount, 1 / Fraction(rate["rate"]), to), rate["rate"], to, from_)


def chained(why: Why, amount: Decimal, from_: str, to: str, own: str) -> Iterator[Valued]:
    """An amount in another currency, at one published rate or at two through I's own currency."""
    if from_ == to:
        yield Valued(amount, Decimal(1), from_, to)
        return
    yield from converted(why, amount, from_, to)
    for first in converted(why, amount, from_, own):
        yield from converted(why, first.amount, own, to)


def worth(settled: Settled) -> bool:
    """Whether what L gave and what R got are worth each other, by the agreed rate or by F-C12 or F-C13."""
    why, lowering, raising = settled.why, settled.lowering, settled.raising
    gave, got, own = settled.record.amount, settled.applied, raising.accounting_currency
    for rate in why.get("rates", ()):
        if rate["of"] == "event":
            agreed = Fraction(rate["rate"])
            return got == share(gave, agreed, raising.currency) or gave == share(got, 1 / agreed, lowering.currency)
    there = [lowering.at_own_rate(gave)] if lowering.currency != own else [gave]
    from_ = own if lowering.currency == own else lowering.accounting_currency
    if any(each.amount == got for value in there for each in chained(why, value, from_, raising.currency, own)):
        return True
    return any(gave in _in_lowering(lowering, each) for each in chained(why, got, raising.currency, from_, own))


def _in_lowering(lowering: Document, value: Valued) -> set[Decimal]:
    if lowering.currency == value.to:
        return {value.amount}
    return {share(value.amount, 1 / lowering.rate, lowering.currency)}


def parts_of(document: Document, amount: Decimal, value: Decimal, accounting_currency: str) -> list[tuple[Decimal, Decimal]]:
    """A discount by the dimensions of the invoice's lines, in proportion; the last takes the odd cent (F-D17)."""
    distributions = document.distributions
    total = sum((entry.amount for entry in distributions), ZERO)
    if not total:
        return [(amount, value)]
    found: list[tuple[Decimal, Decimal]] = []
    for entry in distributions[:-1]:
        part = Fraction(entry.amount) / Fraction(total)
        found.append((share(amount, part, document.currency), share(value, part, accounting_currency)))
    rest = amount - sum((each for each, _ in found), ZERO)
    return [*found, (rest, value - sum((each for _, each in found), ZERO))]


def tax_in(document: Document, discount: Decimal, value: Decimal) -> list[tuple[Decimal, Decimal, Decimal]]:
    """The tax in a discount, by the tax lines of the document: amount, accounting amount, the tax line itself (F-D18)."""
    found: list[tuple[Decimal, Decimal, Decimal]] = []
    for line in document.tax_lines:
        part = Fraction(line.amount) / Fraction(document.amount)
        amount = share(discount, part, document.currency)
        if amount:
            found.append((amount, share(value, part, document.accounting_currency), line.amount))
    return found
