"""A list as CSV: RFC 4180 in UTF-8 with decimal points, or in the form that a spreadsheet of a language reads.

Invariant: a text never begins with what a spreadsheet takes for a formula, also where it separates cells by something else than we do.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from babel import Locale

from services.files.exports.columns import CellKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.files.exports.columns import ExportColumn, Listing

Row = dict[str, Any]

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_SEPARATED: Final = re.compile(r"([;,\t\n]\s*)(?=[=+@-])")
"""What begins a cell in the midst of a text, where a spreadsheet separates cells by something else."""
_UTF_8: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""What tells a spreadsheet that the text is UTF-8: Söhne is Söhne then."""


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How CSV is written: what separates cells, the decimal point, and what the text begins with."""

    separator: str = ","
    point: str = "."
    begins: str = ""


PLAIN: Final = CsvForm()
"""For programs."""


@cache
def form_of(locale: str | None) -> CsvForm:
    """The form that a spreadsheet in this language (`de`) reads; None: for programs. A decimal comma has cells separated by `;`."""
    if locale is None:
        return PLAIN
    point = Locale.parse(locale).number_symbols["latn"]["decimal"]
    return CsvForm("," if point == "." else ";", point, _UTF_8)


async def csv_parts(listing: Listing, pages: AsyncIterator[list[Row]], form: CsvForm = PLAIN) -> AsyncIterator[str]:
    """The file in parts: the heading, then a part for each page."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=form.separator)
    text.write(form.begins)
    writer.writerow([column.name for column in listing.columns])
    async for page in pages:
        for row in (each for given in page for each in listing.rows(given)):
            writer.writerow([_cell(column, row, form) for column in listing.columns])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue()


def _cell(column: ExportColumn, row: Row, form: CsvForm) -> str:
    value = column.value(row)
    if value is None:
        return ""
    if column.kind is CellKind.AMOUNT:
        return str(value).replace(".", form.point)
    return str(value) if column.kind is CellKind.NUMBER else safe(str(value))


def safe(text: str) -> str:
    """The text, of which a spreadsheet makes no formula."""
    text = _SEPARATED.sub(r"\1'", text)
    return f"'{text}" if text.startswith(_FORMULAS) else text
