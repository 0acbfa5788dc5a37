"""Sales payment journals: what a vendor payment's run makes in the seller's books.

Invariant: the shares of a run's journals never exceed what its payments gave to the invoices that they name.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.documents import Document, Record
from tests.oracle.reference import ZERO, Key, Reference, Row, rounded, text, total
from tests.oracle.run import Run


@dataclass
class Share:
    """What a payment gave to one vendor invoice: all of it, what of it was applied, the discount taken, the agreed rate."""

    invoice: Document
    named: Row  # the seller's invoice: company, document
    given: Fraction
    applied: Fraction
    discount: Fraction
    agreed: str | None


@dataclass
class Journal:
    """A sales payment journal, from the run on that makes it; it is in no list before it is created."""

    payment: Document
    run: str
    company: str  # the seller
    shares: list[Share] = field(default_factory=list)
    status: str = "created"
    journal: str = ""
    account: str = ""
    document: str = ""
    place: int = 0
    order: int = 0

    def find(self, reference: Reference) -> Row | None:
        """The trading relation, which names the journal and the customer's account."""
        relation = reference.relation(self.company, self.shares[0].invoice.company, self.shares[0].invoice.account)
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
        return total(share.given for share in self.shares)

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
            mark["amount_to_settle"] = text(total(each.applied for each in same), currency)
            mark["cash_discount_to_take"] = text(total(each.discount for each in same), share.invoice.currency)
            marks.setdefault(share.named["document"], mark)
        common = {"company": self.company, "document": self.document, "account": self.account, "date": self.payment.date.isoformat()}
        about = {"currency": currency, "amount": text(self.amount, currency), "reference": self.payment.said.get("reference")}
        offset = reference.get("payment-journal.defined", self.company, self.journal).get("offset")
        return {**common, **about, "offset": offset, "settle": list(marks.values())}


def journals_of(reference: Reference, run: Run, run_id: str, order: list[Document]) -> list[Journal]:
    """The journals that a run of the vendors' ledger makes, payment by payment; `order`: of the marks."""
    found: dict[tuple[Key, str, str], Journal] = {}
    for payment, shares in _given(run):
        for share in sorted((each for each in shares if each.named), key=lambda share: order.index(share.invoice)):
            seller, invoice = share.named["company"], share.invoice
            relation = reference.relation(seller, invoice.company, invoice.account)
            customer = relation["seller"]["customer"] if relation else f"{invoice.company}/{invoice.account}"
            new = Journal(payment, run_id, seller)
            found.setdefault((payment.key, seller, customer), new).shares.append(share)
    return [journal for journal in found.values() if journal.amount > 0]


def _given(run: Run) -> list[tuple[Document, list[Share]]]:
    """What each payment gave: with a primary its own money fills the marks first, then that of each payment that enlarged it."""
    pairs = [record for record in run.records if not record.enlarges and record.lowering.ledger == "payable"]
    if run.primary is None:
        found = []
        for payment in {record.lowering.key: record.lowering for record in pairs if record.lowering.kind == "payment"}.values():
            its = [record for record in pairs if record.lowering is payment]
            money = total(record.amount + record.over for record in its)
            found += _filled(run, its, [(payment, money, money)])
        return found
    enlarging = [record for record in run.records if record.enlarges]
    own = total(record.amount + record.over for record in pairs) - total(record.amount for record in enlarging)
    sources = [(run.primary, own, own)] + [(record.other, record.amount, record.applied) for record in enlarging]
    return _filled(run, pairs, [source for source in sources if source[0].kind == "payment"])  # credit notes are left out


def _filled(run: Run, pairs: list[Record], sources: list[tuple[Document, Fraction, Fraction]]) -> list[tuple[Document, list[Share]]]:
    """The money of payments (in the currency of the pairs, in their own) fills the pairs in order."""
    open_parts, discounts, found = [record.amount + record.over for record in pairs], [record.discount for record in pairs], []
    for payment, money, its_money in sources:
        left, rest, shares = money, its_money, list[Share]()
        for place, record in enumerate(pairs):
            own, part = payment is record.lowering, min(left, open_parts[place])
            if part <= 0 and not (own and not record.amount):  # there may be a discount alone
                continue
            open_parts[place], left, given = open_parts[place] - part, left - part, part
            if not own:  # in its own currency, in proportion; the last mark takes the rest
                more = left > 0 and any(each > 0 for each in open_parts[place + 1 :])
                given = rounded(its_money * part / money, payment.currency) if more else rest
            rest -= given
            over = min(record.over, given) if own else ZERO
            named = record.other.said.get("intercompany_invoice") or {}
            shares.append(Share(record.other, named, given, given - over, discounts[place], _agreed(run, record, payment)))
            discounts[place] = ZERO
        found.append((payment, shares))
    return found


def _agreed(run: Run, record: Record, payment: Document) -> str | None:
    """The agreed rate at which a payment gave: the marking one, and with a primary what is in its currency."""
    alike = payment is run.payer or (run.primary is not None and payment.currency == run.primary.currency)
    return record.mark.said.get("cross_rate") if record.mark and alike else None
