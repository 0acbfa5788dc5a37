"""Refusals made by the shell: what cannot be read, and the same id with other data.

Invariant: a refusal is an event as any other, derived from the refused one, so that the same record refused
again is the same refusal; it shows the event itself; nobody but the service that reports a record refuses it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.events.emitting import REJECTED, Cause, Emitter, caused_by_outside
from shared.events.envelope import EventRef, Message, Outgoing, Record, Unreadable
from shared.events.showing import as_cloudevent
from shared.events.vouchers import rejection

if TYPE_CHECKING:
    from shared.delivery.service import AnyService
    from shared.events.vouchers import Rejection

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def unreadable(service: AnyService, event: Unreadable) -> Outgoing:
    """The refusal of a record that is not an event of the contract, with its own code."""
    ref = event.ref or place_of(event.record)
    time = event.time or _EPOCH + timedelta(milliseconds=max(event.record.timestamp_ms, 0))
    refusal = rejection(ref, "event", event.code, event.field, event.message, as_cloudevent(event))
    number = f"{event.code}:{event.field}:{event.replay}:{_digest(event.record)}"
    return _keyed(_outgoing(service, refusal, caused_by_outside(event, ref, time), number), event.record)


def conflicting(service: AnyService, event: Message | Unreadable) -> Outgoing:
    """The refusal of an id that another event has taken (`conflicting-duplicate`)."""
    original = as_cloudevent(event)
    ref = event.ref or place_of(event.record) if isinstance(event, Unreadable) else event.ref
    name = EventRef(str(original.get("source", ref.source)), str(original.get("id", ref.id)))
    text = f"an event with the source {name.source!r} and the id {name.id!r} was taken with other data: give this one an id of its own"
    refusal = rejection(name, "event", "conflicting-duplicate", "/id", text, original)
    number = f"conflicting-duplicate:{event.digest.hex()}"
    return _keyed(_outgoing(service, refusal, caused_by_outside(event, ref, event.time or _EPOCH), number), event.record)


def place_of(record: Record) -> EventRef:
    """The name of a record that has no id of its own: where it stands."""
    return EventRef(record.topic, f"{record.partition}/{record.offset}")


def _digest(record: Record) -> str:
    return hashlib.blake2b(record.value or b"", digest_size=8).hexdigest()


def _outgoing(service: AnyService, refusal: Rejection, cause: Cause, number: str) -> Outgoing:
    return Emitter(service.source).emit(cause, REJECTED, number, "", refusal)


def _keyed(outgoing: Outgoing, record: Record | None) -> Outgoing:
    """With the key of the record it refuses."""
    outgoing.key = ((record.key if record else None) or b"").decode(errors="replace")
    return outgoing
