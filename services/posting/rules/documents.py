"""The voucher of a document: the receivable or payable summary line against the offset lines.

Invariant: each line's accounting amount is its own amount at the document's rate, rounded by itself; the summary
line has the document's accounting amount; what only rounding leaves is a penny difference (F-E08), more is a defect.
"""

from __future__ import annotations

from decimal import Decimal

from services.posting.rules.accounts import PENNY_DIFFERENCE, SALES_TAX, Account, PartyItem, main_account, offset
from services.posting.rules.voucher_draft import LineAmount, VoucherDraft, VoucherHeader, new_voucher, nothing
from shared.events.kinds import DEFAULT_OFFSET, LOWERING, PAYMENT
from shared.events.settlements import DocumentPosted, PostedLine
from shared.money import at_rate, minor_unit, rounded
from shared.reference import RECEIVABLE, SUMMARY_TYPE, Reference


def document_voucher(reference: Reference, document: DocumentPosted) -> VoucherDraft:
    """The voucher of a posted document, in its company.

    A receivable document that raises the balance debits the summary account, one that lowers it credits it; payable is the
    mirror. PostingDefectError if more than rounding leaves it unbalanced.
    """
    about = (document.ledger, document.kind, document.date, document.document)
    header = VoucherHeader(*about, reference=document.reference, text=document.text)
    voucher = new_voucher(reference, document.company, header)
    side = 1 if (document.ledger == RECEIVABLE) == (document.kind not in LOWERING) else -1
    item = PartyItem(document.party, document.account, document.document)
    summary = Account(SUMMARY_TYPE[document.ledger], document.summary_account, document.dimensions, item=item)
    amount = rounded(document.amount, document.currency)
    voucher.line(summary, LineAmount(document.currency, side * amount, side * document.accounting_amount), "F-A16")
    for line in document.lines or [PostedLine(DEFAULT_OFFSET[document.ledger, document.kind], document.amount)]:
        _offset_line(voucher, document, line, -side)
    _penny_difference(voucher, document)
    return voucher


def _offset_line(voucher: VoucherDraft, document: DocumentPosted, line: PostedLine, side: int) -> None:
    posting_type, account = offset(voucher.company, line.account, DEFAULT_OFFSET[document.ledger, document.kind])
    amount = rounded(side * line.amount, document.currency)
    value = _accounting_amount(amount, document) if line.accounting_amount is None else side * line.accounting_amount
    voucher.line(
        Account(posting_type, account, line.dimensions or document.dimensions),
        LineAmount(document.currency, amount, value),
        _rule(document.kind, posting_type),
    )


def _accounting_amount(amount: Decimal, document: DocumentPosted) -> Decimal:
    if document.currency == document.accounting_currency:
        return amount
    return at_rate(amount, document.exchange_rate, document.accounting_currency)


def _rule(kind: str, posting_type: str) -> str:
    if posting_type == SALES_TAX:
        return "F-C19"
    return "F-A02" if kind == PAYMENT else "F-A18"


def _penny_difference(voucher: VoucherDraft, document: DocumentPosted) -> None:
    _, residue = voucher.unbalanced()
    if not residue:
        return
    most = len(voucher.lines) * minor_unit(voucher.company.currency)
    if abs(residue) > most:
        problem = f"debits less credits are {residue} {voucher.company.currency}, more than rounding leaves ({most})"
        raise voucher.defect(problem)
    account = Account(PENNY_DIFFERENCE, main_account(voucher.company, PENNY_DIFFERENCE), document.dimensions)
    voucher.line(account, LineAmount(document.currency, nothing(document.currency), -residue), "F-E08")
