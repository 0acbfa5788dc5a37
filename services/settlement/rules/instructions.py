"""Wishes for settlement: a payment's marks, a request, a sales payment's marks, and automatic settlement.

What always holds: a run happens whole or not at all; it reserves its documents from its arrival on; what is missing is
waited for, what contradicts is refused, and the facts around it stand (events.md, "Facts, wishes, waiting, refusal").
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

from services.settlement.rules.refusals import Wish, first_refusal
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.conversion import WaitForError, worth
from services.settlement.rules.run.records import Recorded
from services.settlement.rules.run.state import Claim, Run, claim
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import CREDIT_NOTE, PAYMENT, Document, DocumentKey, Need, RecordInForce, Request, Waiting, detail
from shared.events.envelope import EventRef, Message
from shared.events.inbound import DocumentRef, Mark, SettlementRequested
from shared.events.journals import PaymentJournal, SalesPaymentJournal
from shared.events.settlements import SettledDocument, SettlementPosted
from shared.events.values import Ledger
from shared.money import ZERO


class Marks(NamedTuple):
    """What a message wishes to settle; `run` is the id of the run, `event` who is named when it waits."""

    ledger: Ledger
    marks: list[Mark]
    payment: DocumentKey | None
    primary: DocumentRef | None
    own_primary: bool
    date: dt.date | None
    discount_date: dt.date | None
    run: EventRef
    event: EventRef

    @property
    def keys(self) -> tuple[DocumentKey, ...]:
        """The documents of the run: the payment, then those of the marks."""
        marked = tuple(DocumentKey(self.ledger, mark.company, mark.document) for mark in self.marks)
        return marked if self.payment is None else (self.payment, *marked)


def marks_of(message: Message) -> Marks:
    """The wish in a payment journal, a sales payment journal or a request."""
    data = message.data
    if isinstance(data, PaymentJournal):
        payment = data.payment
        key = DocumentKey(data.ledger, payment.company, payment.document)
        return Marks(data.ledger, payment.settle, key, None, payment.primary, payment.date, None, data.event, data.event)
    if isinstance(data, SalesPaymentJournal):
        marks = [
            Mark(
                mark.company,
                mark.document,
                amount_to_settle=mark.amount_to_settle or None,
                cash_discount_to_take=mark.cash_discount_to_take,
            )
            for mark in data.marks
        ]
        key = DocumentKey("receivable", data.company, data.document)
        return Marks("receivable", marks, key, None, False, data.date, None, message.ref, data.run)  # noqa: FBT003 - a sales payment has no primary
    request: SettlementRequested = data
    return Marks(
        request.ledger,
        request.settle,
        payment=None,
        primary=request.primary,
        own_primary=False,
        date=request.date,
        discount_date=request.cash_discount_date,
        run=message.ref,
        event=message.ref,
    )


def begin_run(turn: Turn, sequence: int) -> None:
    """A wish comes into being: it goes through, is refused, or waits and reserves its documents."""
    marks = marks_of(turn.message)
    try_run(turn, Waiting(sequence, "run", marks.event, turn.message, Need("document", {}, ()), marks.keys))


def try_run(turn: Turn, waiting: Waiting) -> None:
    """Step 1 of a run and all that follows."""
    marks = marks_of(waiting.message)
    need = _documents_need(turn, marks) or _reservation_need(turn, waiting)
    if need is not None:
        turn.park(waiting._replace(need=need))
        return
    wish = _wish(turn, marks, waiting.sequence)
    try:
        refusal = first_refusal(turn.books, wish)
        if refusal is not None:
            turn.refuse(refusal.code, refusal.field, refusal.message, scope="settlement", frees=marks.payment is None)
            _leave_open(turn, marks)
            turn.release(waiting)
            return
        run = _run(turn, marks, wish)
        documents, recorded = compute(run, _next_number(turn, marks.run, marks.ledger))
    except WaitForError as missing:
        turn.park(waiting._replace(need=missing.need))
        return
    _flag(turn, run)
    _carry_out(turn, run, marks.run, documents, recorded)
    _done(turn, marks)
    turn.release(waiting)
    for key in marks.keys:
        settle_automatically(turn, key, run.date, marks.run)


def leave_open(turn: Turn, waiting: Waiting) -> None:
    """A payment whose marks are given up is posted and stays open."""
    _leave_open(turn, marks_of(waiting.message))


def document_need(key: DocumentKey) -> Need:
    """The wait for a document to be posted."""
    return Need("document", detail(company=key.company, document=key.document, ledger=key.ledger), ("document", *key))


def _documents_need(turn: Turn, marks: Marks) -> Need | None:
    for key in marks.keys:
        document = turn.books.documents.get(key)
        if document is None:
            return document_need(key)
        credited = _credited_key(turn, document)
        if credited is not None and turn.books.documents.get(credited) is None:
            return document_need(credited)
    return None


def _credited_key(turn: Turn, document: Document) -> DocumentKey | None:
    """The document whose terms count for a credit note (C16); None with the parameter off: its terms do not matter."""
    if document.kind != CREDIT_NOTE or document.credits is None:
        return None
    if not turn.books.reference.parameters(document.company, document.ledger).cash_discounts_for_credit_notes:
        return None
    return DocumentKey(document.ledger, document.company, document.credits)


def _reservation_need(turn: Turn, waiting: Waiting) -> Need | None:
    for key in waiting.reserves:
        if any(other.sequence < waiting.sequence for other in turn.books.waiting.find("reserves", key)):
            return Need("reservation", detail(company=key.company, document=key.document, ledger=key.ledger), ("reservation", *key))
    return None


def _wish(turn: Turn, marks: Marks, sequence: int) -> Wish:
    documents = [turn.books.documents.get(DocumentKey(marks.ledger, mark.company, mark.document)) for mark in marks.marks]
    payment = turn.books.documents.get(marks.payment) if marks.payment is not None else None
    return Wish(
        marks.ledger, marks.marks, [entry for entry in documents if entry is not None], payment, marks.primary, marks.date, sequence
    )


def _leave_open(turn: Turn, marks: Marks) -> None:
    """A payment whose marks are refused is posted and stays open, out of automatic settlement."""
    if marks.payment is None:
        return
    payment = turn.books.documents.get(marks.payment)
    if payment is not None:
        turn.books.documents.put(payment.key, payment._replace(by_hand=True, refused=True))


def _done(turn: Turn, marks: Marks) -> None:
    if marks.payment is None:
        turn.books.requests.put(marks.run, Request(marks.run, turn.message.type))
        turn.wake("event", *marks.run)


def _run(turn: Turn, marks: Marks, wish: Wish) -> Run:
    claims = [
        _claim(turn, document, mark, place + 1) for place, (mark, document) in enumerate(zip(wish.marks, wish.documents, strict=True))
    ]
    own = [] if wish.payment is None else [_claim(turn, wish.payment, None, 0)]
    everything = [*own, *claims]
    latest = max(document.date for document in wish.all_documents)
    run = Run(
        marks.ledger,
        turn.books.reference,
        latest if marks.date is None else marks.date,
        raising=[entry for entry in everything if not entry.document.lowers],
        lowering=[entry for entry in everything if entry.document.lowers],
        payment=wish.payment,
        discount_date=marks.discount_date,
    )
    for entry in run.lowering:
        entry.limit = _own_limit(run, entry)
    if marks.own_primary:
        run.primary = own[0]
    elif marks.primary is not None:
        named = DocumentKey(marks.ledger, marks.primary.company, marks.primary.document)
        run.primary = next(entry for entry in everything if entry.document.key == named)
    return run


def _own_limit(run: Run, lowering: Claim) -> Decimal | None:
    """A payment's marks are in its currency: what one lets a lowering document give is converted at the payment's date (step 2)."""
    if lowering.limit is None or run.payment is None:
        return lowering.limit
    return worth(run.reference, run.payment, lowering.document, lowering.limit)


def _claim(turn: Turn, document: Document, mark: Mark | None, place: int) -> Claim:
    credited = _credited_key(turn, document)
    return claim(document, mark, place, turn.books.documents.get(credited) if credited is not None else None)


def _next_number(turn: Turn, run: EventRef, ledger: Ledger) -> int:
    return 1 + max((record.number for record in turn.books.records.find("run", (run, ledger))), default=0)


def _flag(turn: Turn, run: Run) -> None:
    """What automatic settlement leaves out from now on: what a mark held back, and the payment that marked it."""
    claims = [*run.raising, *run.lowering]
    for entry in claims:
        held = entry.held or (entry.document is run.payment and any(other.held for other in claims))
        if held != entry.document.by_hand or entry.document.refused:
            document = entry.document._replace(by_hand=held, refused=False)
            turn.books.documents.put(document.key, document)


def _carry_out(turn: Turn, run: Run, ref: EventRef, documents: list[SettledDocument], recorded: list[Recorded]) -> None:
    """Writes the records of a run, takes what they take from the documents, and says the settlement."""
    if not recorded:
        return
    for entry in recorded:
        _take(turn, entry)
        record = _in_force(run, ref, entry)
        turn.books.records.put(record.key, record)
    places = {(document.company, document.document): place for place, document in enumerate(documents)}
    primary = run.primary.document if run.primary is not None else None
    party = recorded[0].pair.lowering.document.party
    answer = _asks_for_sales_payments(run, recorded)
    place = places.get((primary.company, primary.document)) if primary is not None else None
    settlement = SettlementPosted(run.ledger, ref, party, place, documents, [entry.record for entry in recorded], answer)
    turn.say("settlement.posted", f"{run.ledger}/{recorded[0].record.number}", party, settlement)
    if answer:
        turn.await_answers(ref)


def _asks_for_sales_payments(run: Run, recorded: list[Recorded]) -> bool:
    """Whether a vendor payment of the run has paid an invoice of a group company (F-G03)."""
    if run.ledger != "payable":
        return False
    paid = any(entry.pair.raising.document.intercompany_company for entry in recorded if not entry.pair.enlarges)
    return paid and any(claim.is_payment for entry in recorded for claim in (entry.pair.lowering, entry.pair.raising))


def _take(turn: Turn, entry: Recorded) -> None:
    for key, amount, value in (
        (entry.pair.lowering.document.key, entry.taken.from_lowering, entry.taken.value_from_lowering),
        (entry.pair.raising.document.key, entry.taken.from_raising, entry.taken.value_from_raising),
    ):
        document = turn.books.documents.get(key)
        if document is not None:
            changed = document._replace(
                open=document.open - amount, open_accounting=document.open_accounting - value, records=document.records + 1
            )
            turn.books.documents.put(key, changed)


def _in_force(run: Run, ref: EventRef, entry: Recorded) -> RecordInForce:
    record, pair = entry.record, entry.pair
    penny = (pair.left if pair.left_is_penny else ZERO) + (pair.lacking if pair.lacking_is_penny else ZERO)
    return RecordInForce(
        run=ref,
        ledger=run.ledger,
        number=record.number,
        date=record.date,
        lowering=pair.lowering.document.key,
        raising=pair.raising.document.key,
        enlarges=pair.enlarges,
        taken_from_lowering=entry.taken.from_lowering,
        value_from_lowering=entry.taken.value_from_lowering,
        taken_from_raising=entry.taken.from_raising,
        value_from_raising=entry.taken.value_from_raising,
        amount=pair.amount,
        cash_discount=pair.discount,
        credit_note_discount=pair.credit_note_discount,
        overpayment=ZERO if pair.left_is_penny else pair.left,
        underpayment=ZERO if pair.lacking_is_penny else pair.lacking,
        penny_difference=penny,
        realized_gain=record.gain.accounting_amount if record.gain is not None else ZERO,
        currency=pair.lowering.document.currency,
    )


def settle_automatically(turn: Turn, key: DocumentKey, cause: dt.date, ref: EventRef) -> None:
    """Step 8 (F-B11, C45): over all that is open of the document's party, company, ledger and currency, if switched on.

    It never waits: what a period or a rate holds back is tried again at the next posting.
    """
    document = turn.books.documents.get(key)
    if document is None or not turn.books.reference.parameters(key.company, key.ledger).automatic_settlement or not document.open:
        return
    group = (document.ledger, document.company, document.party, document.currency)
    found = [entry for entry in turn.books.documents.find("open", group) if _may_settle(turn, entry)]
    found.sort(key=lambda entry: entry.document)
    claims = [_claim(turn, entry, None, place) for place, entry in enumerate(found)]
    run = Run(
        document.ledger,
        turn.books.reference,
        cause,
        raising=[entry for entry in claims if not entry.document.lowers],
        lowering=[entry for entry in claims if entry.document.lowers],
        automatic=True,
    )
    if not run.raising or not run.lowering:
        return
    try:
        documents, recorded = compute(run, _next_number(turn, ref, document.ledger))
    except WaitForError:
        return
    _carry_out(turn, run, ref, documents, recorded)


def _may_settle(turn: Turn, document: Document) -> bool:
    """Leaves out what is reserved, and a credit note where a run would wait for the document it credits."""
    if turn.books.waiting.find("reserves", document.key) or turn.books.journals.find("reserves", document.key):
        return False
    credited = _credited_key(turn, document)
    return credited is None or turn.books.documents.get(credited) is not None


def is_payment(document: Document) -> bool:
    """Whether a document is a payment."""
    return document.kind == PAYMENT
