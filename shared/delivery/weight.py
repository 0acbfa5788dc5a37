"""What a batch weighs, and how it is divided: by records, by bytes, and by the entries of the events' lists.

Invariant: a part is never empty and never heavier than its limit, unless it is one record; the parts in their order are the
batch. One event of 90 KB with 1,000 lines costs a hundred times the memory of one payment: a count of records alone bounds
nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from itertools import chain
from operator import attrgetter
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from shared.events.bundles import events_in
from shared.events.envelope import Message
from shared.events.values import size_of_dimensions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.delivery.folding import Incoming
    from shared.events.envelope import Record

    Getter = Callable[[Any], tuple[Any, ...]]

MOST_RECORDS: Final = 500
MOST_BYTES: Final = 2 * 1024 * 1024
MOST_ENTRIES: Final = 10_000
ENTRY: Final = 256
"""Bytes that weigh as much as an entry, where they are copied to each."""
CAUTIOUS: Final = 16
"""After a crash or a lack of memory: the part of a full batch that is tried first."""
STEADY: Final = 8
"""So many parts have to succeed before the next are twice as large."""


class TooHeavyError(Exception):
    """What these events name, and a store would load, is more than one transaction takes: the batch is taken in halves."""


class Limits(NamedTuple):
    """What one transaction takes at most: records, their size in bytes, and entries of the lists in them (lines, marks, documents)."""

    records: int = MOST_RECORDS
    size: int = MOST_BYTES
    entries: int = MOST_ENTRIES

    def divided(self, by: int) -> Limits:
        """A part of these limits, of everything at least one."""
        return Limits(*(max(1, limit // by) for limit in self))


class Pace:
    """How much is taken at once: all, or a part that grows again with every few successes."""

    def __init__(self) -> None:
        self._divisor = 1
        self._successes = 0

    @property
    def limits(self) -> Limits:
        """What one transaction takes at most now."""
        return Limits().divided(self._divisor)

    def be_cautious(self) -> None:
        """Something ended badly with as much as this: small parts from now on."""
        self._divisor = max(CAUTIOUS, min(MOST_RECORDS, self._divisor * 2))
        self._successes = 0

    def succeeded(self) -> None:
        """A part is in the database."""
        if self._divisor > 1:
            self._successes += 1
            if self._successes == STEADY:
                self._divisor, self._successes = self._divisor // 2, 0


def first_by_size(records: Sequence[Record], limits: Limits) -> Sequence[Record]:
    """The first records that are taken together, by the number of their events and their size."""
    events = size = 0
    for place, record in enumerate(records):
        events += events_in(record)
        size += bytes_of(record)
        if place and (events > limits.records or size > limits.size):
            return records[:place]
    return records


def by_entries(incoming: Sequence[Incoming], limits: Limits) -> list[Sequence[Incoming]]:
    """What was read, in parts of so many entries."""
    parts: list[Sequence[Incoming]] = []
    first = weight = 0
    for place, event in enumerate(incoming):
        more = entries_of(event)
        if place > first and (place - first >= limits.records or weight + more > limits.entries):
            parts.append(incoming[first:place])
            first, weight = place, 0
        weight += more
    if incoming:
        parts.append(incoming[first:])
    return parts


def bytes_of(record: Record) -> int:
    """The bytes of a record: key, value and headers."""
    return record.size or sum(map(len, chain(*record.headers)), len(record.key or b"") + len(record.value or b""))


def entries_of(event: Incoming) -> int:
    """How many entries the lists of an event's data have, at any depth; what each line of a document repeats counts too."""
    return 1 + _entries(event.data, is_whole=True) if isinstance(event, Message) else 1


def _entries(data: Any, *, is_whole: bool) -> int:
    kind: type = type(data)
    lists, parts, is_document = _shape_of(kind)
    entries = 0
    for each in lists(data):
        if each:
            entries += len(each)
    if parts is not None:
        entries += sum([_entries(part, is_whole=False) for part in parts(data) if part is not None])
    if is_document and is_whole and (data.dimensions or data.text):
        # Each line says them in its voucher, though the event says them once: so many bytes are an entry more.
        entries += len(data.lines) * (size_of_dimensions(data.dimensions) + len(data.text or "")) // ENTRY
    return entries


class _Shape(NamedTuple):
    """Of a class of the contract: what gives its lists, and the values that have lists in turn; whether it is a document with lines."""

    lists: Getter
    parts: Getter | None
    is_document: bool


@cache
def _shape_of(kind: type) -> _Shape:
    names = [each.name for each in fields(kind)] if is_dataclass(kind) else []
    heavy = _fields_with_entries(kind)
    parts = [name for name, hint in heavy.items() if any(map(is_dataclass, _one_of(hint)))]
    lists = _getter([name for name in heavy if name not in parts])
    return _Shape(lists, _getter(parts) if parts else None, {"lines", "dimensions", "text"}.issubset(names))


def _getter(names: Sequence[str]) -> Getter:
    """Gives these attributes, all at once: `attrgetter` of a single one would give it bare."""
    if len(names) > 1:
        return attrgetter(*names)
    get = attrgetter(*names) if names else None
    return lambda data: (get(data),) if get else ()


@cache
def _fields_with_entries(kind: type) -> dict[str, Any]:
    """The fields of a class of the contract that may hold a list, at any depth; most hold a text, a number or a date."""
    if not is_dataclass(kind):
        return {}
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind) if _may_have_entries(hints[each.name])}


def _one_of(hint: Any) -> tuple[Any, ...]:
    """The types of which a value may be."""
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def _may_have_entries(hint: Any) -> bool:
    kinds = _one_of(hint)
    if len(kinds) > 1:
        return any(map(_may_have_entries, kinds))
    if hint in _SINGLE or get_origin(hint) is Literal:
        return False
    has_fields: bool = is_dataclass(hint)
    return bool(_fields_with_entries(hint)) if has_fields else True


_SINGLE: Final = frozenset({str, int, bool, Decimal, dt.date, dt.datetime, NoneType})
