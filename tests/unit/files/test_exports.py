"""What a file for a spreadsheet is made of: every field of the API, no formulas, the page's signs, figures that are not rounded."""

from __future__ import annotations

import codecs
import csv
import io
import tracemalloc
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from services.files.exports.columns import BALANCES, DOCUMENTS, LINES, LISTINGS, MATRIX, PAIR, VOUCHERS, Listing
from services.files.exports.csv_file import csv_parts, form_of, safe
from services.files.exports.workbook import ExportedWorkbook, TooManyRowsError
from services.web.book_models import RuledLine, VoucherModel
from services.web.routes.balances import BalanceModel, LineOfAccount
from services.web.routes.documents import DocumentModel
from services.web.routes.intercompany import CellModel, PairRow
from tests.builders.sheets import asked_in, rows_of_sheet

if TYPE_CHECKING:
    from pydantic import BaseModel

MODELS: dict[str, tuple[type[BaseModel], ...]] = {
    "vouchers": (VoucherModel, RuledLine),
    "documents": (DocumentModel,),
    "lines": (LineOfAccount,),
    "balances": (BalanceModel,),
    "intercompany": (CellModel,),
    "pair": (PairRow,),
}
NOT_EXPORTED = {
    "vouchers": {"lines", "series", "number", "digest", "sisters"},
    "documents": {"balance", "reserved_by", "waits"},
}
"""What a cell cannot hold, says the same as another, or is not of the moment of the file."""

LINE: dict[str, Any] = {
    "company": "FAB",
    "voucher": "AP-SET-000001",
    "line": 1,
    "date": "2026-03-12",
    "ledger": "payable",
    "kind": "settlement",
    "document": "VI-7",
    "accounting_currency": "JPY",
    "posting_type": "due_from",
    "account": "1380",
    "partner": "FABE",
    "party": None,
    "party_account": None,
    "settles": None,
    "currency": "USD",
    "debit": "980.00",
    "credit": "0.00",
    "accounting_debit": "147000",
    "accounting_credit": "0",
    "dimensions": {"cost_center": "12"},
    "text": "=1+1",
    "rule": "F-C04",
    "settlement": None,
    "record": None,
    "posted_at": "2026-03-12T12:00:00Z",
    "caused_by": {"source": "erp", "id": "VPAY-7"},
}
DOCUMENT: dict[str, Any] = {
    "company": "FAB",
    "document": "BANK-78",
    "ledger": "payable",
    "currency": "EUR",
    "accounting_currency": "EUR",
    "kind": "invoice",
    "party": {"id": "SOEHNE", "name": "Huber & Söhne"},
    "amount": "500000.00",
    "discount": None,
}


async def paged(*rows: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
    yield list(rows)


async def written(listing: Listing, *rows: dict[str, Any], locale: str | None = None) -> str:
    return "".join([part async for part in csv_parts(listing, paged(*rows), form_of(locale))])


async def cells(listing: Listing, *rows: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(await written(listing, *rows))))


def workbook(path: Path, listing: Listing, *rows: dict[str, Any], most: int = 10) -> openpyxl.Workbook:
    book = ExportedWorkbook(path, listing, most)
    try:
        book.write(rows)
    finally:
        book.close({"company": "FAB", "read to": None})
    return openpyxl.load_workbook(path)


@pytest.mark.parametrize("name", LISTINGS)
def test_every_field_of_the_api_has_a_column_and_no_column_is_of_nothing(name: str) -> None:
    fields = {field for model in MODELS[name] for field in model.model_fields}
    exported = {column.path[0] for column in LISTINGS[name].columns}
    assert exported == fields - NOT_EXPORTED.get(name, set())
    headings = [column.name for column in LISTINGS[name].columns]
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("listing", [VOUCHERS, LINES, DOCUMENTS, BALANCES, MATRIX, PAIR], ids=lambda each: each.name)
async def test_a_list_without_rows_has_its_heading(listing: Listing) -> None:
    assert (await written(listing)).split("\r\n") == [",".join(column.name for column in listing.columns), ""]


def test_a_text_is_never_a_formula() -> None:
    assert [safe(each) for each in ("=1+1", "@x", "-cmd", "-12.50", "+3", "a-b", "\tx")] == [
        *("'=1+1", "'@x", "'-cmd", "'-12.50", "'+3", "a-b", "'\tx"),
    ]


def test_nor_where_a_spreadsheet_separates_cells_by_something_else() -> None:
    assert [safe(each) for each in ("x;=cmd|'/c calc'!A1", "a\t@b", "a; -b", "a;b=c", "1;2")] == [
        *("x;'=cmd|'/c calc'!A1", "a\t'@b", "a; '-b", "a;b=c", "1;2"),
    ]


async def test_amounts_are_plain_for_programs_and_in_the_form_of_a_language_for_its_spreadsheet() -> None:
    row = {**LINE, "debit": "-1234.50", "text": "-1"}
    (plain,) = await cells(LINES, row)
    assert (plain["debit"], plain["accounting_debit"], plain["text"], plain["dimensions"]) == (
        "-1234.50",
        "147000",
        "'-1",
        '{"cost_center":"12"}',
    )
    for locale, separator, debit in (("de", ";", "-1234,50"), ("nl", ";", "-1234,50"), ("fr", ";", "-1234,50"), ("en", ",", "-1234.50")):
        text = await written(LINES, row, locale=locale)
        assert text.encode().startswith(codecs.BOM_UTF8)
        (found,) = csv.DictReader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")), delimiter=separator)
        assert (found["debit"], found["date"]) == (debit, "2026-03-12")


async def test_a_voucher_is_a_row_for_each_line() -> None:
    head = {name: LINE[name] for name in ("company", "voucher", "ledger", "kind", "date", "document", "accounting_currency", "posted_at")}
    voucher = {
        **head,
        **dict.fromkeys(("reference", "settlement", "record", "caused_by")),
        "imported": {"state": "imported", "erp_number": "77"},
        "lines": [LINE, {**LINE, "line": 2, "debit": "0.00", "credit": "980.00"}],
    }
    rows = await cells(VOUCHERS, voucher)
    assert [(row["line"], row["debit"], row["credit"]) for row in rows] == [("1", "980.00", "0.00"), ("2", "0.00", "980.00")]
    assert {row["imported_erp_number"] for row in rows} == {"77"}


@pytest.mark.parametrize(
    ("ledger", "kind", "balance", "sign"),
    [
        ("payable", "invoice", "-585600.00", "-"),
        ("payable", "payment", "500000.00", ""),
        ("receivable", "credit_note", "0.00", "-"),
        ("receivable", "invoice", "500000.00", ""),
    ],
)
async def test_documents_are_exported_with_the_signs_that_their_page_shows(ledger: str, kind: str, balance: str, sign: str) -> None:
    still_open = balance.removeprefix("-")
    (row,) = await cells(DOCUMENTS, {**DOCUMENT, "ledger": ledger, "kind": kind, "open": still_open, "open_accounting": still_open})
    assert row["amount"] == f"{sign}500000.00"
    assert (row["open"], row["open_accounting"]) == (balance, balance)
    assert (row["party"], row["party_name"], row["discount_amount"]) == ("SOEHNE", "Huber & Söhne", "")


def test_a_workbook_has_lines_totals_and_what_was_asked(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", LINES, LINE, {**LINE, "line": 2, "currency": "KWD", "debit": "0.125"}, {**LINE, "debit": "0.10"})
    heading, *rows = book["lines"].iter_rows()
    first = {str(name.value): cell for name, cell in zip(heading, rows[0], strict=True)}
    assert (first["debit"].value, first["debit"].number_format) == (980, "#,##0.00")
    assert (first["accounting_debit"].value, first["accounting_debit"].number_format) == (147000, "#,##0")
    assert first["date"].value == datetime(2026, 3, 12)  # noqa: DTZ001 - a day in a sheet has no zone
    assert (first["text"].value, first["text"].data_type) == ("=1+1", "s")
    totals = {row[:3]: str(row[3]) for row in rows_of_sheet(book, "totals")}
    assert totals["FAB", "USD", "debit"] == "980.1"
    assert totals["FAB", "KWD", "debit"] == "0.125"
    assert totals["FAB", "JPY", "accounting_debit"] == "441000"
    assert not [key for key in totals if "running" in key[2]]
    asked = asked_in(book)
    assert (asked["list"], asked["company"], asked["rows"]) == ("lines", "FAB", "3")


def test_an_amount_that_a_spreadsheet_would_round_is_a_text(tmp_path: Path) -> None:
    exact, too_long = "9999999999999.99", "99999999999999.99"
    book = workbook(tmp_path / "a.xlsx", LINES, {**LINE, "debit": exact}, {**LINE, "debit": too_long})
    headings = [cell.value for cell in book["lines"][1]]
    kinds = [book["lines"].cell(row, headings.index("debit") + 1) for row in (2, 3)]
    assert [(cell.data_type, str(cell.value)) for cell in kinds] == [("n", exact), ("s", too_long)]


def test_a_workbook_that_would_be_too_long_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TooManyRowsError, match=r"more than the 2 rows .* take CSV, or select fewer"):
        workbook(tmp_path / "a.xlsx", LINES, LINE, LINE, LINE, most=2)


async def peak_of_csv(pages: int, _: Path) -> int:
    async def many() -> AsyncIterator[list[dict[str, Any]]]:
        for _ in range(pages):
            yield [LINE] * 100

    tracemalloc.start()
    async for _part in csv_parts(LINES, many()):
        pass
    return _peak()


async def peak_of_workbook(pages: int, folder: Path) -> int:
    tracemalloc.start()
    book = ExportedWorkbook(folder / f"{pages}.xlsx", LINES)
    for _ in range(pages):
        book.write([LINE] * 100)
    book.close({})
    return _peak()


def _peak() -> int:
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("peak_of", [peak_of_csv, peak_of_workbook])
async def test_memory_does_not_grow_with_the_rows(peak_of: Callable[[int, Path], Any], tmp_path: Path) -> None:
    few = await peak_of(2, tmp_path)
    assert await peak_of(16, tmp_path) < few * 1.5
