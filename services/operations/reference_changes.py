"""Reference data as an operator publishes it: what a group file would change, and the publication of that.

Invariant: an entity is compared as the services understand it (defaults filled in), by the key under which a
later one replaces an earlier one; what the file does not name is not touched, and what does not differ is not published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from uuid_utils import uuid7

from services.desk.reference import ReferenceInForce, reference_events
from services.operations.publish import SOURCE
from services.scenarios.group_file import ReferenceEntry
from services.scenarios.quotes import quotes_advice
from services.scenarios.yaml_files import FileError
from shared.events.codec import as_json, decode, read_stored
from shared.events.envelope import Unreadable
from shared.events.producing import PartyBook, record_of
from shared.events.reference import CompanyDefined, compaction_key
from shared.kafka.sender import sender
from shared.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from services.desk.schemas import Schemas
    from shared.events.envelope import Record
    from shared.settings import Settings

Row = dict[str, Any]
_COMPANY: Final = "company.defined"


@dataclass(frozen=True, slots=True)
class Change:
    """An entity that would change: its key, what is in force (None: nothing), what the file says."""

    key: str
    entry: ReferenceEntry
    before: ReferenceInForce | None
    after: Row

    def __str__(self) -> str:
        """One line: new, or the fields that differ with both values."""
        if self.before is None:
            return f"+ {self.key}: {_shown(self.after)}"
        words = [f"{name} {_shown(before)} -> {_shown(after)}" for name, before, after in _differing(self.before.data, self.after)]
        if self.before.type != self.entry.type:
            words.insert(0, f"{self.before.type} -> {self.entry.type}")
        return f"~ {self.key}: {', '.join(words)}"


def _differing(before: Row, after: Row, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, f"{path}{name}.")
        elif old != new:
            yield f"{path}{name}", old, new


def _shown(value: Any) -> str:
    return "none" if value is None else orjson.dumps(value).decode()


async def find_changes(schemas: Schemas, path: Path, entries: Iterable[ReferenceEntry], now: datetime) -> list[Change]:
    """The entities that differ from what is in force; FileError as `changes`."""
    return changes(path, entries, await reference_events(schemas), now)


def changes(path: Path, entries: Iterable[ReferenceEntry], in_force: Mapping[str, ReferenceInForce], now: datetime) -> list[Change]:
    """The entities that differ from what is in force, in the order of the file's publication.

    FileError with the services' own words for an entity they would refuse.
    """
    found = [_change(path, entry, in_force, now) for entry in entries]
    return [each for each in found if each.before is None or (each.before.type, each.before.data) != (each.entry.type, each.after)]


def _change(path: Path, entry: ReferenceEntry, in_force: Mapping[str, ReferenceInForce], now: datetime) -> Change:
    try:
        read = decode(record_of("check", "check", entry.type, entry.data, now, PartyBook(Reference())))
    except (TypeError, ValueError) as error:
        raise FileError(path, entry.place, f"has a value that no event can carry: {error}") from error
    if isinstance(read, Unreadable):
        advice = quotes_advice(path, entry.place, entry.type, entry.data, read.field)
        raise FileError(path, entry.place + read.field.replace("/", "."), read.message + advice)
    key = compaction_key(read.data)
    before = in_force.get(key)
    contradiction = _alone(before).contradiction(read.data)
    if contradiction is not None:
        field, problem = contradiction
        raise FileError(path, entry.place + field.replace("/", "."), problem)
    return Change(key, entry, before, orjson.loads(as_json(read.data)))


def _alone(before: ReferenceInForce | None) -> Reference:
    """Reference data with nothing but an entity that a later event could contradict: a company."""
    known = Reference()
    if before is not None and before.type == _COMPANY:
        known.take(read_stored(CompanyDefined, orjson.dumps(before.data)))
    return known


async def publish_changes(settings: Settings, found: Iterable[Change], now: datetime) -> None:
    """Publishes these entities, each as a new event; NotSentError if the broker rejects one."""
    async with sender(settings) as sending:
        await sending.send(_records(found, now))


def _records(found: Iterable[Change], now: datetime) -> Iterator[Record]:
    parties = PartyBook()
    for each in found:
        yield record_of(str(uuid7()), SOURCE, each.entry.type, each.entry.data, now, parties)


def reciprocal_entries(
    company: str, partner: str, accounts: Mapping[str, str], partner_accounts: Mapping[str, str], options: Mapping[str, str | None]
) -> list[ReferenceEntry]:
    """The intercompany accounting of two companies in both directions.

    `accounts` and `partner_accounts`: `due_from` and `due_to` in the books of each; `options`: the pair's, None where it has none.
    """
    chosen = {name: value for name, value in options.items() if value is not None}
    pairs = ((company, partner, accounts), (partner, company, partner_accounts))
    return [
        ReferenceEntry(f"{one}.{other}", "intercompany-accounting.defined", {"company": one, "partner": other, **own, **chosen})
        for one, other, own in pairs
    ]
