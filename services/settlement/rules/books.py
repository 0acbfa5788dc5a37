"""The working set of the settlement rules: open documents, records, what waits, sales payment journals, reference data."""

from __future__ import annotations

from collections.abc import Hashable

from services.settlement.rules.values import (
    Answers,
    Document,
    DocumentKey,
    RecordInForce,
    RecordKey,
    Request,
    SalesJournal,
    Waiting,
)
from shared.events.envelope import EventRef, Message
from shared.reference import Reference
from shared.working_set import Table


def _document_groups(document: Document) -> tuple[Hashable, ...]:
    is_found = document.open and not document.by_hand
    return ((document.ledger, document.company, document.party, document.currency),) if is_found else ()


def _journal_reserves(journal: SalesJournal) -> tuple[Hashable, ...]:
    return journal.reserves if journal.status == "created" else ()


class Books:
    """All that the settlement core reads and writes; `freed_ids` are the ids that a refusal leaves free."""

    def __init__(self, reference: Reference | None = None, *, complete: bool = False, sequence: int = 0) -> None:
        self.reference = reference if reference is not None else Reference()
        self.sequence = sequence
        self.first_sequence = sequence
        self.reference_events: list[Message] = []
        self.freed_ids: set[EventRef] = set()
        self.documents: Table[DocumentKey, Document] = Table(
            "documents", {"open": _document_groups, "event": lambda document: (document.event,)}, complete=complete
        )
        self.waiting: Table[int, Waiting] = Table(
            "waiting",
            {
                "wakes": lambda waiting: (waiting.need.wakes,),
                "reserves": lambda waiting: waiting.reserves,
                "event": lambda waiting: (waiting.event,),
            },
            complete=complete,
        )
        self.records: Table[RecordKey, RecordInForce] = Table(
            "records",
            {"run": lambda record: ((record.run, record.ledger),), "document": lambda record: (record.lowering, record.raising)},
            complete=complete,
        )
        self.journals: Table[tuple[str, str], SalesJournal] = Table(
            "journals", {"run": lambda journal: (journal.run,), "reserves": _journal_reserves}, complete=complete
        )
        self.answers: Table[EventRef, Answers] = Table("answers", complete=complete)
        self.requests: Table[EventRef, Request] = Table("requests", complete=complete)
        self._undo = (self.reference, self.sequence)
        self._own_reference = False

    @property
    def tables(self) -> tuple[Table, ...]:  # type: ignore[type-arg]
        """All tables of the set."""
        return (self.documents, self.waiting, self.records, self.journals, self.answers, self.requests)

    def next_sequence(self) -> int:
        """The next place in the order of arrival."""
        self.sequence += 1
        self.waiting.loaded(self.sequence, None)
        return self.sequence

    def take_reference(self, message: Message) -> None:
        """Takes a reference event over, into a copy, so that a rollback finds the old reference data."""
        if not self._own_reference:
            self.reference = self.reference.copy()
            self._own_reference = True
        self.reference.take(message.data)
        self.reference_events.append(message)

    def rollback(self) -> None:
        """Forgets all changes; what was loaded stays."""
        for table in self.tables:
            table.rollback()
        self.reference, self.sequence = self._undo
        self._own_reference = False
        self.reference_events.clear()
        self.freed_ids.clear()

    def commit(self) -> None:
        """Takes the changes as the new state."""
        for table in self.tables:
            table.commit()
        self._undo = (self.reference, self.sequence)
        self._own_reference = False
        self.reference_events.clear()
        self.freed_ids.clear()
