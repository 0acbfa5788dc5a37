"""Sales payment journals: what a vendor payment's run makes in the seller's books.

Invariant: the shares of a run's journals never exceed what its payments gave to the invoices that they name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.documents import Document, Key
from tests.oracle.money import ZERO, rounded, text
from tests.oracle.reference import Reference, Row
from tests.oracle.run import Record, Run


@dataclass
class Share:
    """What a payment gave to one vendor invoice: all of it, what of it was applied, the discount taken."""

    invoice: Document
    given: Fraction
    applied: Fraction
    discount: Fraction
    agreed: Fraction | None


@dataclass
class Journal:
    """A sales payment journal, from the run on that makes it; it is in no list before its status is set."""

    payment: Document
    run: str
    company: str  # the seller
    buyer: str
    vendor: str  # the buyer's account of the seller
    shares: list[Share]
    status: str = "created"
    journal: str = ""
    account: str = ""
    document: str = ""
    place: int = 0
    order: int = 0

    def number(self, numbers: dict[str, int]) -> None:
        """Gives it the next number of its payment."""
        name = f"{self.payment.company}-{self.payment.number}"
        numbers[name] += 1
        self.place = numbers[name]

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

    def amount(self) -> Fraction:
        """What the payment gave, overpayments written off included."""
        return sum((share.given for share in self.shares), ZERO)

    def documents(self) -> list[Key]:
        """The customer invoices that it names."""
        named = [(share.invoice.mirrors or {})["document"] for share in self.shares]
        return [("receivable", self.company, name) for name in dict.fromkeys(named)]

    def data(self, reference: Reference) -> Row:
        """The sales payment as a customer payment would say it."""
        currency, marks = self.payment.currency, {}
        for share in self.shares:
            name = (share.invoice.mirrors or {})["document"]
            applied, discount, agreed = marks.get(name, (ZERO, ZERO, None))
            marks[name] = (applied + share.applied, discount + share.discount, share.agreed or agreed)
        settle = []
        for share in self.shares:
            name = (share.invoice.mirrors or {})["document"]
            if name in marks:
                applied, discount, agreed = marks.pop(name)
                mark = {"company": self.company, "document": name, "amount_to_settle": text(applied, currency)}
                mark["cash_discount_to_take"] = text(discount, share.invoice.currency)
                settle.append(mark if agreed is None else {**mark, "cross_rate": _decimal(agreed)})
        offset = reference.defined["payment-journal.defined"].get((self.company, self.journal), {}).get("offset")
        return {
            "company": self.company, "account": self.account, "document": self.document, "date": self.payment.date.isoformat(),
            "currency": currency, "amount": text(self.amount(), currency), "offset": offset, "reference": self.payment.reference,
            "settle": settle,
        }  # fmt: skip

    def row(self) -> Row:
        """The journal as scenarios.md lists it."""
        return {
            "company": self.company, "journal": self.journal, "document": self.document, "status": self.status,
            "date": self.payment.date.isoformat(), "currency": self.payment.currency, "amount": text(self.amount(), self.payment.currency),
            "mirrors": {"company": self.payment.company, "document": self.payment.number}, "reference": self.payment.reference,
        }  # fmt: skip


def _decimal(rate: Fraction) -> str:
    """A rate, which was a decimal string once, as one again."""
    whole = rate * 10**18
    return f"{whole.numerator // 10**18}.{whole.numerator % 10**18:018d}"


def relation_of(reference: Reference, seller: str, buyer: str, vendor: str) -> Row | None:
    """The trading relation between a seller and a buyer's vendor account."""
    for relation in reference.defined["trading-relation.defined"].values():
        if relation["seller"]["company"] == seller and (relation["buyer"]["company"], relation["buyer"]["vendor"]) == (buyer, vendor):
            return relation
    return None


@dataclass
class _Source:
    """A payment's money in the run: how much of it in the primary's currency, how much in its own."""

    payment: Document
    there: Fraction
    own: Fraction
    shares: list[Share] = field(default_factory=list)


def journals_of(reference: Reference, run: Run, run_id: str, order: list[Document]) -> list[Journal]:
    """The journals that a run of the vendors' ledger makes, payment by payment; `order`: of the marks."""
    pairs = [record for record in run.records if not record.enlarges]
    sources = _filled(run, pairs) if run.primary is not None else _given(pairs)
    found: list[Journal] = []
    for source in sources:
        mine: dict[tuple[str, str], Journal] = {}
        for share in sorted(source.shares, key=lambda share: order.index(share.invoice)):
            if share.invoice.mirrors is None:
                continue
            seller, invoice = share.invoice.mirrors["company"], share.invoice
            relation = relation_of(reference, seller, invoice.company, invoice.account)
            customer = relation["seller"]["customer"] if relation else f"{invoice.company}/{invoice.account}"
            if (seller, customer) not in mine:
                mine[seller, customer] = Journal(source.payment, run_id, seller, invoice.company, invoice.account, [])
            mine[seller, customer].shares.append(share)
        found += [journal for journal in mine.values() if journal.amount() > 0]
    return found


def _over(record: Record) -> Fraction:
    return record.over + (record.penny if record.penny_over else ZERO)


def _given(pairs: list[Record]) -> list[_Source]:
    """Without a primary each payment gave what its records say."""
    sources: dict[int, _Source] = {}
    for record in pairs:
        if record.lowering.kind == "payment":
            source = sources.setdefault(id(record.lowering), _Source(record.lowering, ZERO, ZERO))
            agreed = record.mark.agreed if record.mark else None
            source.shares.append(Share(record.other, record.amount + _over(record), record.amount, record.discount, agreed))
    return list(sources.values())


def _filled(run: Run, pairs: list[Record]) -> list[_Source]:
    """With a primary its own money fills the marks, then that of each payment that enlarged it; credit notes are left out."""
    primary = run.primary
    assert primary is not None
    enlarging = [record for record in run.records if record.enlarges]
    total = sum((record.amount + _over(record) for record in pairs), ZERO)
    sources = []
    if primary.kind == "payment":
        own = total - sum((record.amount for record in enlarging), ZERO)
        sources.append(_Source(primary, own, own))
    sources += [_Source(record.other, record.amount, record.applied) for record in enlarging if record.other.kind == "payment"]
    filled = [ZERO] * len(pairs)
    discounts = [record.discount for record in pairs]
    for source in sources:
        parts: list[tuple[int, Fraction]] = []
        left = source.there
        for place, record in enumerate(pairs):
            part = min(left, record.amount + _over(record) - filled[place])
            if part > 0:
                filled[place] += part
                left -= part
                parts.append((place, part))
        _add_shares(run, source, pairs, parts, discounts)
    return sources


def _add_shares(run: Run, source: _Source, pairs: list[Record], parts: list[tuple[int, Fraction]], discounts: list[Fraction]) -> None:
    whole, rest, currency = sum((part for _, part in parts), ZERO), source.own, source.payment.currency
    for number, (place, part) in enumerate(parts):
        record = pairs[place]
        given = part
        if source.there != source.own or currency != record.lowering.currency:
            given = rest if number == len(parts) - 1 else rounded(source.own * part / whole, currency)
        rest -= given
        over = _over(record) if source.payment is run.primary else ZERO
        agreed = record.mark.agreed if record.mark and source.payment is run.payer else None
        source.shares.append(Share(record.other, given, given - min(over, given), discounts[place], agreed))
        discounts[place] = ZERO
