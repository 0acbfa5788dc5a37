"""Approvals of sales payment journals that were only created (`journal-approval.requested`).

Invariant: an approval of a journal that is not there yet waits for it; of several approvals of one journal the
first posts it, the others are refused, and their ids are free again.
"""

from __future__ import annotations

from services.payment.rules.books import Books, approved_payment
from services.payment.rules.sending import EMITTER, become, journal_event
from services.payment.rules.values import CREATED, POSTED, JournalKey, SalesPayment, WaitingApproval
from shared.events.codec import as_cloudevent
from shared.events.emitting import REJECTED, Cause
from shared.events.envelope import Message, Outgoing, replay_identity, replay_number
from shared.events.inbound import JournalApprovalRequested
from shared.events.vouchers import Rejection


def approve(books: Books, message: Message) -> list[Outgoing]:
    """Posts the journal if it is created; refuses if it is posted or reversed already; else waits for it (`document`)."""
    request: JournalApprovalRequested = message.data
    approval = WaitingApproval(
        event=message.ref,
        identity=replay_identity(message.ref, message.replay),
        company=request.company,
        journal=request.journal,
        document=request.document,
        time=message.time,
        traceparent=message.traceparent,
        original=as_cloudevent(message),
        sequence=0,
    )
    journal = books.journals.get(JournalKey(request.company, request.document))
    if journal is not None and journal.data.journal == request.journal:
        return [_decide(books, approval, journal)]
    books.approvals.put(approval.identity, approval._replace(sequence=books.next_sequence()))
    return []


def resume_approvals(books: Books, journal: SalesPayment) -> list[Outgoing]:
    """The approvals that waited for a journal which was made now, the oldest first."""
    data = journal.data
    found = books.approvals.find("payment", (data.company, approved_payment(data.journal, data.document)))
    waited = [approval for approval in found if (approval.journal, approval.document) == (data.journal, data.document)]
    outgoing: list[Outgoing] = []
    for approval in sorted(waited, key=lambda each: each.sequence):
        books.approvals.put(approval.identity, None)
        current = books.journals.get(journal.key)
        outgoing.append(_decide(books, approval, current or journal))
    return outgoing


def _decide(books: Books, approval: WaitingApproval, journal: SalesPayment) -> Outgoing:
    if journal.status != CREATED:
        message = f"the journal {approval.document} of {approval.company} is {journal.status}: only one that is created can be approved"
        return refuse_approval(books, approval, "not-created", message)
    posted = become(journal, POSTED)
    books.journals.put(posted.key, posted)
    cause = Cause(approval.event, posted.first, approval.time, approval.traceparent)
    return journal_event(books.reference, posted, cause, replay_number(approval.identity, approval.event))


def refuse_approval(books: Books, approval: WaitingApproval, code: str, message: str) -> Outgoing:
    """The refusal of an approval; its id is free again."""
    books.freed_ids.add(approval.identity)
    rejection = Rejection(approval.event.id, approval.event.source, "settlement", code, "/document", message, approval.original)
    cause = Cause(approval.event, approval.event, approval.time, approval.traceparent)
    return EMITTER.emit(cause, REJECTED, replay_number(approval.identity, approval.event), approval.company, rejection)
