"""Files that were made to break whoever reads them: each is an error that says where, and none takes more memory than is meant."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import openpyxl
import pytest

from services.files.imports import tables
from services.files.imports.bounds import OF_A_REQUEST
from services.files.imports.events import Making
from services.files.imports.mapping import mapping_of
from services.files.imports.outcomes import rows_of_file
from services.scenarios.yaml_files import FileError, read_yaml
from shared.events.producing import PartyBook
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = Path("file")
MAKING: Final = Making(datetime(2026, 3, 1, tzinfo=UTC), PartyBook())
HEADING: Final = ("Reference", "Booked", "Customer", "Currency", "Amount", "Invoices")
RIGHT: Final = ("BANK-1", "15.02.2026", "Contoso", "EUR", "588,00", "INV-1")
RECEIPTS: Final[dict[str, Any]] = read_yaml(ROOT / "tests/files/receipts.yaml")
BANK: Final[dict[str, Any]] = read_yaml(ROOT / "tests/files/bank.yaml")
STATEMENT: Final = (ROOT / "tests/files/camt053_08.xml").read_text(encoding="utf-8")
MOST_MEMORY: Final = 120 * 1024 * 1024
SHEET: Final = "xl/worksheets/sheet1.xml"
NAMESPACE: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LAUGHS: Final = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'


def said(content: bytes, **mapping: Any) -> list[str]:
    """What is wrong with each row."""
    rows = rows_of_file(HERE, content, mapping_of({**RECEIPTS, **mapping}, HERE), MAKING, OF_A_REQUEST)
    return [each for row in rows for each in row.said()]


def of_csv(*rows: tuple[str, ...]) -> bytes:
    return "\r\n".join(";".join(row) for row in (HEADING, *rows)).encode()


def changed(**values: str) -> tuple[str, ...]:
    """A row that is right but for these columns."""
    return tuple(values.get(name, value) for name, value in zip(HEADING, RIGHT, strict=True))


def of_workbook(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (HEADING, *rows):
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def repacked(content: bytes, change: Callable[[str], str], name: str = SHEET) -> bytes:
    """A workbook one part of which is changed by hand, as no spreadsheet would write it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = old.read(part).decode()
            new.writestr(part, change(text) if part == name else text)
    return made.getvalue()


def said_of_workbook(content: bytes) -> list[str]:
    return said(content, file={"format": "xlsx"})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (changed(Reference="BANK\x00-1"), "row 2, column Reference: "),
        (changed(Customer="\x00"), "row 2, column Customer: "),
        (changed(Amount="1e400"), 'row 2, column Amount: "1e400" is not an amount'),
        (changed(Amount="NaN"), 'row 2, column Amount: "NaN" is not an amount'),
        (changed(Amount="9" * 100_000), "row 2, column Amount: has 100,000 characters: a cell may have 5,000"),
        (changed(Reference="x" * 5_001), "row 2, column Reference: has 5,001 characters"),
        (changed(Reference="x" * 5_000), "row 2, column Reference: "),
        (changed(Invoices=",".join(["INV-1"] * 900)), "row 2, column Invoices: has 5,399 characters"),
        (changed(Booked="\u0660\u0661.02.2026"), "row 2, column Booked: "),
    ],
)
def test_what_a_cell_cannot_be_is_said_of_its_row_and_column(row: tuple[str, ...], expected: str) -> None:
    assert said(of_csv(row))[0].startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (of_csv(RIGHT) + b"\r\n\xff\xfe", "row 3: is not in the encoding utf-8"),
        ("\ufeffReference".encode("utf-16"), "row 1: is not in the encoding utf-8"),
        (of_csv(RIGHT) + b'\r\n"' + b"x" * 200_000, "row 3: is not CSV: field larger than field limit"),
        (of_csv(RIGHT) + b'\r\n"x"y', "row 3: is not CSV"),
        (b"\x00" * 1000, "row 1: there is no column Amount"),
        (b"x" * (OF_A_REQUEST.size + 1), "has 3,000,001 bytes: 3,000,000 are taken; send it in parts"),
        (of_csv(*[RIGHT] * 2_001), "has more than 2,000 rows; send it in parts"),
        (b";" * 1_000_000, "row 1: there is no column Amount"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_row(content: bytes, expected: str) -> None:
    with pytest.raises(FileError, match=f"^file: {expected}"):
        said(content)


def test_a_mapping_cannot_make_a_small_file_large() -> None:
    row = of_csv(changed(Reference="x" * 4_000))
    (first, *_) = said(row, id="{Reference}{Reference}")
    assert first == "row 2, column Reference: makes a text of more than 5,000 characters with what the mapping puts together"
    with pytest.raises(FileError, match="fields: "):
        said(row, fields={f"field{number}": "Reference" for number in range(101)})


def test_cells_of_a_workbook_that_have_no_value_are_said_to_have_none() -> None:
    content = of_workbook(
        ("BANK-1", "15.02.2026", "Contoso", "EUR", "=500+88", "INV-1"),
        ("BANK-2", "15.02.2026", "Contoso", "#N/A", 1, "INV-1"),
        ("=A2", "15.02.2026", "Contoso", "EUR", 1, "=NOW()"),
    )
    formula = "is a formula without a result: open and save the file in a spreadsheet, or write the value"
    assert said_of_workbook(content) == [
        f"row 2, column Amount: {formula}",
        "row 3, column Currency: is #N/A, an error of the spreadsheet",
        f"row 4, column Reference: {formula}",
        f"row 4, column Reference: {formula}",
        f"row 4, column Reference: {formula}",
        f"row 4, column Invoices: {formula}",
    ]


def test_of_a_formula_its_last_result_counts() -> None:
    content = of_workbook(("BANK-1", "15.02.2026", "Contoso", "EUR", "=500+88", "INV-1"))
    kept = repacked(content, lambda text: text.replace("<f>500+88</f><v></v>", "<f>500+88</f><v>588</v>").replace("<v />", "<v>588</v>"))
    assert said_of_workbook(kept) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("1e400", 'row 2, column Amount: "inf" is not an amount: it may have 28 digits'),
        ("-1e400", 'row 2, column Amount: "-inf" is not an amount: it may have 28 digits'),
        ("9" * 40, f'row 2, column Amount: "{"9" * 40}" is not an amount: it may have 28 digits'),
    ],
)
def test_a_number_of_a_workbook_that_none_can_be_is_said_of_its_cell(number: str, expected: str) -> None:
    content = of_workbook(("BANK-1", "15.02.2026", "Contoso", "EUR", 4711, "INV-1"))
    assert said_of_workbook(repacked(content, lambda text: text.replace(">4711<", f">{number}<"))) == [expected]


@pytest.mark.parametrize("number", ["9" * 5_000, "nan", "0x1F", "1e"])
def test_a_number_that_cannot_be_read_at_all_is_said_of_its_row(number: str) -> None:
    content = of_workbook(RIGHT, ("BANK-2", "15.02.2026", "Contoso", "EUR", 4711, "INV-1"))
    with pytest.raises(FileError, match=r"^file: row 3: is not a workbook \(XLSX\) that can be read: ValueError"):
        said_of_workbook(repacked(content, lambda text: text.replace(">4711<", f">{number}<")))


def test_what_a_sheet_says_of_its_own_size_leaves_nothing_out() -> None:
    content = of_workbook(RIGHT, changed(Amount="x"))
    lying = repacked(content, lambda text: text.replace('<dimension ref="A1:F3"', '<dimension ref="A1:B2"'))
    assert lying != content
    assert said_of_workbook(lying)[0].startswith('row 3, column Amount: "x" is not an amount')


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        (f"{LAUGHS}<worksheet {NAMESPACE}><sheetData><row><c><v>&c;</v></c></row></sheetData></worksheet>", "is not a workbook"),
        (f"<worksheet {NAMESPACE}><sheetData><row>{'<c/>' * 400_000}</row></sheetData></worksheet>", "has more than 300,000 elements"),
        (f"<worksheet {NAMESPACE}><sheetData>{'<row/>' * 60_000}</sheetData></worksheet>", "there is no column"),
        (f"<worksheet {NAMESPACE}><sheetData>{' ' * 17_000_000}</sheetData></worksheet>", "is too large once it is unpacked"),
        (f'<worksheet {NAMESPACE}><sheetData><row r="1048576"><c><v>1</v></c></row></sheetData></worksheet>', "is empty|column"),
        (f'<worksheet {NAMESPACE}><sheetData><row><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>', "is empty|there is no column"),
    ],
)
def test_a_bomb_in_a_workbook_takes_no_memory(sheet: str, expected: str) -> None:
    content = repacked(of_workbook(RIGHT), lambda _: sheet)
    assert len(content) < OF_A_REQUEST.size
    with pytest.raises(FileError, match=expected):
        with_little_memory(lambda: said_of_workbook(content))


def test_texts_that_a_workbook_shares_take_no_more_memory() -> None:
    strings = f"<sst {NAMESPACE}>{''.join(f'<si><t>{number}</t></si>' for number in range(140_000))}</sst>"
    content = repacked(of_workbook(RIGHT), lambda _: strings, "xl/sharedStrings.xml")
    with_little_memory(lambda: said_of_workbook(content))


def with_little_memory(act: Callable[[], object]) -> None:
    tracemalloc.start()
    try:
        act()
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < MOST_MEMORY, f"{most:,} bytes"


def statement(text: str) -> list[str]:
    rows = rows_of_file(HERE, text.encode(), mapping_of(BANK, HERE), MAKING, OF_A_REQUEST)
    return [each for row in rows for each in row.said()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STATEMENT.replace("?>", f"?>{LAUGHS}", 1), "has a document type"),
        (STATEMENT.replace("?>", '?><!DOCTYPE x SYSTEM "file:///etc/passwd">', 1), "has a document type"),
        (STATEMENT.replace("<Stmt>", f"<Stmt>{'<a/>' * 400_000}", 1), "has more than 300,000 elements and attributes"),
        (STATEMENT.replace("<Stmt>", f"<Stmt>{'<Ntry/>' * 2_001}", 1), "has more than 2,000 rows"),
        ("<a>" * 100_000, "cannot be read as XML"),
        (STATEMENT[: len(STATEMENT) // 2], "cannot be read as XML"),
    ],
)
def test_a_bomb_in_a_statement_takes_no_memory(text: str, expected: str) -> None:
    with pytest.raises(FileError, match=expected):
        with_little_memory(lambda: statement(text))


def test_an_amount_of_a_statement_has_no_exponent() -> None:
    found = statement(STATEMENT.replace(">588.00<", ">1e400<"))
    assert "entry 1, column Amt: is not an amount" in found


def test_rows_are_counted_as_a_spreadsheet_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_COLUMNS", 6)
    wide = of_workbook(RIGHT, (*RIGHT, date(2026, 3, 1)))
    with pytest.raises(FileError, match="row 3: has more"):
        said_of_workbook(wide)
