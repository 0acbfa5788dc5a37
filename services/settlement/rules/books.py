"""The working set of the settlement rules: open documents, records, what waits, sales payment journals, reference data.

Invariant: a document is never deleted, nor a record: what is taken back is marked as reversed, so a number that was taken stays
taken; what waits is in the table `waiting` once for each document, run or reversal, under its place in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from services.settlement.rules.incoming import Incoming, read
from services.settlement.rules.values import (
    APPROVED,
    Document,
    DocumentKey,
    Parked,
    PendingReplies,
    RecordInForce,
    RecordKey,
    Request,
    ReservedSalesPayment,
    open_place,
)
from services.settlement.rules.waiting import RESERVATION, WOKEN_AS_ONE
from shared import working_set
from shared.events.envelope import EventRef, Message
from shared.missing import Missing
from shared.reference import Reference
from shared.waiting import WakeKey
from shared.working_table import Table


def _open_place(document: Document) -> tuple[Hashable, ...]:
    return (open_place(document, lowers=document.lowers),) if document.open and not document.manual_only else ()


def _waits_to_reserve(parked: Parked) -> tuple[Hashable, ...]:
    return (parked.need.wake_key,) if parked.need.wake_key[:1] == (RESERVATION,) else ()


def _woken_as_one(parked: Parked) -> tuple[Hashable, ...]:
    reason = parked.need.wake_key[:1]
    return (reason,) if reason and reason[0] in WOKEN_AS_ONE else ()


ARRIVAL: Final = "arrival"
LAST_FIRST: Final = "last first"
"""The orders in which what waits, and the records of a run, are loaded."""


class Books(working_set.Books):
    """All that the settlement core reads and writes.

    `named`: what the rows that were loaded last name in turn, for the store to load with what is asked for next. `most_rows`: so
    many records of runs may be loaded at once, and so many open documents beyond the first page of an account (`further_rows`: how
    many there were); None: all that there are.
    """

    def __init__(self, reference: Reference | None = None, *, complete: bool = False, sequence: int = 0) -> None:
        super().__init__(reference, complete=complete, sequence=sequence)
        self.named: set[Missing] = set()
        self._read_ahead: dict[int, tuple[Message, Incoming]] = {}
        self.most_rows: int | None = None
        self.further_rows = 0
        self.documents: Table[DocumentKey, Document] = self.table(
            "documents", {"open": _open_place, "event": lambda document: (document.event,)}, ordered=["open"]
        )
        self.waiting: Table[int, Parked] = self.table(
            "waiting",
            {
                "wakes": lambda parked: (parked.need.wake_key,),
                "every": _woken_as_one,
                "over": lambda parked: parked.reserves + parked.concerns,
                "holders": lambda parked: parked.reserves,
                "waiters": _waits_to_reserve,
                "event": lambda parked: (parked.event,),
            },
            ordered=["holders", "waiters"],
        )
        self.records: Table[RecordKey, RecordInForce] = self.table(
            "records",
            {
                "run": lambda record: ((record.run, record.ledger),),
                "numbered": lambda record: ((record.run, record.ledger),),
                "document": lambda record: (record.lowering, record.raising),
            },
            ordered=["numbered"],
        )
        self.journals: Table[tuple[str, str], ReservedSalesPayment] = self.table(
            "journals", {"run": lambda journal: (journal.run,), "reserves": lambda journal: journal.reserves}
        )
        self.pending_replies: Table[EventRef, PendingReplies] = self.table("pending_replies")
        self.requests: Table[EventRef, Request] = self.table("requests")

    def awaited_approval(self, *keys: DocumentKey) -> EventRef | None:
        """The approval of a journal that reserves one of the documents, if it is on its way to be posted: it has come before."""
        reserving = (journal for key in keys for journal in self.journals.find("reserves", key))
        return next((approval for each in reserving if (approval := self.approval_under_way(each)) is not None), None)

    def approval_under_way(self, journal: ReservedSalesPayment) -> EventRef | None:
        """The approval of a journal that the payment service has been told to post, and has not posted yet."""
        approval = journal.approval if journal.status == APPROVED else None
        return approval if approval is not None and self.pending_replies.get(approval) is not None else None

    def is_reserved(self, document: DocumentKey, before: int | None = None) -> bool:
        """Whether a run that waits has reserved a document; `before`: one that arrived before this place."""
        first = self._first_waiting("holders", document)
        return first is not None and (before is None or first.sequence < before)

    def first_to_reserve(self, wake_key: WakeKey) -> Parked | None:
        """Of the runs that wait for an earlier one to end, the first in the order of arrival."""
        return self._first_waiting("waiters", wake_key)

    def _first_waiting(self, index: str, place: Hashable) -> Parked | None:
        if self.waiting.is_empty:
            return None
        return next(self.waiting.in_order(index, place, ARRIVAL, lambda parked: parked.sequence), None)

    def foresee(self, missing: Iterable[Missing]) -> None:
        """Says what will be asked for, so that a store loads it at once with the first of it that is not there."""
        if not self.complete:
            self.named.update(missing)

    def read_ahead(self, message: Message) -> Incoming:
        """What a message brings, for whoever loads what it names; it need not be read again when it is handled."""
        incoming = read(message)
        self._read_ahead[id(message)] = (message, incoming)  # with the message, so that no other can have its number
        return incoming

    def read(self, message: Message) -> Incoming:
        """What a message brings."""
        known = self._read_ahead.get(id(message))
        return read(message) if known is None else known[1]

    def next_sequence(self) -> int:
        """The next place in the order of arrival: nothing waits there yet."""
        sequence = super().next_sequence()
        if not self.waiting.complete:
            self.waiting.loaded(sequence, None)
        return sequence
