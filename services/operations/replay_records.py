"""Refused events as the records that send them again.

Invariant: an event is sent again as it came, on its sender's topic and under its own id, which a refusal leaves free; a payment
whose marks alone were refused has taken its id, so it is sent with the attribute `replay`, which asks for the same settlement
again. How often each was sent again is noted before it is sent: a replay counts that is noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from services.desk.rejections import WHOLE_AT_ONCE, RefusedEvent
from shared.delivery import shell_queries
from shared.events.contract import CONTRACT, INBOUND_TOPICS, base_topic, is_sender_topic, sender_topic, short_type
from shared.events.envelope import Record, Topic
from shared.events.producing import PartyBook, key_of, topic_for
from shared.events.showing import SENDER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from services.desk.actions.rules import PlannedReplay
    from services.desk.schemas import Schemas
    from shared.settings import Settings

_REPLAY: Final = "ce_replay"
_STRUCTURED: Final = "application/cloudevents+json"


class NotReplayableError(Exception):
    """The refused event is not kept whole, so it cannot be sent again from here."""


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


async def send_replays(
    schemas: Schemas, planned: Sequence[PlannedReplay], parties: PartyBook, send: Callable[[Sequence[Record]], Awaitable[None]]
) -> int:
    """Sends refused events again, a few at a time; how many. What was noted and sent before is sent once more with the same number."""
    for start in range(0, len(planned), WHOLE_AT_ONCE):
        part = planned[start : start + WHOLE_AT_ONCE]
        found: dict[str, RefusedEvent] = {}
        for service in {each.service for each in part}:
            numbers = {each.refusal: each.number for each in part if each.service == service}
            async with schemas.of(service) as connection:
                await shell_queries.count_replays(connection, numbers)
                read = await shell_queries.rejections_whole(connection, numbers)
            found.update({id_: RefusedEvent(service, *kept) for id_, kept in read.items()})
        await send([replay_record(found[each.refusal], each.number, parties) for each in part])
    return len(planned)
