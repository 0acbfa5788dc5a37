"""Reversals of settlements and of payments (F-F01 to F-F04, C20, C21, C47; rules.md, "Reversals").

What always holds: a reversal happens whole, in every company at once, or not at all; what was taken from a document is
given back exactly; nothing settles by itself again until it is marked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from services.settlement.rules.instructions import document_need
from services.settlement.rules.run.compute import period_need
from services.settlement.rules.turn import Turn, answers_need
from services.settlement.rules.values import PAYMENT, Document, DocumentKey, Need, RecordInForce, Request, SalesJournal, Waiting, detail
from shared.events.envelope import EventRef
from shared.events.inbound import DocumentRef, PaymentReversalRequested, SettlementReversalRequested
from shared.events.journals import SalesPaymentJournal
from shared.events.settlements import DocumentReversed, ReversedRecord, SettlementReversed
from shared.events.values import Ledger
from shared.money import ZERO


def begin_reversal(turn: Turn) -> None:
    """A reversal is asked for: it goes through, is refused, or waits."""
    sequence = turn.books.next_sequence()
    try_reversal(turn, Waiting(sequence, "reversal", turn.message.ref, turn.message, Need("document", {}, ())))


def try_reversal(turn: Turn, waiting: Waiting) -> None:
    """Carries a reversal out if nothing is missing."""
    data = waiting.message.data
    outcome = (
        _reverse_payment(turn, waiting, data) if isinstance(data, PaymentReversalRequested) else _reverse_settlement(turn, waiting, data)
    )
    if outcome is not None:
        turn.park(waiting._replace(need=outcome))
    else:
        turn.release(waiting)


def _refuse(turn: Turn, code: str, field_: str, message: str) -> None:
    turn.refuse(code, field_, message, scope="settlement", frees=True)


def _done(turn: Turn) -> None:
    turn.books.requests.put(turn.message.ref, Request(turn.message.ref, turn.message.type))
    turn.wake("event", *turn.message.ref)


def _payment_need(turn: Turn, waiting: Waiting, ledger: Ledger, ref: DocumentRef) -> Need | None:
    """Waits for the payment, for its own marks, and for an earlier run over it."""
    key = DocumentKey(ledger, ref.company, ref.document)
    document = turn.books.documents.get(key)
    if document is None:
        return document_need(key)
    for other in turn.books.waiting.find("reserves", key):
        if other.event == document.event:
            return Need("document", detail(company=key.company, document=key.document, ledger=ledger), ("reservation", *key))
        if other.sequence < waiting.sequence:
            return Need("reservation", detail(company=key.company, document=key.document, ledger=ledger), ("reservation", *key))
    return None


def _reverse_payment(turn: Turn, waiting: Waiting, data: PaymentReversalRequested) -> Need | None:
    need = _payment_need(turn, waiting, data.ledger, data.payment)
    if need is not None:
        return need
    document = turn.books.documents.get(DocumentKey(data.ledger, data.payment.company, data.payment.document))
    if document is None or _payment_refused(turn, document, data.date):
        return None
    on = data.date or document.date
    if turn.books.reference.is_closed(document.company, on):
        return period_need(document.company, on.isoformat())
    _reverse_document(turn, document, on, data.reason or "")
    _done(turn)
    return None


def _payment_refused(turn: Turn, document: Document, on: date | None) -> bool:
    name = f"{document.company} {document.document}"
    if document.kind != PAYMENT:
        _refuse(turn, "invalid", "/payment", f"{name} is of the kind {document.kind}: only a payment is reversed")
    elif on is not None and on < document.date:
        _refuse(turn, "date-too-early", "/date", f"{on} is before the payment {name} of {document.date}: that date or later is needed")
    elif document.reversed:
        _refuse(turn, "already-reversed", "/payment", f"the payment {name} is reversed already")
    elif document.records:
        _refuse(
            turn, "still-settled", "/payment", f"the payment {name} is settled by {document.records} records: reverse its settlement first"
        )
    else:
        return False
    return True


def _reverse_document(turn: Turn, document: Document, on: date, reason: str) -> None:
    turn.books.documents.put(document.key, document._replace(open=ZERO, open_accounting=ZERO, reversed=True, by_hand=True))
    reversed_ = DocumentReversed(document.ledger, document.company, document.document, on, reason)
    turn.say("document.reversed", f"{document.company}/{document.document}", document.party, reversed_)
    journal = turn.books.journals.get((document.company, document.document))
    if journal is not None and document.ledger == "receivable":
        turn.books.journals.put((journal.company, journal.document), journal._replace(status="reversed", reserves=()))


@dataclass(slots=True)
class Whole:
    """All that one reversal takes back: the records of the runs, and what sellers have of them."""

    ledger: Ledger
    runs: list[EventRef]
    records: list[RecordInForce]
    journals: list[SalesJournal] = field(default_factory=list)
    sellers: dict[DocumentKey, list[RecordInForce]] = field(default_factory=dict)


def _reverse_settlement(turn: Turn, waiting: Waiting, data: SettlementReversalRequested) -> Need | None:
    need = _payment_need(turn, waiting, data.ledger, data.payment) if data.payment is not None else _event_need(turn, waiting, data)
    if need is not None:
        return need
    if data.payment is not None and _no_payment(turn, data.ledger, data.payment):
        return None
    concerned = _concerned(turn, data)
    runs = list(dict.fromkeys(record.run for record in concerned if not record.reversed))
    for run in runs:
        if turn.books.answers.get(run) is not None:
            return answers_need(run, run.id)
    if not runs:
        _refuse_unsettled(turn, data, already=bool(concerned))
        return None
    whole = _whole(turn, data.ledger, runs)
    latest = max(record.date for record in whole.records)
    if data.date is not None and data.date < latest:
        _refuse(
            turn,
            "date-too-early",
            "/date",
            f"{data.date} is before {latest}, the latest date of what is reversed: that date or later is needed",
        )
        return None
    return _carry_out(turn, whole, data.date or latest, data.reason or "")


def _no_payment(turn: Turn, ledger: Ledger, ref: DocumentRef) -> bool:
    document = turn.books.documents.get(DocumentKey(ledger, ref.company, ref.document))
    if document is not None and document.kind == PAYMENT:
        return False
    kind = document.kind if document is not None else "unknown document"
    _refuse(
        turn, "invalid", "/payment", f"{ref.company} {ref.document} is of the kind {kind}: name a payment, or the settlement by its event"
    )
    return True


def _named(waiting: Waiting, data: SettlementReversalRequested) -> EventRef:
    return EventRef(data.settlement_source or waiting.message.ref.source, data.settlement or "")


def _event_need(turn: Turn, waiting: Waiting, data: SettlementReversalRequested) -> Need | None:
    """Waits for the event that a reversal names: not seen yet, or itself waiting."""
    ref = _named(waiting, data)
    books = turn.books
    waits = [
        other for other in books.waiting.find("event", ref) if other.stage != "reversal" and other.message.ref.id != waiting.message.ref.id
    ]
    own = [other for other in waits if not isinstance(other.message.data, SalesPaymentJournal)]
    seen = (
        any(books.records.find("run", (ref, ledger)) for ledger in ("receivable", "payable"))
        or books.documents.find("event", ref)
        or books.requests.get(ref) is not None
    )
    if seen and not own:
        return None
    return Need("document", detail(event=ref.id, source=ref.source), ("event", *ref))


def _concerned(turn: Turn, data: SettlementReversalRequested) -> list[RecordInForce]:
    if data.payment is not None:
        return turn.books.records.find("document", DocumentKey(data.ledger, data.payment.company, data.payment.document))
    ref = EventRef(data.settlement_source or turn.message.ref.source, data.settlement or "")
    return turn.books.records.find("run", (ref, data.ledger))


def _refuse_unsettled(turn: Turn, data: SettlementReversalRequested, *, already: bool) -> None:
    field_ = "/payment" if data.payment is not None else "/settlement"
    what = f"{data.payment.company} {data.payment.document}" if data.payment is not None else f"{data.settlement}"
    if already:
        _refuse(turn, "already-reversed", field_, f"every settlement of {what} is reversed already")
    else:
        _refuse(turn, "not-settled", field_, f"{what} has settled nothing in ledger {data.ledger}")


def _records_of(turn: Turn, ledger: Ledger, runs: Iterable[EventRef]) -> list[RecordInForce]:
    found = [record for run in runs for record in turn.books.records.find("run", (run, ledger)) if not record.reversed]
    return sorted(found, key=lambda record: (record.run, record.number))


def _whole(turn: Turn, ledger: Ledger, runs: list[EventRef]) -> Whole:
    whole = Whole(ledger, runs, _records_of(turn, ledger, runs))
    if ledger == "payable":
        for run in runs:
            journals = [journal for journal in turn.books.journals.find("run", run) if journal.status != "reversed"]
            whole.journals.extend(sorted(journals, key=lambda journal: journal.sequence))
    for journal in whole.journals:
        key = DocumentKey("receivable", journal.company, journal.document)
        if turn.books.documents.get(key) is not None:
            own = dict.fromkeys(record.run for record in turn.books.records.find("document", key) if not record.reversed)
            whole.sellers[key] = _records_of(turn, "receivable", own)
    return whole


def _carry_out(turn: Turn, whole: Whole, on: date, reason: str) -> Need | None:
    """Mirrors everything, or waits for a period: any of its dates in any of its companies."""
    dates = {key: max([on, _document_date(turn, key), *(record.date for record in records)]) for key, records in whole.sellers.items()}
    companies = dict.fromkeys(key.company for record in [*whole.records, *_all(whole.sellers)] for key in (record.lowering, record.raising))
    companies.update(dict.fromkeys(key.company for key in whole.sellers))
    for day in sorted({on, *dates.values()}):
        for company in companies:
            if turn.books.reference.is_closed(company, day):
                return period_need(company, day.isoformat())
    _mirror(turn, whole.ledger, whole.records, on, whole.runs, whole.journals, reason)
    for journal in whole.journals:
        _reverse_journal(turn, journal, whole, dates, reason)
    _done(turn)
    return None


def _all(sellers: dict[DocumentKey, list[RecordInForce]]) -> list[RecordInForce]:
    return [record for records in sellers.values() for record in records]


def _document_date(turn: Turn, key: DocumentKey) -> date:
    document = turn.books.documents.get(key)
    return document.date if document is not None else date.min


def _reverse_journal(turn: Turn, journal: SalesJournal, whole: Whole, dates: dict[DocumentKey, date], reason: str) -> None:
    """The seller's side: settlement and payment mirrored; what waits is dropped; what is only created becomes reversed."""
    turn.books.journals.put((journal.company, journal.document), journal._replace(status="reversed", reserves=()))
    for waiting in turn.books.waiting.find("event", journal.run):
        data = waiting.message.data
        if isinstance(data, SalesPaymentJournal) and (data.company, data.document) == (journal.company, journal.document):
            turn.release(waiting)
    key = DocumentKey("receivable", journal.company, journal.document)
    records = [record for record in whole.sellers.get(key, []) if not _is_reversed(turn, record)]
    if records:
        _mirror(turn, "receivable", records, dates[key], list(dict.fromkeys(record.run for record in records)), [], reason)
    document = turn.books.documents.get(key)
    if document is not None and not document.reversed:
        _reverse_document(turn, document, dates[key], reason)


def _is_reversed(turn: Turn, record: RecordInForce) -> bool:
    now = turn.books.records.get(record.key)
    return now is None or now.reversed


def _mirror(  # noqa: PLR0913 - one reversal's parts, passed once
    turn: Turn, ledger: Ledger, records: list[RecordInForce], on: date, runs: list[EventRef], journals: list[SalesJournal], reason: str
) -> None:
    party = ""
    for record in records:
        turn.books.records.put(record.key, record._replace(reversed=True))
        party = _give_back(turn, record.lowering, record.taken_from_lowering, record.value_from_lowering)
        _give_back(turn, record.raising, record.taken_from_raising, record.value_from_raising)
    mirrored = [ReversedRecord(ledger, record.run, record.number, on) for record in records]
    names = [(journal.company, journal.document) for journal in journals]
    first = records[0]
    reversed_ = SettlementReversed(ledger, mirrored, runs, names, reason)
    turn.say("settlement.reversed", f"{ledger}/{first.run.source}/{first.run.id}/{first.number}", party, reversed_)


def _give_back(turn: Turn, key: DocumentKey, amount: Decimal, value: Decimal) -> str:
    document = turn.books.documents.get(key)
    if document is None:
        return ""
    given = document._replace(
        open=document.open + amount,
        open_accounting=document.open_accounting + value,
        records=document.records - 1,
        by_hand=True,
    )
    turn.books.documents.put(key, given)
    return document.party
