"""Documents and their own vouchers.

Invariant: `balance` and `accounting` are what is still open of a document, both positive, whatever its side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle.contract import INVOICES, LOWERING, OFFSETS, PAYMENTS, POSTING_TYPES
from tests.oracle.money import ZERO, number, rounded, text
from tests.oracle.reference import LEDGERS, Reference, Row, day

Key = tuple[str, str, str]  # ledger, company, number


@dataclass
class Line:
    """A voucher line; debit positive, credit negative, in transaction and in accounting currency."""

    posting_type: str
    account: str
    currency: str
    amount: Fraction
    value: Fraction
    dimensions: Row = field(default_factory=dict)
    partner: str | None = None
    text: str | None = None
    rule: str | None = None

    def mirrored(self) -> Line:
        """The line on the other side."""
        return Line(
            self.posting_type, self.account, self.currency, -self.amount, -self.value, self.dimensions, self.partner, self.text, self.rule
        )

    def row(self, accounting: str) -> Row:
        """The line as scenarios.md prints it."""
        amounts = {
            "debit": text(max(self.amount, ZERO), self.currency),
            "credit": text(max(-self.amount, ZERO), self.currency),
            "accounting_debit": text(max(self.value, ZERO), accounting),
            "accounting_credit": text(max(-self.value, ZERO), accounting),
        }
        names = {"posting_type": self.posting_type, "account": self.account, "partner": self.partner, "currency": self.currency}
        return {**names, **amounts, "dimensions": self.dimensions, "text": self.text, "rule": self.rule}


@dataclass
class Term:
    """A tier of a cash discount: its share of the document's amount and the last date that reaches it (None: no limit)."""

    percent: Fraction | None
    share: Fraction
    until: date | None
    account: str | None


@dataclass
class Document:
    """A posted document of a party."""

    ledger: str
    company: str
    account: str
    number: str
    kind: str
    date: date
    due_date: date
    currency: str
    amount: Fraction
    rate: Fraction
    event: str
    summary: str
    terms: list[Term]
    offsets: list[Line]  # as posted, in the direction of the document's own voucher
    dimensions: Row
    balance: Fraction = ZERO
    accounting: Fraction = ZERO
    profile: str | None = None
    method: str | None = None
    credits: str | None = None
    mirrors: Row | None = None  # the seller's invoice that a vendor invoice names
    reference: str | None = None
    voucher: list[Line] = field(default_factory=list)
    reversed: bool = False

    @property
    def key(self) -> Key:
        """What names the document in the group."""
        return (self.ledger, self.company, self.number)

    @property
    def raises(self) -> bool:
        """Whether the document raises the party's balance."""
        return self.kind not in LOWERING

    @property
    def sign(self) -> int:
        """+1 where the party's line is a debit."""
        return 1 if self.raises == (self.ledger == "receivable") else -1

    def value(self, amount: Fraction, accounting: str) -> Fraction:
        """A share of the document in accounting currency, at its own rate."""
        return rounded(amount * self.rate, accounting)

    def tax_lines(self) -> list[Line]:
        """The sales tax of the document."""
        return [line for line in self.offsets if line.posting_type == "sales_tax"]

    def tier(self, when: date, *, always: bool = False) -> Term | None:
        """The tier that the date still reaches; `always`: else the first (C37)."""
        for term in self.terms:
            if term.until is None or when <= term.until:
                return term
        return self.terms[0] if always and self.terms else None

    def share(self, term: Term | None, base: str) -> Fraction:
        """p of a tier: percent times net by gross (C23), an amount as it is; never more than the whole."""
        if term is None:
            return ZERO
        if term.percent is None:
            return min(term.share, Fraction(1))
        net = self.amount - sum((abs(line.amount) * (1 if line.amount * self.sign < 0 else -1) for line in self.tax_lines()), ZERO)
        return min(term.percent / 100 * (net / self.amount if base == "net_of_sales_tax" else 1), Fraction(1))


def offset_line(reference: Reference, company: str, account: str, default: str) -> tuple[str, str]:
    """Posting type and main account of an offset line."""
    chart = reference.companies[company].get("accounts") or {}
    if account in POSTING_TYPES or account in chart:
        return account, reference.chart(company, account) or account
    return reference.posting_type(company, account) or default, account


def new_document(reference: Reference, name: str, data: Row, rate: Fraction, event: str) -> Document:
    """The document of an event, posted in accounting currency at the rate."""
    ledger = (INVOICES | PAYMENTS)[name]
    kind = "payment" if name in PAYMENTS else data.get("kind") or "invoice"
    amount, when = number(data["amount"]), day(data["date"])
    assert amount is not None
    company, account, profile = data["company"], data["account"], data.get("posting_profile")
    document = Document(
        ledger, company, account, data["document"], kind, when, day(data.get("due_date") or when), data["currency"], amount, rate, event,
        summary=reference.summary_account(company, ledger, account, profile),
        terms=[_term(term, when, amount) for term in data.get("cash_discounts") or []],
        offsets=[], dimensions=data.get("dimensions") or {}, balance=amount, profile=profile, method=data.get("method_of_payment"),
        credits=data.get("credits"), mirrors=data.get("intercompany_invoice"), reference=data.get("reference"),
    )  # fmt: skip
    _post(reference, document, data)
    return document


def _term(term: Row, when: date, amount: Fraction) -> Term:
    until = day(term["until"]) if term.get("until") else when + timedelta(days=int(term["days"])) if term.get("days") is not None else None
    percent, fixed = number(term.get("percent")), number(term.get("amount"))
    return Term(percent, (fixed or ZERO) / amount, until, term.get("account"))


def _post(reference: Reference, document: Document, data: Row) -> None:
    """The document's own voucher: the party's line against the offset lines, each with its own value."""
    own, default = reference.currency(document.company), OFFSETS[document.kind][LEDGERS.index(document.ledger)]
    document.accounting = document.value(document.amount, own)
    said: list[Any] = data.get("lines") or [{"account": data.get("offset") or default, "amount": data["amount"]}]
    words = data.get("text")
    for line in said:
        posting_type, account = offset_line(reference, document.company, line["account"], default)
        part = -document.sign * (number(line["amount"]) or ZERO)
        dimensions = line.get("dimensions") or document.dimensions
        document.offsets.append(
            Line(posting_type, account, document.currency, part, document.value(part, own), dimensions, text=words)
        )
    party = f"accounts_{document.ledger}"
    amount, value = document.sign * document.amount, document.sign * document.accounting
    first = Line(party, document.summary, document.currency, amount, value, document.dimensions, text=words)
    document.voucher = [first, *document.offsets]
    rest = sum((line.value for line in document.voucher), ZERO)
    if rest:
        account = reference.chart(document.company, "penny_difference") or "penny_difference"
        penny = Line("penny_difference", account, document.currency, ZERO, -rest, document.dimensions, text=words, rule="F-E08")
        document.voucher.append(penny)
