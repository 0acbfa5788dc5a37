"""Events that people ask for over HTTP, as records; and whose books a record concerns.

Invariant: what is made here is read by the services' own `decode` before anything is sent, so that what they would refuse in form is
said at once. Its source is `intercompany/web`, its id that of the action that sends it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shared.events.codec import decode
from shared.events.contract import sender_topic
from shared.events.envelope import Message, Topic
from shared.events.producing import record_of
from shared.events.reference import WEB
from shared.events.refusal import RefusedError
from shared.events.senders import concerns

if TYPE_CHECKING:
    from datetime import datetime

    from shared.events.envelope import Record
    from shared.events.producing import PartyBook
    from shared.settings import Settings

SENDER: Final = "web"
"""The sender on whose own topics these events are where each sender has some (SENDERS=enforced): it is to be defined."""


def companies_of(record: Record, said: str | None = None) -> tuple[str, ...] | None:
    """Whose books an event concerns (events.md, "Senders"); None: the whole group's. `said`: what is known of one that cannot be read."""
    read = decode(record)
    if not isinstance(read, Message):
        return None if said is None else (said,)
    companies = [concern.company for concern in concerns(read.data)]
    if not companies:  # what it reverses says whose books it concerns
        return None if said is None else (said,)
    found = tuple(sorted({each for each in companies if each is not None}))
    return None if None in companies else found


def request_record(  # noqa: PLR0913 - what an event has, and where it is sent
    id_: str, type_: str, data: dict[str, Any], time: datetime, parties: PartyBook, settings: Settings, traceparent: str | None = None
) -> Record:
    """The record of an event of the API's own; RefusedError if the services would not read it."""
    record = record_of(id_, WEB, type_, {name: value for name, value in data.items() if value is not None}, time, parties)
    if traceparent is not None:
        record = replace(record, headers=(*record.headers, ("ce_traceparent", traceparent.encode())))
    return addressed(checked(record), settings)


def checked(record: Record) -> Record:
    """The record; RefusedError if the services would not read it."""
    read = decode(record)
    if not isinstance(read, Message):
        raise RefusedError(read.code, read.field, read.message, read.others, in_data=read.in_data)
    return record


def addressed(record: Record, settings: Settings) -> Record:
    """The record on the topic that is read."""
    if not settings.enforces_senders or record.topic == Topic.REFERENCE:
        return record
    return replace(record, topic=sender_topic(record.topic, SENDER))
