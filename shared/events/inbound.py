"""The events that other systems send (events.md, "Inbound events"): what their data holds and what contradicts in it.

Invariant: a value of these classes that came through the codec has its form right by itself and is complete: `completed`
has filled in every default that follows from the event alone, so two events that say the same are equal. Whatever needs
reference data or another document (a company's own currency, an invoice's digits) is the settlement service's to check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field

from shared.events.kinds import CREDIT_NOTE, DEFAULT_OFFSET, InvoiceKind
from shared.events.values import (
    LARGEST_DIMENSIONS,
    LARGEST_REPEATED,
    MOST_CASH_DISCOUNTS,
    MOST_LINES,
    Amount,
    AmountOrZero,
    Contract,
    Currency,
    Days,
    Dimensions,
    DocumentNumber,
    Id,
    InvoiceAmount,
    IsoDate,
    Ledger,
    LineText,
    PaymentAmount,
    Percent,
    Rate,
    ReferenceText,
    SignedAmount,
    Source,
    Text,
    UseCashDiscount,
    VoucherNumber,
    shown,
    size_of_dimensions,
)
from shared.money import fits, minor_digits, rounded


@dataclass(slots=True)
class DocumentRef(Contract):
    """A document by its company and number."""

    company: Id
    document: DocumentNumber


@dataclass(slots=True)
class CashDiscount(Contract):
    """A tier: `percent` or `amount` (in the document's currency), `days` after the date or `until` a date, or for ever."""

    percent: Percent | None = None
    amount: Amount | None = None
    days: Days | None = None
    until: IsoDate | None = None
    account: Id | None = None


@dataclass(slots=True)
class OffsetLine(Contract):
    """An offset line: `account` is a posting type or main account, a negative amount is on the other side."""

    account: Id
    amount: SignedAmount
    dimensions: Dimensions = field(default_factory=dict)


Lines = Annotated[list[OffsetLine], Field(max_length=MOST_LINES)]


@dataclass(slots=True)
class InvoicePosted(Contract):
    """`customer-invoice.posted`, `vendor-invoice.posted`. `exchange_rate`: 1 unit of `currency` in the company's own.

    `lines` add up to `amount`; a line's dimensions are the document's own where it has none. `reference` is the other
    side's number of the document.
    """

    company: Id
    account: Id
    document: Id
    date: IsoDate
    currency: Currency
    amount: InvoiceAmount
    kind: InvoiceKind = "invoice"
    due_date: IsoDate | None = None
    exchange_rate: Rate | None = None
    cash_discounts: Annotated[list[CashDiscount], Field(max_length=MOST_CASH_DISCOUNTS)] = field(default_factory=list)
    lines: Lines = field(default_factory=list)
    reference: ReferenceText | None = None
    text: LineText | None = None
    posting_profile: Id | None = None
    dimensions: Dimensions = field(default_factory=dict)
    credits: Id | None = None
    intercompany_invoice: DocumentRef | None = None


@dataclass(slots=True)
class Mark(Contract):
    """What is to be settled.

    `amount_to_settle` is without the discount: in the payment's currency, in a request the document's. `cross_rate` is the
    agreed rate: 1 unit of the payment's currency in the document's (F-C14).
    """

    company: Id
    document: DocumentNumber
    amount_to_settle: Amount | None = None
    use_cash_discount: UseCashDiscount = "normal"
    cash_discount_to_take: AmountOrZero | None = None
    full_settlement: bool = False
    cash_discount_account: Id | None = None
    cross_rate: Rate | None = None


@dataclass(slots=True)
class PaymentPosted(Contract):
    """`customer-payment.posted`, `vendor-payment.posted`. With `primary` the payment is the primary payment of its run.

    `offset` is a short form of `lines` with one line; a payment that was read has lines only. How many marks there may be
    is judged where they are settled: the payment is posted all the same (events.md, "Limits").
    """

    company: Id
    account: Id
    document: Id
    date: IsoDate
    currency: Currency
    amount: PaymentAmount
    exchange_rate: Rate | None = None
    offset: Id | None = None
    lines: Lines = field(default_factory=list)
    reference: ReferenceText | None = None
    text: LineText | None = None
    method_of_payment: Id | None = None
    posting_profile: Id | None = None
    dimensions: Dimensions = field(default_factory=dict)
    prepayment: bool = False
    settle: list[Mark] = field(default_factory=list)
    primary: bool = False


@dataclass(slots=True)
class SettlementRequested(Contract):
    """`settlement.requested`: marks of any open documents; amounts in each document's own currency."""

    ledger: Ledger
    settle: Annotated[list[Mark], Field(min_length=1)]
    date: IsoDate | None = None
    primary: DocumentRef | None = None
    cash_discount_date: IsoDate | None = None


@dataclass(slots=True)
class SettlementReversalRequested(Contract):
    """`settlement-reversal.requested`: of a payment's settlements, or of those of one event."""

    ledger: Ledger
    payment: DocumentRef | None = None
    settlement: Id | None = None
    settlement_source: Source | None = None
    date: IsoDate | None = None
    reason: Text | None = None


@dataclass(slots=True)
class DocumentReversalRequested(Contract):
    """`document-reversal.requested`: of a document of any kind, in its company; `date` is by default the document's."""

    ledger: Ledger
    document: DocumentRef
    date: IsoDate | None = None
    reason: Text | None = None


@dataclass(slots=True)
class PaymentReversalRequested(Contract):
    """`payment-reversal.requested`: says of a payment what `document-reversal.requested` says of any document."""

    ledger: Ledger
    payment: DocumentRef
    date: IsoDate | None = None
    reason: Text | None = None


@dataclass(slots=True)
class JournalApprovalRequested(Contract):
    """`journal-approval.requested`: posts a sales payment journal that was only created."""

    company: Id
    journal: Id
    document: DocumentNumber


@dataclass(slots=True)
class VoucherImported(Contract):
    """`voucher.imported`: the company's own system has the voucher, under `erp_number`."""

    company: Id
    voucher: VoucherNumber
    erp_number: Id


@dataclass(slots=True)
class VoucherImportFailed(Contract):
    """`voucher.import-failed`: the company's own system did not take the voucher; `message` says why."""

    company: Id
    voucher: VoucherNumber
    message: Text


CASH: Final = "cash"
"""The posting type of a payment's offset line that says nothing else."""

Problem = tuple[str, str]
"""The JSON pointer of a field, and what is wrong with it."""


def ledger_of(event_type: str) -> Ledger:
    """The ledger of an invoice or payment event: `customer-…` is receivable, `vendor-…` payable."""
    return "receivable" if event_type.startswith("customer-") else "payable"


def contradictions(event_type: str, data: Any) -> Iterator[Problem]:
    """What contradicts within the data of an event whose fields are each right by themselves."""
    check = _CHECKS.get(type(data))
    return check(event_type, data) if check else iter(())


def _digits(amount: Decimal, currency: str) -> str:
    return f"{amount} has more digits than {currency} has: at most {minor_digits(currency)} after the point"


def _invoice(event_type: str, data: InvoicePosted) -> Iterator[Problem]:
    if not fits(data.amount, data.currency):
        yield "/amount", _digits(data.amount, data.currency)
    for number, discount in enumerate(data.cash_discounts):
        yield from _cash_discount(f"/cash_discounts/{number}", discount, data)
    yield from _lines(data)
    if data.credits is not None and data.kind != CREDIT_NOTE:
        yield "/credits", f"only a credit note credits a document, this is of kind {data.kind}"
    if data.intercompany_invoice is not None and ledger_of(event_type) == "receivable":
        yield "/intercompany_invoice", "only a vendor invoice names the invoice of its seller"


def _cash_discount(pointer: str, discount: CashDiscount, invoice: InvoicePosted) -> Iterator[Problem]:
    if discount.percent is None and discount.amount is None:
        yield pointer, "a cash discount needs percent or amount"
    if discount.percent is not None and discount.amount is not None:
        yield f"{pointer}/amount", "a cash discount has percent or amount, not both"
    if discount.days is not None and discount.until is not None:
        yield f"{pointer}/until", "a cash discount has days or until, not both"
    if discount.amount is not None and not fits(discount.amount, invoice.currency):
        yield f"{pointer}/amount", _digits(discount.amount, invoice.currency)
    if discount.amount is not None and discount.amount > invoice.amount:
        yield f"{pointer}/amount", f"{discount.amount} is more than the document's amount, {invoice.amount}"
    if discount.days is not None and invoice.date > date.max - timedelta(discount.days):
        yield f"{pointer}/days", f"{discount.days} days after {invoice.date} is beyond the calendar"


def _lines(data: InvoicePosted | PaymentPosted) -> Iterator[Problem]:
    """The lines, and the dimensions and text that each of them says whole in the voucher: a small event could make one of any size."""
    for number, line in enumerate(data.lines):
        if not fits(line.amount, data.currency):
            yield f"/lines/{number}/amount", _digits(line.amount, data.currency)
    if (size := size_of_dimensions(data.dimensions)) > LARGEST_DIMENSIONS:
        yield "/dimensions", _large(size)
    total = len(data.lines) * len((data.text or data.document).encode())
    for number, line in enumerate(data.lines):
        if (own := size_of_dimensions(line.dimensions)) > LARGEST_DIMENSIONS:
            yield f"/lines/{number}/dimensions", _large(own)
        total += own or size
    if total > LARGEST_REPEATED:
        message = f"dimensions and text, which each of {len(data.lines)} lines has in the voucher, have {total} bytes there"
        yield "/lines", f"{message}: at most {LARGEST_REPEATED} are posted"


def _large(size: int) -> str:
    return f"the dimensions have {size} bytes: at most {LARGEST_DIMENSIONS} are kept"


def _payment(_event_type: str, data: PaymentPosted) -> Iterator[Problem]:
    if not fits(data.amount, data.currency):
        yield "/amount", _digits(data.amount, data.currency)
    if data.offset is not None and data.lines:
        yield "/lines", f"a payment has offset or lines, not both: offset is {shown(data.offset)}"
    yield from _lines(data)
    for number, mark in enumerate(data.settle):
        if mark.amount_to_settle is not None and not fits(mark.amount_to_settle, data.currency):
            yield f"/settle/{number}/amount_to_settle", _digits(mark.amount_to_settle, data.currency)


def _settlement_reversal(_event_type: str, data: SettlementReversalRequested) -> Iterator[Problem]:
    if data.payment is None and data.settlement is None:
        yield "/payment", "a settlement reversal needs payment or settlement"
    if data.payment is not None and data.settlement is not None:
        yield "/settlement", f"a settlement reversal names payment or settlement, not both: {shown(data.settlement)}"
    if data.settlement is None and data.settlement_source is not None:
        yield "/settlement_source", "settlement_source says who sent the event named in settlement, which is missing"


_CHECKS: Final[dict[type, Callable[[str, Any], Iterator[Problem]]]] = {
    InvoicePosted: _invoice,
    PaymentPosted: _payment,
    SettlementReversalRequested: _settlement_reversal,
}


# What follows from the event alone


def completed(event_type: str, data: Any, source: str) -> Any:
    """The data of an event with what is left out filled in, and amounts in the digits of their currency; changed in place.

    `source` is the event's own.
    """
    complete = _COMPLETED.get(type(data))
    if complete is not None:
        complete(event_type, data, source)
    return data


def _complete_invoice(event_type: str, data: InvoicePosted, _source: str) -> None:
    data.amount = rounded(data.amount, data.currency)
    data.due_date = data.due_date or data.date
    for discount in data.cash_discounts:
        if discount.amount is not None:
            discount.amount = rounded(discount.amount, data.currency)
    _complete_lines(data, DEFAULT_OFFSET[ledger_of(event_type), data.kind])


def _complete_payment(_event_type: str, data: PaymentPosted, _source: str) -> None:
    data.amount = rounded(data.amount, data.currency)
    for mark in data.settle:
        if mark.amount_to_settle is not None:
            mark.amount_to_settle = rounded(mark.amount_to_settle, data.currency)
    _complete_lines(data, data.offset or CASH)
    data.offset = None


def _complete_lines(data: InvoicePosted | PaymentPosted, account: str) -> None:
    """One line on `account` where there is none; a line's dimensions are left to the document's where they are the same."""
    data.reference = data.reference or None
    data.text = data.text or None
    if not data.lines:
        data.lines = [OffsetLine(account, data.amount)]
        return
    for line in data.lines:
        line.amount = rounded(line.amount, data.currency)
        if line.dimensions == data.dimensions:
            line.dimensions = {}


def _complete_settlement_reversal(_event_type: str, data: SettlementReversalRequested, source: str) -> None:
    if data.settlement is not None:
        data.settlement_source = data.settlement_source or source


_COMPLETED: Final[dict[type, Callable[[str, Any, str], None]]] = {
    InvoicePosted: _complete_invoice,
    PaymentPosted: _complete_payment,
    SettlementReversalRequested: _complete_settlement_reversal,
}
