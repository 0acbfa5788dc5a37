"""Files of events to be published: a YAML or JSON list, the events of a scenario, one CloudEvent, or NDJSON with an event a line.

Invariant: an event stands there as in a scenario (`id` and `type` beside the data, `source` if it is not the
command's), or whole as a CloudEvents document (`specversion`); each is checked as the services will check it, and what is
wrong is reported with its place before anything is sent; an NDJSON file is read line by line, however long it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.scenarios.group_file import reference_entries
from services.scenarios.quotes import quotes_advice
from services.scenarios.yaml_files import FileError, read_yaml
from shared.events.codec import decode
from shared.events.envelope import Record, Unreadable
from shared.events.producing import PartyBook, record_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

NDJSON: Final = frozenset({".ndjson", ".jsonl"})
_STRUCTURED: Final = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event of a file: its place there, what it takes of the file in bytes, and its record, or what is wrong with it."""

    place: str
    size: int
    record: Record | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sending:
    """What an event gets where the file does not say it: the source, the time; `parties`: who is behind an account."""

    source: str
    time: datetime
    parties: PartyBook


def read_event_file(path: Path, sending: Sending) -> Iterator[EventEntry]:
    """The events of a file; FileError if it cannot be read or is not a list of events."""
    if path.suffix in NDJSON:
        yield from _lines(path, sending)
        return
    content = read_yaml(path)
    entries = _events(path, content, sending)
    if not isinstance(entries, list):
        names = " or ".join(sorted(NDJSON))
        raise FileError(
            path, "", f"must be a list of events, a scenario with events, or one CloudEvents document (NDJSON: name it {names})"
        )
    list_place = "" if entries is content else "events"
    for number, entry in enumerate(entries):
        yield _entry(f"event {number + 1}", 1, entry, sending, partial(_advice, path, f"{list_place}[{number}]", entry))


def _advice(path: Path, place: str, entry: dict[str, Any], field: str) -> str:
    return "" if "specversion" in entry else quotes_advice(path, place, entry.get("type"), _data(entry), field)


def _events(path: Path, content: Any, sending: Sending) -> Any:
    """The list of events; a scenario's group is not sent (`apply` does), but says who is behind an account."""
    if isinstance(content, dict) and "specversion" in content:
        return [content]
    if not isinstance(content, dict) or "events" not in content:
        return content
    for entry in reference_entries(path, content.get("group")):
        record_of("", "", entry.type, entry.data, sending.time, sending.parties)
    return content["events"]


def _lines(path: Path, sending: Sending) -> Iterator[EventEntry]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _line(f"line {number}", line, sending)
    except OSError as error:
        raise FileError(path, "", f"cannot be read: {error.strerror}") from error


def _line(place: str, line: bytes, sending: Sending) -> EventEntry:
    try:
        entry = json.loads(line)
    except ValueError as error:
        return EventEntry(place, len(line), None, f"is not JSON: {error}")
    return _entry(place, len(line), entry, sending)


def _entry(place: str, size: int, entry: Any, sending: Sending, advice: Callable[[str], str] = lambda _: "") -> EventEntry:
    """The entry of an event; `advice` on a field that is refused is added to what is wrong with it."""
    if not isinstance(entry, dict):
        return EventEntry(place, size, None, "is not an event: it must be an object with id, type and the fields of its data")
    try:
        record = _structured(entry, sending) if "specversion" in entry else _from_scenario_form(entry, sending)
    except (TypeError, ValueError) as error:
        return EventEntry(place, size, None, f"has a value that no event can carry: {error}")
    read = decode(record)
    if isinstance(read, Unreadable):
        return EventEntry(place, size, None, f"{read.code} {read.field}: {read.message}{advice(read.field)}")
    return EventEntry(place, size, record)


def _from_scenario_form(entry: dict[str, Any], sending: Sending) -> Record:
    id_, source = entry.get("id"), entry.get("source") or sending.source
    return record_of(None if id_ is None else str(id_), str(source), entry.get("type"), _data(entry), sending.time, sending.parties)


def _data(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in {"id", "type", "source"}}


def _structured(document: dict[str, Any], sending: Sending) -> Record:
    """A CloudEvents document as it stands; topic and key as for any other event."""
    data = document.get("data")
    like = record_of(
        str(document.get("id")), "", str(document.get("type")), data if isinstance(data, dict) else {}, sending.time, sending.parties
    )
    return Record(like.topic, like.key, json.dumps(document, ensure_ascii=False).encode(), _STRUCTURED)
