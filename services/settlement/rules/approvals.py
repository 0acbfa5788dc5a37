"""Approvals of sales payment journals that were only created (`journal-approval.requested`).

Approvals take their turn here, among all else that waits, because what else resumes may take the journal back. The payment
service, which has the journal, posts it.

Invariant: an approval waits for its journal and for what the journal needs to be posted, and is looked at again whenever the
journal changes; of several approvals of one journal the first posts it, the others are refused, and their ids are free again.
What would resume after an approval is kept until its journal is posted.
"""

from __future__ import annotations

from services.settlement.rules.documents import need_to_post
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import APPROVED, CREATED, NOTHING_YET, POSTED, DocumentKey, Parked, ReservedSalesPayment
from services.settlement.rules.waiting import OVER, for_journal, journal_key
from shared.events.inbound import JournalApprovalRequested
from shared.events.settlements import SalesPaymentJournalApproved
from shared.waiting import Need


def begin_approval(turn: Turn) -> None:
    """An approval is asked for: its journal is to be posted, or it is refused, or waits.

    One that an earlier version has carried out took its id in the payment service: read again, it is a duplicate all the same.
    """
    request = _request(turn)
    if turn.books.requests.get(turn.message.ref) is not None:
        return
    key = DocumentKey("receivable", request.company, request.document)
    try_to_approve(turn, Parked(turn.books.next_sequence(), "approval", turn.message.ref, turn.message, NOTHING_YET, concerns=(key,)))


def try_to_approve(turn: Turn, parked: Parked) -> None:
    """What an approval does now: it waits, has its journal posted, or is refused."""
    request = _request(turn)
    journal = turn.books.journals.get((request.company, request.document))
    if journal is None or journal.journal != request.journal:
        turn.park(parked, for_journal(request.company, request.journal, request.document))
    elif journal.status != CREATED:
        _refuse(turn, journal)
        turn.release(parked)
    elif (need := _need_of(turn, journal)) is not None:
        turn.park(parked, need)
    elif _is_behind_others(turn, parked, journal):
        turn.park(parked, for_journal(request.company, request.journal, request.document))
        turn.wake_changed(journal.key)
    else:
        _approve(turn, parked, journal)


def _request(turn: Turn) -> JournalApprovalRequested:
    request = turn.incoming.approval
    if request is None:
        msg = f"{turn.message.type} brings no approval"
        raise TypeError(msg)
    return request


def _refuse(turn: Turn, journal: ReservedSalesPayment) -> None:
    status = POSTED if journal.status == APPROVED else journal.status
    message = f"the journal {journal.document} of {journal.company} is {status}: only one that is created can be approved"
    turn.refuse("not-created", "/document", message, scope="settlement", frees_id=True)


def _need_of(turn: Turn, journal: ReservedSalesPayment) -> Need | None:
    return None if journal.terms is None else need_to_post(turn.books.reference, journal.key, journal.terms)


def _is_behind_others(turn: Turn, parked: Parked, journal: ReservedSalesPayment) -> bool:
    """Whether one that has just come finds older ones, which were left to further transactions when the journal was made."""
    waiting = turn.books.waiting
    return waiting.get(parked.sequence) is None and any(other.stage == "approval" for other in waiting.find(OVER, journal.key))


def _approve(turn: Turn, parked: Parked, journal: ReservedSalesPayment) -> None:
    """The payment service is to post the journal; until it has, the documents stay reserved."""
    turn.books.journals.put((journal.company, journal.document), journal._replace(status=APPROVED, approval=parked.event))
    approved = SalesPaymentJournalApproved(journal.company, journal.document, parked.event)
    turn.emit("sales-payment-journal.approved", journal.document, journal.company, approved)
    turn.await_replies(parked.event)
    turn.release(parked)
    turn.wake(journal_key(journal.company, journal.document))  # what waits for its account, rate or period has been woken as this was
