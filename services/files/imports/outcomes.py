"""What becomes of a file's rows: new, taken before, wrong, or nothing that is sent.

Invariant: an id that was taken by other data is wrong, and is said before anything is sent; the same row twice, in a file or in two, is
a duplicate and changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from services.desk.event_state import known
from services.files.imports.bounds import OF_THE_COMMAND, check_size
from services.files.imports.events import FileRow, Making, RowError, table_events
from services.files.imports.mapping import StatementMapping
from services.files.imports.statements import statement_events

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from services.desk.schemas import Schemas
    from services.files.imports.bounds import Bounds
    from services.files.imports.mapping import Mapping
    from shared.events.envelope import EventRef

_AT_ONCE: Final = 500


class RowOutcome(StrEnum):
    """What a row is."""

    NEW = "new"
    DUPLICATE = "duplicate"
    WRONG = "wrong"
    LEFT_OUT = "left out"


def rows_of_file(path: Path, content: bytes, mapping: Mapping, making: Making, bounds: Bounds = OF_THE_COMMAND) -> list[FileRow]:
    """The rows or entries of a file as events, in their order; FileError for a file that is too large, or not as its mapping says."""
    check_size(path, content, bounds)
    if isinstance(mapping, StatementMapping):
        return statement_events(path, content, mapping, making, bounds)
    return table_events(path, content, mapping, making, bounds)


def kept_row(row: FileRow, state: str) -> dict[str, Any]:
    """A row as it is told, and kept with its file: where it stands, what it is, the event that it is, and all that is wrong with it."""
    said = None if row.read is None else row.read.data
    amount = getattr(said, "amount", None)
    return {
        "place": row.place,
        "state": state,
        "source": None if row.read is None else row.read.ref.source,
        "id": None if row.read is None else row.read.ref.id,
        "company": row.company,
        "document": getattr(said, "document", None),
        "currency": getattr(said, "currency", None),
        "amount": None if amount is None else format(amount, "f"),
        "errors": [{"column": error.column, "message": error.message} for error in row.errors],
    }


def companies_of_rows(rows: Iterable[FileRow]) -> tuple[str, ...] | None:
    """Whose books the rows are about; None: of some it cannot be told."""
    found = {row.company for row in rows}
    return None if None in found else tuple(sorted(company for company in found if company is not None))


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
