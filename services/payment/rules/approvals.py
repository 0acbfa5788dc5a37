"""Approvals of sales payment journals that were only created (`journal-approval.requested`).

Invariant: an approval waits for its journal and for what the journal needs to be posted, and is looked at again whenever the
journal changes; of several approvals of one journal the first posts it, the others are refused, and their ids are free again.
However many wait for one journal, a transaction takes one slice of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from services.payment.rules.books import OF_JOURNAL, Books, approved_payment
from services.payment.rules.mirroring import posting_needs
from services.payment.rules.sending import EMITTER, become, journal_event
from services.payment.rules.values import CREATED, POSTED, JournalKey, SalesPayment, WaitingApproval
from shared import working_set
from shared.events.codec import as_cloudevent
from shared.events.emitting import REJECTED, Cause
from shared.events.envelope import Message, Outgoing, replay_identity, replay_number
from shared.events.inbound import JournalApprovalRequested
from shared.events.senders import NOT_AUTHORISED, NotAuthorised, not_authorised
from shared.events.vouchers import rejection
from shared.resuming import resuming
from shared.waiting import Need, detail
from shared.working_set import NotLoadedError


def approve(books: Books, message: Message) -> list[Outgoing]:
    """Posts the journal if it is created; refuses if it is posted or reversed already, or not its sender's to ask; else waits."""
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
        need=_for_journal(request),
        arrived=message.arrival,
    )
    unauthorised = _not_authorised(books, message)
    if unauthorised is not None:
        return [refuse_approval(books, approval, NOT_AUTHORISED, unauthorised.message, field=unauthorised.field, scope="event")]
    return try_to_approve(books, approval)


def _not_authorised(books: Books, message: Message) -> NotAuthorised | None:
    sender = message.sender
    if sender is None:
        return None
    return not_authorised(sender, books.reference.sender(sender), message.type, message.ref.source, message.data)


def _for_journal(request: JournalApprovalRequested | WaitingApproval) -> Need:
    """The journal has not been made: `resume_approvals` finds what waits for it by its number."""
    key = detail(company=request.company, journal=request.journal, document=request.document)
    return Need("document", key, ("journal", request.company, request.document))


def resume_approvals(books: Books, journal: SalesPayment) -> list[Outgoing]:
    """The approvals that wait, the oldest first, of a journal that was made or has changed; what is more than a slice, later."""
    return resume_in_order(books, approvals_of(books, journal))


def approvals_of(books: Books, journal: SalesPayment) -> list[WaitingApproval]:
    """The approvals of a journal that wait, or the first slice of them; what is more is released for later."""
    try:
        return _first_waiting(books, journal)
    except NotLoadedError:
        if not books.has_loaded_much:
            raise
        books.release_later((OF_JOURNAL, *journal.key))
        return []


def _first_waiting(books: Books, journal: SalesPayment) -> list[WaitingApproval]:
    """The approvals of a journal that wait, or the first slice of them.

    They are found by the payment that the journal mirrors, which is known before its number is, unless that has very many.
    """
    data, bounds = journal.data, books.approvals.bounds
    payment = (data.company, approved_payment(data.journal, data.document))
    found = books.approvals.find("payment", payment)
    if len(found) > working_set.SLICE or ("payment", payment) in bounds:
        found = books.first_released(books.approvals, journal.key, (OF_JOURNAL,), OF_JOURNAL)
        # One that has come in this transaction is not before those that are not loaded.
        bound = bounds.get((OF_JOURNAL, journal.key))
        found = [each for each in found if bound is None or each.sequence <= bound]
    return [each for each in found if (each.journal, each.document) == (data.journal, data.document)]


def resume_in_order(books: Books, waited: Iterable[WaitingApproval]) -> list[Outgoing]:
    """What approvals do now, the oldest first; one that an earlier one has had refused is done."""
    outgoing: list[Outgoing] = []
    for approval in sorted(waited, key=lambda each: each.sequence):
        if books.approvals.get(approval.identity) is not None and approval.sequence not in books.left_waiting:
            with resuming(approval.sequence, approval.event):
                outgoing.extend(try_to_approve(books, approval))
    return outgoing


def try_to_approve(books: Books, approval: WaitingApproval) -> list[Outgoing]:
    """What an approval does now: it waits, posts its journal (then the others of the journal are refused), or is refused."""
    journal = books.journals.get(JournalKey(approval.company, approval.document))
    if journal is None or journal.data.journal != approval.journal:
        return _keep(books, approval, _for_journal(approval))
    if journal.status != CREATED:
        message = f"the journal {approval.document} of {approval.company} is {journal.status}: only one that is created can be approved"
        return [refuse_approval(books, approval, "not-created", message)]
    data = journal.data
    needs = posting_needs(books.reference, data.company, data.account, data.date, data.currency, data.exchange_rate)
    need = next(needs, None)
    return _post(books, approval, journal) if need is None else _keep(books, approval, need)


def _keep(books: Books, approval: WaitingApproval, need: Need) -> list[Outgoing]:
    sequence = approval.sequence or books.next_sequence()
    books.approvals.put(approval.identity, approval._replace(sequence=sequence, need=need))
    return []


def _post(books: Books, approval: WaitingApproval, journal: SalesPayment) -> list[Outgoing]:
    if not approval.sequence and (_first_waiting(books, journal) or (OF_JOURNAL, journal.key) in books.approvals.bounds):
        # Older ones, which were left to further transactions when the journal was made, come first.
        _keep(books, approval, _for_journal(approval))
        return resume_approvals(books, journal)
    _done(books, approval)
    posted = become(journal, POSTED)
    posted = posted._replace(data=replace(posted.data, approval=approval.event))
    books.journals.put(posted.key, posted)
    cause = Cause(approval.event, posted.first, approval.time, approval.traceparent)
    event = journal_event(books.reference, posted, cause, replay_number(approval.identity, approval.event))
    return [event, *resume_approvals(books, posted)]


def _done(books: Books, approval: WaitingApproval) -> None:
    if approval.sequence:
        books.approvals.put(approval.identity, None)


def refuse_approval(  # noqa: PLR0913 - what a refusal says
    books: Books, approval: WaitingApproval, code: str, message: str, *, field: str = "/document", scope: str = "settlement"
) -> Outgoing:
    """The refusal of an approval; its id is free again."""
    _done(books, approval)
    books.freed_ids.add(approval.identity)
    refusal = rejection(approval.event, scope, code, field, message, approval.original)
    cause = Cause(approval.event, approval.event, approval.time, approval.traceparent)
    return EMITTER.emit(cause, REJECTED, replay_number(approval.identity, approval.event), approval.company, refusal)
