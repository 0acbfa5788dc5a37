"""How a service says something: the one place where an outgoing event gets its id, its topic and its chain of causes.

Invariant: an event's id follows from the event that caused it, from what it says and from its number there, so computing
it again, after a crash or on a replay, gives the same event (architecture/delivery.md, "Names and ids"); the topic is the contract's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef, Message, Outgoing, Unreadable, derived_id

REJECTED: Final = "event.rejected"


class Cause(NamedTuple):
    """The event that causes another one: `first` began the chain, `time` is when the cause happened."""

    ref: EventRef
    first: EventRef
    time: datetime
    traceparent: str | None = None


class Emitter(NamedTuple):
    """A service as the source of its events."""

    source: str

    def emit(self, cause: Cause, name: str, number: int | str, key: str, data: Any) -> Outgoing:
        """An event of the contract, by its name, on the contract's topic.

        `number` tells apart what one cause says under the same name: a count, or a text (a digest, a document).
        """
        effect = (name, number) if isinstance(number, int) else (f"{name}/{number}", 0)
        ref = EventRef(self.source, derived_id(cause.ref, cause.time, *effect))
        return Outgoing(CONTRACT[name].topic, key, name, ref, data, cause.time, cause.ref, cause.first, cause.traceparent)


def caused_by(message: Message) -> Cause:
    """A message as the cause of others."""
    return Cause(message.ref, message.first or message.ref, message.time, message.traceparent)


def caused_by_outside(event: Message | Unreadable, ref: EventRef, time: datetime) -> Cause:
    """An event from outside as the cause of others: the chain begins with it. `ref` and `time` are what it is known by."""
    return Cause(ref, ref, time, event.traceparent)
