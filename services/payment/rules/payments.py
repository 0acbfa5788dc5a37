"""Payments of other systems, handed on: what is right in form as a payment journal, what is not as refused.

Invariant: nothing is kept of them here; the same event gives the same outgoing event however often it is seen.
The settlement service, which knows all ids, decides what is a duplicate.
"""

from __future__ import annotations

from services.payment.rules.books import Books
from services.payment.rules.sending import EMITTER, partition_key
from shared.events.codec import digest_as_written
from shared.events.contract import base_topic, sender_of
from shared.events.emitting import caused_by, caused_by_outside
from shared.events.envelope import Message, Outgoing, Topic, Unreadable
from shared.events.inbound import PaymentPosted, ledger_of
from shared.events.journals import PaymentJournal, PaymentRefused
from shared.events.showing import as_cloudevent


def payment_journal(books: Books, message: Message) -> list[Outgoing]:
    """`payment-journal.posted` of a customer or vendor payment."""
    payment: PaymentPosted = message.data
    ledger, digest = ledger_of(message.type), message.digest.hex()
    written = digest_as_written(message)
    journal = PaymentJournal(ledger, message.ref, digest, payment, message.replay, message.sender, written.hex() if written else None)
    key = partition_key(books.reference, ledger, payment.company, payment.account)
    return [EMITTER.emit(caused_by(message), "payment-journal.posted", _number(digest, message.replay, message.sender), key, journal)]


def refused_payment(event: Unreadable) -> Outgoing | None:
    """`payment.refused` of an event on the payments topic that is not right in form; None if it has no id to be known by."""
    if event.ref is None or event.time is None or base_topic(event.record.topic) != Topic.PAYMENTS:
        return None
    digest = event.digest.hex()
    data = PaymentRefused(event.ref, digest, event.code, event.field, event.message, as_cloudevent(event), event.replay)
    key = (event.record.key or b"").decode(errors="replace")
    cause = caused_by_outside(event, event.ref, event.time)
    return EMITTER.emit(cause, "payment.refused", _number(digest, event.replay, sender_of(event.record.topic)), key, data)


def _number(digest: str, replay: int, sender: str | None) -> str:
    """The same event with other data, sent again by an operator or by another sender, is another event here: settlement judges it."""
    numbered = f"{digest}/{replay}" if replay else digest
    return numbered if sender is None else f"{numbered}/{sender}"
