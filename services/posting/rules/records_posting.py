"""The vouchers of a settlement record: the table "Lines of a record" of rules.md, one code for both ledgers.

The table is written for receivables; payable mirrors every line, due to and due from, gain and loss change places. So each
entry here is the receivable one with a sign: of the ledger, and for main lines also of F-C03, where a document enlarged the
primary and stands in R's place. Invariant: an entry and its counterpart have the same amount and value; due to and
due from never carry a difference; P and I in one company share one voucher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from services.posting.rules.accounts import (
    CASH_DISCOUNT,
    DUE_FROM,
    DUE_TO,
    OVERPAYMENT_UNDERPAYMENT,
    PENNY_DIFFERENCE,
    REALIZED_GAIN,
    REALIZED_LOSS,
    SALES_TAX,
    Account,
    PartyItem,
    main_account,
)
from services.posting.rules.voucher_draft import LineAmount, VoucherDraft, VoucherHeader, new_voucher
from shared.events.kinds import CREDIT_NOTE, SETTLEMENT
from shared.events.settlements import Difference, Discount, DiscountPart, SettledDocument, SettlementPosted, SettlementRecord
from shared.money import ZERO
from shared.reference import RECEIVABLE, SUMMARY_TYPE, Reference


def settlement_vouchers(reference: Reference, posted: SettlementPosted) -> Iterator[VoucherDraft]:
    """The vouchers of a run: for each record that of P, the company of L, then that of I, the company of R.

    A company that gets no lines gets no voucher. The voucher's document is the primary's, else L's.
    """
    for record in posted.records:
        posting = RecordPosting(reference, posted, record)
        for lines_of in _TABLE:
            lines_of(posting)
        yield from (voucher for voucher in posting.vouchers if voucher.lines)


class RecordPosting:
    """One record with its vouchers: `payment` is P's, `invoice` I's; within one company they are the same.

    `side` is 1 for receivable, -1 for payable; `place` the same for what is done to the document in R's place, which is a
    lowering one too where the primary is enlarged. Intercompany accounts have the dimensions of the summary account beside
    them (F-C16).
    """

    __slots__ = (
        *("across", "invoice", "invoice_due", "lowering", "party", "payment", "payment_due", "place", "raising"),
        *("receivable", "record", "side", "summary"),
    )

    def __init__(self, reference: Reference, posted: SettlementPosted, record: SettlementRecord) -> None:
        self.record = record
        self.party = posted.party
        self.receivable = posted.ledger == RECEIVABLE
        self.summary = SUMMARY_TYPE[posted.ledger]
        self.lowering = lowering = posted.documents[record.lowering]
        self.raising = raising = posted.documents[record.raising]
        self.side = 1 if self.receivable else -1
        self.place = self.side * (-1 if record.enlarges else 1)
        document = lowering if posted.primary is None else posted.documents[posted.primary]
        about = (posted.ledger, SETTLEMENT, record.date, document.document)
        header = VoucherHeader(*about, posted.run, record.number, document.reference)
        self.payment = new_voucher(reference, lowering.company, header)
        self.across = lowering.company != raising.company
        self.invoice = new_voucher(reference, raising.company, header) if self.across else self.payment
        if self.across:
            owes = self.place > 0
            self.payment_due = _due(reference, DUE_TO if owes else DUE_FROM, lowering, raising.company)
            self.invoice_due = _due(reference, DUE_FROM if owes else DUE_TO, raising, lowering.company)

    @property
    def vouchers(self) -> tuple[VoucherDraft, ...]:
        """The vouchers of the record, P's first."""
        return (self.payment, self.invoice) if self.across else (self.payment,)

    def summary_of(self, document: SettledDocument) -> Account:
        """The summary account of the document that a line changes."""
        item = PartyItem(self.party, document.account, document.document)
        return Account(self.summary, document.summary_account, document.dimensions, item=item)


def _due(reference: Reference, posting_type: str, document: SettledDocument, partner: str) -> Account:
    account = reference.intercompany_account(document.company, partner, posting_type)
    return Account(posting_type, account, document.dimensions, partner)


def _main_lines(posting: RecordPosting) -> None:
    """F-C01, F-C02, F-C03: what P owes I for what L gave; F-C17: within one company it moves between summary accounts."""
    record, currency = posting.record, posting.lowering.currency
    if not posting.across:
        if posting.lowering.summary_account != posting.raising.summary_account:
            moved = LineAmount(currency, posting.place * record.amount, posting.place * record.accounting_amount_in_payment_company)
            posting.payment.entry(posting.summary_of(posting.lowering), posting.summary_of(posting.raising), moved, "F-C17")
        return
    rule = "F-C03" if record.enlarges else "F-C01" if posting.receivable else "F-C02"
    amount = posting.place * record.amount
    in_payment = LineAmount(currency, amount, posting.place * record.accounting_amount_in_payment_company)
    in_invoice = LineAmount(currency, amount, posting.place * record.accounting_amount_in_invoice_company)
    posting.payment.entry(posting.summary_of(posting.lowering), posting.payment_due, in_payment, rule)
    posting.invoice.entry(posting.invoice_due, posting.summary_of(posting.raising), in_invoice, rule)


class DiscountEntry(Struct, frozen=True, gc=False):
    """A discount entry on a document; `sign` 1 debits the cash discount, -1 credits it. `rule` made it."""

    document: SettledDocument
    discount: Discount
    sign: int
    rule: str


def _discount(posting: RecordPosting) -> None:
    """F-C04, F-C05: the discount of R, posted by I, or by P and handed on to I; what said otherwise is `Discount.rule`.

    Its tax (F-D18) stays in R's company, whoever posts the rest.
    """
    discount = posting.record.discount
    if discount is None:
        return
    document, summary = posting.raising, posting.summary_of(posting.raising)
    by_payment = posting.across and discount.posted_by_payment
    entry = DiscountEntry(document, discount, posting.place, discount.rule or ("F-C05" if by_payment else "F-C04"))
    if not by_payment:
        _discount_entry(posting.invoice, entry, summary)
        return
    rest = _cash_discount(posting.payment, entry)
    posting.payment.line(posting.payment_due, _turned(rest), entry.rule)
    _discount_tax(posting.invoice, entry)
    value = discount.accounting_amount - sum((tax.accounting_amount for tax in discount.tax), ZERO)
    posting.invoice.line(posting.invoice_due, LineAmount(document.currency, rest.amount, entry.sign * value), entry.rule)
    posting.invoice.line(summary, _turned(_whole(entry)), entry.rule)


def _credit_note_discount(posting: RecordPosting) -> None:
    """F-C22, C44: a credit note's own discount, with the opposite sign in the credit note's company."""
    discount = posting.record.credit_note_discount
    if discount is None:
        return
    in_raising_place = posting.record.enlarges and posting.raising.kind == CREDIT_NOTE
    document, voucher = (posting.raising, posting.invoice) if in_raising_place else (posting.lowering, posting.payment)
    _discount_entry(voucher, DiscountEntry(document, discount, -posting.side, discount.rule or "F-C22"), posting.summary_of(document))


def _discount_entry(voucher: VoucherDraft, entry: DiscountEntry, summary: Account) -> None:
    """The discount and its tax against the summary account, all in the document's company."""
    _discount_tax(voucher, entry)
    _cash_discount(voucher, entry)
    voucher.line(summary, _turned(_whole(entry)), entry.rule)


def _discount_tax(voucher: VoucherDraft, entry: DiscountEntry) -> None:
    """F-D18: the tax in the discount, on the account and dimensions of each tax line of the document."""
    for tax in entry.discount.tax:
        posted = LineAmount(entry.document.currency, entry.sign * tax.amount, entry.sign * tax.accounting_amount)
        voucher.line(Account(SALES_TAX, tax.account, tax.dimensions or entry.document.dimensions), posted, "F-D18")


def _cash_discount(voucher: VoucherDraft, entry: DiscountEntry) -> LineAmount:
    """The discount's own lines, tax aside, one for each part with dimensions of its own (F-D17); what they add up to."""
    document, discount, sign, rule = entry.document, entry.discount, entry.sign, entry.rule
    amount = discount.amount - sum((tax.amount for tax in discount.tax), ZERO)
    account = main_account(voucher.company, CASH_DISCOUNT if discount.account is None else discount.account)
    for part in discount.parts or [DiscountPart({}, amount, discount.posted_accounting_amount)]:
        own = Account(CASH_DISCOUNT, account, part.dimensions or document.dimensions)
        voucher.line(own, LineAmount(document.currency, sign * part.amount, sign * part.accounting_amount), rule)
    return LineAmount(document.currency, sign * amount, sign * discount.posted_accounting_amount)


def _whole(entry: DiscountEntry) -> LineAmount:
    """The discount with its tax, in the document's company."""
    discount = entry.discount
    return LineAmount(entry.document.currency, entry.sign * discount.amount, entry.sign * discount.accounting_amount)


def _turned(posted: LineAmount) -> LineAmount:
    """The same on the other side."""
    return LineAmount(posted.currency, -posted.amount, -posted.accounting_amount)


def _gain(posting: RecordPosting) -> None:
    """F-C07, F-C08, F-C09: a gain credits `realized_gain`, a loss debits `realized_loss`, in either ledger.

    Its other side brings R's summary account to R's accounting amount, whether R raises or enlarged the primary: the main line
    changed it by `accounting_amount_in_invoice_company`. Posted by P, the due to or due from of the main lines goes to the
    invoice-date value.
    """
    gain = posting.record.gain
    if gain is None:
        return
    summary = posting.summary_of(posting.raising)
    posting_type = REALIZED_GAIN if gain.accounting_amount > 0 else REALIZED_LOSS
    in_invoice = LineAmount(_gain_currency(posting, posting.raising), ZERO, gain.accounting_amount)
    if not (posting.across and gain.posted_by_payment):
        own = Account(posting_type, main_account(posting.invoice.company, posting_type), posting.raising.dimensions)
        posting.invoice.entry(summary, own, in_invoice, "F-C08" if posting.across else "F-C09")
        return
    own = Account(posting_type, main_account(posting.payment.company, posting_type), posting.lowering.dimensions)
    posting.payment.entry(
        posting.payment_due, own, LineAmount(_gain_currency(posting, posting.lowering), ZERO, gain.posted_accounting_amount), "F-C07"
    )
    posting.invoice.entry(summary, posting.invoice_due, in_invoice, "F-C07")


def _gain_currency(posting: RecordPosting, posts: SettledDocument) -> str:
    """L's currency as on the main lines, but R's where L's is the company's own: 0.00 in that would be its own value."""
    return posting.raising.currency if posting.lowering.currency == posts.accounting_currency else posting.lowering.currency


def _overpayment(posting: RecordPosting) -> None:
    """F-E01, F-E02: what L had left, written off in P at L's rate."""
    remainder = posting.record.remainder
    if remainder is not None:
        _difference_entry(posting.payment, posting.lowering, posting.summary_of(posting.lowering), remainder, posting.side)


def _underpayment(posting: RecordPosting) -> None:
    """F-E01, F-E02: what R lacked, written off in I at R's rate."""
    shortfall = posting.record.shortfall
    if shortfall is not None:
        _difference_entry(posting.invoice, posting.raising, posting.summary_of(posting.raising), shortfall, -posting.place)


def _difference_entry(voucher: VoucherDraft, document: SettledDocument, summary: Account, difference: Difference, sign: int) -> None:
    posting_type, rule = (PENNY_DIFFERENCE, "F-E01") if difference.penny else (OVERPAYMENT_UNDERPAYMENT, "F-E02")
    own = Account(posting_type, main_account(voucher.company, posting_type), document.dimensions)
    written_off = LineAmount(document.currency, sign * difference.amount, sign * difference.accounting_amount)
    voucher.entry(summary, own, written_off, rule)


_TABLE: Final[tuple[Callable[[RecordPosting], None], ...]] = (
    _main_lines,
    _discount,
    _credit_note_discount,
    _gain,
    _overpayment,
    _underpayment,
)
