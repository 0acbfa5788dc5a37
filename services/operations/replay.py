"""Refused events sent again, once their cause is mended.

Invariant: an event is sent again as it came, on its sender's topic and under its own id, which a refusal leaves free; a payment
whose marks alone were refused has taken its id, so it is sent with the attribute `replay`, which asks for the same settlement
again; nothing is deleted, how often each was sent again is counted. Of several refusals of one event the last is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from services.desk.reference import reference_data
from services.desk.rejections import RefusedEvent, refused, refused_named, whole
from shared.delivery import shell_queries
from shared.events.codec import SENDER
from shared.events.contract import CONTRACT, INBOUND_TOPICS, base_topic, is_sender_topic, sender_topic, short_type
from shared.events.envelope import EventRef, Record, Topic
from shared.events.producing import PartyBook, key_of, topic_for
from shared.kafka.sender import sender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.schemas import Schemas
    from shared.settings import Settings

_REPLAY: Final = "ce_replay"
_STRUCTURED: Final = "application/cloudevents+json"


class NotReplayableError(Exception):
    """The refused event is not kept whole, so it cannot be sent again from here."""


class Replayed(NamedTuple):
    """How many events were sent again; the names under which nothing was refused; why others cannot be sent."""

    sent: int
    unknown: list[str]
    problems: list[str]


async def replay(schemas: Schemas, names: Iterable[str], code: str | None = None) -> Replayed:
    """Sends the events with these ids (or ids of refusals) again, those with this code; without names all not sent again yet."""
    latest, unknown = await _latest(schemas, list(names), code)
    parties = PartyBook(await reference_data(schemas))
    problems: list[str] = []
    async with sender(schemas.settings) as sending:
        async for each in whole(schemas, latest):
            named = await refused_named(schemas, each.event.id)
            earlier = [other for other in named if (other.event, other.service) == (each.event, each.service)]
            try:
                record = replay_record(each, sum(other.replays for other in earlier) + 1, parties)
                refuse_unread(record.topic, schemas.settings)
            except NotReplayableError as error:
                problems.append(str(error))
                continue
            async with schemas.of(each.service) as connection:
                await shell_queries.count_replays(connection, [each.id])  # before it is sent: a replay counts that is noted
            await sending.send([record])
    return Replayed(len(latest) - len(problems), unknown, problems)


async def _latest(schemas: Schemas, names: list[str], code: str | None) -> tuple[list[RefusedEvent], list[str]]:
    """The last refusal of each event, and the names under which there is none."""
    if not names:
        latest = {each.event: each for each in await refused(schemas, code)}
        return [each for each in latest.values() if not each.replays], []
    found: dict[EventRef, RefusedEvent] = {}
    unknown: list[str] = []
    for name in names:
        of_name = await refused_named(schemas, name, code)
        found.update({each.event: each for each in of_name})
        if not of_name:
            unknown.append(name)
    return list(found.values()), unknown


def replay_record(refusal: RefusedEvent, number: int, parties: PartyBook) -> Record:
    """The record that sends a refused event again, for the `number`th time; NotReplayableError if it cannot be."""
    record = refusal.record
    if record is None or base_topic(record.topic) not in INBOUND_TOPICS:
        record = _from_original(refusal, parties)
    if refusal.rejection.scope == "settlement" and base_topic(record.topic) == Topic.PAYMENTS:
        return _numbered(record, number)
    return record


def _from_original(refusal: RefusedEvent, parties: PartyBook) -> Record:
    original, event = refusal.rejection.original, refusal.event.id
    if "datalength" in original:
        msg = f"{event}: only the beginning of this event was kept ({original['datalength']} bytes); its sender must send it again"
        raise NotReplayableError(msg)
    name = short_type(str(original.get("type"))) or ""
    if name in CONTRACT and not CONTRACT[name].inbound:
        msg = f"{event}: what was refused is the settlement of a sales payment, which no event asks for; send a settlement.requested"
        raise NotReplayableError(msg)
    data: Any = original.get("data")
    key = key_of(name, event, data if isinstance(data, dict) else {}, parties)
    sender = original.get(SENDER)
    topic = topic_for(name) if sender is None else sender_topic(topic_for(name), sender)
    return Record(topic, key.encode(), orjson.dumps(original), (("content-type", _STRUCTURED.encode()),))


def refuse_unread(topic: str, settings: Settings) -> None:
    """NotReplayableError where the services, by the setting SENDERS, do not read the topic that the event came on."""
    if topic != Topic.REFERENCE and is_sender_topic(topic) != settings.enforces_senders:
        msg = f"the event came on {topic}, which is not read with SENDERS={settings.senders}; its sender must send it again"
        raise NotReplayableError(msg)


def _numbered(record: Record, number: int) -> Record:
    """The record of a payment whose id is taken, as another request for what its marks say."""
    headers = dict(record.headers)
    if headers.get("content-type", b"").startswith(_STRUCTURED.encode()):
        document = {**orjson.loads(record.value or b"{}"), "replay": number}
        return Record(record.topic, record.key, orjson.dumps(document), record.headers)
    return Record(record.topic, record.key, record.value, tuple({**headers, _REPLAY: str(number).encode()}.items()))
