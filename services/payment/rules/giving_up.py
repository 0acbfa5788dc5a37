"""What waits and is given up: by an operator (`waiting discard`) or because WAIT_AT_MOST has run out.

Invariant: giving up refuses what was requested (`discarded`), never a document: the vendor payment and its settlement stand; the
number of a sales payment journal that is given up is not given again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from services.payment.rules.approvals import refuse_approval
from services.payment.rules.books import Books
from services.payment.rules.sending import EMITTER
from services.payment.rules.values import WaitingApproval, WaitingJournal
from shared.events.emitting import REJECTED
from shared.events.envelope import EventRef, Outgoing
from shared.events.vouchers import rejection
from shared.waiting import Need

DISCARDED: Final = "discarded"


def discard(books: Books, events: Sequence[EventRef]) -> list[Outgoing]:
    """Gives up all that these events let wait; the refusals of it."""
    given_up = frozenset(events)
    return _give_up(books, lambda waiting: waiting.draft.run in given_up, lambda approval: approval.event in given_up)


def expire(books: Books, older_than: datetime) -> list[Outgoing]:
    """Gives up what has waited since before `older_than`; the refusals of it."""
    return _give_up(books, lambda waiting: waiting.waits_since < older_than, lambda approval: approval.waits_since < older_than)


def _give_up(books: Books, journal: Callable[[WaitingJournal], bool], approval: Callable[[WaitingApproval], bool]) -> list[Outgoing]:
    journals = sorted((each for each in books.waiting if journal(each)), key=lambda each: each.sequence)
    approvals = sorted((each for each in books.approvals if approval(each)), key=lambda each: each.sequence)
    outgoing = [_refuse_journal(books, each) for each in journals]
    for each in approvals:
        message = f"the approval of {each.document} of {each.company} was discarded while it waited for {_shown(each.need)}"
        outgoing.append(refuse_approval(books, each, DISCARDED, message))
    return outgoing


def _refuse_journal(books: Books, waiting: WaitingJournal) -> Outgoing:
    draft = waiting.draft
    books.waiting.put(draft.key, None)
    payment = f"{draft.payer.document} of {draft.payer.company}"
    message = f"the sales payment journal of {payment} was discarded while it waited for {_shown(waiting.need)}"
    refusal = rejection(draft.run, "settlement", DISCARDED, "", message, _original(waiting))
    return EMITTER.emit(draft.cause, REJECTED, draft.place, draft.seller, refusal)


def _shown(need: Need) -> str:
    return f"{need.reason} {', '.join(f'{name} {value}' for name, value in need.key.items())}"


def _original(waiting: WaitingJournal) -> dict[str, Any]:
    """The run that asked for the journal, by its name, and what the journal would have said."""
    draft = waiting.draft
    marks = [
        {
            "company": mark.company,
            "document": mark.document,
            "amount_to_settle": format(mark.amount_to_settle, "f"),
            "cash_discount_to_take": format(mark.cash_discount_to_take, "f"),
        }
        for mark in draft.marks
    ]
    data = {"company": draft.seller, "currency": draft.payer.currency, "amount": format(draft.amount, "f"), "marks": marks}
    return {"source": draft.run.source, "id": draft.run.id, "data": data}
