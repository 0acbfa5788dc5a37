"""Sales payment journals: what a vendor payment's run makes in the seller's books.

Invariant: the shares of a run's journals never exceed what its payments gave to the invoices that they name.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.documents import Document
from tests.oracle.money import ZERO, rounded, text
from tests.oracle.parts import Record
from tests.oracle.reference import Key, Reference, Row
from tests.oracle.run import Run


@dataclass
class Share:
    """What a payment gave to one vendor invoice: all of it, what of it was applied, the discount taken, the agreed rate."""

    invoice: Document
    given: Fraction
    applied: Fraction
    discount: Fraction
    agreed: str | None

    @property
    def named(self) -> Row:
        """The seller's invoice: company, document."""
        return self.invoice.said.get("intercompany_invoice") or {}


@dataclass
class Journal:
    """A sales payment journal, from the run on that makes it; it is in no list before it is created."""

    payment: Document
    run: str
    company: str  # the seller
    buyer: str
    vendor: str  # the buyer's account of the seller
    shares: list[Share] = field(default_factory=list)
    status: str = "created"
    journal: str = ""
    account: str = ""
    document: str = ""
    place: int = 0
    order: int = 0

    def find(self, reference: Reference) -> Row | None:
        """The trading relation, which names the journal and the customer's account."""
        relation = relation_of(reference, self.company, self.buyer, self.vendor)
        if relation is not None:
            self.journal, self.account = relation["payment_journal"], relation["seller"]["customer"]
            self.document = f"{self.journal}-{self.payment.company}-{self.payment.number}-{self.place}"
        return relation

    def rate(self, reference: Reference) -> Fraction | None:
        """The payment's where both companies keep the same currency, else the seller's published one."""
        if reference.currency(self.payment.company) == reference.currency(self.company):
            return self.payment.rate
        return reference.rate(self.company, self.payment.currency, self.payment.date)

    @property
    def amount(self) -> Fraction:
        """What the payment gave, overpayments written off included."""
        return sum((share.given for share in self.shares), ZERO)

    @property
    def key(self) -> Key:
        """The document that the journal posts."""
        return ("receivable", self.company, self.document)

    def reserves(self) -> list[Key]:
        """The customer invoices that it names."""
        return [("receivable", self.company, share.named["document"]) for share in self.shares]

    def data(self, reference: Reference) -> Row:
        """The sales payment as a customer payment would say it; two shares of one invoice are one mark."""
        currency, marks = self.payment.currency, dict[str, Row]()
        for share in self.shares:
            same = [each for each in self.shares if each.named == share.named]
            mark = {"company": self.company, "document": share.named["document"], "cross_rate": share.agreed}
            mark["amount_to_settle"] = text(sum((each.applied for each in same), ZERO), currency)
            mark["cash_discount_to_take"] = text(sum((each.discount for each in same), ZERO), share.invoice.currency)
            marks.setdefault(share.named["document"], mark)
        offset = reference.get("payment-journal.defined", self.company, self.journal).get("offset")
        return {**self.row(), "account": self.account, "offset": offset, "settle": list(marks.values())}

    def row(self) -> Row:
        """The journal as scenarios.md lists it."""
        names = {name: getattr(self, name) for name in ("company", "journal", "document", "status")}
        mirrors = {"company": self.payment.company, "document": self.payment.number}
        amount, currency = text(self.amount, self.payment.currency), self.payment.currency
        common = {"date": self.payment.date.isoformat(), "currency": currency, "amount": amount, "mirrors": mirrors}
        return {**names, **common, "reference": self.payment.said.get("reference")}


def relation_of(reference: Reference, seller: str, buyer: str, vendor: str) -> Row | None:
    """The trading relation between a seller and a buyer's vendor account."""
    relations = reference.defined["trading-relation.defined"].items()
    return next((data for key, data in relations if (key[0], key[2], key[3]) == (seller, buyer, vendor)), None)


def journals_of(reference: Reference, run: Run, run_id: str, order: list[Document]) -> list[Journal]:
    """The journals that a run of the vendors' ledger makes, payment by payment; `order`: of the marks."""
    pairs = [record for record in run.records if not record.enlarges and record.lowering.ledger == "payable"]
    given = _given(run, pairs) if run.primary is None else _filled(run, pairs)
    found: dict[tuple[Key, str, str], Journal] = {}
    for payment, shares in given:
        for share in sorted((each for each in shares if each.named), key=lambda share: order.index(share.invoice)):
            seller, invoice = share.named["company"], share.invoice
            relation = relation_of(reference, seller, invoice.company, invoice.account)
            customer = relation["seller"]["customer"] if relation else f"{invoice.company}/{invoice.account}"
            new = Journal(payment, run_id, seller, invoice.company, invoice.account)
            found.setdefault((payment.key, seller, customer), new).shares.append(share)
    return [journal for journal in found.values() if journal.amount > 0]


def _given(run: Run, pairs: list[Record]) -> list[tuple[Document, list[Share]]]:
    """Without a primary each payment gave what its records say."""
    payments = {record.lowering.key: record.lowering for record in pairs if record.lowering.kind == "payment"}
    found = []
    for payment in payments.values():
        mine = [record for record in pairs if record.lowering is payment]
        found.append((payment, [Share(r.other, r.amount + r.over, r.amount, r.discount, _agreed(run, r, payment)) for r in mine]))
    return found


def _agreed(run: Run, record: Record, payment: Document) -> str | None:
    """The agreed rate at which a payment gave: the marking one, and with a primary what is in its currency."""
    alike = payment is run.payer or (run.primary is not None and payment.currency == run.primary.currency)
    return record.mark.said.get("cross_rate") if record.mark and alike else None


def _filled(run: Run, pairs: list[Record]) -> list[tuple[Document, list[Share]]]:
    """With a primary its own money fills the marks, then that of each payment that enlarged it; credit notes are left out."""
    primary, enlarging = run.primary, [record for record in run.records if record.enlarges]
    sources = [(record.other, record.amount, record.applied) for record in enlarging if record.other.kind == "payment"]
    if primary is not None and primary.kind == "payment":
        own = sum((record.amount + record.over for record in pairs), ZERO) - sum((record.amount for record in enlarging), ZERO)
        sources.insert(0, (primary, own, own))
    open_parts, discounts, found = [record.amount + record.over for record in pairs], [record.discount for record in pairs], []
    for payment, money, its_money in sources:
        left, rest, shares = money, its_money, list[Share]()
        for place, record in enumerate(pairs):
            part, only_discount = min(left, open_parts[place]), payment is primary and not record.amount
            if part <= 0 and not only_discount:
                continue
            open_parts[place], left = open_parts[place] - part, left - part
            given = part
            if payment is not primary:  # in its own currency, in proportion; the last mark takes the rest
                more = left > 0 and any(each > 0 for each in open_parts[place + 1 :])
                given = rounded(its_money * part / money, payment.currency) if more else rest
            rest -= given
            over = min(record.over, given) if payment is primary else ZERO
            shares.append(Share(record.other, given, given - over, discounts[place], _agreed(run, record, payment)))
            discounts[place] = ZERO
        found.append((payment, shares))
    return found
