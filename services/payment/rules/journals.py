"""Sales payment journals: made by a run or later, posted by an approval, reversed, removed (C47, F-G03).

Invariant: each run that expects a reply (`settlement.posted` with `reply_expected`) gets exactly as many messages as
each of them says, and each approval one; a journal's events are told once each; what waited resumes in order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from services.payment.rules.books import Books
from services.payment.rules.mirroring import MirrorTerms, drafts_of, judged_again, sales_payment_journal, terms_of
from services.payment.rules.sending import EMITTER, become, journal_event
from services.payment.rules.values import (
    CREATED,
    POSTED,
    REVERSED,
    JournalDraft,
    JournalKey,
    SalesPayment,
    WaitingJournal,
)
from shared.events.emitting import Cause, caused_by
from shared.events.envelope import EventRef, Message, Outgoing
from shared.events.journals import SalesPaymentJournal, SalesPaymentsReply
from shared.events.settlements import (
    DocumentReversed,
    SalesPaymentJournalApproved,
    SalesPaymentJournalRefused,
    SettlementPosted,
    SettlementReversed,
)
from shared.resuming import resuming
from shared.waiting import Need, woken_by
from shared.working_set import Released


def mirror_run(books: Books, message: Message) -> list[Outgoing]:
    """The sales payment journals of a run, or the reply that it makes none."""
    settlement: SettlementPosted = message.data
    if not settlement.reply_expected:
        return []
    drafts = drafts_of(books, message)
    if not drafts:
        none = SalesPaymentsReply(settlement.run, reply_count=1)
        return [EMITTER.emit(caused_by(message), "sales-payment-journals.answered", 0, settlement.party, none)]
    replies: list[Outgoing] = []
    for draft in drafts:
        terms = terms_of(books.reference, draft)
        if isinstance(terms, Need):
            replies.append(
                _wait(books, WaitingJournal(draft, terms, books.next_sequence(), message.arrival), settlement.party, len(drafts))
            )
        else:
            replies.append(_make(books, draft, terms, len(drafts)))
    return replies


def _wait(books: Books, waiting: WaitingJournal, party: str, reply_count: int) -> Outgoing:
    draft = waiting.draft
    books.waiting.put(draft.key, waiting)
    reply = SalesPaymentsReply(draft.run, reply_count)
    return EMITTER.emit(draft.cause, "sales-payment-journal.waiting", draft.place, party, reply)


def _make(books: Books, draft: JournalDraft, terms: MirrorTerms, reply_count: int) -> Outgoing:
    data = sales_payment_journal(books.reference, draft, terms, reply_count)
    status = POSTED if terms.relation.post_automatically else CREATED
    journal = SalesPayment(data, status, draft.cause.first)
    books.journals.put(journal.key, journal)
    return journal_event(books.reference, journal, draft.cause, draft.place)


def take_reference(books: Books, message: Message) -> list[Outgoing]:
    """Reference data: taken over; the journals that waited for it resume, the oldest first."""
    books.take_reference(message)
    keys = (*woken_by(message.data), *judged_again(books.reference, message.data))
    return _resume(books, [waiting for key in keys for waiting in books.first_released(books.waiting, key)])


def resume_released(books: Books, released: Released) -> list[Outgoing]:
    """Resumes the next of what was released, as many as one transaction takes."""
    return _resume(books, books.next_released(books.waiting, released))


def _resume(books: Books, journals: Iterable[WaitingJournal]) -> list[Outgoing]:
    """What was woken, in the order of arrival (step 9), whatever woke it."""
    woken = {each.sequence: each for each in journals}
    outgoing: list[Outgoing] = []
    for sequence, waiting in sorted(woken.items()):
        if sequence not in books.left_waiting:
            with resuming(sequence, waiting.draft.run):
                outgoing.extend(_taken_up(books, waiting))
    return _as_batch(outgoing)


def _as_batch(made: list[Outgoing]) -> list[Outgoing]:
    """Each says how many there are, and by the first of them which: what waits for one comes after all (step 9)."""
    if len(made) > 1:
        first: SalesPaymentJournal = made[0].data
        batch = EventRef(EMITTER.source, f"{first.company}/{first.document}")
        for event in made:
            event.data = replace(event.data, batch=batch, batch_size=len(made))
    return made


def _taken_up(books: Books, waiting: WaitingJournal) -> list[Outgoing]:
    """What a waiting journal does now: it waits for something else, or it is made; no reply is expected."""
    terms = terms_of(books.reference, waiting.draft)
    if isinstance(terms, Need):
        if terms != waiting.need:
            books.waiting.put(waiting.draft.key, waiting._replace(need=terms))
        return []
    books.waiting.put(waiting.draft.key, None)
    return [_make(books, waiting.draft, terms, reply_count=0)]


def post_approved(books: Books, message: Message) -> list[Outgoing]:
    """A journal was approved: it is posted. One that is not created any more is not; the settlement service is told either way."""
    approved: SalesPaymentJournalApproved = message.data
    journal = books.journals.get(JournalKey(approved.company, approved.document))
    if journal is None or journal.status != CREATED:
        reply = SalesPaymentsReply(approved.approval, reply_count=1)
        return [EMITTER.emit(caused_by(message), "sales-payment-journals.answered", 0, approved.company, reply)]
    posted = become(journal, POSTED)
    posted = posted._replace(data=replace(posted.data, approval=approved.approval))
    books.journals.put(posted.key, posted)
    cause = Cause(approved.approval, posted.first, message.time, message.traceparent)
    return [journal_event(books.reference, posted, cause, 0)]


def reverse_settlements(books: Books, message: Message) -> list[Outgoing]:
    """Runs were reversed: journals that still wait for them are dropped, those named become reversed."""
    reversal: SettlementReversed = message.data
    if reversal.ledger == "payable":
        for run in reversal.runs:
            for waiting in books.waiting.find("run", run):
                books.waiting.put(waiting.draft.key, None)
    keys = [JournalKey(*document) for document in reversal.journals]
    return [event for number, key in enumerate(keys) for event in _reverse(books, key, message, number)]


def reverse_payment(books: Books, message: Message) -> list[Outgoing]:
    """A payment was reversed: if it is a sales payment, its journal becomes reversed."""
    reversal: DocumentReversed = message.data
    if reversal.ledger != "receivable":
        return []
    return _reverse(books, JournalKey(reversal.company, reversal.document), message, 0)


def _reverse(books: Books, key: JournalKey, message: Message, number: int) -> list[Outgoing]:
    journal = books.journals.get(key)
    if journal is None or journal.status == REVERSED:
        return []
    journal = become(journal, REVERSED)
    books.journals.put(key, journal)
    return [journal_event(books.reference, journal, caused_by(message)._replace(first=journal.first), number)]


def remove_refused(books: Books, message: Message) -> list[Outgoing]:
    """The number was taken in the seller's books: the journal never was. Its n is not given again."""
    refused: SalesPaymentJournalRefused = message.data
    key = JournalKey(refused.company, refused.document)
    if books.journals.get(key) is not None:
        books.journals.put(key, None)
    return []
