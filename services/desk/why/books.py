"""The facts of a line out of complete books: of a simulation, or of what was loaded whole.

Invariant: the same facts as `finding` selects from the services' tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.desk.why.facts import Bought, Facts
from services.desk.why.mirrored import bought_of, is_mirrored
from services.desk.why.parameters import lookup_in
from services.payment.rules.values import JournalKey
from services.settlement.rules.values import DocumentKey, RecordKey
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT

if TYPE_CHECKING:
    from services.desk.rows import BooksOfAll
    from services.settlement.rules.values import Document, RecordInForce
    from shared.events.vouchers import Voucher


def facts_in(books: BooksOfAll, voucher: Voucher, place: int) -> Facts:
    """What is known about a line of a voucher in these books."""
    lookup, settlement = lookup_in(books.settlement.reference), books.settlement
    if voucher.settlement is None or voucher.record is None:
        own = settlement.documents.get(DocumentKey(voucher.ledger, voucher.company, voucher.document))  # type: ignore[arg-type]
        mirrored = None if voucher.kind in DOCUMENT_KINDS else books.posting.of_document(voucher.ledger, voucher.company, voucher.document)
        return Facts(voucher, place, lookup, document=own, original=mirrored)
    run = voucher.settlement.ref
    record = settlement.records.get(RecordKey(run, voucher.ledger, voucher.record))  # type: ignore[arg-type]
    original = None
    if voucher.kind != SETTLEMENT:
        originals = books.posting.of_record(run, voucher.ledger, voucher.record)
        original = next((each for each in originals if each.company == voucher.company), None)
    if record is None:
        return Facts(voucher, place, lookup, original=original)
    lowering, raising = settlement.documents.get(record.lowering), settlement.documents.get(record.raising)
    bought = None if lowering is None or not is_mirrored(record) else _bought(books, lowering, record)
    return Facts(voucher, place, lookup, record, lowering, raising, original=original, bought=bought)


def _bought(books: BooksOfAll, lowering: Document, record: RecordInForce) -> Bought | None:
    journal = books.payment.journals.get(JournalKey(lowering.company, lowering.document))
    if journal is None:
        return None
    settlement = books.settlement
    payment = settlement.documents.get(DocumentKey("payable", *journal.data.mirrors))
    settled = (settlement.documents.get(each.raising) for each in settlement.records if each.run == journal.data.run)
    return bought_of(payment, (each for each in settled if each is not None), record)
