"""The rows of a table: CSV as its mapping says it is written, or a sheet of a workbook.

Invariant: a row has the number that a spreadsheet shows; a table that is not as the mapping says is refused whole, with what differs.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from openpyxl import load_workbook

from services.files.imports.bounds import check_workbook
from services.files.imports.cells import BadCell
from services.scenarios.yaml_files import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from openpyxl import Workbook

    from services.files.imports.bounds import Bounds
    from services.files.imports.mapping import TableForm

_MOST_COLUMNS: Final = 500
_MOST_LINES: Final = 50_000
"""Rows of a sheet, empty ones counted."""
_ERROR: Final = "e"
_FORMULA: Final = "f"
"""How openpyxl calls the types of a cell."""


class TableRow(NamedTuple):
    """A row: its number, and its cells by heading."""

    number: int
    cells: dict[str, Any]


def rows_of(path: Path, content: bytes, form: TableForm, columns: Iterable[str], bounds: Bounds) -> list[TableRow]:
    """The rows of a file that have something in them; `columns`: the headings that it has to have. FileError."""
    lines = _of_csv(path, content, form) if form.format == "csv" else _of_workbook(path, content, form, bounds)
    found: list[TableRow] = []
    headings: list[str] | None = None
    for number, cells in lines:
        if number < form.heading_row:
            continue
        if headings is None:
            headings = _headings(path, cells, columns, form)
        elif any(cell not in {None, ""} for cell in cells):
            found.append(_row(path, number, headings, cells))
        if len(found) > bounds.rows:
            raise too_many_rows(path, bounds)
    if headings is None:
        raise FileError(path, "", "is empty: there is no row of headings")
    return found


def too_many_rows(path: Path, bounds: Bounds) -> FileError:
    """That a file has more rows, or entries, than are read at once."""
    return FileError(path, "", f"has more than {bounds.rows:,} rows; {bounds.hint}")


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
    reader = csv.reader(io.StringIO(_decoded(path, content, form), newline=""), delimiter=form.delimiter or ",", strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, list(cells)
    except csv.Error as error:
        raise FileError(path, f"row {number + 1}", f"is not CSV: {error}") from error


def _decoded(path: Path, content: bytes, form: TableForm) -> str:
    encoding = form.encoding or ""
    said = f"is not in the encoding {encoding} that the mapping says"
    try:
        text = content.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
        text.encode()  # some encodings have characters that no text in UTF-8 can have
    except UnicodeDecodeError as error:
        raise FileError(path, f"row {content.count(10, 0, error.start) + 1}", said) from error
    except (LookupError, ValueError) as error:
        raise FileError(path, "", said) from error
    return text


def _of_workbook(path: Path, content: bytes, form: TableForm, bounds: Bounds) -> Iterator[tuple[int, list[Any]]]:
    number = 0
    try:
        has_formulas = check_workbook(path, content, bounds)
        lines = _of_sheet(path, content, form, bounds)
        for number, cells in _with_formulas(path, content, form, bounds, lines) if has_formulas else lines:
            yield number, [_value(cell) for cell in cells]
    except FileError:
        raise
    except Exception as error:  # whatever the library makes of a file that is none
        place = f"row {number + 1}" if number else ""
        raise FileError(path, place, f"is not a workbook (XLSX) that can be read: {type(error).__name__}") from error


def _value(cell: Any) -> Any:
    if isinstance(cell, BadCell):
        return cell
    return BadCell(f"is {cell.value}, an error of the spreadsheet") if cell.data_type == _ERROR else cell.value


def _with_formulas(
    path: Path, content: bytes, form: TableForm, bounds: Bounds, lines: Iterator[tuple[int, list[Any]]]
) -> Iterator[tuple[int, list[Any]]]:
    """The rows, and of formulas whose result the file does not have that this is so: without it they would look like empty cells."""
    for (number, cells), (_, said) in zip(lines, _of_sheet(path, content, form, bounds, results=False), strict=True):
        yield (
            number,
            [
                BadCell("is a formula without a result: open and save the file in a spreadsheet, or write the value")
                if cell.value is None and formula.data_type == _FORMULA
                else cell
                for cell, formula in zip(cells, said, strict=True)
            ],
        )


def _of_sheet(path: Path, content: bytes, form: TableForm, bounds: Bounds, *, results: bool = True) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet, no more than are read: a few bytes can say that there are a million, each of thousands of cells.

    `results`: of formulas what they gave last, else the formulas.
    """
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=results)
    try:
        yield from _rows_of_book(path, book, form, bounds)
    finally:
        book.close()


def _rows_of_book(path: Path, book: Workbook, form: TableForm, bounds: Bounds) -> Iterator[tuple[int, list[Any]]]:
    if form.sheet is not None and form.sheet not in book.sheetnames:
        raise FileError(path, "", f"there is no sheet {form.sheet}: there are {', '.join(book.sheetnames)}")
    sheet = book[form.sheet or book.sheetnames[0]]
    sheet.reset_dimensions()  # what a sheet says of its own size may be wrong, and cells would be left out
    last = form.heading_row + _MOST_LINES
    for number, cells in enumerate(sheet.iter_rows(max_row=last + 1, max_col=_MOST_COLUMNS + 1), 1):
        if any(cell.value is not None for cell in cells[_MOST_COLUMNS:]):
            raise FileError(path, f"row {number}", f"has more than {_MOST_COLUMNS} columns")
        if number > last:
            raise FileError(path, "", f"has more than {_MOST_LINES:,} rows, empty ones counted; {bounds.hint}")
        yield number, list(cells)
