"""What a record changes in accounting terms, and the lines that it makes in each company (rules.md, "Lines of a record").

Invariant: what is added balances, in transaction and in accounting currency; `post` changes the two documents and nothing else.
"""

from dataclasses import replace
from fractions import Fraction

from tests.oracle.documents import Document, Line, Record, offset_account
from tests.oracle.reference import Row, rounded, total
from tests.oracle.run import Run


def post(run: Run, record: Record, run_id: str) -> None:
    """Books a record: shares at each document's own rate, the part that closes a document takes what is left of its value."""
    lowering, other, note, side = record.lowering, record.other, record.note, 1 if record.lowering.ledger == "receivable" else -1
    here, there = run.reference.currency(lowering.company), run.reference.currency(other.company)
    over, under, discount = lowering.value(record.over, here), other.value(record.under, there), other.value(record.discount, there)
    own = note.value(record.own_discount, run.reference.currency(note.company))
    if record.enlarges:
        main, turned = lowering.value(record.amount, here), -side
        applied = _applied(other, record.applied, record.own_discount, own, there)
        record.lost = [(lowering, -record.amount, -main), (other, record.applied + record.own_discount, applied + own)]
    else:
        beside, its_beside, turned = record.over + record.own_discount, record.discount + record.under, side
        main = _applied(lowering, record.amount, beside, over + own, here)
        applied = _applied(other, record.applied, its_beside, discount + under, there)
        its = (other, record.applied + its_beside, applied + discount + under)
        record.lost = [(lowering, record.amount + beside, main + over + own), its]
    booked, value = run.rates.booked(record.amount, main, lowering, other.company), discount
    if record.discount and run.parameter(other, "cash_discount_rate") == "payment_date":
        same = lowering.currency == other.currency and here == there
        value = rounded(record.discount * (lowering.rate if same else run.rates.of(other.company, other.currency, lowering)), there)
    record.run, record.gain, record.lines = run_id, turned * (booked - applied + value - discount), {}
    lines = _Lines(run, record, turned)
    lines.main(main, booked)
    lines.gain()
    lines.sign = side
    if record.discount:
        lines.discount(value)
    kind = "penny_difference" if record.penny else "overpayment_underpayment"
    lines.pair(lowering.company, lines.party(lowering), lines.plain(lowering, kind), (lowering.currency, record.over, over))
    lines.pair(other.company, lines.plain(other, kind), lines.party(other), (other.currency, record.under, under))
    if record.own_discount:  # C44: in its own company, with the opposite sign
        account = lines.account(note.company, record.own_tier.account if record.own_tier else None)
        lines.sign = -side
        lines.against(note.company, lines.shared(note, record.own_discount, own, account), lines.party(note))
    record.apply(1)


def _applied(document: Document, part: Fraction, others: Fraction, others_value: Fraction, currency: str) -> Fraction:
    """The value of the applied part: what is left where it closes its document, else its share."""
    return document.accounting - others_value if part + others == document.balance else document.value(part, currency)


class _Lines:
    """Collects the lines of a record; `sign` is -1 where the table's sides are mirrored."""

    def __init__(self, run: Run, record: Record, sign: int) -> None:
        self.run, self.reference, self.record, self.sign = run, run.reference, record, sign

    def against(self, company: str, debits: list[Line], credit: Line) -> None:
        """Debits, and one line of their sum on the other side; lines that say nothing are left out."""
        sums = total(line.amount for line in debits), total(line.value for line in debits)
        credit.currency, credit.amount, credit.value = debits[0].currency, -sums[0], -sums[1]
        lines = [line.times(self.sign) for line in [*debits, credit] if line.amount or line.value]
        self.record.lines.setdefault(company, []).extend(lines)

    def pair(self, company: str, debit: Line, credit: Line, sums: tuple[str, Fraction, Fraction]) -> None:
        """A debit and a credit of one amount (its currency, it, and its value in the company's)."""
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
        reference, lowering, other, gain = self.reference, self.record.lowering, self.record.other, self.record.gain
        here, there = lowering.company, other.company
        own = {reference.currency(here), reference.currency(there)}
        option = reference.option("post_exchange_gain_or_loss", lowering.ledger, here, there)
        kind, size = ("realized_gain" if gain > 0 else "realized_loss"), gain * self.sign
        currency = other.currency if lowering.currency == reference.currency(there) else lowering.currency
        if gain and here != there and option == "payment" and lowering.currency not in own:
            translated = self.run.rates.to_payer(size, lowering, there)
            self.pair(there, self.party(other), self.due(other, here, to=False), (currency, Fraction(0), size))
            self.pair(here, self.due(lowering, there, to=True), self.plain(lowering, kind), (currency, Fraction(0), translated))
        elif gain:
            self.pair(there, self.party(other), self.plain(other, kind), (currency, Fraction(0), size))

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
        due.amount, due.value = record.discount - total(tax.amount for tax in taxes), value - total(tax.value for tax in taxes)
        self.against(other.company, [*taxes, due], self.party(other))
        own = self.reference.currency(payer)
        there = due.amount if other.currency == own else self.run.rates.to_payer(due.value, lowering, other.company)
        shares = self.split(other, due.amount, there, self.account(payer, said), own)
        self.against(payer, shares, self.due(lowering, other.company, to=True))

    def shared(self, document: Document, amount: Fraction, value: Fraction, account: str) -> list[Line]:
        """A discount in the document's company: its tax, and the rest over the lines' dimensions."""
        taxes = self.taxes(document, amount, value)
        rest, rest_value = amount - total(tax.amount for tax in taxes), value - total(tax.value for tax in taxes)
        return [*taxes, *self.split(document, rest, rest_value, account, self.reference.currency(document.company))]

    def taxes(self, document: Document, amount: Fraction, value: Fraction) -> list[Line]:
        """The tax in a discount (C22, F-D18)."""
        if self.run.parameter(document, "tax_on_cash_discount") != "reduced":
            return []
        own = self.reference.currency(document.company)
        found = []
        for tax in document.taxes():
            part, worth = (rounded(whole * tax.amount / document.amount, of) for whole, of in ((amount, document.currency), (value, own)))
            found.append(replace(tax, amount=part, value=worth, text=None, rule="F-D18"))
        return [line for line in found if line.amount]

    def split(self, document: Document, amount: Fraction, value: Fraction, account: str, own: str) -> list[Line]:
        """F-D17: the discount over the dimensions of the document's lines, tax aside; the last takes the odd cent."""
        lines = [line for line in document.offsets if line.posting_type != "sales_tax"]
        groups: list[Row] = []
        for line in lines:
            groups += [] if line.dimensions in groups else [line.dimensions]
        whole, found = total(line.amount for line in lines), list[Line]()
        for dimensions in groups[:-1] if whole else []:
            size = total(line.amount for line in lines if line.dimensions == dimensions) / whole
            part, worth = rounded(amount * size, document.currency), rounded(value * size, own)
            found.append(Line("cash_discount", account, document.currency, part, worth, dimensions))
        rest, rest_value = amount - total(line.amount for line in found), value - total(line.value for line in found)
        return [*found, Line("cash_discount", account, document.currency, rest, rest_value, groups[-1] if groups else document.dimensions)]
