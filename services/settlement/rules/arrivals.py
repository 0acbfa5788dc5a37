"""An event as a document: refused, waiting or posted, and then what it is to settle.

Invariant: a document is looked at as a whole: whatever it is refused for or waits for, nothing of it stands before it is posted.
"""

from __future__ import annotations

from services.settlement.rules.automatic import settle_automatically
from services.settlement.rules.documents import need_of, post, refuse_document
from services.settlement.rules.incoming import IncomingDocument
from services.settlement.rules.instructions import begin_to_settle
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import NOTHING_YET, Parked
from services.settlement.rules.waiting import event_key
from shared.events.journals import PaymentRefused
from shared.events.settlements import SalesPaymentJournalRefused


def arrive(turn: Turn) -> None:
    """A document arrives: posted, refused, or kept until what it needs is there."""
    take_over(turn, turn.books.next_sequence())


def take_over(turn: Turn, sequence: int) -> None:
    """Posts the document of the turn's message, refuses it or keeps it; then settles what it is to settle."""
    incoming = _document(turn)
    if refuse_document(turn, incoming):
        forget_journal(turn)
        return
    need = need_of(turn, incoming)
    if need is not None:
        turn.park(Parked(sequence, "document", turn.incoming.reported_event, turn.message, NOTHING_YET), need)
        return
    document = post(turn, incoming)
    if turn.incoming.instruction is not None:
        begin_to_settle(turn, _sequence_of_run(turn))
    else:
        settle_automatically(turn, [incoming.key], document.date, document.event)
    turn.wake(event_key(document.event))


def _document(turn: Turn) -> IncomingDocument:
    document = turn.incoming.document
    if document is None:
        msg = f"{turn.message.type} brings no document"
        raise TypeError(msg)
    return document


def _sequence_of_run(turn: Turn) -> int:
    """A created sales payment's run counts from its creation, any other from now."""
    journal = turn.incoming.journal
    known = turn.books.journals.get((journal.company, journal.document)) if journal is not None else None
    return known.sequence if known is not None else turn.books.next_sequence()


def resume_document(turn: Turn, parked: Parked) -> None:
    """What a document waited for is there."""
    turn.release(parked)
    take_over(turn, parked.sequence)


def payment_arrives(turn: Turn) -> None:
    """A payment; on an operator's replay, the refused marks of one that is posted are to be settled again.

    A payment that is not known comes for the first time, whatever it says of a replay.
    """
    instruction = turn.incoming.instruction
    if not turn.incoming.replay:
        arrive(turn)
        return
    document = turn.books.documents.get(_document(turn).key)
    if document is None and not turn.books.waiting.find("event", turn.incoming.event):
        arrive(turn)
        return
    if instruction is not None and document is not None and document.event == turn.incoming.event and document.marks_refused:
        begin_to_settle(turn, turn.books.next_sequence())


def refused_payment(turn: Turn) -> None:
    """A payment whose form the payment service could not accept: refused here, where all ids are known."""
    data: PaymentRefused = turn.message.data
    turn.refuse(data.code, data.field, data.message, scope="event", frees_id=True)


def forget_journal(turn: Turn) -> None:
    """The payment service is to forget a sales payment journal whose number is taken."""
    journal = turn.incoming.journal
    if journal is None:
        return
    known = turn.books.journals.get((journal.company, journal.document))
    if known is not None and known.run == journal.run:
        turn.books.journals.put((journal.company, journal.document), None)
    refused = SalesPaymentJournalRefused(journal.company, journal.document)
    turn.emit("sales-payment-journal.refused", journal.document, journal.company, refused)
