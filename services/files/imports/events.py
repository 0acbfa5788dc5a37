"""Rows as events: each row the event that its mapping says, or all that is wrong with it.

Invariant: an event is checked as the services will check it; what they would refuse is said of the row, and of the column that it
comes from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.files.imports.bounds import OF_THE_COMMAND
from services.files.imports.cells import MOST_CHARACTERS, CellError, check_digits, read_cell
from services.files.imports.mapping import COLUMN, FieldMapping, MarksMapping, TableMapping
from services.files.imports.tables import TableRow, rows_of
from shared.events.codec import decode
from shared.events.envelope import Message, Unreadable
from shared.events.producing import record_of
from shared.events.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from services.files.imports.bounds import Bounds
    from shared.events.envelope import Record
    from shared.events.producing import PartyBook

_LISTED: Final = re.compile(r"^/([^/]+)")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a row, and in which column; None: in no column of its own."""

    column: str | None
    message: str


@dataclass(slots=True)
class FileRow:
    """A row or entry of a file: where it stands, the event that it is, and all that is wrong with it.

    `company`: whose books it is about, as far as that can be told, also of one that is wrong or left out.
    """

    place: str
    record: Record | None = None
    read: Message | None = None
    errors: list[RowError] = field(default_factory=list)
    is_left_out: bool = False
    company: str | None = None

    def said(self) -> Iterator[str]:
        """Each thing that is wrong, with its place."""
        for error in self.errors:
            yield f"{self.place}, column {error.column}: {error.message}" if error.column else f"{self.place}: {error.message}"


@dataclass(frozen=True, slots=True)
class Making:
    """What an event gets beside what the file says: the time; `parties`: who is behind an account."""

    time: datetime
    parties: PartyBook

    def event(  # noqa: PLR0913 - what a row says, and where
        self, row: FileRow, id_: str, source: str, type_: str, data: dict[str, Any], columns: dict[str, str]
    ) -> None:
        """Makes a row its event; `columns`: from which column a field is, for what is wrong with it."""
        try:
            row.record = record_of(id_, source, type_, data, self.time, self.parties)
        except (TypeError, ValueError):
            row.errors.append(RowError(None, "has a value that no event can carry"))
            return
        read = decode(row.record)
        if isinstance(read, Unreadable):
            row.record = None
            for place, message in ((read.field, read.message), *read.others):
                name = _LISTED.match(place)
                column = columns.get(name.group(1)) if name else None
                row.errors.append(RowError(column, message if column else f"{place.removeprefix('/')}: {message}".removeprefix(": ")))
        else:
            row.read = read


def table_events(path: Path, content: bytes, mapping: TableMapping, making: Making, bounds: Bounds = OF_THE_COMMAND) -> list[FileRow]:
    """The rows of a table as events, in their order; FileError for a table that is not as the mapping says."""
    found = [_of_row(row, mapping, making) for row in rows_of(path, content, mapping.file, mapping.columns, bounds)]
    refuse_conflicts(found)
    return found


def refuse_conflicts(rows: list[FileRow]) -> None:
    """Ids that stand in the file with different data: each place but the first says where the other is."""
    seen: dict[Any, FileRow] = {}
    for row in rows:
        if row.read is None:
            continue
        first = seen.setdefault(row.read.ref, row)
        if first.read is not None and first.read.digest != row.read.digest:
            row.errors.append(RowError(None, f"the id {row.read.ref.id} stands in {first.place} with other data"))


def _of_row(row: TableRow, mapping: TableMapping, making: Making) -> FileRow:
    found = FileRow(f"row {row.number}")
    reader = _Reader(row, mapping, found)
    id_ = reader.filled(mapping.id, is_needed=True)
    data: dict[str, Any] = {}
    for name, each in mapping.fields.items():
        value = reader.value(name, each)
        if value is not None:
            data[name] = value
    found.company = data.get("company")
    if "amount" in data:
        reader.check_amount(mapping.fields["amount"], data["amount"], data.get("currency"))
    if mapping.settle is not None and (marks := reader.marks(mapping.settle)):
        data["settle"] = marks
    if not found.errors and id_ is not None:
        columns = {name: each.columns[0] for name, each in mapping.fields.items() if each.columns}
        columns["id"] = COLUMN.findall(mapping.id)[0]
        if mapping.settle is not None and mapping.settle.document.columns:
            columns["settle"] = mapping.settle.document.columns[0]
        making.event(found, id_, mapping.source, mapping.type, data, columns)
    return found


class _Reader:
    """Reads the cells of a row; what is wrong is noted on it."""

    def __init__(self, row: TableRow, mapping: TableMapping, found: FileRow) -> None:
        self._cells = row.cells
        self._mapping = mapping
        self._found = found

    def value(self, name: str, field_: FieldMapping) -> str | None:
        """The value of a field; None: nothing is said, or it is wrong."""
        if field_.constant is not None:
            return field_.constant
        if field_.template is not None:
            return self.filled(field_.template, is_needed=False)
        column = field_.column or ""
        try:
            said = read_cell(self._cells[column], field_.kind_of(name), self._mapping)
        except CellError as error:
            self._wrong(column, str(error))
            return None
        return said if said is None else self._named(said, field_, column)

    def filled(self, template: str, *, is_needed: bool) -> str | None:
        """A template with its columns filled in; None where one of them is empty, which is an error where it is needed."""
        parts: dict[str, str] = {}
        for column in COLUMN.findall(template):
            try:
                said = read_cell(self._cells[column], "date" if _is_day(self._cells[column]) else "text", self._mapping)
            except CellError as error:
                self._wrong(column, str(error))
                return None
            if said is None:
                if is_needed:
                    self._wrong(column, "is empty, and the event's id is made of it")
                return None
            parts[column] = said
        if sum(len(parts[column]) for column in COLUMN.findall(template)) > MOST_CHARACTERS:
            self._wrong(next(iter(parts)), f"makes a text of more than {MOST_CHARACTERS:,} characters with what the mapping puts together")
            return None
        return COLUMN.sub(lambda name: parts[name.group(1)], template)

    def marks(self, settle: MarksMapping) -> list[dict[str, str]]:
        """The documents that are to be settled."""
        said, company = self.value("document", settle.document), self.value("company", settle.company)
        if said is None:
            return []
        if company is None:
            self._wrong(next(iter(settle.company.columns), None), "is empty: in whose books the document is that is settled is not said")
            return []
        numbers = [said] if settle.separator is None else [each.strip() for each in said.split(settle.separator)]
        return [{"company": company, "document": number} for number in numbers if number]

    def check_amount(self, field_: FieldMapping, amount: str, currency: str | None) -> None:
        """Notes an amount that has more decimals than its currency."""
        try:
            check_digits(amount, currency, self._cells.get(field_.column or ""))
        except CellError as error:
            self._wrong(next(iter(field_.columns), None), str(error))

    def _named(self, said: str, field_: FieldMapping, column: str) -> str | None:
        """What a cell stands for."""
        if field_.values is None:
            return said
        if said not in field_.values:
            known = ", ".join(shown(each) for each in sorted(field_.values)[:10])
            self._wrong(column, f"{shown(said)} is not among the values of the mapping: {known}")
        return field_.values.get(said)

    def _wrong(self, column: str | None, message: str) -> None:
        self._found.errors.append(RowError(column, message))


def _is_day(value: Any) -> bool:
    return hasattr(value, "isoformat")
