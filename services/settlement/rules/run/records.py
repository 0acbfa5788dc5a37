"""From the pairs of a run to settlement records: accounting values, gain or loss, who posts what (C1, F-C04 to F-C11).

What always holds: what the records take from a document adds up to what it lost, in its currency and in accounting
currency; the applied part that closes a document takes what is left of its accounting amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from services.settlement.rules.run import conversion as exchange
from services.settlement.rules.run.differences import discount_company
from services.settlement.rules.run.state import Claim, Pair, Run
from services.settlement.rules.values import Document, DocumentKey
from shared.events.settlements import Difference, Discount, DiscountPart, Gain, SettledDocument, SettlementRecord
from shared.money import ZERO, share


@dataclass(slots=True)
class Account:
    """What a document still has of its accounting amount while its records are made, and how many pairs are to come."""

    document: Document
    open: Decimal
    value: Decimal
    to_come: int

    def take(self, amount: Decimal, other_amount: Decimal, other_value: Decimal) -> Decimal:
        """The accounting value of `amount` that is applied beside other parts; closing takes all that is left."""
        self.to_come -= 1
        self.open -= amount + other_amount
        closes = not self.open and not self.to_come
        value = self.value - other_value if closes else exchange.own_value(self.document, amount)
        self.value -= value + other_value
        return value


class Taken(NamedTuple):
    """What a record takes from its two documents: amount and accounting value of each."""

    from_lowering: Decimal
    accounting_amount_from_lowering: Decimal
    from_raising: Decimal
    accounting_amount_from_raising: Decimal


class Recorded(NamedTuple):
    """The record that is posted, and what it takes from L (or the primary) and from R (or what enlarged it)."""

    record: SettlementRecord
    taken: Taken
    pair: Pair


def make_records(run: Run, first_number: int) -> tuple[list[SettledDocument], list[Recorded]]:
    """The documents and records of a run whose pairs are final; WaitForError if a rate that a figure needs is missing."""
    accounts = _accounts(run)
    places = {key: number for number, key in enumerate(accounts)}
    recorded = [_record(run, pair, accounts, places, first_number + number) for number, pair in enumerate(run.pairs)]
    claims = {claim.document.key: claim for claim in (*run.lowering, *run.raising)}
    return [_settled(claims[key]) for key in accounts], recorded


def _accounts(run: Run) -> dict[DocumentKey, Account]:
    accounts: dict[DocumentKey, Account] = {}
    for pair in run.pairs:
        for claim in (pair.lowering, pair.raising):
            document = claim.document
            account = accounts.setdefault(document.key, Account(document, document.open, document.open_accounting_amount, 0))
            account.to_come += 1
    return accounts


def _settled(claim: Claim) -> SettledDocument:
    document = claim.document
    return SettledDocument(
        company=document.company,
        document=document.document,
        kind=document.kind,
        account=document.account,
        date=document.date,
        currency=document.currency,
        accounting_currency=document.accounting_currency,
        exchange_rate=document.exchange_rate,
        summary_account=document.summary_account,
        dimensions=document.dimensions,
        intercompany_company=document.intercompany_company,
        intercompany_document=document.intercompany_document,
        mark=claim.position,
        event=document.event,
    )


def _record(run: Run, pair: Pair, accounts: dict[DocumentKey, Account], places: dict[DocumentKey, int], number: int) -> Recorded:
    payer, invoice = pair.lowering.document, pair.raising.document
    record = SettlementRecord(
        number=number,
        date=pair.date,
        lowering=places[payer.key],
        raising=places[invoice.key],
        enlarges=pair.enlarges,
        amount=pair.amount,
        applied=pair.applied,
        accounting_amount_in_payment_company=ZERO,
        accounting_amount_in_invoice_company=ZERO,
        credit_note_discount=_credit_note_discount(pair),
        remainder=_difference(payer, pair.left, penny=pair.left_is_penny),
        shortfall=_difference(invoice, pair.lacking, penny=pair.lacking_is_penny),
    )
    take = _enlarging if pair.enlarges else _paying
    return Recorded(record, take(run, pair, record, accounts), pair)


def _credit_note_discount(pair: Pair) -> Discount | None:
    """A credit note's own discount: at its own rate, in its own company (C44, F-C22)."""
    if not pair.credit_note_discount:
        return None
    document = pair.raising.document if pair.enlarges else pair.lowering.document
    value = exchange.own_value(document, pair.credit_note_discount)
    parts = _parts(document, pair.credit_note_discount, value, document.accounting_currency)
    return Discount(pair.credit_note_discount, value, not pair.enlarges, value, pair.credit_note_account, "", parts)


def _difference(document: Document, amount: Decimal, *, penny: bool) -> Difference | None:
    return Difference(amount, exchange.own_value(document, amount), penny) if amount else None


def _value(part: Discount | Difference | None) -> Decimal:
    return part.accounting_amount if part is not None else ZERO


def _paying(run: Run, pair: Pair, record: SettlementRecord, accounts: dict[DocumentKey, Account]) -> Taken:
    """L pays R: main lines at L's rate, discount and gain or loss by C1."""
    payer, invoice = pair.lowering.document, pair.raising.document
    beside = _value(record.remainder) + _value(record.credit_note_discount)
    beside_amount = pair.left + pair.credit_note_discount
    record.accounting_amount_in_payment_company = accounts[payer.key].take(pair.amount, beside_amount, beside)
    record.accounting_amount_in_invoice_company = exchange.main_value(
        run.reference, payer, invoice, pair.amount, record.accounting_amount_in_payment_company
    )
    at_own_rate = exchange.own_value(invoice, pair.discount)
    lacking = _value(record.shortfall)
    applied = accounts[invoice.key].take(pair.applied, pair.discount + pair.lacking, at_own_rate + lacking)
    by_payment_date = run.reference.parameters(invoice.company, run.ledger).cash_discount_rate == "payment_date"
    discount = exchange.discount_value(run.reference, payer, invoice, pair.discount) if by_payment_date else at_own_rate
    record.discount = _discount(run, pair, discount)
    received = record.accounting_amount_in_invoice_company + discount - applied - at_own_rate
    record.gain = _gain(run, payer, invoice, received if run.ledger == "receivable" else -received)
    return Taken(
        pair.amount + beside_amount,
        record.accounting_amount_in_payment_company + beside,
        pair.applied + pair.discount + pair.lacking,
        applied + at_own_rate + lacking,
    )


def _enlarging(run: Run, pair: Pair, record: SettlementRecord, accounts: dict[DocumentKey, Account]) -> Taken:
    """Another L enlarges the primary: it stands in R's place, gain and loss change sides (step 3)."""
    primary, other = pair.lowering.document, pair.raising.document
    account = accounts[primary.key]
    record.accounting_amount_in_payment_company = exchange.own_value(primary, pair.amount)
    account.open += pair.amount
    account.value += record.accounting_amount_in_payment_company
    account.to_come -= 1
    record.accounting_amount_in_invoice_company = exchange.main_value(
        run.reference, primary, other, pair.amount, record.accounting_amount_in_payment_company
    )
    beside = _value(record.credit_note_discount)
    applied = accounts[other.key].take(pair.applied, pair.credit_note_discount, beside)
    given = applied - record.accounting_amount_in_invoice_company
    record.gain = _gain(run, primary, other, given if run.ledger == "receivable" else -given)
    return Taken(-pair.amount, -record.accounting_amount_in_payment_company, pair.applied + pair.credit_note_discount, applied + beside)


def _discount(run: Run, pair: Pair, value: Decimal) -> Discount | None:
    """R's discount: in the invoice company, or by option in the payment company (F-C04, F-C05, F-D03)."""
    if not pair.discount:
        return None
    payer, invoice = pair.lowering.document, pair.raising.document
    by_payment = payer.company != invoice.company and discount_company(run, pair) == payer.company
    posted = _in_payer_currency(run, payer, invoice, pair.discount, value) if by_payment else value
    mark = pair.raising.mark
    account = mark.cash_discount_account if mark is not None else None
    if account is None and not by_payment:
        account = pair.discount_account
    return Discount(
        pair.discount,
        value,
        by_payment,
        posted,
        account,
        pair.discount_rule,
        _parts(invoice, pair.discount, posted, payer.accounting_currency if by_payment else invoice.accounting_currency),
    )


def _in_payer_currency(run: Run, payer: Document, invoice: Document, amount: Decimal, value: Decimal) -> Decimal:
    if invoice.currency == payer.accounting_currency:
        return amount
    return exchange.converted(run.reference, invoice, payer, value, invoice.accounting_currency, payer.accounting_currency)


def _gain(run: Run, payer: Document, invoice: Document, gain: Decimal) -> Gain | None:
    """The realized gain, in I's accounting currency, and where it is posted (F-C07, F-C08, F-C11, C32)."""
    if not gain:
        return None
    if not _gain_by_payment(run, payer, invoice):
        return Gain(gain, posted_by_payment=False, posted_accounting_amount=gain)
    posted = exchange.converted(run.reference, invoice, payer, gain, invoice.accounting_currency, payer.accounting_currency)
    return Gain(gain, posted_by_payment=True, posted_accounting_amount=posted)


def _gain_by_payment(run: Run, payer: Document, invoice: Document) -> bool:
    if payer.company == invoice.company or payer.currency in (payer.accounting_currency, invoice.accounting_currency):
        return False
    option = run.reference.posting_option("post_exchange_gain_or_loss", run.ledger, payer.company, invoice.company)
    return option != "invoice"


def _parts(document: Document, amount: Decimal, value: Decimal, accounting_currency: str) -> list[DiscountPart]:
    """The discount by the dimensions of the invoice's lines, in proportion; the last takes the odd cent (F-D17)."""
    distributions = document.distributions
    total = sum((entry.amount for entry in distributions), ZERO)
    if not total:
        return [DiscountPart(document.dimensions, amount, value)]
    parts: list[DiscountPart] = []
    rest, rest_value = amount, value
    for entry in distributions[:-1]:
        part = Fraction(entry.amount) / Fraction(total)
        own, own_value = share(amount, part, document.currency), share(value, part, accounting_currency)
        parts.append(DiscountPart(dict(entry.dimensions), own, own_value))
        rest, rest_value = rest - own, rest_value - own_value
    return [*parts, DiscountPart(dict(distributions[-1].dimensions), rest, rest_value)]
