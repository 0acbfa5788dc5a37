"""Refused events as the services keep them: listed, shown, and sent again once their cause is mended.

What always holds: an event is sent again as it came, under its own id, which a refusal leaves free; a payment whose
marks alone were refused has taken its id, so it is sent with the attribute `replay`, which wishes the marks again; nothing
is deleted, how often each was sent again is counted.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.inquiry.schemas import schema_of
from services.registry import SERVICES
from shared.events.contract import CONTRACT, short_type
from shared.events.envelope import Record, Topic
from shared.events.producing import key_of, topic_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.events.producing import PartyBook
    from shared.settings import Settings

Row = dict[str, Any]

_SELECT: Final = """
select id, rejected_at, source, event, scope, code, field, message, original, topic, key, value, headers, replays from rejections
where ($1::text is null or code = $1) and ($2::text is null or event = $2 or id::text = $2) order by rejected_at desc limit $3
"""
_COUNT: Final = "update rejections set replays = replays + 1 where id = any($1::uuid[])"
_REPLAY: Final = "ce_replay"
_STRUCTURED: Final = "application/cloudevents+json"


class NotReplayableError(Exception):
    """The refused event is not kept whole, so it cannot be sent again from here."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal in the table of a service. `record`: the event as it came, if it was at hand; `original`: as a document."""

    service: str
    id: str
    rejected_at: datetime
    source: str
    event: str
    scope: str
    code: str
    field: str
    message: str
    original: Row
    record: Record | None
    replays: int

    def as_json(self) -> Row:
        """The refusal as an object, the event itself included."""
        names = ("id", "service", "source", "event", "scope", "code", "field", "message", "replays", "original")
        return {"rejected_at": self.rejected_at.isoformat(), **{name: getattr(self, name) for name in names}}


async def refused(settings: Settings, name: str | None = None, code: str | None = None, limit: int = 1000) -> list[Refused]:
    """Refusals, oldest first: of all events, or those with this event id or refusal id, or this code."""
    found: list[Refused] = []
    for service in SERVICES:
        async with schema_of(service.name, settings) as connection:
            found += [_refused(service.name, row) for row in await connection.fetch(_SELECT, code, name, limit)]
    return sorted(found, key=lambda each: each.rejected_at)[-limit:]


def _refused(service: str, row: Any) -> Refused:
    names = ("rejected_at", "source", "event", "scope", "code", "field", "message", "replays")
    about = {name: row[name] for name in names}
    return Refused(service=service, id=str(row["id"]), original=orjson.loads(row["original"]), record=_record(row), **about)


def _record(row: Any) -> Record | None:
    if row["topic"] is None or row["headers"] is None:
        return None
    headers = tuple((name, base64.b64decode(value)) for name, value in orjson.loads(row["headers"]))
    return Record(row["topic"], row["key"], row["value"], headers)


def replay_record(refusal: Refused, number: int, parties: PartyBook) -> Record:
    """The record that sends a refused event again, for the `number`th time; NotReplayableError if it cannot be."""
    record = refusal.record if _is_inbound(refusal.record) else None
    if record is None:
        record = _from_original(refusal, parties)
    if refusal.scope == "settlement" and record.topic == Topic.PAYMENTS:
        return _numbered(record, number)
    return record


def _is_inbound(record: Record | None) -> bool:
    return record is not None and record.topic in {Topic.REFERENCE, Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS}


def _from_original(refusal: Refused, parties: PartyBook) -> Record:
    original = refusal.original
    if "datalength" in original:
        msg = f"{refusal.event}: only the beginning of this event was kept ({original['datalength']} bytes): its sender must send it again"
        raise NotReplayableError(msg)
    name = short_type(str(original.get("type"))) or ""
    if name in CONTRACT and not CONTRACT[name].inbound:
        msg = (
            f"{refusal.event}: refused was its sales payment's settlement, which no event asks for: ask for it with a settlement.requested"
        )
        raise NotReplayableError(msg)
    data = original.get("data")
    key = key_of(name, refusal.event, data if isinstance(data, dict) else {}, parties)
    return Record(topic_for(name), key.encode(), orjson.dumps(original), (("content-type", _STRUCTURED.encode()),))


def _numbered(record: Record, number: int) -> Record:
    """The record of a payment whose id is taken, as another wish of the same marks."""
    headers = dict(record.headers)
    if headers.get("content-type", b"").startswith(_STRUCTURED.encode()):
        document = {**orjson.loads(record.value or b"{}"), "replay": number}
        return Record(record.topic, record.key, orjson.dumps(document), record.headers)
    return Record(record.topic, record.key, record.value, tuple({**headers, _REPLAY: str(number).encode()}.items()))


async def count_replays(settings: Settings, refusals: Iterable[Refused]) -> None:
    """Notes that these were sent again."""
    by_service: dict[str, list[str]] = {}
    for each in refusals:
        by_service.setdefault(each.service, []).append(each.id)
    for service, ids in by_service.items():
        async with schema_of(service, settings) as connection:
            await connection.execute(_COUNT, ids)
