"""The working set of a core: tables of immutable values in memory, loaded in part, with what changed in them.

`Books` is the base of the three services' working sets: their tables, the reference data and the order of arrival.

Invariant: a core reads and writes nothing else; a row or index entry that was not loaded is never taken for one
that does not exist: asking for it raises `NotLoadedError`, the shell loads it, `rollback`s the set and folds again. In a
simulation every table is `complete`: what is not there does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from heapq import heapify, heappop, merge
from typing import Any, Final, Generic, NamedTuple, TypeVar

from shared.events.envelope import EventRef, Message
from shared.missing import Missing, NotLoadedError, Page
from shared.reference import Reference

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


SLICE: Final = 200
"""So much of what waited for one thing resumes in one transaction; the rest in further ones, with other work in between."""
MOST_WOKEN_BYTES: Final = 2 * 1024 * 1024
"""So many bytes of what waits, for whatever it waits, are read into one transaction; one row at least, the oldest first."""
MOST_LOADS: Final = 16
"""So often a batch is loaded for before what is not loaded yet of what may resume is left to further transactions."""


class Released(NamedTuple):
    """What waited for `wake_key` may resume, in order of arrival; up to the sequence `after` it was looked at."""

    wake_key: tuple[str, ...]
    after: int


class Table(Generic[K, V]):
    """Rows by key, with indexes: functions from a row to the keys under which it is found.

    `ordered`: indexes of which a store loads pages, in an order; they are read by `in_order` alone.
    """

    def __init__(
        self,
        name: str,
        indexes: dict[str, Callable[[V], tuple[Hashable, ...]]] | None = None,
        *,
        complete: bool,
        ordered: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.complete = complete
        self._ordered = frozenset(ordered)
        self._followed: set[str] = set()
        self._pages: dict[tuple[str, Hashable, Hashable], tuple[list[K], bool]] = {}
        self._whole: set[str] = set()
        self._indexes = indexes or {}
        self._base: dict[K, V | None] = {}
        self._base_index: dict[tuple[str, Hashable], dict[K, None]] = {}
        self._looked_into: set[str] = set()
        self._kept: list[tuple[str, Callable[[V], tuple[Hashable, ...]], bool, bool]] = []
        self._index: dict[tuple[str, Hashable], dict[K, bool]] = {}
        self.bounds: dict[tuple[str, Hashable], int] = {}
        """The sequence up to which the rows under a key of an index are loaded; without one, all are."""
        self.changed: dict[K, V | None] = {}
        self._keep()

    def get(self, key: K) -> V | None:
        """The row, or None if there is none; NotLoadedError if it was never loaded."""
        if key in self.changed:
            return self.changed[key]
        if key in self._base:
            return self._base[key]
        if self.complete:
            return None
        raise NotLoadedError(Missing(self.name, None, key))

    @property
    def is_empty(self) -> bool:
        """Whether there is no row, in memory or in the store, and none was written since the last commit."""
        return self.complete and not self._base and not self.changed

    def find(self, index: str, key: Hashable) -> list[V]:
        """All rows with this key in the index, in no particular order; NotLoadedError if it was never loaded."""
        place = (index, key)
        loaded = self._base_index.get(place)
        if loaded is None and not self.complete and index not in self._whole:
            raise NotLoadedError(Missing(self.name, index, key))
        entered = self._index.get(place)
        if not loaded and not entered:
            return []
        keys: Iterable[K] = loaded or ()
        if entered:
            keys = [*(found for found in keys if found not in entered), *(found for found, is_there in entered.items() if is_there)]
        return [row for found in keys if (row := self.get(found)) is not None]

    def in_order(self, index: str, place: Hashable, order: Hashable, rank: Callable[[V], Any]) -> Iterator[V]:
        """The rows at a place of an ordered index, by rank; NotLoadedError (a `Page`) where the next is not loaded yet.

        `order` is how a store knows the order that `rank` gives. Rows that have changed stand where they belong now.
        """
        if self.complete:
            rows = self.find(index, place)
            return _by_rank(rows, rank) if len(rows) > 1 else iter(rows)
        return self._merged_in_order(index, place, order, rank)

    def _merged_in_order(self, index: str, place: Hashable, order: Hashable, rank: Callable[[V], Any]) -> Iterator[V]:
        self._follow(index)
        entered = self._index.get((index, place), {})
        changed = [row for key, is_there in entered.items() if is_there and (row := self.changed[key]) is not None]
        loaded = self._loaded_in_order(index, place, order)
        return merge(loaded, _by_rank(changed, rank), key=rank) if changed else loaded

    def _loaded_in_order(self, index: str, place: Hashable, order: Hashable) -> Iterator[V]:
        keys, are_all = self._pages.get((index, place, order), ([], False))
        for key in keys:
            row = None if key in self.changed else self._base[key]
            if row is not None:
                yield row
        if not are_all:
            raise NotLoadedError(Missing(self.name, index, Page(place, order, len(keys))))

    def put(self, key: K, row: V | None) -> None:
        """Writes a row (None deletes it); it counts as changed, the indexes follow."""
        if self._kept:
            before = self.changed[key] if key in self.changed else self._base.get(key)
            self._reindex(key, before, row)
        self.changed[key] = row

    def _follow(self, index: str) -> None:
        """From the first look into an ordered index on, the places of the rows that have changed are kept."""
        if index not in self._followed:
            self._followed.add(index)
            self._keep()
            for key, row in self.changed.items():
                for place in self.places(index, row) if row is not None else ():
                    self._enter(index, place, key, is_there=True)

    def _keep(self) -> None:
        """Finds which indexes are kept up to date when a row changes.

        What was never loaded raises when it is sought, and all is folded again: no need to keep it. Of an ordered index all rows that
        have changed are kept by place, once it is looked into: they are merged with the pages.
        """
        self._kept = []
        for name, keys_of in self._indexes.items():
            is_ordered = name in self._ordered and not self.complete
            if self.complete or name in (self._followed if is_ordered else self._looked_into):
                self._kept.append((name, keys_of, is_ordered, self.complete or name in self._whole or is_ordered))

    def _reindex(self, key: K, before: V | None, after: V | None) -> None:
        for name, keys_of, is_ordered, is_known in self._kept:
            old = keys_of(before) if before is not None else ()
            new = keys_of(after) if after is not None else ()
            if old != new or is_ordered:
                for place in {*old, *new}:
                    if is_known or (name, place) in self._base_index:
                        self._enter(name, place, key, is_there=place in new)

    def is_stored(self, key: K) -> bool:
        """Whether the store has given a row: one that a core has changed without that, it has made."""
        return self._base.get(key) is not None

    def places(self, index: str, row: V) -> tuple[Hashable, ...]:
        """The keys of an index under which a row is found."""
        return self._indexes[index](row)

    def _enter(self, name: str, at: Hashable, key: K, *, is_there: bool) -> None:
        """Notes the change of an index beside what was loaded: whether the row is found at a place from now on."""
        self._index.setdefault((name, at), {})[key] = is_there

    def loaded(self, key: K, row: V | None) -> None:
        """Says what the store holds under a key (None: nothing). Does not count as changed."""
        self._base[key] = row

    def loaded_index(self, index: str, key: Hashable, keys: Iterable[K], bound: int | None = None) -> None:
        """Says which rows the store holds under a key of an index; the rows themselves are given to `loaded`.

        `bound`: only those up to this sequence are given, there may be more.
        """
        self._base_index[index, key] = dict.fromkeys(keys)
        if index not in self._looked_into:
            self._looked_into.add(index)
            self._keep()
        if bound is not None:
            self.bounds[index, key] = bound

    def loaded_page(self, index: str, page: Page, keys: Iterable[K], *, are_all: bool) -> None:
        """Says which rows the store holds next in an order, and whether there are no more; the rows are given to `loaded`."""
        before, _ = self._pages.get((index, page.place, page.order), ([], False))
        self._pages[index, page.place, page.order] = ([*before[: page.after], *keys], are_all)

    def loaded_whole(self, index: str | None, rows: Iterable[tuple[K, V]]) -> None:
        """Gives all rows that the store has in an index, or (None) at all: what is not among them does not exist."""
        for key, row in rows:
            self._base[key] = row
            for name in self._indexes if index is None else (index,):
                for place in self._indexes[name](row):
                    self._base_index.setdefault((name, place), {})[key] = None
        if index is None:
            self.complete = True
        else:
            self._whole.add(index)
            self._looked_into.add(index)
        self._keep()

    def knows(self, missing: Missing) -> bool:
        """Whether a row or index entry has been loaded already."""
        if self.complete or missing.by in self._whole:
            return True
        if missing.by is None:
            return missing.key in self._base
        if isinstance(missing.key, Page):
            keys, are_all = self._pages.get((missing.by, missing.key.place, missing.key.order), ([], False))
            return are_all or len(keys) > missing.key.after
        return (missing.by, missing.key) in self._base_index

    def rollback(self) -> None:
        """Forgets all changes; what was loaded stays."""
        self._forget_changes()

    def commit(self) -> None:
        """Takes the changes as the new state (a simulation after each event; a store after it has saved)."""
        for key, row in self.changed.items():
            if row is None and self.complete:
                self._base.pop(key, None)
            else:
                self._base[key] = row
        for at, changed in self._index.items():
            if self.complete or at[0] not in self._ordered:
                self._commit_index(at, changed)
        self._pages = {}
        self._forget_changes()

    def _forget_changes(self) -> None:
        self.changed, self._index, self._followed = {}, {}, set()
        self._keep()

    def _commit_index(self, at: tuple[str, Hashable], changed: dict[K, bool]) -> None:
        found = self._base_index.setdefault(at, {})
        for key, is_there in changed.items():
            if is_there:
                found[key] = None
            else:
                found.pop(key, None)
        if self.complete and not found:
            del self._base_index[at]

    def by_key(self) -> dict[K, V]:
        """All rows there are in memory, by their keys."""
        return {key: row for key, row in {**self._base, **self.changed}.items() if row is not None}

    def __iter__(self) -> Iterator[V]:
        """All rows there are in memory."""
        for key, row in self._base.items():
            if key not in self.changed and row is not None:
                yield row
        yield from (row for row in self.changed.values() if row is not None)


def _by_rank(rows: list[V], rank: Callable[[V], Any]) -> Iterator[V]:
    """The rows in order; what is not asked for is not sorted."""
    heap = [(rank(row), number, row) for number, row in enumerate(rows)]
    heapify(heap)
    while heap:
        yield heappop(heap)[-1]


class Books:
    """All that a core reads and writes: its tables, made by `table`, the reference data and the order of arrival.

    `reference_events` are the reference events taken since the last commit, `freed_ids` the ids that a refusal gives back,
    `sequence` the last place given in the order of arrival. With `complete` what is not in the tables does not exist.
    `released` is what may resume and has not yet, `due` the keys of the rows that were loaded to be resumed next, and
    `more_due` whether there are more. `room`: the bytes of what waits that the store may still load. `left_waiting`: the places
    of what failed when it resumed in this transaction, and is not woken again in it. `loads` counts how
    often the shell had to load what a core asked for, `resumed` what has resumed in this transaction.
    """

    def __init__(self, reference: Reference | None = None, *, complete: bool = False, sequence: int = 0) -> None:
        self.reference = reference if reference is not None else Reference()
        self.sequence = sequence
        self.complete = complete
        self.tables: list[Table[Any, Any]] = []
        self.released: Table[tuple[str, ...], Released] = self.table("released")
        self.released.complete = True  # the shell gives the next, and puts together what is noted of others
        self.due: list[Any] = []
        self.loads = 0
        self.resumed = 0
        self.more_due = False
        self.room = MOST_WOKEN_BYTES
        self.left_waiting: set[int] = set()
        self.reference_events: list[Message] = []
        self.freed_ids: set[EventRef] = set()
        self._committed = (self.reference, self.sequence)

    def table(
        self, name: str, indexes: dict[str, Callable[[Any], tuple[Hashable, ...]]] | None = None, ordered: Iterable[str] = ()
    ) -> Table[Any, Any]:
        """A table that is rolled back and committed with the others; for the constructor of a core's own books."""
        made: Table[Any, Any] = Table(name, indexes, complete=self.complete, ordered=ordered)
        self.tables.append(made)
        return made

    def first_released(
        self, waiting: Table[Any, Any], wake_key: tuple[str, ...], kind: tuple[str, ...] = (), index: str = "wakes"
    ) -> list[Any]:
        """Of the rows (with a `sequence`) that wait for something, those that resume now; what is more is noted as released.

        `kind` is put before the key that is noted, where rows of several tables or indexes are found by it.
        """
        rows = waiting.find(index, wake_key)
        if not rows and not waiting.bounds:
            return rows
        bound = waiting.bounds.get((index, wake_key))
        rows.sort(key=lambda row: row.sequence)
        first = rows[:SLICE]
        if bound is not None or len(rows) > SLICE:
            after = first[-1].sequence if first else 0
            known = [after] if bound is None else [after, bound]
            before = self.released.get(kind + wake_key)
            after = min([*known, before.after] if before is not None else known)
            self.released.put(kind + wake_key, Released(kind + wake_key, after))
        return first

    @property
    def has_loaded_much(self) -> bool:
        """Whether what may resume and is not loaded is left to further transactions."""
        return self.loads >= MOST_LOADS or self.room <= 0

    @property
    def has_resumed_much(self) -> bool:
        """Whether as much has resumed as one transaction takes."""
        return self.resumed >= SLICE

    def release_later(self, wake_key: tuple[str, ...]) -> None:
        """Whatever waits for this resumes in further transactions."""
        self.released.put(wake_key, Released(wake_key, 0))

    def next_released(self, waiting: Table[Any, Any], released: Released, kind: tuple[str, ...] = (), index: str = "wakes") -> list[Any]:
        """The rows that resume next of what was released; the store has loaded them as `due`."""
        if self.complete:
            rows = sorted(waiting.find(index, released.wake_key[len(kind) :]), key=lambda row: row.sequence)
            rows = [row for row in rows if row.sequence > released.after]
        else:
            rows = [row for key in self.due if (row := waiting.get(key)) is not None]
        first = rows[:SLICE]
        rest = released._replace(after=first[-1].sequence) if len(rows) > SLICE or self.more_due else None
        self.released.put(released.wake_key, rest)
        return first

    def next_sequence(self) -> int:
        """The next place in the order of arrival."""
        self.sequence += 1
        return self.sequence

    def take_reference(self, message: Message) -> None:
        """Folds a reference event, the first since the last commit into a copy: a rollback finds the old data.

        One that contradicts what is there is left out, by every service alike, and its id given back.
        """
        if self.reference.contradiction(message.data) is not None:
            self.freed_ids.add(message.ref)
            return
        if self.reference is self._committed[0]:
            self.reference = self.reference.copy()
        self.reference.take(message.data)
        self.reference_events.append(message)

    def rollback(self) -> None:
        """Forgets all changes; what was loaded stays."""
        for table in self.tables:
            table.rollback()
        self.reference, self.sequence = self._committed
        self._forget_turn()

    def commit(self) -> None:
        """Takes the changes as the new state."""
        for table in self.tables:
            table.commit()
        self._committed = (self.reference, self.sequence)
        self._forget_turn()

    def _forget_turn(self) -> None:
        self.resumed = 0
        self.reference_events.clear()
        self.freed_ids.clear()
