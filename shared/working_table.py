"""A table of a working set: immutable values in memory, loaded in part, with what changed in them.

Invariant: a row or index entry that was not loaded is never taken for one that does not exist; what was read and what was changed is
known by its places, so that two transactions can be told apart that have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from heapq import heapify, heappop, merge
from typing import Any, Final, Generic, TypeVar

from shared.missing import Missing, NotLoadedError, Page

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ROW: Final = ""
"""In a place, where an index would stand: the row of a key."""
ANY: Final = "*"
"""In a place, where a key would stand: whatever is in the table or the index."""


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
        self._asked: set[tuple[str, Hashable]] | None = None
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
        if key in self._base or self.complete:
            if self._asked is not None:
                self._asked.add((ROW, key))
            return self._base.get(key)
        raise NotLoadedError(Missing(self.name, None, key))

    @property
    def is_empty(self) -> bool:
        """Whether there is no row, in memory or in the store, and none was written since the last commit."""
        is_empty = self.complete and not self._base and not self.changed
        if is_empty and self._asked is not None:
            self._asked.add((ROW, ANY))
        return is_empty

    def find(self, index: str, key: Hashable) -> list[V]:
        """All rows with this key in the index, in no particular order; NotLoadedError if it was never loaded."""
        place = (index, key)
        loaded = self._base_index.get(place)
        if loaded is None and not self.complete and index not in self._whole:
            raise NotLoadedError(Missing(self.name, index, key))
        if self._asked is not None:
            self._asked.add(place)
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
        """Gives all rows that the store has in an index, or (None) at all: what is not among them does not exist.

        From now on it is kept what is asked for: it is little of what was loaded.
        """
        self._asked = set() if self._asked is None else self._asked
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

    def places_read(self) -> dict[str, Collection[Hashable]]:
        """The keys of all rows (ROW) and of all index entries that were loaded, what was looked for and not found among them.

        Where the table was loaded whole, those that were asked for.
        """
        read = {ROW: self._base, **_by_index(self._base_index)} if self._asked is None else _by_index(self._asked)
        for index, places in _by_index((index, place) for index, place, _ in self._pages).items():
            read[index] = [*read.get(index, ()), *places]
        return read

    def places_changed(self) -> dict[str, list[Hashable]]:
        """The keys of all rows (ROW) that have changed, and of the indexes' entries that have a row which they had not, or no longer one.

        Who has looked into an index has read the rows that were there; of an ordered one only some, so there each row counts.
        """
        found: dict[str, list[Hashable]] = {ROW: list(self.changed)}
        for index, keys_of in self._indexes.items():
            is_ordered = index in self._ordered
            places: list[Hashable] = []
            for key, after in self.changed.items():
                before = self._base.get(key)
                old = keys_of(before) if before is not None else ()
                new = keys_of(after) if after is not None else ()
                if is_ordered:
                    places += {*old, *new}
                elif old != new:
                    places += {*old} ^ {*new}
            if places:
                found[index] = places
        return found

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


def _by_index(entries: Iterable[tuple[str, Hashable]]) -> dict[str, Collection[Hashable]]:
    """Entries of indexes, those of each together."""
    places: dict[str, list[Hashable]] = {}
    for index, place in entries:
        places.setdefault(index, []).append(place)
    return {**places}


def _by_rank(rows: list[V], rank: Callable[[V], Any]) -> Iterator[V]:
    """The rows in order; what is not asked for is not sorted."""
    heap = [(rank(row), number, row) for number, row in enumerate(rows)]
    heapify(heap)
    while heap:
        yield heappop(heap)[-1]
