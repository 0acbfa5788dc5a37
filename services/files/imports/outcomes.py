"""What becomes of a file's rows: new, taken before, wrong, or nothing that is sent.

Invariant: an id that was taken by other data is wrong, and is said before anything is sent; the same row twice, in a file or in two, is
a duplicate and changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from services.desk.event_state import known
from services.files.imports.events import FileRow, Making, RowError, table_events
from services.files.imports.mapping import StatementMapping
from services.files.imports.statements import statement_events

if TYPE_CHECKING:
    from pathlib import Path

    from services.desk.schemas import Schemas
    from services.files.imports.mapping import Mapping
    from shared.events.envelope import EventRef

_AT_ONCE: Final = 500


class RowOutcome(StrEnum):
    """What a row is."""

    NEW = "new"
    DUPLICATE = "duplicate"
    WRONG = "wrong"
    LEFT_OUT = "left out"


def rows_of_file(path: Path, content: bytes, mapping: Mapping, making: Making) -> list[FileRow]:
    """The rows or entries of a file as events, in their order; FileError for a file that is not as its mapping says."""
    if isinstance(mapping, StatementMapping):
        return statement_events(path, content, mapping, making)
    return table_events(path, content, mapping, making)


async def outcomes(schemas: Schemas, rows: list[FileRow]) -> list[RowOutcome]:
    """What each row is; of an id that was taken by other data the row says so."""
    messages = {row.read.ref: row.read for row in rows if row.read is not None and not row.errors}
    taken: dict[EventRef, bool] = {}
    listed = list(messages.values())
    for start in range(0, len(listed), _AT_ONCE):
        taken |= await known(schemas, listed[start : start + _AT_ONCE])
    seen: set[EventRef] = set()
    return [_outcome(row, taken, seen) for row in rows]


def _outcome(row: FileRow, taken: dict[EventRef, bool], seen: set[EventRef]) -> RowOutcome:
    if row.is_left_out:
        return RowOutcome.LEFT_OUT
    if row.read is not None and not row.errors and taken.get(row.read.ref) is False:
        row.errors.append(RowError(None, f"the id {row.read.ref.id} was taken before by an event with other data"))
    if row.errors or row.read is None:
        return RowOutcome.WRONG
    is_known = row.read.ref in taken or row.read.ref in seen
    seen.add(row.read.ref)
    return RowOutcome.DUPLICATE if is_known else RowOutcome.NEW
