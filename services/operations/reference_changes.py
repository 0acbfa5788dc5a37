"""What a group file would change: its entities compared with the reference values in force.

What always holds: an entity is compared as the services understand it (defaults filled in), by the key under which a
later one replaces an earlier one; what the file does not name is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.scenarios.yaml_files import FileError
from shared.events.codec import as_json, decode
from shared.events.envelope import Unreadable
from shared.events.producing import PartyBook, record_of
from shared.events.reference import compaction_key
from shared.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from services.scenarios.group_file import ReferenceEntry
    from shared.delivery.ports import Connection

Row = dict[str, Any]

_IN_FORCE: Final = "select key, type, data from reference order by position"


@dataclass(frozen=True, slots=True)
class InForce:
    """A reference event in force: its type and data."""

    type: str
    data: Row


@dataclass(frozen=True, slots=True)
class Change:
    """An entity that would change: its key, what is in force (None: nothing), what the file says."""

    key: str
    entry: ReferenceEntry
    before: InForce | None
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


async def reference_in_force(connection: Connection) -> dict[str, InForce]:
    """The reference events in force, by compaction key; `connection`: the settlement service's schema."""
    return {row["key"]: InForce(row["type"], orjson.loads(row["data"])) for row in await connection.fetch(_IN_FORCE)}


def changes(path: Path, entries: Iterable[ReferenceEntry], in_force: Mapping[str, InForce], now: datetime) -> list[Change]:
    """The entities that differ from what is in force, in the order of the file's publication.

    FileError with the services' own words for an entity they would refuse.
    """
    found = [_change(path, entry, in_force, now) for entry in entries]
    return [each for each in found if each.before is None or (each.before.type, each.before.data) != (each.entry.type, each.after)]


def _change(path: Path, entry: ReferenceEntry, in_force: Mapping[str, InForce], now: datetime) -> Change:
    try:
        read = decode(record_of("check", "check", entry.type, entry.data, now, PartyBook(Reference())))
    except (TypeError, ValueError) as error:
        raise FileError(path, entry.place, f"has a value that no event can carry: {error}") from error
    if isinstance(read, Unreadable):
        raise FileError(path, entry.place + read.field.replace("/", "."), read.message)
    key = compaction_key(read.data)
    return Change(key, entry, in_force.get(key), orjson.loads(as_json(read.data)))
