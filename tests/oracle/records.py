"""What a record changes in accounting terms, and the lines that it makes in each company (rules.md, "Lines of a record").

Invariant: lines come in pairs that balance, in transaction and in accounting currency; `post` changes the two documents and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.documents import Document, Line, offset_line
from tests.oracle.money import ZERO, rounded
from tests.oracle.rates import Rates
from tests.oracle.reference import Reference, Row
from tests.oracle.run import Record, Run


@dataclass
class Posted:
    """A record in force: what it changed, so that a reversal can take it back, and its lines by company."""

    record: Record
    run: str
    lowering_balance: Fraction = ZERO
    lowering_value: Fraction = ZERO
    other_balance: Fraction = ZERO
    other_value: Fraction = ZERO
    gain: Fraction = ZERO
    lines: dict[str, list[Line]] = field(default_factory=dict)

    def documents(self) -> tuple[Document, Document]:
        """The two documents of the record."""
        return self.record.lowering, self.record.other

    def apply(self, sign: int) -> None:
        """Books the record (+1) or takes it back (-1)."""
        lowering, other = self.documents()
        lowering.balance -= sign * self.lowering_balance
        lowering.accounting -= sign * self.lowering_value
        other.balance -= sign * self.other_balance
        other.accounting -= sign * self.other_value


class Lines:
    """Collects the lines of a record, each pair under the rule that made it."""

    def __init__(self, reference: Reference, posted: Posted, sign: int) -> None:
        self.reference, self.posted, self.sign = reference, posted, sign

    def pair(self, company: str, debit: Line, credit: Line) -> None:
        """A debit and a credit of one amount, the other way round where the ledger mirrors them; negative ones change sides."""
        debit.amount, debit.value = self.sign * debit.amount, self.sign * debit.value
        credit.amount, credit.value = -self.sign * credit.amount, -self.sign * credit.value
        self.add(company, [debit, credit])

    def add(self, company: str, lines: list[Line]) -> None:
        """Lines that say something."""
        self.posted.lines.setdefault(company, []).extend(line for line in lines if line.amount or line.value)

    def party(self, document: Document, currency: str, amount: Fraction, value: Fraction) -> Line:
        """The line on a document's summary account."""
        return Line(f"accounts_{document.ledger}", document.summary, currency, amount, value, document.dimensions)

    def due(self, document: Document, partner: str, side: str, currency: str, amount: Fraction, value: Fraction) -> Line:
        """The line on due to or due from; F-C16: with the dimensions of the document beside it."""
        account = self.reference.due(side, document.company, partner)
        return Line(side, account, currency, amount, value, document.dimensions, partner)

    def plain(self, document: Document, posting_type: str, currency: str, amount: Fraction, value: Fraction) -> Line:
        """A line on the company's account of a posting type."""
        account = self.reference.chart(document.company, posting_type)
        if account is None and posting_type == "overpayment_underpayment":
            account = self.reference.chart(document.company, "cash_discount")  # C7
        return Line(posting_type, account or posting_type, currency, amount, value, document.dimensions)


def post(reference: Reference, run: Run, record: Record, run_id: str) -> Posted:
    """Books a record: its documents change, its lines are made."""
    posted, rates = Posted(record, run_id), run.rates
    lowering, other = record.lowering, record.other
    here, there = reference.currency(lowering.company), reference.currency(other.company)
    by_payment_rate = not record.enlarges and reference.parameter(other.company, other.ledger, "cash_discount_rate") == "payment_date"

    # Shares at each document's own rate; the applied part that closes a document takes what is left of its value.
    own_value = (other if record.enlarges else lowering).value(record.own_discount, there if record.enlarges else here)
    discount_share = other.value(record.discount, there)
    over, under = (record.penny, ZERO) if record.penny_over else (ZERO, record.penny)
    over, under = over + record.over, under + record.under
    over_value, under_value = lowering.value(over, here), other.value(under, there)
    if record.enlarges:
        main = lowering.value(record.amount, here)
        posted.lowering_balance, posted.lowering_value = -record.amount, -main
        posted.other_balance = record.applied + record.own_discount
        other_applied = _applied(other, posted.other_balance, record.applied, own_value, there)
        posted.other_value = other_applied + own_value
    else:
        posted.lowering_balance = record.amount + over + record.own_discount
        main = _applied(lowering, posted.lowering_balance, record.amount, over_value + own_value, here)
        posted.lowering_value = main + over_value + own_value
        posted.other_balance = record.applied + record.discount + under
        other_applied = _applied(other, posted.other_balance, record.applied, discount_share + under_value, there)
        posted.other_value = other_applied + discount_share + under_value

    booked = rates.booked(record.amount, main, lowering, other.company)
    discount_value = discount_share
    if by_payment_rate and record.discount:
        if lowering.currency == other.currency and here == there:
            discount_value = rounded(record.discount * lowering.rate, there)
        else:
            discount_value = rounded(record.discount * rates.of(other.company, other.currency, lowering), there)
    more = booked - other_applied + (discount_value - discount_share)
    side = 1 if lowering.ledger == "receivable" else -1
    turned = -side if record.enlarges else side
    posted.gain = turned * more
    posted.apply(1)

    lines = Lines(reference, posted, turned)
    _main_lines(lines, record, main, booked)
    _gain_lines(lines, run, record, posted.gain, turned)
    lines.sign = side
    if record.discount:
        _discount_lines(lines, run, record, discount_value)
    if record.own_discount:
        note = other if record.enlarges else lowering
        tier = record.own_tier
        account = _account(reference, note.company, tier.account if tier else None)
        lines.sign = -side
        party = lines.party(note, note.currency, record.own_discount, own_value)
        _against_discount(lines, note, record.own_discount, own_value, account, note.company, party)
        lines.sign = side
    if over:
        kind = "penny_difference" if record.penny_over else "overpayment_underpayment"
        party = lines.party(lowering, lowering.currency, over, over_value)
        lines.pair(lowering.company, party, lines.plain(lowering, kind, lowering.currency, over, over_value))
    if under:
        kind = "overpayment_underpayment" if record.under else "penny_difference"
        party = lines.party(other, other.currency, under, under_value)
        lines.pair(other.company, lines.plain(other, kind, other.currency, under, under_value), party)
    return posted


def _applied(document: Document, whole: Fraction, part: Fraction, others: Fraction, currency: str) -> Fraction:
    """The value of the applied part: what is left where it closes its document, else its share."""
    return document.accounting - others if whole == document.balance else document.value(part, currency)


def _main_lines(lines: Lines, record: Record, main: Fraction, booked: Fraction) -> None:
    lowering, other, currency = record.lowering, record.other, record.lowering.currency
    here, there = lowering.company, other.company
    to, since = ("due_to", "due_from") if lines.sign > 0 else ("due_from", "due_to")
    if not record.amount:
        return
    if here != there:
        debit, credit = lines.party(lowering, currency, record.amount, main), lines.due(lowering, there, to, currency, record.amount, main)
        lines.pair(here, debit, credit)
        debit = lines.due(other, here, since, currency, record.amount, booked)
        lines.pair(there, debit, lines.party(other, currency, record.amount, booked))
    elif lowering.summary != other.summary:
        debit, credit = lines.party(lowering, currency, record.amount, main), lines.party(other, currency, record.amount, main)
        debit.rule = credit.rule = "F-C17"
        lines.pair(here, debit, credit)


def _gain_lines(lines: Lines, run: Run, record: Record, gain: Fraction, turned: int) -> None:
    """Gain or loss: by the payment company through due to and due from, else by the invoice company against the party."""
    if not gain:
        return
    reference, lowering, other = lines.reference, record.lowering, record.other
    here, there = reference.currency(lowering.company), reference.currency(other.company)
    option = reference.option("post_exchange_gain_or_loss", lowering.ledger, lowering.company, other.company)
    kind, size = ("realized_gain" if gain > 0 else "realized_loss"), gain * turned
    by_payer = lowering.company != other.company and option == "payment" and lowering.currency not in {here, there}
    currency = other.currency if lowering.currency == there else lowering.currency
    party = lines.party(other, currency, ZERO, size)
    if not by_payer:
        lines.pair(other.company, party, lines.plain(other, kind, currency, ZERO, size))
        return
    to, since = ("due_to", "due_from") if turned > 0 else ("due_from", "due_to")
    lines.pair(other.company, party, lines.due(other, lowering.company, since, currency, ZERO, size))
    translated = run.rates.to_payer(size, lowering, other.company)
    due = lines.due(lowering, other.company, to, currency, ZERO, translated)
    lines.pair(lowering.company, due, lines.plain(lowering, kind, currency, ZERO, translated))


def _account(reference: Reference, company: str, *said: str | None) -> str:
    """F-D03: the mark's account, the term's, the company's."""
    for account in said:
        if account:
            return offset_line(reference, company, account, "cash_discount")[1]
    return reference.chart(company, "cash_discount") or "cash_discount"


def _discount_lines(lines: Lines, run: Run, record: Record, value: Fraction) -> None:
    reference, lowering, other, amount = lines.reference, record.lowering, record.other, record.discount
    said = record.mark.account if record.mark else None
    payer = run.discount_company(record)
    party = lines.party(other, other.currency, amount, value)
    if payer == other.company:
        account = _account(reference, other.company, said, record.tier.account if record.tier else None)
        _against_discount(lines, other, amount, value, account, other.company, party)
        return
    account = _account(reference, payer, said)
    to, since = ("due_to", "due_from") if lines.sign > 0 else ("due_from", "due_to")
    taxes = _tax_lines(lines, other, amount, value)
    rest, rest_value = amount - sum((t.amount for t in taxes), ZERO), value - sum((t.value for t in taxes), ZERO)
    due = [lines.due(other, payer, since, other.currency, rest, rest_value)]
    _one_against(lines, other.company, [*taxes, *due], party)
    translated = run.rates.to_payer(rest_value, lowering, other.company)
    if other.currency == reference.currency(payer):
        translated = rest
    credit = lines.due(lowering, other.company, to, other.currency, rest, translated)
    _one_against(lines, payer, _split(other, rest, translated, account, reference.currency(payer)), credit)


def _against_discount(lines: Lines, document: Document, amount: Fraction, value: Fraction, account: str, company: str, party: Line) -> None:
    """The discount, less its tax, and the tax against the party."""
    taxes = _tax_lines(lines, document, amount, value)
    rest, rest_value = amount - sum((t.amount for t in taxes), ZERO), value - sum((t.value for t in taxes), ZERO)
    _one_against(lines, company, [*taxes, *_split(document, rest, rest_value, account, lines.reference.currency(company))], party)


def _one_against(lines: Lines, company: str, debits: list[Line], credit: Line) -> None:
    for line in debits:
        line.amount, line.value = lines.sign * line.amount, lines.sign * line.value
    credit.amount, credit.value = -lines.sign * credit.amount, -lines.sign * credit.value
    lines.add(company, [*debits, credit])


def _tax_lines(lines: Lines, document: Document, amount: Fraction, value: Fraction) -> list[Line]:
    """The tax in a discount (C22, F-D18)."""
    reference = lines.reference
    if reference.parameter(document.company, document.ledger, "tax_on_cash_discount") != "reduced":
        return []
    found, own = [], reference.currency(document.company)
    for tax in document.tax_lines():
        part = -tax.amount * document.sign / document.amount
        share, worth = rounded(amount * part, document.currency), rounded(value * part, own)
        if share:
            found.append(Line("sales_tax", tax.account, document.currency, share, worth, tax.dimensions, rule="F-D18"))
    return found


def _split(document: Document, amount: Fraction, value: Fraction, account: str, own: str) -> list[Line]:
    """F-D17: the discount over the dimensions of the invoice's lines, tax aside; the last takes the odd cent."""
    groups: list[tuple[Row, Fraction]] = []
    for line in document.offsets:
        if line.posting_type == "sales_tax":
            continue
        size = -line.amount * document.sign
        for place, (dimensions, total) in enumerate(groups):
            if dimensions == line.dimensions:
                groups[place] = (dimensions, total + size)
                break
        else:
            groups.append((line.dimensions, size))
    groups = groups or [(document.dimensions, document.amount)]
    whole = sum((size for _, size in groups), ZERO)
    found: list[Line] = []
    for place, (dimensions, size) in enumerate(groups):
        last = place == len(groups) - 1 or not whole
        part = amount - sum((line.amount for line in found), ZERO) if last else rounded(amount * size / whole, document.currency)
        worth = value - sum((line.value for line in found), ZERO) if last else rounded(value * size / whole, own)
        found.append(Line("cash_discount", account, document.currency, part, worth, dimensions))
    return found
