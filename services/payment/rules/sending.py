"""How the payment service names and sends its events on `intercompany.journals` and `intercompany.rejections`.

What always holds: an id follows from the message that caused the event, the event's type and its number there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.payment.rules.payments import SOURCE, partition_key
from services.payment.rules.values import Origin, SalesJournal
from shared.events.envelope import EventRef, Outgoing, Topic, derived_id
from shared.reference import Reference


def sent(event_type: str, origin: Origin, key: str, data: Any, *, topic: str = Topic.JOURNALS) -> Outgoing:
    """An outgoing event caused by `origin`."""
    ref = EventRef(SOURCE, derived_id(origin.ref, origin.time, event_type, origin.number))
    return Outgoing(topic, key, event_type, ref, data, origin.time, origin.ref, origin.first, origin.traceparent)


def journal_event(reference: Reference, journal: SalesJournal, origin: Origin) -> Outgoing:
    """`sales-payment-journal.created`, `.posted` or `.reversed`, by the journal's status."""
    key = partition_key(reference, "receivable", journal.data.company, journal.data.account)
    return sent(f"sales-payment-journal.{journal.status}", origin, key, journal.data)


def become(journal: SalesJournal, status: str) -> SalesJournal:
    """A journal with another status than it was made with: what is told of it then answers no run."""
    return journal._replace(status=status, data=replace(journal.data, answers=0))
