"""A list as a workbook (XLSX): its lines, their totals per company and currency, and what was asked.

It is written row by row into a file, whatever its length; who runs a loop has it written in a thread.

Invariant: amounts are written as the decimals that they are, with the digits of their currency; one that a spreadsheet would round
(above 15 digits) is a text. A text is never a formula.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from xlsxwriter import Workbook

from services.files.exports.columns import CellKind, Totals, at
from shared.money import minor_digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from services.files.exports.columns import ExportColumn, Listing

Row = dict[str, Any]

LARGEST: Final = 1_048_575
"""Rows of a sheet beside its heading."""
_EXACT_DIGITS: Final = 15
_WIDTHS: Final = {CellKind.TEXT: 16, CellKind.DATE: 11, CellKind.NUMBER: 8, CellKind.AMOUNT: 16}
_OPTIONS: Final = {"constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


class TooManyRowsError(Exception):
    """There are more rows than the workbook may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"there are more than the {most:,} rows that this workbook may have: take CSV, or select fewer")
        self.most = most


class ExportedWorkbook:
    """A workbook that is being written. `most`: rows that it may have."""

    def __init__(self, path: Path, listing: Listing, most: int = LARGEST) -> None:
        self._listing = listing
        self._most = min(most, LARGEST)
        self._book = Workbook(str(path), _OPTIONS | {"tmpdir": str(path.parent)})
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._formats: dict[int, Format] = {}
        self._totals = Totals(listing)
        self._lines = self._sheet("lines", [(column.name, _WIDTHS[column.kind]) for column in listing.columns])

    def write(self, rows: Iterable[Row]) -> None:
        """Writes rows of the API; TooManyRowsError."""
        for row in (each for given in rows for each in self._listing.rows(given)):
            self._totals.add(row)
            if self._totals.rows > self._most:
                raise TooManyRowsError(self._most)
            for place, column in enumerate(self._listing.columns):
                self._cell(self._totals.rows, place, column, row)

    def close(self, asked: Mapping[str, object]) -> None:
        """Writes the totals and what was asked, and ends the file."""
        sheet = self._sheet("totals", [("company", 16), ("currency", 10), ("column", 28), ("total", 20)])
        for number, (company, currency, name, amount) in enumerate(self._totals, 1):
            for place, text in enumerate((company, currency, name)):
                sheet.write_string(number, place, text)
            self._amount(sheet, number, 3, amount, currency)
        said = self._sheet("what was asked", [("name", 20), ("value", 60)])
        for number, (name, value) in enumerate({"list": self._listing.name, **asked, "rows": self._totals.rows}.items(), 1):
            said.write_string(number, 0, name)
            said.write_string(number, 1, str(value))
        self._book.close()

    def _sheet(self, name: str, headings: Iterable[tuple[str, int]]) -> Worksheet:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for place, (heading, width) in enumerate(headings):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, heading, self._bold)
        return sheet

    def _cell(self, number: int, place: int, column: ExportColumn, row: Row) -> None:
        value = column.value(row)
        if value is None:
            return
        match column.kind:
            case CellKind.AMOUNT:
                self._amount(self._lines, number, place, Decimal(value), str(at(row, column.currency)))
            case CellKind.NUMBER:
                self._lines.write_number(number, place, int(value))
            case CellKind.DATE:
                self._lines.write_datetime(number, place, dt.date.fromisoformat(value), self._day)
            case _:
                self._lines.write_string(number, place, str(value))

    def _amount(self, sheet: Worksheet, number: int, place: int, amount: Decimal, currency: str) -> None:
        if len(amount.as_tuple().digits) > _EXACT_DIGITS:
            sheet.write_string(number, place, format(amount, "f"))
        else:
            sheet.write_number(number, place, amount, self._of(currency))

    def _of(self, currency: str) -> Format:
        """The format of a currency's amounts."""
        digits = minor_digits(currency) or 0
        if digits not in self._formats:
            self._formats[digits] = self._book.add_format({"num_format": "#,##0" + ("." + "0" * digits if digits else "")})
        return self._formats[digits]
