"""Scenario files: what is in one, and the same events as the records that `simulate` and `run` both take in.

Invariant: the events are taken as they are written, whatever is wrong with them is for the services to
refuse; the two commands get the very same records, with the same times and ids, so that what is derived from them
(ids of outgoing events, rejections) is the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.scenarios.group_file import ReferenceEntry, reference_entries
from services.scenarios.yaml_files import FileError, read_yaml
from shared.events.producing import PartyBook, record_of

if TYPE_CHECKING:
    from shared.events.envelope import Record

SOURCE: Final = "scenario"
GROUP_SOURCE: Final = "scenario/group"
EXAMPLES: Final = Path(__file__).parent / "examples"
"""The documented examples."""
MAIN_EXAMPLE: Final = "ic-4"
"""The one that the demo shows in full: a payment for another company to a third one, less discount."""
START: Final = datetime(2000, 1, 1, tzinfo=UTC)
PARTS: Final = ("scenario", "id", "group", "events", "expect")


@dataclass(frozen=True, slots=True)
class ScenarioEvent:
    """An event of the file: `type` without prefix and version; id and type are None where the file has none."""

    place: str
    id: str | None
    type: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario file that was read. `expect` is what it says has to come out, None where it says nothing."""

    path: Path
    id: str
    title: str
    group: list[ReferenceEntry]
    events: list[ScenarioEvent]
    expect: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record to be sent, and the place in the file that it comes from; `reference`: it is part of the group."""

    place: str
    reference: bool
    record: Record


def load_scenario(path: Path) -> Scenario:
    """Reads a scenario file; FileError names the file and the place of what is not a scenario."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise FileError(path, "", f"is not a scenario: it must be a mapping with the parts {', '.join(PARTS)}")
    for part in content:
        if part not in PARTS:
            raise FileError(path, part, f"is not a part of a scenario; the parts are {', '.join(PARTS)}")
    if "events" not in content and "group" not in content:
        raise FileError(path, "", "is not a scenario: it has neither a group nor events")
    name = str(content.get("id") or path.stem)
    return Scenario(
        path=path,
        id=name,
        title=str(content.get("scenario") or name),
        group=reference_entries(path, content.get("group")),
        events=read_events(path, content.get("events"), "events"),
        expect=_mapping_or_none(path, content.get("expect")),
    )


def read_events(path: Path, entries: Any, place: str) -> list[ScenarioEvent]:
    """A list of events in the scenarios' form (`id` and `type` beside the data); FileError if it is not such a list."""
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise FileError(path, place, "must be a list of events")
    return [read_event(path, entry, f"{place}[{number}]") for number, entry in enumerate(entries)]


def read_event(path: Path, entry: Any, place: str) -> ScenarioEvent:
    """One event in the scenarios' form; FileError if it is not a mapping."""
    if not isinstance(entry, dict):
        raise FileError(path, place, "must be an event: a mapping with id, type and the fields of its data")
    data = {name: value for name, value in entry.items() if name not in {"id", "type"}}
    return ScenarioEvent(place, _text(entry.get("id")), _text(entry.get("type")), data)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _mapping_or_none(path: Path, expect: Any) -> dict[str, Any] | None:
    if expect is not None and not isinstance(expect, dict):
        raise FileError(path, "expect", "must be a mapping")
    return expect


def arrivals(scenario: Scenario) -> list[Arrival]:
    """The records of a scenario in the order of their arrival, reference data first, a second apart from 2000-01-01T00:00:00Z.

    An event's source is `scenario`, a group entity's `scenario/group` (so that no event of the file can have its id).
    FileError for a value that no event can carry.
    """
    parties = PartyBook()
    found: list[Arrival] = []
    for number, entry in enumerate(scenario.group):
        event = ScenarioEvent(entry.place, str(number + 1), entry.type, entry.data)
        found.append(_arrival(scenario.path, event, GROUP_SOURCE, len(found), parties))
    for event in scenario.events:
        found.append(_arrival(scenario.path, event, SOURCE, len(found), parties))
    return found


def _arrival(path: Path, event: ScenarioEvent, source: str, number: int, parties: PartyBook) -> Arrival:
    try:
        record = record_of(event.id, source, event.type, event.data, START + timedelta(seconds=number), parties)
    except (TypeError, ValueError) as error:
        raise FileError(path, event.place, f"has a value that no event can carry: {error}") from error
    return Arrival(event.place, source == GROUP_SOURCE, record)
