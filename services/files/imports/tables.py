"""The rows of a table: CSV as its mapping says it is written, or a sheet of a workbook.

Invariant: a row has the number that a spreadsheet shows; a table that is not as the mapping says is refused whole, with what differs.
"""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from openpyxl import load_workbook

from services.scenarios.yaml_files import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from openpyxl import Workbook

    from services.files.imports.mapping import TableForm

MOST_ROWS: Final = 50_000
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a workbook that is unpacked: a small file can hold any number of them."""
_MOST_COLUMNS: Final = 500


class TableRow(NamedTuple):
    """A row: its number, and its cells by heading."""

    number: int
    cells: dict[str, Any]


def rows_of(path: Path, content: bytes, form: TableForm, columns: Iterable[str]) -> list[TableRow]:
    """The rows of a file that have something in them; `columns`: the headings that it has to have. FileError."""
    lines = _of_csv(path, content, form) if form.format == "csv" else _of_workbook(path, content, form)
    found: list[TableRow] = []
    headings: list[str] | None = None
    for number, cells in lines:
        if number < form.heading_row:
            continue
        if headings is None:
            headings = _headings(path, cells, columns, form)
        elif any(cell not in {None, ""} for cell in cells):
            found.append(_row(path, number, headings, cells))
        if len(found) > MOST_ROWS:
            raise FileError(path, "", f"has more than {MOST_ROWS:,} rows: send it in parts")
    if headings is None:
        raise FileError(path, "", "is empty: there is no row of headings")
    return found


def _headings(path: Path, cells: list[Any], columns: Iterable[str], form: TableForm) -> list[str]:
    headings = ["" if cell is None else str(cell).strip() for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    twice = sorted({name for name in headings if name and headings.count(name) > 1})
    if twice:
        raise FileError(path, f"row {form.heading_row}", f"the column {twice[0]} stands there more than once")
    missing = sorted(set(columns) - set(headings))
    if missing:
        known = ", ".join(name for name in headings if name)
        hint = "" if len(headings) > 1 or form.format != "csv" else f"; is the delimiter {form.delimiter!r}?"
        raise FileError(path, f"row {form.heading_row}", f"there is no column {missing[0]}: there are {known}{hint}")
    return headings


def _row(path: Path, number: int, headings: list[str], cells: list[Any]) -> TableRow:
    if any(cell not in {None, ""} for cell in cells[len(headings) :]):
        raise FileError(path, f"row {number}", f"has more cells than the {len(headings)} of the headings")
    padded = [*cells, *[None] * (len(headings) - len(cells))]
    return TableRow(number, {name: cell for name, cell in zip(headings, padded, strict=False) if name})


def _of_csv(path: Path, content: bytes, form: TableForm) -> Iterator[tuple[int, list[Any]]]:
    encoding = form.encoding or ""
    try:
        text = content.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
        text.encode()  # some encodings have characters that no text in UTF-8 can have
    except (LookupError, ValueError) as error:
        raise FileError(path, "", f"is not in the encoding {encoding} that the mapping says") from error
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter or ",", strict=True), 1):
            yield number, list(cells)
    except csv.Error as error:
        raise FileError(path, "", f"is not CSV: {error}") from error


def _of_workbook(path: Path, content: bytes, form: TableForm) -> Iterator[tuple[int, list[Any]]]:
    try:
        _check_size(path, content)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            yield from _of_sheet(path, book, form)
        finally:
            book.close()
    except FileError:
        raise
    except Exception as error:  # whatever the library makes of a file that is none
        raise FileError(path, "", f"is not a workbook (XLSX) that can be read: {type(error).__name__}") from error


def _check_size(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > _LARGEST:
            raise FileError(path, "", "is too large once it is unpacked")


def _of_sheet(path: Path, book: Workbook, form: TableForm) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet, no more than are read: a few bytes can say that there are a million, each of thousands of cells."""
    if form.sheet is not None and form.sheet not in book.sheetnames:
        raise FileError(path, "", f"there is no sheet {form.sheet}: there are {', '.join(book.sheetnames)}")
    sheet = book[form.sheet or book.sheetnames[0]]
    last, columns = form.heading_row + MOST_ROWS, min(sheet.max_column or _MOST_COLUMNS, _MOST_COLUMNS)
    for number, cells in enumerate(sheet.iter_rows(values_only=True, max_row=last + 1, max_col=columns), 1):
        if number > last:
            raise FileError(path, "", f"has more than {MOST_ROWS:,} rows, empty ones counted: send it in parts")
        yield number, list(cells)
