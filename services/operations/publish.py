"""The events of a file, sent to the topics.

Invariant: each event is checked as the services will check it, and what is wrong is not sent; the others go out in the order of
the file. Sending the same file again changes nothing: what was taken already is a duplicate.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from services.desk.reference import reference_data
from services.scenarios.event_files import Sending, read_event_file
from shared.events.contract import OPERATOR, sender_topic
from shared.events.envelope import Topic
from shared.events.producing import PartyBook
from shared.kafka.sender import sender
from shared.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from services.desk.schemas import Schemas
    from services.scenarios.event_files import EventEntry
    from shared.events.envelope import Record
    from shared.settings import Settings

SOURCE: Final = OPERATOR
"""The source of events that name none, and of reference data that an operator publishes."""

_BATCH: Final = 500


class Publication(NamedTuple):
    """How many events were sent, and how many were left out because something is wrong with them."""

    sent: int
    left_out: int


async def publish_events(
    schemas: Schemas, file: Path, source: str, tell: Callable[[list[EventEntry]], None], name: str | None = None
) -> Publication:
    """Sends the events of a file; `tell` hears of each batch once it is sent. FileError if it is not a file of events.

    `name`: the sender on whose own topics they are sent. SettingsError if the services, by SENDERS, would not read them there.
    """
    sending = Sending(source, datetime.now(UTC), PartyBook(await reference_data(schemas)))
    sent = left_out = 0
    async with sender(schemas.settings) as producer:
        for batch in _batches(read_event_file(file, sending)):
            records = [addressed(entry.record, name, schemas.settings) for entry in batch if entry.record is not None]
            await producer.send(records)
            tell(batch)
            sent, left_out = sent + len(records), left_out + len(batch) - len(records)
    return Publication(sent, left_out)


def addressed(record: Record, name: str | None, settings: Settings) -> Record:
    """The record on the topic that is read: a sender's own with SENDERS=enforced, but for an operator's reference data."""
    if name is None and settings.enforces_senders and record.topic != Topic.REFERENCE:
        msg = f"SENDERS=enforced: {record.topic} is not read; say with --sender on whose own topic to send"
        raise SettingsError(msg)
    if name is not None and not settings.enforces_senders:
        msg = "SENDERS=open: no sender's own topic is read; leave --sender out"
        raise SettingsError(msg)
    return record if name is None else replace(record, topic=sender_topic(record.topic, name))


def _batches(entries: Iterable[EventEntry]) -> Iterator[list[EventEntry]]:
    batch: list[EventEntry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
