"""Documents and their own vouchers.

Invariant: `balance` and `accounting` are what is still open of a document, both positive, whatever its side.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from tests.oracle.contract import LOWERING, OFFSETS, POSTED, POSTING_TYPES
from tests.oracle.money import ZERO, number, rounded, text
from tests.oracle.reference import LEDGERS, Reference, Row, day

Key = tuple[str, str, str]  # ledger, company, number
Day = date


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

    def times(self, sign: int) -> "Line":
        """The line, on the other side if the sign says so."""
        amounts = (sign * self.amount, sign * self.value)
        return Line(self.posting_type, self.account, self.currency, *amounts, self.dimensions, self.partner, self.text, self.rule)

    def row(self, accounting: str) -> Row:
        """The line as scenarios.md prints it."""
        return {
            **{name: getattr(self, name) for name in ("posting_type", "account", "partner", "currency", "dimensions", "text", "rule")},
            "debit": text(max(self.amount, ZERO), self.currency),
            "credit": text(max(-self.amount, ZERO), self.currency),
            "accounting_debit": text(max(self.value, ZERO), accounting),
            "accounting_credit": text(max(-self.value, ZERO), accounting),
        }


@dataclass
class Term:
    """A tier of a cash discount; an amount is its share of the document's; no last date: no time limit."""

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
    date: Day
    due_date: Day
    currency: str
    amount: Fraction
    rate: Fraction
    event: str
    summary: str
    terms: list[Term]
    said: Row
    balance: Fraction
    accounting: Fraction = ZERO
    offsets: list[Line] = field(default_factory=list)  # as posted, in the direction of the document's own voucher
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

    @property
    def dimensions(self) -> Row:
        """The dimensions of the party's line."""
        return self.said.get("dimensions") or {}

    def value(self, amount: Fraction, accounting: str) -> Fraction:
        """A share of the document in accounting currency, at its own rate."""
        return rounded(amount * self.rate, accounting)

    def taxes(self) -> list[Line]:
        """The sales tax of the document, positive where it has the side of the other offset lines."""
        return [line.times(-self.sign) for line in self.offsets if line.posting_type == "sales_tax"]

    def tier(self, when: Day, *, always: bool = False) -> Term | None:
        """The tier that the date still reaches; `always`: else the first (C37)."""
        reached = [term for term in self.terms if term.until is None or when <= term.until] or (self.terms if always else [])
        return reached[0] if reached else None

    def share(self, term: Term | None, base: str) -> Fraction:
        """The share p of a tier: percent times net by gross (C23), an amount as it is; from nothing to the whole."""
        if term is None or term.percent is None:
            return ZERO if term is None else min(term.share, Fraction(1))
        net = self.amount - sum((line.amount for line in self.taxes()), ZERO)
        return max(ZERO, min(term.percent / 100 * (net / self.amount if base == "net_of_sales_tax" else 1), Fraction(1)))


def offset_account(reference: Reference, company: str, account: str, default: str) -> tuple[str, str]:
    """Posting type and main account of an offset line."""
    if account in POSTING_TYPES or account in (reference.companies[company].get("accounts") or {}):
        return account, reference.chart(company, account) or account
    return reference.posting_type(company, account) or default, account


def new_document(reference: Reference, name: str, data: Row, rate: Fraction, event: str) -> Document:
    """The document of an event with its own voucher: the party's line against the offset lines, each with its own value."""
    ledger, company, currency, when = POSTED[name], data["company"], data["currency"], day(data["date"])
    kind, amount = data.get("kind") or ("payment" if "payment" in name else "invoice"), number(data["amount"]) or ZERO
    summary = reference.summary_account(company, ledger, data["account"], data.get("posting_profile"))
    terms = []
    for said in data.get("cash_discounts") or []:
        last = day(said["until"]) if "until" in said else when + timedelta(days=int(said["days"])) if "days" in said else None
        terms.append(Term(number(said.get("percent")), (number(said.get("amount")) or ZERO) / amount, last, said.get("account")))
    document = Document(
        ledger, company, data["account"], data["document"], kind, when, day(data.get("due_date") or when), currency, amount, rate, event,
        summary, terms, data, amount,
    )  # fmt: skip
    own, default, sign = reference.currency(company), OFFSETS[kind][LEDGERS.index(ledger)], document.sign
    document.accounting = document.value(amount, own)
    for line in data.get("lines") or [{"account": data.get("offset") or default, "amount": data["amount"]}]:
        posting_type, account = offset_account(reference, company, line["account"], default)
        part = -sign * (number(line["amount"]) or ZERO)
        dimensions = line.get("dimensions") or document.dimensions
        document.offsets.append(Line(posting_type, account, currency, part, document.value(part, own), dimensions))
    party = Line(f"accounts_{ledger}", summary, currency, sign * amount, sign * document.accounting, document.dimensions)
    document.voucher = [party, *document.offsets]
    rest = sum((line.value for line in document.voucher), ZERO)
    if rest:  # only rounding leaves it unbalanced
        account = reference.chart(company, "penny_difference") or "penny_difference"
        document.voucher.append(Line("penny_difference", account, currency, ZERO, -rest, document.dimensions, rule="F-E08"))
    for line in document.voucher:
        line.text = data.get("text")
    return document
