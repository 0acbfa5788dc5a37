"""From the matches of a run to settlement records: accounting amounts, gain or loss, who posts what (C1, F-C04 to F-C11).

Invariant: what the records take from a document adds up to what it lost, in its currency and in accounting currency; the
applied part that closes a document takes what is left of its accounting amount.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from services.settlement.rules.run.decided import why_of
from services.settlement.rules.run.state import Match, OpenItem, Run, Values
from services.settlement.rules.values import Document, RecordInForce
from shared.events.settlements import Difference, Discount, DiscountPart, DiscountTax, Gain, SettlementRecord
from shared.money import ZERO, share


class RemainingValue(Struct):
    """What a document still has of its accounting amount while its records are made, and how many matches are to come.

    `rest` is what the match that closed it found.
    """

    document: Document
    amount: Decimal
    accounting_amount: Decimal
    to_come: int = 0
    rest: Decimal | None = None

    def take(self, amount: Decimal, other_amount: Decimal, other_accounting_amount: Decimal) -> Decimal:
        """The accounting amount of `amount` that is applied beside other parts; closing takes all that is left."""
        self.to_come -= 1
        self.amount -= amount + other_amount
        closes = not self.amount and not self.to_come
        self.rest = self.accounting_amount if closes else None
        taken = self.accounting_amount - other_accounting_amount if closes else self.document.at_own_rate(amount)
        self.accounting_amount -= taken + other_accounting_amount
        return taken

    def enlarge(self, amount: Decimal) -> Decimal:
        """The accounting amount by which a primary grows."""
        accounting_amount = self.document.at_own_rate(amount)
        self.to_come -= 1
        self.amount += amount
        self.accounting_amount += accounting_amount
        return accounting_amount


class MadeRecord(Struct, frozen=True, gc=False):
    """A record as it is posted, as it is kept to be reversed, and the match that it is of."""

    posted: SettlementRecord
    in_force: RecordInForce
    match: Match


Remaining = dict[OpenItem, RemainingValue]
Value = tuple[Decimal, Decimal]
"""An amount in its document's currency, and in the accounting currency of its company."""


def make_records(run: Run, first_number: int) -> list[MadeRecord]:
    """The records of a run whose matches are final; WaitForError if a rate that a figure needs is missing."""
    remaining = _remaining_values(run)
    places = {item: place for place, item in enumerate(remaining)}
    return [_record(run, match, remaining, places, number) for number, match in enumerate(run.matches, start=first_number)]


def _remaining_values(run: Run) -> Remaining:
    """The items of the matches, in order."""
    remaining: Remaining = {}
    for match in run.matches:
        for item in (match.lowering, match.raising):
            document = item.document
            if item not in remaining:
                remaining[item] = RemainingValue(document, document.open, document.open_accounting_amount)
            remaining[item].to_come += 1
    return remaining


def _record(run: Run, match: Match, remaining: Remaining, places: dict[OpenItem, int], number: int) -> MadeRecord:
    lowering, raising = match.lowering.document, match.raising.document
    record = SettlementRecord(
        number=number,
        date=match.date,
        lowering=places[match.lowering],
        raising=places[match.raising],
        enlarges=match.enlarges,
        amount=match.amount,
        applied=match.applied,
        accounting_amount_in_payment_company=ZERO,
        accounting_amount_in_invoice_company=ZERO,
        credit_note_discount=_credit_note_discount(match) if match.credit_note_discount else None,
        remainder=_difference(lowering, match.remainder, penny=match.remainder_is_penny) if match.remainder else None,
        shortfall=_difference(raising, match.shortfall, penny=match.shortfall_is_penny) if match.shortfall else None,
    )
    take = _enlarging if match.enlarges else _paying
    from_lowering, from_raising = take(run, match, record, remaining)
    record.why = why_of(run, match, record, remaining[match.lowering].rest)
    return MadeRecord(record, _in_force(run, match, record, from_lowering, from_raising), match)


def _paying(run: Run, match: Match, record: SettlementRecord, remaining: Remaining) -> tuple[Value, Value]:
    """L pays R: main lines at L's rate, discount and gain or loss by C1. Returns what it takes from L and from R."""
    raising = match.raising.document
    beside = match.remainder + match.credit_note_discount
    beside_value = _value(record.remainder) + _value(record.credit_note_discount) if beside else ZERO
    paid_value = remaining[match.lowering].take(match.amount, beside, beside_value)
    received = match.conversion.main_value(match.amount, paid_value)
    record.accounting_amount_in_payment_company, record.accounting_amount_in_invoice_company = paid_value, received
    discount_at_own_rate = raising.at_own_rate(match.discount) if match.discount else ZERO
    other_value = discount_at_own_rate if record.shortfall is None else discount_at_own_rate + record.shortfall.accounting_amount
    applied_value = remaining[match.raising].take(match.applied, match.discount + match.shortfall, other_value)
    discount = discount_at_own_rate
    if match.raising.settings.cash_discount_rate == "payment_date":
        discount = match.conversion.discount_at_payment_date(match.discount)
    record.discount = _discount(run, match, discount) if match.discount else None
    gain = (received + discount) - (applied_value + discount_at_own_rate)
    record.gain = _gain(run, match, gain) if gain else None
    match.values = Values(received, applied_value, discount, discount_at_own_rate)
    return (
        (match.amount + beside, paid_value + beside_value),
        (match.applied + match.discount + match.shortfall, applied_value + other_value),
    )


def _enlarging(run: Run, match: Match, record: SettlementRecord, remaining: Remaining) -> tuple[Value, Value]:
    """Another L enlarges the primary: it stands in R's place, gain and loss change sides (step 3)."""
    grown_value = remaining[match.lowering].enlarge(match.amount)
    given = match.conversion.main_value(match.amount, grown_value)
    record.accounting_amount_in_payment_company, record.accounting_amount_in_invoice_company = grown_value, given
    beside, beside_value = match.credit_note_discount, _value(record.credit_note_discount)
    applied_value = remaining[match.raising].take(match.applied, beside, beside_value)
    gain = applied_value - given
    record.gain = _gain(run, match, gain) if gain else None
    match.values = Values(applied_value, given)
    return (-match.amount, -grown_value), (match.applied + beside, applied_value + beside_value)


def _value(part: Discount | Difference | None) -> Decimal:
    return part.accounting_amount if part is not None else ZERO


def _difference(document: Document, amount: Decimal, *, penny: bool) -> Difference:
    return Difference(amount, document.at_own_rate(amount), penny)


def _credit_note_discount(match: Match) -> Discount:
    """A credit note's own discount: at its own rate, in its own company (C44, F-C22)."""
    amount = match.credit_note_discount
    document = (match.raising if match.enlarges else match.lowering).document
    value = document.at_own_rate(amount)
    tax = _tax(match.raising if match.enlarges else match.lowering, amount, value)
    rest, rest_value = _less_tax(amount, value, tax)
    parts = _parts(document, rest, rest_value, document.accounting_currency)
    return Discount(amount, value, not match.enlarges, rest_value, match.credit_note_account, "", parts, tax)


def _discount(run: Run, match: Match, value: Decimal) -> Discount:
    """R's discount: in the invoice company, or by option in the payment company (F-C04, F-C05, F-D03)."""
    lowering, raising, mark = match.lowering.document, match.raising.document, match.raising.mark
    by_payment = run.discount_by_payment(match)
    account = mark.cash_discount_account if mark is not None else None
    tax = _tax(match.raising, match.discount, value)
    rest, posted = _less_tax(match.discount, value, tax)
    currency = raising.accounting_currency
    if by_payment:
        currency = lowering.accounting_currency
        posted = rest if raising.currency == currency else match.conversion.in_payment_company(posted)
    elif account is None:
        account = match.discount_account
    parts = _parts(raising, rest, posted, currency)
    return Discount(match.discount, value, by_payment, posted, account, match.discount_rule, parts, tax)


def _tax(item: OpenItem, discount: Decimal, value: Decimal) -> list[DiscountTax]:
    """The tax in a discount, by the tax lines of the document, if its company reduces it (C22, F-D18)."""
    document = item.document
    if item.settings.tax_on_cash_discount != "reduced":
        return []
    found: list[DiscountTax] = []
    for line in document.tax_lines:
        part = Fraction(line.amount) / Fraction(document.amount)
        amount = share(discount, part, document.currency)
        if amount:
            found.append(DiscountTax(line.account, line.dimensions, amount, share(value, part, document.accounting_currency)))
    return found


def _less_tax(amount: Decimal, value: Decimal, tax: list[DiscountTax]) -> Value:
    """What a discount leaves to be posted to `cash_discount`."""
    return amount - sum((part.amount for part in tax), ZERO), value - sum((part.accounting_amount for part in tax), ZERO)


def _gain(run: Run, match: Match, received: Decimal) -> Gain:
    """The realized gain, in I's accounting currency, and where it is posted (F-C07, F-C08, F-C11, C32).

    `received` is by how much more a receivable has brought than it was worth; of a payable that is a loss.
    """
    gain = received if run.ledger == "receivable" else -received
    if not run.gain_by_payment(match):
        return Gain(gain, posted_by_payment=False, posted_accounting_amount=gain)
    return Gain(gain, posted_by_payment=True, posted_accounting_amount=match.conversion.in_payment_company(gain))


def _parts(document: Document, amount: Decimal, value: Decimal, accounting_currency: str) -> list[DiscountPart]:
    """The discount by the dimensions of the invoice's lines, in proportion; the last takes the odd cent (F-D17)."""
    distributions = document.distributions
    total = sum((entry.amount for entry in distributions), ZERO)
    if not total:
        return [DiscountPart({}, amount, value)]
    parts: list[DiscountPart] = []
    rest, rest_value = amount, value
    for entry in distributions[:-1]:
        part = Fraction(entry.amount) / Fraction(total)
        own, own_value = share(amount, part, document.currency), share(value, part, accounting_currency)
        parts.append(DiscountPart(dict(entry.dimensions), own, own_value))
        rest, rest_value = rest - own, rest_value - own_value
    return [*parts, DiscountPart(dict(distributions[-1].dimensions), rest, rest_value)]


def _in_force(run: Run, match: Match, record: SettlementRecord, from_lowering: Value, from_raising: Value) -> RecordInForce:
    penny = (match.remainder if match.remainder_is_penny else ZERO) + (match.shortfall if match.shortfall_is_penny else ZERO)
    return RecordInForce(
        run.id,
        run.ledger,
        record.number,
        record.date,
        match.lowering.key,
        match.raising.key,
        match.enlarges,
        *from_lowering,
        *from_raising,
        match.amount,
        match.discount,
        match.credit_note_discount,
        overpayment=ZERO if match.remainder_is_penny else match.remainder,
        underpayment=ZERO if match.shortfall_is_penny else match.shortfall,
        penny_difference=penny,
        realized_gain=record.gain.accounting_amount if record.gain is not None else ZERO,
        currency=match.lowering.document.currency,
        why=record.why,
    )
