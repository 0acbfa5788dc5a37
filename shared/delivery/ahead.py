"""What a batch would come to, found out before its turn, while another instance has the service's lock.

Invariant: what was folded ahead is written only if under the lock everything is as it was read: the epoch, the reference data, the ids,
and every place of the tables that was loaded or changed. Each batch that changes something notes under the lock which places; a note
without them, or one that is kept no longer, counts as if it had changed everything. Otherwise the batch is folded again, under the lock.
So the result is always the one of batches that follow one another (docs/architecture/instances.md).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zlib import crc32

import msgspec

from shared.working_table import ANY

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from shared.delivery.folding import Candidate, Folded
    from shared.delivery.inbox import Inbox
    from shared.delivery.shell_tables import State
    from shared.delivery.writes import Writes
    from shared.working_table import Table

_WRITER: Final = msgspec.json.Encoder()
_ALONE: Final = frozenset({"released"})
"""What the shell itself compares and puts together (shell_tables.save_released)."""


class Changed(NamedTuple):
    """The marks of all places that a batch has changed, and of what stands for anything in the indexes that it has changed."""

    places: set[int]
    wholes: set[int]

    def noted(self) -> bytes:
        """As other instances read it."""
        return array("I", self.places | self.wholes).tobytes()


@dataclass(slots=True)
class FoldOutcome:
    """What the fold of a batch came to.

    `books`: what it changed, None if there was nothing to fold; `defects`: the messages left out. What was found out before the turn:
    `writes`: what is written of the books, `changed`: what is changed by it.
    """

    inbox: Inbox
    folded: Folded
    defects: dict[int, Exception]
    books: Any
    writes: Writes | None = None
    changed: Changed | None = None


@dataclass(slots=True)
class Ahead:
    """What was found out of a batch before its turn: of what messages, by what state, and what the fold came to.

    `is_whole`: whether it was folded; else its outcome has books in which the fold was prepared, and nothing more.
    """

    coming: list[Candidate]
    state: State
    outcome: FoldOutcome
    is_whole: bool = True

    def holds(self, now: State) -> bool:
        """Whether everything that was read is still so in the state found under the lock."""
        then = self.state
        if not self.is_whole or _compared(then) != _compared(now) or now.changes is None:
            return False
        others = {mark for noted in now.changes for mark in array("I", noted)}
        return not others or self._is_apart_from(others)

    def _is_apart_from(self, others: set[int]) -> bool:
        """Whether nothing was read or changed that others have changed. What was read is looked at in the tables that they changed only."""
        books, mine = self.outcome.books, self.outcome.changed
        if books is None or mine is None:
            return True
        read = (table for table in books.tables if table.name not in _ALONE)
        return others.isdisjoint(mine.places) and all(_is_apart(table, others) for table in read)


def _compared(state: State) -> tuple[Any, ...]:
    return state.epoch, state.reference, state.base, state.opened["position"], state.released, state.taken


def _marks(table: str, index: str, keys: Iterable[Hashable]) -> Iterable[int]:
    """A number for each place, the same in every process; of two places it is seldom the same, which costs a fold and nothing else."""
    begun, encode = _begun(table, index), _WRITER.encode
    return [crc32(encode(key), begun) for key in keys]


@cache
def _begun(table: str, index: str) -> int:
    return crc32(f"{table} {index} ".encode())


def changed(tables: Sequence[Table[Any, Any]]) -> Changed:
    """What a batch has changed."""
    found = Changed(set(), set())
    for table in tables:
        if table.changed and table.name not in _ALONE:
            for index, keys in table.places_changed().items():
                found.places.update(_marks(table.name, index, keys))
                found.wholes.update(_marks(table.name, index, [ANY]))
    return found


def _is_apart(table: Table[Any, Any], others: set[int]) -> bool:
    """Whether others have changed nothing that was read of a table; what was read is looked at where they have changed something."""
    return all(
        others.isdisjoint(_marks(table.name, index, [ANY])) or others.isdisjoint(_marks(table.name, index, keys))
        for index, keys in table.places_read().items()
    )
