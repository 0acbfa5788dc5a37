"""The settlement core: `fold(books, message) -> list[Outgoing]`, for everything the service takes in.

Invariant: no broker, no database, no clock; the same books and message give the same changes and events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.settlement.rules.approvals import begin_approval, try_to_approve
from services.settlement.rules.arrivals import arrive, payment_arrives, refused_payment, resume_document
from services.settlement.rules.authorisation import hand_on_reference, is_sent_reference, refuse_unauthorised
from services.settlement.rules.automatic import resume_automatically
from services.settlement.rules.books import Books
from services.settlement.rules.instructions import carry_out_request, try_to_settle
from services.settlement.rules.reversals import begin_reversal, try_to_reverse
from services.settlement.rules.sales_payments import create_journal, nothing_to_do, post_journal, receive_reply
from services.settlement.rules.turn import Resume, Turn
from services.settlement.rules.waiting import EVERY, OF_REFERENCE, OVER, RESERVATION
from shared.events.envelope import Message, Outgoing
from shared.events.reference import ReferenceWithdrawn, SettlementParametersDefined
from shared.events.refusal import INVALID
from shared.waiting import woken_by
from shared.working_set import Released

__all__ = ["Books", "fold", "resume_released"]


def fold(books: Books, message: Message) -> list[Outgoing]:
    """Handles a message: changes the books and returns the events that it causes."""
    turn = Turn(books, message)
    if not refuse_unauthorised(turn):
        handle = hand_on_reference if is_sent_reference(message) else _HANDLERS.get(message.type, _take_reference)
        handle(turn)
        turn.resume(STAGES)
    return turn.outgoing


def resume_released(books: Books, released: Released) -> list[Outgoing]:
    """Resumes the next of what was released, as many as one transaction takes."""
    if released.wake_key[0] == RESERVATION:
        books.released.put(released.wake_key, None)
        first = books.first_to_reserve(released.wake_key)
        parked = [first] if first is not None else []
    else:
        index = released.wake_key[0] if released.wake_key[0] in (EVERY, OVER) else None
        parked = books.next_released(books.waiting, released, (index,), index) if index else books.next_released(books.waiting, released)
    if not parked:
        return []
    turn = Turn(books, parked[0].message)
    turn.wake_rows(parked)
    turn.resume(STAGES)
    return turn.outgoing


def _take_reference(turn: Turn) -> None:
    """A reference event: taken over, and all that waited for it is woken; or refused, if it contradicts what is defined."""
    contradiction = turn.books.reference.contradiction(turn.message.data)
    if contradiction is not None:
        turn.refuse(INVALID, *contradiction, scope="event", frees_id=True)
        return
    turn.books.take_reference(turn.message)
    turn.know(turn.message.ref, turn.message.type)
    for key in woken_by(turn.message.data):
        turn.wake(key)


def _take_parameters(turn: Turn) -> None:
    """Settlement parameters: once credit notes have no discount any more, a run waits for no document that one credits (C16)."""
    data: SettlementParametersDefined | ReferenceWithdrawn = turn.message.data
    company, ledger = str(data.company), data.ledger or "receivable"
    waited = turn.books.reference.parameters(company, ledger).cash_discounts_for_credit_notes
    _take_reference(turn)
    if waited and not turn.books.reference.parameters(company, ledger).cash_discounts_for_credit_notes:
        turn.wake_every("document")


def _withdraw_reference(turn: Turn) -> None:
    """Reference data taken back: what waits is judged without it, so it resumes, or waits for the first thing that is missing now."""
    if turn.message.data.event == "settlement-parameters.defined":
        _take_parameters(turn)
    else:
        _take_reference(turn)
    for reason in OF_REFERENCE:
        turn.wake_every(reason)


def _leave_to_inquiry(turn: Turn) -> None:
    """What a company's own system says of a voucher: its id is taken, and its sender may speak for the company; that is all here."""
    del turn


_HANDLERS: Final[dict[str, Callable[[Turn], None]]] = {
    "customer-invoice.posted": arrive,
    "vendor-invoice.posted": arrive,
    "payment-journal.posted": payment_arrives,
    "payment.refused": refused_payment,
    "settlement.requested": carry_out_request,
    "settlement-reversal.requested": begin_reversal,
    "document-reversal.requested": begin_reversal,
    "payment-reversal.requested": begin_reversal,
    "journal-approval.requested": begin_approval,
    "voucher.imported": _leave_to_inquiry,
    "voucher.import-failed": _leave_to_inquiry,
    "sales-payment-journal.created": create_journal,
    "sales-payment-journal.posted": post_journal,
    "sales-payment-journal.reversed": nothing_to_do,
    "sales-payment-journal.waiting": receive_reply,
    "sales-payment-journals.answered": receive_reply,
    "settlement-parameters.defined": _take_parameters,
    "reference.withdrawn": _withdraw_reference,
}

STAGES: Final[dict[str, Resume]] = {
    "document": resume_document,
    "run": try_to_settle,
    "reversal": try_to_reverse,
    "approval": try_to_approve,
    "automatic": resume_automatically,
}
"""How what waits is taken up again."""
