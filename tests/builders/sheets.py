"""What stands in a workbook, for tests that look at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openpyxl import Workbook


def rows_of_sheet(book: Workbook, name: str) -> list[tuple[Any, ...]]:
    """The values of a sheet's rows below its heading."""
    rows: Any = book[name].iter_rows(min_row=2, values_only=True)
    return list(rows)


def asked_in(book: Workbook) -> dict[str, str]:
    """What the sheet says that was asked."""
    return dict(rows_of_sheet(book, "what was asked"))
