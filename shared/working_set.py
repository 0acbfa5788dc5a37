"""The working set of a core: `Books` is the base of the three services' own, their tables, the reference data and the order of arrival.

Invariant: a core reads and writes nothing else; a row or index entry that was not loaded is never taken for one
that does not exist: asking for it raises `NotLoadedError`, the shell loads it, `rollback`s the set and folds again. In a
simulation every table is `complete`: what is not there does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, NamedTuple

from shared.events.envelope import EventRef, Message
from shared.reference import Reference
from shared.working_table import Table

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


class Books:
    """All that a core reads and writes: its tables, made by `table`, the reference data and the order of arrival.

    `reference_events` are the reference events taken since the last commit, `freed_ids` the ids that a refusal gives back,
    `sequence` the last place given in the order of arrival. With `complete` what is not in the tables does not exist.
    `released` is what may resume and has not yet, `due` the keys of the rows that were loaded to be resumed next, and
    `more_due` whether there are more. `room`: the bytes of what waits that the store may still load. `left_waiting`: the places
    of what failed when it resumed in this transaction, and is not woken again in it. `loads` counts how
    often the shell had to load what a core asked for, `resumed` what has resumed in this transaction. `prepared`: what a core has made of
    messages before their turn, by the reference data `prepared_by`.
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
        self.prepared: dict[EventRef, Any] = {}
        self.prepared_by: Reference | None = None
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
