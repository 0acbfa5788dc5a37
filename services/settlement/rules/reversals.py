"""Reversals of settlements and of documents (F-F01 to F-F04, C20, C21, C47; rules.md, "Reversals").

Invariant: a reversal happens whole, in every company at once, or not at all; what was taken from a document is
given back exactly; nothing settles by itself again until it is marked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from msgspec.structs import replace

from services.settlement.rules.incoming import ReversalInstruction
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import (
    NOTHING_YET,
    PAYMENT,
    REVERSED,
    Document,
    DocumentKey,
    Parked,
    RecordInForce,
    ReservedSalesPayment,
    SettlementDefectError,
    applied_amounts,
)
from services.settlement.rules.waiting import OVER, for_document, for_earlier_run, for_event, for_marks_of, for_replies
from shared.events.envelope import EventRef
from shared.events.settlements import DocumentReversed, ReversedRecord, SettlementReversed
from shared.events.values import Ledger
from shared.missing import Missing
from shared.waiting import Need, for_period

MOST_REVERSED_SAID: Final = 3_000
"""Records of a reversal in one message: as many as it holds with the longest ids."""


def begin_reversal(turn: Turn) -> None:
    """A reversal is asked for: it is carried out, refused, or waits."""
    sequence = turn.books.next_sequence()
    try_to_reverse(turn, Parked(sequence, "reversal", turn.message.ref, turn.message, NOTHING_YET))


def try_to_reverse(turn: Turn, parked: Parked) -> None:
    """Carries a reversal out if nothing is missing and nothing contradicts."""
    reversal = turn.incoming.reversal
    if reversal is None:
        msg = f"{turn.message.type} brings nothing to reverse"
        raise TypeError(msg)
    need = _missing(turn, parked, reversal)
    if need is None:
        need = _take_back_document(turn, reversal) if reversal.takes_back_document else _take_back_settlements(turn, reversal)
    if need is not None:
        turn.park(parked._replace(concerns=_documents_of(turn, reversal)), need)
    else:
        turn.release(parked)


def _documents_of(turn: Turn, reversal: ReversalInstruction) -> tuple[DocumentKey, ...]:
    """The documents that a reversal is known to concern by now."""
    named = [] if reversal.document is None else [reversal.document]
    records = [record for record in _concerned(turn, reversal) if not record.is_reversed]
    return tuple(dict.fromkeys([*named, *(key for record in records for key in (record.lowering, record.raising))]))


def _missing(turn: Turn, parked: Parked, reversal: ReversalInstruction) -> Need | None:
    if reversal.document is not None:
        need = _missing_document(turn, reversal.document)
        return need or (_earlier_run(turn, parked, reversal.document) if reversal.takes_back_document else None)
    if reversal.settlement is not None:
        return _missing_event(turn, parked, reversal.settlement)
    msg = f"{turn.message.ref.id} names nothing to reverse"
    raise SettlementDefectError(msg)


def _missing_document(turn: Turn, key: DocumentKey) -> Need | None:
    """Waits for the document, and for its own marks."""
    document = turn.books.documents.get(key)
    if document is None:
        return for_document(key)
    waits = any(key in other.reserves for other in turn.books.waiting.find("event", document.event))
    return for_marks_of(key) if waits else None


def _earlier_run(turn: Turn, parked: Parked, key: DocumentKey) -> Need | None:
    """A document's reversal takes what an earlier run over it has reserved; that of its settlements gives, and does not wait."""
    return for_earlier_run(key) if turn.books.is_reserved(key, before=parked.sequence) else None


def _missing_event(turn: Turn, parked: Parked, named: EventRef) -> Need | None:
    """Waits for the event that a reversal names: not seen yet, or itself waiting (a sales payment of it does not count)."""
    books = turn.books
    waits = any(
        other.message.ref != parked.message.ref and other.stage != "reversal" and other.message.type != "sales-payment-journal.posted"
        for other in books.waiting.find("event", named)
    )
    is_known = (
        any(books.records.find("run", (named, ledger)) for ledger in ("receivable", "payable"))
        or books.documents.find("event", named)
        or books.requests.get(named) is not None
    )
    return for_event(named) if waits or not is_known else None


def _refuse(turn: Turn, code: str, field_: str, message: str) -> None:
    turn.refuse(code, field_, message, scope="settlement", frees_id=True)


# Of a document


def _take_back_document(turn: Turn, reversal: ReversalInstruction) -> Need | None:
    document = _named(turn, reversal)
    approval = turn.books.awaited_approval(document.key)
    if approval is not None:
        return for_replies(approval)
    refusal = _document_refusal(turn, document, reversal)
    if refusal is not None:
        _refuse(turn, *refusal)
        return None
    on = reversal.date or document.date
    if turn.books.reference.is_closed(document.company, on):
        return for_period(document.company, on)
    _reverse_document(turn, document, on, reversal.reason)
    turn.know(turn.message.ref, turn.message.type)
    return None


def _named(turn: Turn, reversal: ReversalInstruction) -> Document:
    if reversal.document is None:
        msg = f"{turn.message.ref.id} names no document to reverse"
        raise SettlementDefectError(msg)
    return _document(turn, reversal.document)


def _document(turn: Turn, key: DocumentKey) -> Document:
    document = turn.books.documents.get(key)
    if document is None:
        msg = f"{key.ledger} document {key.document} of {key.company} has been settled and is not there"
        raise SettlementDefectError(msg)
    return document


def _document_refusal(turn: Turn, document: Document, reversal: ReversalInstruction) -> tuple[str, str, str] | None:
    """The first code of the table that applies (events.md), its field and what is said."""
    name = f"the {document.kind.replace('_', ' ')} {document.company} {document.document}"
    if reversal.only_payment and document.kind != PAYMENT:
        what = f"{document.company} {document.document} is of the kind {document.kind}"
        return "invalid", reversal.field, f"{what}: only a payment is reversed by this; send document-reversal.requested"
    for journal in turn.books.journals.find("reserves", document.key):
        where = f"{journal.document} of journal {journal.journal} in {journal.company}"
        return "marked-elsewhere", reversal.field, f"{name} is reserved by the sales payment journal {where}"
    if reversal.date is not None and reversal.date < document.date:
        message = f"{reversal.date} is before {name} of {document.date}: that date or later is needed"
        return "date-too-early", "/date", message
    if document.is_reversed:
        return "already-reversed", reversal.field, f"{name} has been reversed already"
    if document.records:
        message = f"{name} is settled by {document.records} records: reverse its settlement first"
        return "still-settled", reversal.field, message
    return None


def _reverse_document(turn: Turn, document: Document, on: dt.date, reason: str) -> None:
    turn.books.documents.put(document.key, document.reverse())
    turn.wake_changed(document.key)
    reversed_ = DocumentReversed(document.ledger, document.company, document.document, on, reason, document.text)
    turn.emit("document.reversed", f"{document.company}/{document.document}", document.party, reversed_)
    journal = turn.books.journals.get((document.company, document.document))
    if journal is not None and document.ledger == "receivable":
        turn.books.journals.put((journal.company, journal.document), journal._replace(status=REVERSED, reserves=()))


# Of settlements


@dataclass(slots=True)
class ReversalScope:
    """All that one reversal takes back: the records of the runs, and what sellers have of them."""

    ledger: Ledger
    runs: list[EventRef]
    records: list[RecordInForce]
    journals: list[ReservedSalesPayment] = field(default_factory=list)
    sellers: dict[DocumentKey, list[RecordInForce]] = field(default_factory=dict)

    @property
    def companies(self) -> list[str]:
        """Every company that it concerns."""
        records = chain(self.records, *self.sellers.values())
        of_records = (key.company for record in records for key in (record.lowering, record.raising))
        return list(dict.fromkeys(chain(of_records, (key.company for key in self.sellers))))


def _take_back_settlements(turn: Turn, reversal: ReversalInstruction) -> Need | None:
    if reversal.document is not None and _named(turn, reversal).kind != PAYMENT:
        document = _named(turn, reversal)
        what = f"{document.company} {document.document} is of the kind {document.kind}"
        _refuse(turn, "invalid", reversal.field, f"{what}: name a payment, or the settlement by its event")
        return None
    concerned = _concerned(turn, reversal)
    runs = list(dict.fromkeys(record.run for record in concerned if not record.is_reversed))
    for run in runs:
        if turn.books.pending_replies.get(run) is not None:
            return for_replies(run)
        for journal in turn.books.journals.find("run", run):
            approval = turn.books.approval_under_way(journal)
            if approval is not None:
                return for_replies(approval)
    if not runs:
        _refuse_unsettled(turn, reversal, already=bool(concerned))
        return None
    scope = _scope(turn, reversal.ledger, runs)
    latest = max(record.date for record in scope.records)
    if reversal.date is not None and reversal.date < latest:
        message = f"{reversal.date} is before {latest}, the latest date of what is reversed: that date or later is needed"
        _refuse(turn, "date-too-early", "/date", message)
        return None
    return _carry_out(turn, scope, reversal.date or latest, reversal.reason)


def _concerned(turn: Turn, reversal: ReversalInstruction) -> list[RecordInForce]:
    if reversal.document is not None:
        return turn.books.records.find("document", reversal.document)
    return turn.books.records.find("run", (reversal.settlement, reversal.ledger))


def _refuse_unsettled(turn: Turn, reversal: ReversalInstruction, *, already: bool) -> None:
    named = reversal.settlement.id if reversal.settlement is not None else ""
    what = named if reversal.document is None else f"{reversal.document.company} {reversal.document.document}"
    if already:
        _refuse(turn, "already-reversed", reversal.field, f"every settlement of {what} has been reversed already")
    else:
        _refuse(turn, "not-settled", reversal.field, f"{what} has settled nothing in ledger {reversal.ledger}")


def _records_of(turn: Turn, ledger: Ledger, runs: Iterable[EventRef]) -> list[RecordInForce]:
    found = [record for run in runs for record in turn.books.records.find("run", (run, ledger)) if not record.is_reversed]
    return sorted(found, key=lambda record: (record.run, record.number))


def _scope(turn: Turn, ledger: Ledger, runs: list[EventRef]) -> ReversalScope:
    scope = ReversalScope(ledger, runs, _records_of(turn, ledger, runs))
    if ledger == "payable":
        for run in runs:
            journals = [journal for journal in turn.books.journals.find("run", run) if journal.status != REVERSED]
            scope.journals.extend(sorted(journals, key=lambda journal: journal.sequence))
    for journal in scope.journals:
        key = journal.key
        if turn.books.documents.get(key) is not None:
            own = dict.fromkeys(record.run for record in turn.books.records.find("document", key) if not record.is_reversed)
            scope.sellers[key] = _records_of(turn, "receivable", own)
    return scope


def _carry_out(turn: Turn, scope: ReversalScope, on: dt.date, reason: str) -> Need | None:
    """Mirrors everything, or waits for a period: any of its dates in any of its companies."""
    dates = {key: max([on, _document(turn, key).date, *(record.date for record in records)]) for key, records in scope.sellers.items()}
    for day in sorted({on, *dates.values()}):
        for company in scope.companies:
            if turn.books.reference.is_closed(company, day):
                return for_period(company, day)
    _mirror(turn, scope, on, reason)
    for journal in scope.journals:
        _reverse_journal(turn, journal, scope, dates, reason)
    turn.know(turn.message.ref, turn.message.type)
    return None


def _reverse_journal(
    turn: Turn, journal: ReservedSalesPayment, scope: ReversalScope, dates: dict[DocumentKey, dt.date], reason: str
) -> None:
    """The seller's side: settlement and payment mirrored; what waits is dropped; what is only created becomes reversed."""
    turn.books.journals.put((journal.company, journal.document), journal._replace(status=REVERSED, reserves=()))
    key = journal.key
    turn.wake_changed(key)
    for parked in turn.books.waiting.find("event", journal.approval or journal.run):
        if _is_of(parked, journal):
            turn.release(parked)
    records = [record for record in scope.sellers.get(key, []) if not _is_reversed(turn, record)]
    if records:
        runs = list(dict.fromkeys(record.run for record in records))
        _mirror(turn, ReversalScope("receivable", runs, records), dates[key], reason)
    document = turn.books.documents.get(key)
    if document is not None and not document.is_reversed:
        _reverse_document(turn, document, dates[key], reason)


def _is_of(parked: Parked, journal: ReservedSalesPayment) -> bool:
    if parked.message.type != "sales-payment-journal.posted":
        return False
    data = parked.message.data
    return (data.company, data.document) == (journal.company, journal.document)


def _is_reversed(turn: Turn, record: RecordInForce) -> bool:
    now = turn.books.records.get(record.key)
    return now is None or now.is_reversed


def _mirror(turn: Turn, scope: ReversalScope, on: dt.date, reason: str) -> None:
    """Gives back what the records of a scope took, and tells of it, the sales payment journals that go with it named."""
    for record in scope.records:
        turn.books.records.put(record.key, replace(record, is_reversed=True))
    changed = applied_amounts(scope.records)
    turn.books.foresee(missing for key in changed for missing in (Missing("documents", None, key), Missing("waiting", OVER, key)))
    for key, applied in changed.items():
        turn.books.documents.put(key, _document(turn, key).give_back(*applied))
        turn.wake_changed(key)
    mirrored = [ReversedRecord(scope.ledger, record.run, record.number, on) for record in scope.records]
    names = [(journal.company, journal.document) for journal in scope.journals]
    party = _document(turn, scope.records[-1].lowering).party
    said = SettlementReversed(scope.ledger, mirrored[:MOST_REVERSED_SAID], scope.runs, names, reason)
    turn.emit("settlement.reversed", _number(said), party, said)
    for place in range(MOST_REVERSED_SAID, len(mirrored), MOST_REVERSED_SAID):
        more = SettlementReversed(scope.ledger, mirrored[place : place + MOST_REVERSED_SAID], [], [], reason)
        turn.emit("settlement.reversed", _number(more), party, more)


def _number(said: SettlementReversed) -> str:
    first = said.records[0]
    return f"{said.ledger}/{first.run.source}/{first.run.id}/{first.number}"
