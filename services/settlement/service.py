"""The wiring of the settlement service: the one place where all events from outside meet in one order.

Invariant: it alone knows which ids are taken: invoices, requests and reference data come to it directly, payments
through the payment service under their own ids. What is said of vouchers comes for that alone: inquiry keeps it.
"""

from __future__ import annotations

from typing import Final

from services.settlement.rules.authorisation import is_sent_reference
from services.settlement.rules.fold import Books, fold, resume_released
from services.settlement.rules.giving_up import discard, expire
from services.settlement.store import Store, still_waiting, unannounced
from shared.delivery.service import Announces, Identity, Service
from shared.events.contract import SAID_OF_VOUCHERS
from shared.events.envelope import Message, Topic, replay_identity
from shared.events.journals import PaymentJournal, PaymentRefused

REQUESTS: Final = frozenset(
    {
        *("settlement.requested", "settlement-reversal.requested", "document-reversal.requested", "payment-reversal.requested"),
        "journal-approval.requested",
        *SAID_OF_VOUCHERS,
    }
)


_OF_PAYMENTS: Final = (PaymentJournal, PaymentRefused)
"""What the payment service makes of payments: it goes by the payment's own id."""


def _identity(message: Message) -> Identity | None:
    data = message.data
    if is_sent_reference(message):
        return None  # it is handed on; its id is taken when it comes on the reference topic
    if not isinstance(data, _OF_PAYMENTS):
        return message.ref, message.digest
    return replay_identity(data.event, data.replay), bytes.fromhex(data.digest)


def _replayed(message: Message) -> PaymentJournal | PaymentRefused | None:
    data = message.data
    return data if isinstance(data, _OF_PAYMENTS) and data.replay else None


def _reports(topic: str, _message_type: str | None) -> bool:
    return topic in {Topic.INVOICES, Topic.REQUESTS, Topic.REFERENCE, Topic.JOURNALS}


SERVICE: Final = Service(
    name="settlement",
    store=Store,
    fold=fold,
    folds_ahead=True,
    new_books=lambda: Books(complete=True),
    subscriptions={Topic.INVOICES: None, Topic.REQUESTS: REQUESTS, Topic.JOURNALS: None, Topic.REFERENCE: None},
    sender_topics=frozenset({Topic.INVOICES, Topic.REQUESTS, Topic.REFERENCE}),
    publishes=frozenset({Topic.SETTLEMENTS, Topic.REJECTIONS}),
    identity=_identity,
    replayed=_replayed,
    rejects_unreadable=_reports,
    expire=expire,
    discard=discard,
    resume_released=resume_released,
    announces=Announces(unannounced, still_waiting),
)
