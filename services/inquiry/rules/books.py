"""The working set of the projection: what messages say, by the keys of the tables.

Invariant: the rows do not depend on the order of the messages, nor on how often each is read: of two rows with one key the
same one stays whichever came first. With `complete` the rows of all messages stay: the projection in memory.
"""

from __future__ import annotations

from typing import Final

from services.inquiry.rules.rows import (
    DocumentReversalRow,
    DocumentRow,
    EventRow,
    JournalRefusalRow,
    JournalRow,
    PostedVoucher,
    RecordReversalRow,
    RecordRow,
    ReferenceRow,
    RefusalRow,
    RefusedVersionRow,
    TakeRow,
)
from shared import working_set
from shared.working_table import Table

EventKey = tuple[str, str, bytes]
DocumentKey = tuple[str, str, str]
RecordKey = tuple[str, str, str, int]
TakeKey = tuple[str, str, str, int, str]
JournalKey = tuple[str, str]
VoucherKey = tuple[str, str, int]

STATUSES: Final = ("created", "posted", "reversed", "refused")
"""A journal's, in the order in which they can follow; the last two are final."""


class InquiryBooks(working_set.Books):
    """What messages said, by table; derived rows are made of these (projection.py, store.py).

    The store gives an empty set to each batch: nothing needs to be read to know what a message says, so no table ever lacks a row.
    """

    def __init__(self) -> None:
        super().__init__(complete=True)
        self.events: Table[EventKey, EventRow] = self.table("events")
        self.refused_versions: Table[EventKey, RefusedVersionRow] = self.table("refused_versions")
        self.documents: Table[DocumentKey, DocumentRow] = self.table("documents")
        self.document_reversals: Table[DocumentKey, DocumentReversalRow] = self.table("document_reversals")
        self.takes: Table[TakeKey, TakeRow] = self.table("takes")
        self.records: Table[RecordKey, RecordRow] = self.table("records")
        self.record_reversals: Table[RecordKey, RecordReversalRow] = self.table("record_reversals")
        self.vouchers: Table[VoucherKey, PostedVoucher] = self.table("vouchers")
        self.journals: Table[JournalKey, JournalRow] = self.table("journals")
        self.journal_refusals: Table[JournalKey, JournalRefusalRow] = self.table("journal_refusals")
        self.refusals: Table[str, RefusalRow] = self.table("refusals")
        self.reference_history: Table[tuple[str, int], ReferenceRow] = self.table("reference_history")
