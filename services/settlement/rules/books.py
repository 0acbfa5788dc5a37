"""The working set of the settlement rules: open documents, records, what waits, sales payment journals, reference data.

Invariant: a document is never deleted, nor a record: what is taken back is marked as reversed, so a number that was taken stays
taken; what waits is in the table `waiting` once for each document, run or reversal, under its place in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Hashable

from services.settlement.rules.values import (
    Document,
    DocumentKey,
    Parked,
    PendingReplies,
    RecordInForce,
    RecordKey,
    Request,
    ReservedSalesPayment,
)
from shared import working_set
from shared.events.envelope import EventRef
from shared.reference import Reference
from shared.working_set import Table


def _document_groups(document: Document) -> tuple[Hashable, ...]:
    is_found = document.open and not document.manual_only
    return ((document.ledger, document.company, document.account, document.currency),) if is_found else ()


def _journal_reserves(journal: ReservedSalesPayment) -> tuple[Hashable, ...]:
    return journal.reserves if journal.status == "created" else ()


class Books(working_set.Books):
    """All that the settlement core reads and writes."""

    def __init__(self, reference: Reference | None = None, *, complete: bool = False, sequence: int = 0) -> None:
        super().__init__(reference, complete=complete, sequence=sequence)
        self.first_sequence = sequence
        self.documents: Table[DocumentKey, Document] = self.table(
            "documents", {"open": _document_groups, "event": lambda document: (document.event,)}
        )
        self.waiting: Table[int, Parked] = self.table(
            "waiting",
            {
                "wakes": lambda parked: (parked.need.wake_key,),
                "reason": lambda parked: (parked.need.wake_key[0],) if parked.need.wake_key else (),
                "reserves": lambda parked: parked.reserves,
                "concerns": lambda parked: parked.concerns,
                "event": lambda parked: (parked.event,),
            },
        )
        self.records: Table[RecordKey, RecordInForce] = self.table(
            "records",
            {"run": lambda record: ((record.run, record.ledger),), "document": lambda record: (record.lowering, record.raising)},
        )
        self.journals: Table[tuple[str, str], ReservedSalesPayment] = self.table(
            "journals", {"run": lambda journal: (journal.run,), "reserves": _journal_reserves}
        )
        self.pending_replies: Table[EventRef, PendingReplies] = self.table("pending_replies")
        self.requests: Table[EventRef, Request] = self.table("requests")

    def next_sequence(self) -> int:
        """The next place in the order of arrival: nothing waits there yet."""
        sequence = super().next_sequence()
        self.waiting.loaded(sequence, None)
        return sequence
