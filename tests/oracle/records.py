"""What a record changes in accounting terms, and the lines that it makes in each company (rules.md, "Lines of a record").

Invariant: what is added balances, in transaction and in accounting currency; `post` changes the two documents and nothing else.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction

from tests.oracle.documents import Document, Line, offset_account
from tests.oracle.money import ZERO, rounded
from tests.oracle.parts import Record
from tests.oracle.reference import Row
from tests.oracle.run import Run

Sums = tuple[str, Fraction, Fraction]  # currency, amount, accounting amount


@dataclass
class Posted:
    """A record in force: what its documents lost, so that a reversal can give it back, and its lines by company."""

    record: Record
    run: str
    lost: list[tuple[Document, Fraction, Fraction]]  # document, of its balance, of its accounting amount
    gain: Fraction = ZERO  # in the invoice company's currency
    lines: dict[str, list[Line]] = field(default_factory=dict)

    def apply(self, sign: int) -> None:
        """Books the record (+1) or takes it back (-1)."""
        for document, amount, value in self.lost:
            document.balance -= sign * amount
            document.accounting -= sign * value


def post(run: Run, record: Record, run_id: str) -> Posted:
    """Books a record: shares at each document's own rate, the part that closes a document takes what is left of its value."""
    reference, rates, lowering, other = run.reference, run.rates, record.lowering, record.other
    here, there = reference.currency(lowering.company), reference.currency(other.company)
    over_value, under_value, share = (
        lowering.value(record.over, here),
        other.value(record.under, there),
        other.value(record.discount, there),
    )
    note = other if record.enlarges else lowering
    own = note.value(record.own_discount, reference.currency(note.company))
    if record.enlarges:
        main = lowering.value(record.amount, here)
        applied = _applied(other, record.applied, record.own_discount, own, there)
        lost = [(lowering, -record.amount, -main), (other, record.applied + record.own_discount, applied + own)]
    else:
        beside, its_beside = record.over + record.own_discount, record.discount + record.under
        main = _applied(lowering, record.amount, beside, over_value + own, here)
        applied = _applied(other, record.applied, its_beside, share + under_value, there)
        lost = [
            (lowering, record.amount + beside, main + over_value + own),
            (other, record.applied + its_beside, applied + share + under_value),
        ]
    booked, value = rates.booked(record.amount, main, lowering, other.company), share
    if record.discount and run.parameter(other, "cash_discount_rate") == "payment_date":
        same = lowering.currency == other.currency and here == there
        value = rounded(record.discount * (lowering.rate if same else rates.of(other.company, other.currency, lowering)), there)
    side = 1 if lowering.ledger == "receivable" else -1
    turned = -side if record.enlarges else side
    posted = Posted(record, run_id, lost, turned * (booked - applied + value - share))
    lines = _Lines(run, posted, turned)
    lines.main(main, booked)
    lines.gain()
    lines.sign = side
    if record.discount:
        lines.discount(value)
    kind = "penny_difference" if record.penny else "overpayment_underpayment"
    lines.pair(lowering.company, lines.party(lowering), lines.plain(lowering, kind), (lowering.currency, record.over, over_value))
    lines.pair(other.company, lines.plain(other, kind), lines.party(other), (other.currency, record.under, under_value))
    if record.own_discount:  # C44: in its own company, with the opposite sign
        account = lines.account(note.company, record.own_tier.account if record.own_tier else None)
        lines.sign = -side
        lines.against(note.company, lines.shared(note, record.own_discount, own, account), lines.party(note))
    posted.apply(1)
    return posted


def _applied(document: Document, part: Fraction, others: Fraction, others_value: Fraction, currency: str) -> Fraction:
    """The value of the applied part: what is left where it closes its document, else its share."""
    return document.accounting - others_value if part + others == document.balance else document.value(part, currency)


class _Lines:
    """Collects the lines of a record; `sign` is -1 where the table's sides are mirrored."""

    def __init__(self, run: Run, posted: Posted, sign: int) -> None:
        self.run, self.reference, self.posted, self.record, self.sign = run, run.reference, posted, posted.record, sign

    def against(self, company: str, debits: list[Line], credit: Line) -> None:
        """Debits, and one line of their sum on the other side; lines that say nothing are left out."""
        credit.currency = debits[0].currency
        credit.amount, credit.value = -sum((line.amount for line in debits), ZERO), -sum((line.value for line in debits), ZERO)
        lines = [line.times(self.sign) for line in [*debits, credit] if line.amount or line.value]
        self.posted.lines.setdefault(company, []).extend(lines)

    def pair(self, company: str, debit: Line, credit: Line, sums: Sums) -> None:
        """A debit and a credit of one amount."""
        debit.currency, debit.amount, debit.value = sums
        self.against(company, [debit], credit)

    def party(self, document: Document) -> Line:
        """The line on a document's summary account."""
        return Line(f"accounts_{document.ledger}", document.summary, dimensions=document.dimensions)

    def due(self, document: Document, partner: str, *, to: bool) -> Line:
        """The line on due to or due from, mirrored with the sides; F-C16: with the dimensions of the document beside it."""
        name = "due_to" if to == (self.sign > 0) else "due_from"
        said = self.reference.get("intercompany-accounting.defined", document.company, partner)
        account = str(said.get(name) or self.reference.chart(document.company, name) or name)
        return Line(name, account, dimensions=document.dimensions, partner=partner)

    def plain(self, document: Document, posting_type: str) -> Line:
        """A line on the company's account of a posting type."""
        account = self.reference.chart(document.company, posting_type)
        if account is None and posting_type == "overpayment_underpayment":
            account = self.reference.chart(document.company, "cash_discount")  # C7
        return Line(posting_type, account or posting_type, dimensions=document.dimensions)

    def account(self, company: str, *said: str | None) -> str:
        """F-D03: the mark's account, the term's, the company's."""
        given = next((account for account in said if account), "cash_discount")
        return offset_account(self.reference, company, given, "cash_discount")[1]

    def main(self, main: Fraction, booked: Fraction) -> None:
        """Main lines: across companies, or between two summary accounts of one (F-C17)."""
        record, lowering, other = self.record, self.record.lowering, self.record.other
        here, there, currency = lowering.company, other.company, lowering.currency
        if here != there and (record.amount or main):
            self.pair(here, self.party(lowering), self.due(lowering, there, to=True), (currency, record.amount, main))
            self.pair(there, self.due(other, here, to=False), self.party(other), (currency, record.amount, booked))
        elif lowering.summary != other.summary:
            debit, credit = self.party(lowering), self.party(other)
            debit.rule = credit.rule = "F-C17"
            self.pair(here, debit, credit, (currency, record.amount, main))

    def gain(self) -> None:
        """Gain or loss: by the payment company through due to and due from, else by the invoice company against the party."""
        reference, lowering, other, gain = self.reference, self.record.lowering, self.record.other, self.posted.gain
        here, there = lowering.company, other.company
        own = {reference.currency(here), reference.currency(there)}
        option = reference.option("post_exchange_gain_or_loss", lowering.ledger, here, there)
        kind, size = ("realized_gain" if gain > 0 else "realized_loss"), gain * self.sign
        currency = other.currency if lowering.currency == reference.currency(there) else lowering.currency
        if gain and here != there and option == "payment" and lowering.currency not in own:
            translated = self.run.rates.to_payer(size, lowering, there)
            self.pair(there, self.party(other), self.due(other, here, to=False), (currency, ZERO, size))
            self.pair(here, self.due(lowering, there, to=True), self.plain(lowering, kind), (currency, ZERO, translated))
        elif gain:
            self.pair(there, self.party(other), self.plain(other, kind), (currency, ZERO, size))

    def discount(self, value: Fraction) -> None:
        """R's discount, posted by its company or by the payment company."""
        record, lowering, other = self.record, self.record.lowering, self.record.other
        said, payer = record.mark.said.get("cash_discount_account") if record.mark else None, self.run.discount_company(record)
        if payer == other.company:
            account = self.account(payer, said, record.tier.account if record.tier else None)
            self.against(payer, self.shared(other, record.discount, value, account), self.party(other))
            return
        taxes = self.taxes(other, record.discount, value)
        due = self.due(other, payer, to=False)
        due.currency = other.currency
        due.amount, due.value = record.discount - sum((t.amount for t in taxes), ZERO), value - sum((t.value for t in taxes), ZERO)
        self.against(other.company, [*taxes, due], self.party(other))
        own = self.reference.currency(payer)
        there = due.amount if other.currency == own else self.run.rates.to_payer(due.value, lowering, other.company)
        self.against(
            payer, self.split(other, due.amount, there, self.account(payer, said), own), self.due(lowering, other.company, to=True)
        )

    def shared(self, document: Document, amount: Fraction, value: Fraction, account: str) -> list[Line]:
        """A discount in the document's company: its tax, and the rest over the lines' dimensions."""
        taxes = self.taxes(document, amount, value)
        rest, rest_value = amount - sum((t.amount for t in taxes), ZERO), value - sum((t.value for t in taxes), ZERO)
        return [*taxes, *self.split(document, rest, rest_value, account, self.reference.currency(document.company))]

    def taxes(self, document: Document, amount: Fraction, value: Fraction) -> list[Line]:
        """The tax in a discount (C22, F-D18)."""
        if self.run.parameter(document, "tax_on_cash_discount") != "reduced":
            return []
        own = self.reference.currency(document.company)
        parts = [(tax, tax.amount / document.amount) for tax in document.taxes()]
        found = [
            replace(tax, amount=rounded(amount * part, document.currency), value=rounded(value * part, own), text=None, rule="F-D18")
            for tax, part in parts
        ]
        return [line for line in found if line.amount]

    def split(self, document: Document, amount: Fraction, value: Fraction, account: str, own: str) -> list[Line]:
        """F-D17: the discount over the dimensions of the document's lines, tax aside; the last takes the odd cent."""
        lines = [line for line in document.offsets if line.posting_type != "sales_tax"]
        groups: list[Row] = [
            line.dimensions for place, line in enumerate(lines) if line.dimensions not in [each.dimensions for each in lines[:place]]
        ]
        sizes = [sum((line.amount for line in lines if line.dimensions == group), ZERO) for group in groups]
        whole, found = sum(sizes, ZERO), list[Line]()
        for dimensions, size in list(zip(groups, sizes, strict=True))[:-1] if whole else []:
            part, worth = rounded(amount * size / whole, document.currency), rounded(value * size / whole, own)
            found.append(Line("cash_discount", account, document.currency, part, worth, dimensions))
        rest, rest_value = amount - sum((line.amount for line in found), ZERO), value - sum((line.value for line in found), ZERO)
        return [*found, Line("cash_discount", account, document.currency, rest, rest_value, groups[-1] if groups else document.dimensions)]
