"""Sales payment journals in the seller's books: created, posted, reversed, forgotten (C47, F-G03).

Invariant: a journal whose number is taken, or whose run was reversed while it was on its way, is forgotten: the payment
service is told, and nothing of it stays here.
"""

from __future__ import annotations

from services.settlement.rules.arrivals import forget_journal, take_over
from services.settlement.rules.documents import posting_terms, taken_number
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import APPROVED, CREATED, POSTED, DocumentKey, PostingTerms, ReservedSalesPayment
from services.settlement.rules.waiting import journal_key
from shared.events.journals import SalesPaymentJournal


def create_journal(turn: Turn) -> None:
    """A journal that is only created: it reserves the documents of its marks until it is approved."""
    journal = _journal(turn)
    key = DocumentKey("receivable", journal.company, journal.document)
    known, taken = turn.books.journals.get((journal.company, journal.document)), turn.books.documents.get(key)
    if _is_undone(turn, journal):
        if known is None:
            forget_journal(turn)
    elif known is not None or taken is not None:
        message = (
            taken_number(taken) if taken is not None else f"the sales payment journal {key.document} of {key.company} is there already"
        )
        turn.refuse("document-exists", "/document", message, scope="event", frees_id=False)
        forget_journal(turn)
    else:
        _reserve(turn, journal, CREATED, turn.books.next_sequence())
    receive_reply(turn)


def post_journal(turn: Turn) -> None:
    """A journal that is posted, at once or by its approval: a document in the seller's books, and its marks."""
    journal = _journal(turn)
    known = turn.books.journals.get((journal.company, journal.document))
    if known is None and _is_undone(turn, journal):
        forget_journal(turn)
    elif known is None or known.status in {CREATED, APPROVED}:
        sequence = known.sequence if known is not None else turn.books.next_sequence()
        _reserve(turn, journal, POSTED, sequence)
        if journal.approval is not None:
            turn.know(journal.approval, "journal-approval.requested")
        take_over(turn, sequence)
    receive_reply(turn)


def nothing_to_do(_turn: Turn) -> None:
    """A journal that is reversed: this service has said so itself."""


def receive_reply(turn: Turn) -> None:
    """The payment service says which sales payment journals a run makes, or which it has made together."""
    reply = turn.incoming.reply
    if reply is not None:
        turn.receive_reply(*reply)


def _journal(turn: Turn) -> SalesPaymentJournal:
    journal: SalesPaymentJournal = turn.message.data
    return journal


def _is_undone(turn: Turn, journal: SalesPaymentJournal) -> bool:
    """A journal had waited while its run was reversed, and crosses the news of it: it is not made any more."""
    records = turn.books.records.find("run", (journal.run, "payable"))
    return bool(records) and all(record.is_reversed for record in records)


def _reserve(turn: Turn, journal: SalesPaymentJournal, status: str, sequence: int) -> None:
    """The journal as this service knows it; what it reserves ends with its being posted. Approvals that wait for it resume."""
    reserves = tuple(DocumentKey("receivable", mark.company, mark.document) for mark in journal.marks) if status == CREATED else ()
    known = ReservedSalesPayment(
        journal.company, journal.document, journal.journal, status, journal.run, sequence, reserves, journal.approval, _terms(turn)
    )
    turn.books.journals.put((journal.company, journal.document), known)
    turn.wake(journal_key(journal.company, journal.document))


def _terms(turn: Turn) -> PostingTerms | None:
    document = turn.incoming.document
    return None if document is None else posting_terms(document)
