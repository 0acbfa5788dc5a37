"""The wiring of the payment service: payments of other systems, approvals, and what the settlement service has posted.

Invariant: inbound payments are handed on without being remembered, so they are deduplicated by the settlement
service alone; of the reference data payment keeps what journals and keys need. It reports what cannot be read as an
approval, and on the payments topic what has no id to be handed on by.
"""

from __future__ import annotations

from typing import Final

from services.payment.rules import Books, discard, expire, fold, refused_payment, resume_released
from services.payment.store import Store, still_waiting, unannounced
from shared.delivery.service import Announces, Identity, Service
from shared.events.envelope import Message, Topic, replay_identity
from shared.events.inbound import PaymentPosted

_APPROVAL: Final = "journal-approval.requested"


def _identity(message: Message) -> Identity | None:
    return None if isinstance(message.data, PaymentPosted) else (replay_identity(message.ref, message.replay), message.digest)


SERVICE: Final = Service(
    name="payment",
    store=Store,
    fold=fold,
    new_books=lambda: Books(complete=True),
    subscriptions={
        Topic.PAYMENTS: None,
        Topic.REQUESTS: frozenset({_APPROVAL}),
        Topic.SETTLEMENTS: frozenset({"settlement.posted", "settlement.reversed", "document.reversed", "sales-payment-journal.refused"}),
        Topic.REFERENCE: frozenset(
            {
                *("company.defined", "party.defined", "payment-journal.defined", "trading-relation.defined"),
                *("exchange-rate.published", "period.closed", "period.opened", "reference.withdrawn"),
                "sender.defined",
            }
        ),
    },
    sender_topics=frozenset({Topic.PAYMENTS, Topic.REQUESTS}),
    publishes=frozenset({Topic.JOURNALS, Topic.REJECTIONS}),
    identity=_identity,
    rejects_unreadable=lambda topic, message_type: topic == Topic.PAYMENTS or (topic == Topic.REQUESTS and message_type == _APPROVAL),
    hand_on_unreadable=refused_payment,
    expire=expire,
    discard=discard,
    resume_released=resume_released,
    announces=Announces(unannounced, still_waiting),
)
