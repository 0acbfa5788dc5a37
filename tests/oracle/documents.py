"""Documents and their own vouchers, what money is worth between them, and what a run makes of them: marks, copies, records.

Invariant: `balance` and `accounting` are what is still open of a document, both positive, whatever its side. They change only with
a record that is posted or taken back; in a run `Taker` and `Giver` are copies.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from tests.oracle.reference import LEDGERS, PARTIES, ZERO, Key, Reference, Row, day, number, rounded, total
from tests.oracle.waiting import wait_while

Day = date
POSTED = {f"{party}-{kind}.posted": ledger for party, ledger in PARTIES for kind in ("invoice", "payment")}
OFFSETS = {  # kind -> posting type of the offset line: receivable, payable
    "invoice": ("sales", "expense"),
    "credit_note": ("sales_returns", "purchase_returns"),
    "interest_note": ("interest_income", "interest_expense"),
    "collection_letter": ("fee_income", "fee_expense"),
    "payment_fee": ("fee_income", "fee_expense"),
    "refund": ("cash", "cash"),
    "payment": ("cash", "cash"),
}
POSTING_TYPES = {name for pair in OFFSETS.values() for name in pair} | {
    *("accounts_receivable", "accounts_payable", "sales_tax", "cash_discount", "overpayment_underpayment", "penny_difference"),
    *("realized_gain", "realized_loss", "due_to", "due_from"),
}


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
        net = self.amount - total(line.amount for line in self.taxes())
        return max(ZERO, min(term.percent / 100 * (net / self.amount if base == "net_of_sales_tax" else 1), Fraction(1)))


def offset_account(reference: Reference, company: str, account: str, default: str) -> tuple[str, str]:
    """Posting type and main account of an offset line: a main account has the type under which the chart lists it."""
    if account in POSTING_TYPES or account in (reference.companies[company].get("accounts") or {}):
        return account, reference.chart(company, account) or account
    return reference.posting_type(company, account) or default, account


def new_document(reference: Reference, name: str, data: Row, rate: Fraction) -> Document:
    """The document of an event with its own voucher: the party's line against the offset lines, each with its own value."""
    ledger, company, currency, when = POSTED[name], data["company"], data["currency"], day(data["date"])
    amount = number(data["amount"]) or ZERO
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
    rest = total(line.value for line in document.voucher)
    if rest:  # only rounding leaves it unbalanced
        account_of = reference.chart(company, "penny_difference") or "penny_difference"
        document.voucher.append(Line("penny_difference", account_of, currency, ZERO, -rest, document.dimensions, rule="F-E08"))
    for line in document.voucher:
        line.text = data.get("text")
    return document


@dataclass
class Rates:
    """The rates of the invoice's company at the date of the lowering document L, which has its own towards its company."""

    reference: Reference

    def find(self, company: str, currency: str, lowering: Document) -> Fraction | None:
        """1 unit of the currency in the company's own; a missing one is the inverse of the payment company's (C32)."""
        back = self.reference.between(lowering.company, self.reference.currency(company), currency, lowering.date)
        return self.reference.rate(company, currency, lowering.date) or (1 / back if back else None)

    def of(self, company: str, currency: str, lowering: Document) -> Fraction:
        """The rate that a figure needs; it is waited for."""
        pair = {currency, self.reference.currency(company)}
        wait_while(lambda: self.find(company, currency, lowering) is None, "exchange-rate", of=pair)
        return self.find(company, currency, lowering) or Fraction(0)

    def booked(self, amount: Fraction, value: Fraction, lowering: Document, company: str) -> Fraction:
        """Main lines in the invoice's company: `value` is what they are in the payment's company."""
        theirs, own = self.reference.currency(lowering.company), self.reference.currency(company)
        if theirs == own:
            return value
        if lowering.currency == own:
            return amount
        return rounded(value * self.of(company, theirs, lowering), own) if value else value

    def to_payer(self, value: Fraction, lowering: Document, company: str) -> Fraction:
        """A value of the invoice's company in the payment company's accounting currency (F-C11)."""
        theirs = self.reference.currency(lowering.company)
        if theirs == self.reference.currency(company) or not value:
            return value
        return rounded(value / self.of(company, theirs, lowering), theirs)

    def worth(self, money: Fraction, lowering: Document, other: Document, agreed: Fraction | None = None) -> Fraction:
        """F-C12: money of L in the currency of another document; at an agreed rate in one step (F-C14)."""
        if lowering.currency == other.currency:
            return money
        if agreed is not None:
            return rounded(money * agreed, other.currency)
        own, theirs, value = self.reference.currency(other.company), self.reference.currency(lowering.company), money
        if lowering.currency != own:
            value = rounded(money * lowering.rate, theirs)
            value = value if theirs == own else rounded(value * self.of(other.company, theirs, lowering), own)
        return value if other.currency == own else rounded(value / self.of(other.company, other.currency, lowering), other.currency)

    def cost(self, need: Fraction, lowering: Document, other: Document, agreed: Fraction | None = None) -> Fraction:
        """F-C13: what an amount in the other document's currency costs in L's."""
        if lowering.currency == other.currency:
            return need
        if agreed is not None:
            return rounded(need / agreed, lowering.currency)
        own, theirs, value = self.reference.currency(other.company), self.reference.currency(lowering.company), need
        if other.currency != own:
            value = rounded(need * self.of(other.company, other.currency, lowering), own)
        if lowering.currency == own:
            return value
        value = value if theirs == own else rounded(value / self.of(other.company, theirs, lowering), theirs)
        return rounded(value / lowering.rate, lowering.currency)


@dataclass
class Mark:
    """What was said of a document to be settled; amounts as they were typed."""

    document: Document
    said: Row = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.amount, self.typed = number(self.said.get("amount_to_settle")), number(self.said.get("cash_discount_to_take"))
        self.agreed, self.use = number(self.said.get("cross_rate")), self.said.get("use_cash_discount") or "normal"
        self.full = bool(self.said.get("full_settlement"))


@dataclass(eq=False)
class Record:
    """One pair of the run: `lowering` gave, `other` lost. `enlarges`: the other is a lowering document that enlarges the primary."""

    lowering: Document
    other: Document
    date: Day
    amount: Fraction  # in the lowering document's currency, as over
    applied: Fraction  # in the other's currency, as discount and under
    discount: Fraction = ZERO
    mark: Mark | None = None
    tier: Term | None = None
    own_tier: Term | None = None
    own_discount: Fraction = ZERO  # in the credit note's currency
    over: Fraction = ZERO
    under: Fraction = ZERO
    penny: bool = False  # over or under is a penny difference
    enlarges: bool = False
    run: str = ""  # once it is posted, as all that follows: the id of its run
    gain: Fraction = ZERO  # in the invoice company's currency
    lost: list[tuple[Document, Fraction, Fraction]] = field(default_factory=list)  # document, of its balance, of its accounting amount
    lines: dict[str, list[Line]] = field(default_factory=dict)  # by company

    @property
    def documents(self) -> tuple[Document, Document]:
        """Both documents of the pair."""
        return self.lowering, self.other

    @property
    def note(self) -> Document:
        """The document that may have a discount of its own: the credit note, if it is one."""
        return self.other if self.enlarges else self.lowering

    def apply(self, sign: int) -> None:
        """Takes from its documents what it settles (+1), or gives it back (-1)."""
        for document, amount, value in self.lost:
            document.balance -= sign * amount
            document.accounting -= sign * value


@dataclass
class Taker:
    """A raising document R in the run."""

    mark: Mark
    left: Fraction
    records: list[Record] = field(default_factory=list)
    taken_paid: Fraction = ZERO  # in the payment's currency, by those in it
    taken: Fraction = ZERO  # in R's currency, by the others
    limited: bool = False  # its mark let it take less than it needed
    short: bool = False  # C35: the shortfall is written off

    def __post_init__(self) -> None:
        self.document = self.mark.document


@dataclass
class Giver:
    """A lowering document L in the run; `pool` is what other L's have given a primary, `share_at` the share of its own discount."""

    document: Document
    balance: Fraction
    offer: Fraction | None
    share_at: Callable[[Day], tuple[Fraction, Term | None]]
    pool: Fraction = ZERO
    records: list[Record] = field(default_factory=list)
    enlarging: bool = False

    def money(self, when: Day) -> Fraction:
        """What it has of its own, its own discount taken off, at most its offer."""
        own = self.balance - rounded(self.balance * self.share_at(when)[0], self.document.currency)
        return own if self.offer is None else min(own, self.offer)

    def give(self, amount: Fraction, when: Day) -> Fraction:
        """Gives the amount, its own money first; the discount that this takes on a credit note, pair by pair as in step 4b."""
        own, share, currency, discount = min(amount, self.money(when)), self.share_at(when)[0], self.document.currency, ZERO
        if own > 0:
            whole = rounded(self.balance * share, currency)
            closes = own == self.balance - whole
            discount = whole if closes else min(rounded(own / (1 - share) * share, currency), self.balance - own)
        self.pool -= amount - own
        self.balance -= own + discount
        self.offer = None if self.offer is None else self.offer - own
        return discount

    def left(self) -> Fraction:
        """What it may still give, its own discount not taken off."""
        return self.pool + (self.balance if self.offer is None else min(self.balance, self.offer))
