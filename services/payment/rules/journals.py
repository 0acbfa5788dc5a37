"""Sales payment journals: made by a run or later, approved, reversed, removed (C47, F-G03).

Invariant: each run that expects a reply (`settlement.posted` with `reply_expected`) gets exactly as many messages as
each of them says; a journal's events are told once each; what waited resumes in order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.payment.rules.approvals import approvals_of, resume_approvals, resume_in_order
from services.payment.rules.books import APPROVALS, OF_JOURNAL, Books
from services.payment.rules.mirroring import MirrorTerms, drafts_of, judged_again, sales_payment_journal, terms_of
from services.payment.rules.sending import EMITTER, become, journal_event
from services.payment.rules.values import (
    CREATED,
    POSTED,
    REVERSED,
    JournalDraft,
    JournalKey,
    SalesPayment,
    WaitingApproval,
    WaitingJournal,
)
from shared.events.emitting import caused_by
from shared.events.envelope import Message, Outgoing
from shared.events.journals import SalesPaymentsReply
from shared.events.settlements import DocumentReversed, SalesPaymentJournalRefused, SettlementPosted, SettlementReversed
from shared.resuming import resuming
from shared.waiting import Need, woken_by
from shared.working_set import Released


def mirror_run(books: Books, message: Message) -> list[Outgoing]:
    """The sales payment journals of a run, or the reply that it makes none; then the approvals that waited for any of them."""
    settlement: SettlementPosted = message.data
    if not settlement.reply_expected:
        return []
    drafts = drafts_of(books, message)
    if not drafts:
        none = SalesPaymentsReply(settlement.run, reply_count=1)
        return [EMITTER.emit(caused_by(message), "sales-payment-journals.answered", 0, settlement.party, none)]
    replies: list[Outgoing] = []
    made: list[SalesPayment] = []
    for draft in drafts:
        terms = terms_of(books.reference, draft)
        if isinstance(terms, Need):
            replies.append(
                _wait(books, WaitingJournal(draft, terms, books.next_sequence(), message.arrival), settlement.party, len(drafts))
            )
        else:
            journal, event = _make(books, draft, terms, len(drafts))
            made.append(journal)
            replies.append(event)
    return [*replies, *resume_in_order(books, [approval for journal in made for approval in approvals_of(books, journal)])]


def _wait(books: Books, waiting: WaitingJournal, party: str, reply_count: int) -> Outgoing:
    draft = waiting.draft
    books.waiting.put(draft.key, waiting)
    reply = SalesPaymentsReply(draft.run, reply_count)
    return EMITTER.emit(draft.cause, "sales-payment-journal.waiting", draft.place, party, reply)


def _make(books: Books, draft: JournalDraft, terms: MirrorTerms, reply_count: int) -> tuple[SalesPayment, Outgoing]:
    data = sales_payment_journal(books.reference, draft, terms, reply_count)
    status = POSTED if terms.relation.post_automatically else CREATED
    journal = SalesPayment(data, status, draft.cause.first)
    books.journals.put(journal.key, journal)
    return journal, journal_event(books.reference, journal, draft.cause, draft.place)


def take_reference(books: Books, message: Message) -> list[Outgoing]:
    """Reference data: taken over; the journals and approvals that waited for it resume, the oldest first."""
    books.take_reference(message)
    keys = (*woken_by(message.data), *judged_again(books.reference, message.data))
    journals = [waiting for key in keys for waiting in books.first_released(books.waiting, key)]
    approvals = [approval for key in keys for approval in books.first_released(books.approvals, key, APPROVALS)]
    return _resume(books, journals, approvals)


def resume_released(books: Books, released: Released) -> list[Outgoing]:
    """Resumes the next of what was released, as many as one transaction takes."""
    if released.wake_key[:1] == APPROVALS:
        return resume_in_order(books, books.next_released(books.approvals, released, APPROVALS))
    if released.wake_key[0] == OF_JOURNAL:
        return resume_in_order(books, books.next_released(books.approvals, released, (OF_JOURNAL,), OF_JOURNAL))
    return _resume(books, books.next_released(books.waiting, released))


def _resume(books: Books, journals: Iterable[WaitingJournal], approvals: Iterable[WaitingApproval] = ()) -> list[Outgoing]:
    """What was woken, and the approvals of what is made of it, in the order of arrival (step 9), whatever woke them."""
    woken: dict[int, WaitingJournal | WaitingApproval] = {each.sequence: each for each in journals}
    woken.update((each.sequence, each) for each in approvals)
    outgoing: list[Outgoing] = []
    while woken:
        first = woken.pop(min(woken))
        if isinstance(first, WaitingApproval):
            outgoing.extend(resume_in_order(books, [first]))
        elif first.sequence not in books.left_waiting:
            with resuming(first.sequence, first.draft.run):
                outgoing.extend(_taken_up(books, first, woken))
    return outgoing


def _taken_up(books: Books, waiting: WaitingJournal, woken: dict[int, WaitingJournal | WaitingApproval]) -> list[Outgoing]:
    """What a waiting journal does now: it waits for something else, or it is made and wakes its approvals; no reply is expected."""
    terms = terms_of(books.reference, waiting.draft)
    if isinstance(terms, Need):
        if terms != waiting.need:
            books.waiting.put(waiting.draft.key, waiting._replace(need=terms))
        return []
    books.waiting.put(waiting.draft.key, None)
    journal, event = _make(books, waiting.draft, terms, reply_count=0)
    woken.update((approval.sequence, approval) for approval in approvals_of(books, journal))
    return [event]


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
    event = journal_event(books.reference, journal, caused_by(message)._replace(first=journal.first), number)
    return [event, *resume_approvals(books, journal)]


def remove_refused(books: Books, message: Message) -> list[Outgoing]:
    """The number was taken in the seller's books: the journal never was. Its n is not given again."""
    refused: SalesPaymentJournalRefused = message.data
    key = JournalKey(refused.company, refused.document)
    if books.journals.get(key) is not None:
        books.journals.put(key, None)
    return []
