"""Approvals of sales payment journals that were only created (`journal-approval.requested`).

What always holds: an approval of a journal that is not there yet waits for it; of several approvals of one journal the
first posts it, the others are refused, and their ids are free again.
"""

from __future__ import annotations

from services.payment.rules.books import Books, approved_payment
from services.payment.rules.sending import become, journal_event, sent
from services.payment.rules.values import CREATED, POSTED, JournalKey, Origin, SalesJournal, WaitingApproval
from shared.events.codec import as_cloudevent
from shared.events.envelope import EventRef, Message, Outgoing, Topic
from shared.events.inbound import JournalApprovalRequested
from shared.events.vouchers import Rejection

REJECTED = "event.rejected"


def identity_of(message: Message) -> EventRef:
    """The id that an event takes: its own, or that of an operator's replay of it."""
    return EventRef(message.ref.source, f"{message.ref.id}#replay-{message.replay}") if message.replay else message.ref


def approve(books: Books, message: Message) -> list[Outgoing]:
    """Posts the journal if it is created; refuses if it is posted or reversed already; else waits for it (`document`)."""
    request: JournalApprovalRequested = message.data
    approval = WaitingApproval(
        event=message.ref,
        identity=identity_of(message),
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


def resume_approvals(books: Books, journal: SalesJournal) -> list[Outgoing]:
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


def _decide(books: Books, approval: WaitingApproval, journal: SalesJournal) -> Outgoing:
    if journal.status != CREATED:
        message = f"the journal {approval.document} of {approval.company} is {journal.status}: only one that is created can be approved"
        return refuse_approval(books, approval, "not-created", message)
    posted = become(journal, POSTED)
    books.journals.put(posted.key, posted)
    origin = Origin(approval.event, posted.first, approval.time, approval.traceparent, _replays(approval))
    return journal_event(books.reference, posted, origin)


def refuse_approval(books: Books, approval: WaitingApproval, code: str, message: str) -> Outgoing:
    """The refusal of an approval; its id is free again."""
    books.freed_ids.add(approval.identity)
    rejection = Rejection(approval.event.id, approval.event.source, "settlement", code, "/document", message, approval.original)
    origin = Origin(approval.event, approval.event, approval.time, approval.traceparent, _replays(approval))
    return sent(REJECTED, origin, approval.company, rejection, topic=Topic.REJECTIONS)


def _replays(approval: WaitingApproval) -> int:
    return int(approval.identity.id.rpartition("#replay-")[2]) if approval.identity != approval.event else 0
