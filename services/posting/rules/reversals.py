"""Reversals: the original lines mirrored exactly under new vouchers, whatever the accounts are today (C21).

Invariant: same company, same document, same amounts, debit and credit changed; the date is the reversal's.
"""

from __future__ import annotations

from services.posting.rules.books import Books
from services.posting.rules.voucher_draft import PostingDefectError, VoucherDraft, VoucherHeader, new_voucher
from shared.events.kinds import DOCUMENT_REVERSAL, PAYMENT, PAYMENT_REVERSAL, SETTLEMENT_REVERSAL
from shared.events.settlements import DocumentReversed, SettlementReversed
from shared.events.vouchers import Voucher

RULE = "C21"


def settlement_reversal_vouchers(books: Books, reversal: SettlementReversed) -> list[VoucherDraft]:
    """The mirrors of the vouchers of each record (F-F01); a record that made no lines has no voucher to mirror."""
    drafts = []
    for record in reversal.records:
        for original in books.of_record(record.run, record.ledger, record.number):
            about = (record.ledger, SETTLEMENT_REVERSAL, record.date, original.document)
            drafts.append(_mirror(books, original, VoucherHeader(*about, record.run, record.number, original.reference)))
    return drafts


def document_reversal_voucher(books: Books, reversal: DocumentReversed) -> VoucherDraft:
    """The mirror of a document's own voucher; PostingDefectError if the document has none."""
    original = books.of_document(reversal.ledger, reversal.company, reversal.document)
    if original is None:
        msg = f"{reversal.company}: there is no voucher of the {reversal.ledger} document {reversal.document} to mirror"
        raise PostingDefectError(msg)
    kind = PAYMENT_REVERSAL if original.kind == PAYMENT else DOCUMENT_REVERSAL
    about = (reversal.ledger, kind, reversal.date, reversal.document)
    return _mirror(books, original, VoucherHeader(*about, reference=original.reference, text=reversal.text))


def _mirror(books: Books, original: Voucher, header: VoucherHeader) -> VoucherDraft:
    voucher = new_voucher(books.reference, original.company, header)
    voucher.mirror(original.lines, RULE)
    return voucher
