"""Documents and their own vouchers.

Invariant: `balance` and `accounting` are what is still open of a document, both positive, whatever its side.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from tests.oracle.contract import OFFSETS, POSTED, POSTING_TYPES
from tests.oracle.money import ZERO, number, rounded, text
from tests.oracle.reference import LEDGERS, Key, Reference, Row, day

Day = date


@dataclass
class Line:
    """A voucher line; debit positive, credit negative, in transaction and in accounting currency."""

    posting_type: str
    account: str
    currency: str = ""
    amount: Fraction = ZERO
    value: Fraction = ZERO
    dimensions: Row = field(default_factory=dict)
    partner: str | None = None
    text: str | None = None
    rule: str | None = None

    def times(self, sign: int) -> "Line":
        """The line, on the other side if the sign says so."""
        return replace(self, amount=sign * self.amount, value=sign * self.value)

    def row(self, accounting: str) -> Row:
        """The line as scenarios.md prints it."""
        sides = (("", self.amount, self.currency), ("accounting_", self.value, accounting))
        row: Row = {f"{name}debit": text(max(amount, ZERO), currency) for name, amount, currency in sides}
        row |= {f"{name}credit": text(max(-amount, ZERO), currency) for name, amount, currency in sides}
        return row | {
            name: getattr(self, name) for name in ("posting_type", "account", "partner", "currency", "dimensions", "text", "rule")
        }


@dataclass
class Term:
    """A tier of a cash discount; an amount is its share of the document's; no last date: no time limit."""

    percent: Fraction | None
    share: Fraction
    until: date | None
    account: str | None


@dataclass(eq=False)
class Document:
    """A posted document of a party."""

    ledger: str
    company: str
    account: str
    number: str
    kind: str
    date: Day
    currency: str
    amount: Fraction
    rate: Fraction
    summary: str
    said: Row
    balance: Fraction
    accounting: Fraction = ZERO
    terms: list[Term] = field(default_factory=list)
    offsets: list[Line] = field(default_factory=list)  # as posted, in the direction of the document's own voucher
    voucher: list[Line] = field(default_factory=list)
    reversed: bool = False

    def __post_init__(self) -> None:
        self.key: Key = (self.ledger, self.company, self.number)
        self.raises = self.kind not in {"payment", "credit_note"}
        self.sign = 1 if self.raises == (self.ledger == "receivable") else -1  # +1 where the party's line is a debit
        self.due_date = day(self.said.get("due_date") or self.date)
        self.dimensions: Row = self.said.get("dimensions") or {}

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
    """Posting type and main account of an offset line: a main account has the type under which the chart lists it."""
    if account in POSTING_TYPES or account in (reference.companies[company].get("accounts") or {}):
        return account, reference.chart(company, account) or account
    return reference.posting_type(company, account) or default, account


def new_document(reference: Reference, name: str, data: Row, rate: Fraction) -> Document:
    """The document of an event with its own voucher: the party's line against the offset lines, each with its own value."""
    ledger, company, currency, when, amount = (
        POSTED[name],
        data["company"],
        data["currency"],
        day(data["date"]),
        number(data["amount"]) or ZERO,
    )
    kind = "payment" if "payment" in name else data.get("kind") or "invoice"
    default = OFFSETS[kind][LEDGERS.index(ledger)]
    summary = reference.summary_account(company, ledger, data["account"], data.get("posting_profile"))
    document = Document(ledger, company, data["account"], data["document"], kind, when, currency, amount, rate, summary, data, amount)
    for said in data.get("cash_discounts") or []:
        last = day(said["until"]) if "until" in said else when + timedelta(days=int(said["days"])) if "days" in said else None
        document.terms.append(Term(number(said.get("percent")), (number(said.get("amount")) or ZERO) / amount, last, said.get("account")))
    own, sign = reference.currency(company), document.sign
    document.accounting = document.value(amount, own)
    for line in data.get("lines") or [{"account": data.get("offset") or default, "amount": data["amount"]}]:
        part, account = -sign * (number(line["amount"]) or ZERO), offset_account(reference, company, line["account"], default)
        document.offsets.append(Line(*account, currency, part, document.value(part, own), line.get("dimensions") or document.dimensions))
    party = Line(f"accounts_{ledger}", summary, currency, sign * amount, sign * document.accounting, document.dimensions)
    document.voucher = [party, *document.offsets]
    rest = sum((line.value for line in document.voucher), ZERO)
    if rest:  # only rounding leaves it unbalanced
        account_of = reference.chart(company, "penny_difference") or "penny_difference"
        document.voucher.append(Line("penny_difference", account_of, currency, ZERO, -rest, document.dimensions, rule="F-E08"))
    for line in document.voucher:
        line.text = data.get("text")
    return document
