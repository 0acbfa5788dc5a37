"""Sales payment journals in the seller's books: created, posted, reversed, forgotten."""

from __future__ import annotations

from services.settlement.rules.arrivals import forget_sales_payment, take_fact
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import DocumentKey, SalesJournal
from shared.events.journals import SalesPaymentJournal


def sales_payment(turn: Turn) -> None:
    """A sales payment journal: created (it reserves), posted (a document and its marks) or reversed (known already)."""
    data: SalesPaymentJournal = turn.message.data
    key = (data.company, data.document)
    known = turn.books.journals.get(key)
    if turn.message.type == "sales-payment-journal.reversed":
        return
    if turn.message.type == "sales-payment-journal.created" and not _is_undone(turn, data):
        _create(turn, data, known)
    elif known is None and _is_undone(turn, data):
        forget_sales_payment(turn)
    elif known is None or known.status == "created":
        sequence = known.sequence if known is not None else turn.books.next_sequence()
        turn.books.journals.put(key, _journal(data, "posted", sequence))
        take_fact(turn, sequence)
    turn.answered(data.run, data.reply_count)


def _is_undone(turn: Turn, data: SalesPaymentJournal) -> bool:
    """A journal had waited while its run was reversed, and crosses the news of it: it is not made any more."""
    records = turn.books.records.find("run", (data.run, "payable"))
    return bool(records) and all(record.reversed for record in records)


def _create(turn: Turn, data: SalesPaymentJournal, known: SalesJournal | None) -> None:
    taken = turn.books.documents.get(DocumentKey("receivable", data.company, data.document))
    if known is not None or taken is not None:
        message = f"receivable document {data.document} of {data.company} has been posted by another event"
        turn.refuse("document-exists", "/document", message, scope="event", frees=False)
        forget_sales_payment(turn)
        return
    turn.books.journals.put((data.company, data.document), _journal(data, "created", turn.books.next_sequence()))


def _journal(data: SalesPaymentJournal, status: str, sequence: int) -> SalesJournal:
    reserves = tuple(DocumentKey("receivable", mark.company, mark.document) for mark in data.marks) if status == "created" else ()
    return SalesJournal(data.company, data.document, data.journal, status, data.run, sequence, reserves)


def answered(turn: Turn) -> None:
    """The payment service has said which sales payment journals a run makes."""
    turn.answered(turn.message.data.run, turn.message.data.reply_count)
