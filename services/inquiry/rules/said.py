"""What every row takes from its message: when the broker had it, and which events it comes from."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.events.envelope import EventRef, Message


def broker_time(message: Message) -> datetime:
    """When the broker took the message; its own time where it did not come from a broker."""
    return message.time if message.record is None else datetime.fromtimestamp(message.record.timestamp_ms / 1000, UTC)


def cause_of(message: Message) -> EventRef:
    """The event directly before; the message itself if it comes from outside."""
    return message.cause or message.ref


def first_of(message: Message) -> EventRef:
    """The event from outside that began the chain."""
    return message.first or cause_of(message)
