"""Payments of other systems, handed on: what is right in form as a payment journal, what is not as refused.

What always holds: nothing is kept of them here; the same event gives the same outgoing event however often it is seen.
The settlement service, which knows all ids, decides what is a duplicate.
"""

from __future__ import annotations

from typing import Final

from services.payment.rules.books import Books
from shared.events.codec import as_cloudevent
from shared.events.envelope import EventRef, Message, Outgoing, Topic, Unreadable, derived_id
from shared.events.inbound import PaymentPosted, ledger_of
from shared.events.journals import PaymentJournal, PaymentRefused
from shared.reference import Reference

SOURCE: Final = "intercompany/payment"


def partition_key(reference: Reference, ledger: str, company: str, account: str) -> str:
    """The party behind an account, else the account itself: what belongs together stays in order."""
    return reference.party(ledger, company, account) or f"{company}/{account}"


def payment_journal(books: Books, message: Message) -> list[Outgoing]:
    """`payment-journal.posted` of a customer or vendor payment."""
    payment: PaymentPosted = message.data
    ledger = ledger_of(message.type)
    journal = PaymentJournal(ledger, message.ref, message.digest.hex(), payment, message.replay)
    key = partition_key(books.reference, ledger, payment.company, payment.account)
    ref = EventRef(SOURCE, derived_id(message.ref, message.time, f"payment-journal.posted/{message.digest.hex()}", message.replay))
    sent = Outgoing(Topic.JOURNALS, key, "payment-journal.posted", ref, journal, message.time, message.ref, message.ref)
    sent.traceparent = message.traceparent
    return [sent]


def refused_payment(event: Unreadable) -> Outgoing | None:
    """`payment.refused` of an event on the payments topic that is not right in form; None if it has no id to be known by."""
    if event.ref is None or event.time is None or event.record.topic != Topic.PAYMENTS:
        return None
    digest = event.digest.hex()
    data = PaymentRefused(event.ref, digest, event.code, event.field, event.message, as_cloudevent(event), event.replay)
    ref = EventRef(SOURCE, derived_id(event.ref, event.time, f"payment.refused/{digest}", event.replay))
    key = (event.record.key or b"").decode(errors="replace")
    return Outgoing(Topic.JOURNALS, key, "payment.refused", ref, data, event.time, event.ref, event.ref, event.traceparent)
