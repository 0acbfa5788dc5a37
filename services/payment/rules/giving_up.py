"""What waits and is given up: by an operator (`waiting discard`) or because WAIT_AT_MOST has run out.

Invariant: giving up refuses what was requested (`discarded`), never a document: the vendor payment and its settlement stand; the
number of a sales payment journal that is given up is not given again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from services.payment.rules.books import Books
from services.payment.rules.sending import EMITTER
from services.payment.rules.values import WaitingApproval, WaitingJournal
from shared.events.emitting import REJECTED, Cause
from shared.events.envelope import EventRef, Outgoing, replay_number
from shared.events.vouchers import rejection
from shared.waiting import Need

DISCARDED: Final = "discarded"


def discard(books: Books, events: Sequence[EventRef]) -> list[Outgoing]:
    """Gives up all that these events let wait; the refusals of it."""
    given_up = frozenset(events)
    approvals = sorted((each for each in books.approvals if each.event in given_up), key=lambda each: each.sequence)
    return _give_up(books, lambda waiting: waiting.draft.run in given_up) + [_refuse_approval(books, each) for each in approvals]


def expire(books: Books, older_than: datetime) -> list[Outgoing]:
    """Gives up what has waited since before `older_than`; the refusals of it."""
    return _give_up(books, lambda waiting: waiting.waits_since < older_than)


def _give_up(books: Books, chosen: Callable[[WaitingJournal], bool]) -> list[Outgoing]:
    journals = sorted((each for each in books.waiting if chosen(each)), key=lambda each: each.sequence)
    return [_refuse_journal(books, each) for each in journals]


def _refuse_approval(books: Books, approval: WaitingApproval) -> Outgoing:
    """One of an earlier version: `rejections replay` sends it to the settlement service, which takes approvals now."""
    books.approvals.put(approval.identity, None)
    books.freed_ids.add(approval.identity)
    what = f"the approval of {approval.document} of {approval.company} waited for {_shown(approval.need)} when this version was installed"
    message = f"{what}: send it again, or have `rejections replay` do so"
    refusal = rejection(approval.event, "settlement", DISCARDED, "/document", message, approval.original)
    cause = Cause(approval.event, approval.event, approval.time, approval.traceparent)
    return EMITTER.emit(cause, REJECTED, replay_number(approval.identity, approval.event), approval.company, refusal)


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
