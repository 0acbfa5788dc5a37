"""Whether an event from a sender's own topic may be taken, and reference data that a sender may send, handed on.

Invariant: nothing of an event that its sender may not send is taken, its id included. Reference data of senders is not
taken here: what is authorised goes onto the one reference topic, whose order all services share, under its own id and on
the key of what it says, whatever key it came with.
"""

from __future__ import annotations

from services.settlement.rules.turn import Turn
from shared.events.contract import CONTRACT
from shared.events.envelope import Message, Outgoing, Topic
from shared.events.journals import PaymentJournal
from shared.events.reference import compaction_key
from shared.events.senders import NOT_AUTHORISED, NotAuthorised, not_authorised
from shared.reference import Reference


def refuse_unauthorised(turn: Turn) -> bool:
    """Refuses the turn's message if its sender may not send it (scope event); whether it was refused."""
    refusal = _refusal(turn.books.reference, turn.message)
    if refusal is None:
        return False
    frees_id = not is_sent_reference(turn.message)  # of reference data no id was taken
    turn.refuse(NOT_AUTHORISED, refusal.field, refusal.message, scope="event", frees_id=frees_id)
    return True


def _refusal(known: Reference, message: Message) -> NotAuthorised | None:
    data = message.data
    if isinstance(data, PaymentJournal):
        if data.sender is None:
            return None
        name = "customer-payment.posted" if data.ledger == "receivable" else "vendor-payment.posted"
        return not_authorised(data.sender, known.sender(data.sender), name, data.event.source, data.payment)
    if message.sender is None:
        return None
    return not_authorised(message.sender, known.sender(message.sender), message.type, message.ref.source, data)


def is_sent_reference(message: Message) -> bool:
    """Whether this is reference data from a sender's own topic."""
    return message.sender is not None and CONTRACT[message.type].topic == Topic.REFERENCE


def hand_on_reference(turn: Turn) -> None:
    """Reference data of a sender, onto the reference topic as its sender said it."""
    sent = turn.message
    key = compaction_key(sent.data)
    turn.outgoing.append(Outgoing(Topic.REFERENCE, key, sent.type, sent.ref, sent.data, sent.time, sent.ref, sent.ref, sent.traceparent))
