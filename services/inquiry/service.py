"""The wiring of the inquiry service: it reads every topic and says nothing.

Invariant: nothing waits for it and nothing is decided by it: without it everything is posted all the same. It keeps no ids: its
tables' own keys let nothing in twice. What cannot be read is reported by the others.
"""

from __future__ import annotations

from typing import Final

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.fold import OWN_EVENTS, fold
from services.inquiry.store import Store
from shared.delivery.service import Service
from shared.events.envelope import Topic

SERVICE: Final = Service(
    name="inquiry",
    store=Store,
    fold=fold,
    new_books=InquiryBooks,
    subscriptions={Topic.INVOICES: None, Topic.PAYMENTS: None, Topic.REQUESTS: None, Topic.REFERENCE: None, **OWN_EVENTS},
    sender_topics=frozenset({Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS}),
    identity=lambda _: None,
    rejects_unreadable=lambda _topic, _type: False,
)
