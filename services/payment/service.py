"""The wiring of the payment service: payments of other systems, and what the settlement service has posted.

Invariant: inbound payments are handed on without being remembered, so they are deduplicated by the settlement
service alone; of the reference data payment keeps what journals and keys need. It reports what on the payments
topic has no id to be handed on by.
"""

from __future__ import annotations

from typing import Final

from services.payment.rules import Books, discard, expire, fold, refused_payment, resume_released
from services.payment.store import Store, still_waiting, unannounced
from shared.delivery.service import Announces, Identity, Service
from shared.events.envelope import Message, Topic, replay_identity
from shared.events.inbound import PaymentPosted

_OF_SETTLEMENT: Final = frozenset(
    {
        *("settlement.posted", "settlement.reversed", "document.reversed"),
        *("sales-payment-journal.approved", "sales-payment-journal.refused"),
    }
)


def _identity(message: Message) -> Identity | None:
    return None if isinstance(message.data, PaymentPosted) else (replay_identity(message.ref, message.replay), message.digest)


SERVICE: Final = Service(
    name="payment",
    store=Store,
    fold=fold,
    folds_ahead=True,
    new_books=lambda: Books(complete=True),
    subscriptions={
        Topic.PAYMENTS: None,
        Topic.SETTLEMENTS: _OF_SETTLEMENT,
        Topic.REFERENCE: frozenset(
            {
                *("company.defined", "party.defined", "payment-journal.defined", "trading-relation.defined"),
                *("exchange-rate.published", "period.closed", "period.opened", "reference.withdrawn"),
            }
        ),
    },
    sender_topics=frozenset({Topic.PAYMENTS}),
    publishes=frozenset({Topic.JOURNALS, Topic.REJECTIONS}),
    identity=_identity,
    rejects_unreadable=lambda topic, _: topic == Topic.PAYMENTS,
    hand_on_unreadable=refused_payment,
    expire=expire,
    discard=discard,
    resume_released=resume_released,
    announces=Announces(unannounced, still_waiting),
)
