"""What differs between the services' books, by name: a document, a settlement record, a voucher, with both figures.

Invariant: pure; what is said to be missing may be under way, and is for whoever asks to look at again; what is said to be wrong stays
wrong, whatever comes later: vouchers never change, documents and records in their amounts neither.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from services.desk.vouchers_due import has_vouchers
from services.settlement.rules.values import POSTED, REVERSED, DocumentKey, RecordKey
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT, SETTLEMENT_REVERSAL
from shared.money import ZERO, rounded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from services.payment.rules.values import SalesPayment
    from services.posting.queries import Found
    from services.settlement.queries import TakenFrom
    from services.settlement.rules.values import Document, RecordInForce, ReservedSalesPayment
    from shared.events.vouchers import Voucher, VoucherLine

_SUMMARY: Final = frozenset({"accounts_receivable", "accounts_payable"})


class Judged(NamedTuple):
    """Of a document or a record: what is not there (yet), and what is there and should not be."""

    missing: list[str]
    wrong: list[str]


_ALL_THERE: Final = Judged([], [])


def document_name(document: Document) -> str:
    """A document as problems name it, with its amount."""
    kind = document.kind.replace("_", " ")
    return f"{document.company} {document.ledger} {kind} {document.document} ({document.amount:,} {document.currency})"


def record_name(record: RecordInForce) -> str:
    """A settlement record as problems name it, with its two documents and its amount."""
    between = " with ".join(f"{key.company} {key.document}" for key in (record.lowering, record.raising))
    run = f"{record.run.source} {record.run.id}"
    return f"{record.ledger} settlement {run} record {record.number} ({between}, {record.amount:,} {record.currency})"


def voucher_name(voucher: Voucher) -> str:
    """A voucher as problems name it."""
    return f"{voucher.company} {voucher.voucher}"


# What settlement has, by itself


def open_differs(document: Document, taken: TakenFrom) -> Iterator[str]:
    """Whether what is open of a document is its amount less what the records in force take; nothing of one that is reversed."""
    amounts = (document.amount, document.accounting_amount) if not document.is_reversed else (ZERO, ZERO)
    left, left_accounting = amounts[0] - taken.amount, amounts[1] - taken.accounting_amount
    if (left, left_accounting, taken.records) == (document.open, document.open_accounting_amount, document.records):
        return
    name = document_name(document)
    if left != document.open:
        yield f"{name}: {document.open:,} {document.currency} is open, its {taken.records} records leave {left:,}"
    if left_accounting != document.open_accounting_amount:
        kept = f"{document.open_accounting_amount:,} {document.accounting_currency} is open"
        yield f"{name}: {kept}, its {taken.records} records leave {left_accounting:,}"
    if document.records != taken.records:
        yield f"{name}: {document.records} records are counted, {taken.records} are in force"


# Whether what settlement has is posted


def document_judged(document: Document, found: Collection[Found]) -> Judged:
    """A document has one voucher, and one that reverses it if it is reversed."""
    own = [each.voucher for each in found if each.kind == document.kind]
    mirrors = [each.voucher for each in found if each.kind not in DOCUMENT_KINDS]
    if len(own) == 1 and len(mirrors) == document.is_reversed:
        return _ALL_THERE
    name = document_name(document)
    missing = [] if own else [f"{name} has no voucher"]
    if document.is_reversed and not mirrors:
        missing.append(f"{name} is reversed, and its voucher {', '.join(own) or 'is missing and'} is not")
    return Judged(missing, [f"{name} is posted twice: {', '.join(each)}" for each in (own, mirrors) if len(each) > 1])


def record_judged(record: RecordInForce, documents: Mapping[DocumentKey, Document], found: Collection[Found]) -> Judged:
    """A record has a voucher in each company that it posts in, and of each a mirror if it is reversed: a reversal reaches them all."""
    companies = sorted({record.lowering.company, record.raising.company})
    made, mirrored = _by_company(found, SETTLEMENT), _by_company(found, SETTLEMENT_REVERSAL)
    due = companies if has_vouchers(record, documents) else []
    if not record.is_reversed and not mirrored and len(found) == len(due) and sorted(made) == due:
        return _ALL_THERE
    name = record_name(record)
    missing = [f"{name} has no voucher in {company}" for company in due if company not in made]
    if record.is_reversed:
        missing += [f"{name} is reversed, and in {each} its voucher {made[each][0]} is not" for each in made if each not in mirrored]
    twice = [each for by_company in (made, mirrored) for each in by_company.items() if len(each[1]) > 1]
    return Judged(missing, [f"{name} is posted twice in {company}: {', '.join(vouchers)}" for company, vouchers in twice])


def _by_company(found: Iterable[Found], kind: str) -> dict[str, list[str]]:
    by_company: defaultdict[str, list[str]] = defaultdict(list)
    for each in found:
        if each.kind == kind:
            by_company[each.company].append(each.voucher)
    return dict(by_company)


# Whether what is posted has its cause, and the cause's amount


def voucher_differs(
    voucher: Voucher, documents: Mapping[DocumentKey, Document], records: Mapping[RecordKey, RecordInForce]
) -> Iterator[str]:
    """Whether a voucher has its document or record, the reversal too where it mirrors one, and moves the amount of that."""
    if voucher.settlement is None:
        document = documents.get(DocumentKey(voucher.ledger, voucher.company, voucher.document))  # type: ignore[arg-type]
        yield from _document_differs(voucher, document)
        return
    key = RecordKey(voucher.settlement.ref, voucher.ledger, voucher.record or 0)  # type: ignore[arg-type]
    record = records.get(key)
    if record is None:
        run = f"{key.run.source} {key.run.id}"
        yield f"{voucher_name(voucher)} posts record {key.number} of the {key.ledger} settlement {run}, which settlement does not have"
    else:
        yield from _record_differs(voucher, record, documents)


def _document_differs(voucher: Voucher, document: Document | None) -> Iterator[str]:
    is_own = voucher.kind in DOCUMENT_KINDS
    if document is None:
        what = f"{'posts' if is_own else 'reverses'} the {voucher.ledger} document {voucher.document}"
        yield f"{voucher_name(voucher)} {what}, which settlement does not have"
        return
    if is_own and voucher.kind != document.kind:
        yield f"{voucher_name(voucher)} posts a {voucher.kind.replace('_', ' ')}, and settlement has {document_name(document)}"
    if not is_own and not document.is_reversed:
        yield f"{voucher_name(voucher)} reverses {document_name(document)}, which settlement has not reversed"
    side = _side(document) if is_own else -_side(document)
    wanted = side * rounded(document.amount, document.currency), side * document.accounting_amount
    lines = [line for line in voucher.lines if line.posting_type in _SUMMARY]
    posted = (sum((line.debit - line.credit for line in lines), ZERO), _value(lines))
    for there, here, currency in zip(posted, wanted, (document.currency, document.accounting_currency), strict=True):
        if there != here:
            name = f"{voucher_name(voucher)}, {document_name(document)}"
            yield f"{name}: {there:,} {currency} is posted on the party's account, the document is {here:,}"
            return


def _record_differs(voucher: Voucher, record: RecordInForce, documents: Mapping[DocumentKey, Document]) -> Iterator[str]:
    """In accounting currency: the lines of one record may be in two currencies, its documents' value is what is settled."""
    if voucher.kind == SETTLEMENT_REVERSAL and not record.is_reversed:
        yield f"{voucher_name(voucher)} reverses {record_name(record)}, which settlement has not reversed"
    sign = 1 if voucher.kind == SETTLEMENT_REVERSAL else -1
    wanted = sign * settled_in(voucher.company, record, documents)
    posted = _value(line for line in voucher.lines if line.posting_type in _SUMMARY)
    if posted != wanted:
        name = f"{voucher_name(voucher)}, {record_name(record)}"
        yield f"{name}: {posted:,} {voucher.accounting_currency} is posted on the party's account, the record settles {wanted:,}"


def settled_in(company: str, record: RecordInForce, documents: Mapping[DocumentKey, Document]) -> Decimal:
    """By how much a record lowers what a party owes in a company (negative: what it is owed), in accounting currency."""
    sides = ((record.lowering, record.accounting_amount_from_lowering), (record.raising, record.accounting_amount_from_raising))
    taken = [_side(documents[key]) * value for key, value in sides if key.company == company and key in documents]
    return sum(taken, ZERO)


def _value(lines: Iterable[VoucherLine]) -> Decimal:
    return sum((line.accounting_debit - line.accounting_credit for line in lines), ZERO)


def _side(document: Document) -> int:
    """1 where the document debits the party's account."""
    return 1 if document.lowers == (document.ledger == "payable") else -1


# Sales payments: what payment has made of a vendor payment, and what settlement has of it


class SalesPaymentSides(NamedTuple):
    """A sales payment as payment has it and as settlement does; None: it does not have it.

    `document` is that in the seller's books, `mirrored` the vendor payment. `is_held`: it waits in settlement, or was refused there.
    """

    made: SalesPayment | None
    known: ReservedSalesPayment | None
    document: Document | None
    mirrored: Document | None
    is_held: bool = False


def sales_payment_differs(sides: SalesPaymentSides) -> Iterator[str]:
    """Where the two do not agree; any of it may be under way."""
    made, known = sides.made, sides.known
    if made is None:
        if known is not None and known.status != REVERSED:
            yield f"{known.company} {known.journal} sales payment {known.document}: settlement has it, payment has not"
        return
    data = made.data
    name = f"{data.company} {data.journal} sales payment {data.document} ({data.amount:,} {data.currency})"
    if data.mirrors and sides.mirrored is None:
        yield f"{name} mirrors {' '.join(data.mirrors)}, which settlement does not have"
    if made.status == REVERSED:
        if sides.document is not None and not sides.document.is_reversed:
            yield f"{name} is reversed in payment, its document in settlement is not"
        return
    if known is None:
        yield f"{name} is {made.status} in payment, settlement does not know it"
    elif known.status == REVERSED:
        yield f"{name} is reversed in settlement, {made.status} in payment"
    elif made.status == POSTED and sides.document is None and not sides.is_held:
        yield f"{name} is posted in payment, and no document in settlement"
    elif sides.document is not None and sides.document.amount != data.amount:
        yield f"{name} is {sides.document.amount:,} {sides.document.currency} in settlement"


# Vouchers by themselves


def unbalanced(voucher: Voucher) -> Iterator[str]:
    """Whether a voucher balances in each of its currencies and in accounting currency."""
    sums: defaultdict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    own = [ZERO, ZERO]
    for line in voucher.lines:
        total = sums[line.currency]
        total[0] += line.debit
        total[1] += line.credit
        own[0] += line.accounting_debit
        own[1] += line.accounting_credit
    for words, (debit, credit) in ((f"{voucher.accounting_currency} (accounting)", own), *sums.items()):
        if debit != credit:
            yield f"{voucher_name(voucher)}: debits are {debit:,} {words}, credits {credit:,}"
