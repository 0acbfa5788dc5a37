"""A row becomes the event that it says, the same one every time; what is wrong with it is said of the row and the column."""

from __future__ import annotations

import io
import zipfile
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest

from services.files.imports import tables
from services.files.imports.events import FileRow, Making, table_events
from services.files.imports.mapping import TableMapping, mapping_of
from services.files.imports.outcomes import RowOutcome, outcomes, rows_of_file
from services.scenarios.yaml_files import FileError, read_yaml
from shared.events.producing import PartyBook
from tests.builders.web import MadeUp
from tests.scenario_files import ROOT

FILES = ROOT / "tests/files"
HERE = Path("receipts.csv")
MAKING = Making(datetime(2026, 3, 1, tzinfo=UTC), PartyBook())
HEADING = "Reference;Booked;Customer;Currency;Amount;Invoices"
RIGHT = "BANK-1;15.02.2026;Contoso;EUR;588,00;INV-1"
MAPPING: Any = mapping_of(read_yaml(FILES / "receipts.yaml"), FILES)


def content_of(row: FileRow) -> dict[str, Any]:
    assert list(row.said()) == []
    assert row.record is not None
    found: dict[str, Any] = orjson.loads(row.record.value or b"")
    return found


def rows(*lines: str, mapping: TableMapping = MAPPING) -> list[FileRow]:
    return table_events(HERE, "\r\n".join((HEADING, *lines)).encode(), mapping, MAKING)


def said(*lines: str) -> list[str]:
    return [each for row in rows(*lines) for each in row.said()]


def test_a_row_is_the_event_that_the_mapping_says() -> None:
    first, second, third = rows_of_file(FILES / "receipts.csv", (FILES / "receipts.csv").read_bytes(), MAPPING, MAKING)
    assert content_of(first) == {
        "company": "FAB",
        "account": "C-4050",
        "document": "BANK-1001",
        "date": "2026-02-15",
        "currency": "EUR",
        "amount": "588.00",
        "exchange_rate": "1.12",
        "reference": "Receipt BANK-1001",
        "settle": [{"company": "FABE", "document": "INV-1"}],
    }
    assert content_of(second)["amount"] == "1234.50"
    assert content_of(second)["settle"] == [{"company": "FABE", "document": "INV-2"}, {"company": "FABE", "document": "INV-3"}]
    assert "settle" not in content_of(third)
    assert first.read is not None
    assert first.read.ref == ("/bank/fab", "BANK-1001")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (RIGHT.replace("588,00", "1,234.5"), 'row 3, column Amount: "1,234.5" is not an amount: the mapping has it written as 1.234,50'),
        (RIGHT.replace("588,00", "12.34,5"), 'row 3, column Amount: "12.34,5" is not an amount: the mapping has it written as 1.234,50'),
        (RIGHT.replace("588,00", "588,001"), 'row 3, column Amount: "588,001" has more decimals than EUR, which has 2'),
        (RIGHT.replace("15.02.2026", "2026-02-15"), 'row 3, column Booked: "2026-02-15" is not a date: the mapping says DD.MM.YYYY'),
        (RIGHT.replace("15.02.2026", "30.02.2026"), 'row 3, column Booked: "30.02.2026" is not a date: the mapping says DD.MM.YYYY'),
        (RIGHT.replace("Contoso", "Nobody"), 'row 3, column Customer: "Nobody" is not among the values of the mapping: "Contoso"'),
        (RIGHT.replace("BANK-1;", ";"), "row 3, column Reference: is empty, and the event's id is made of it"),
    ],
)
def test_what_is_wrong_is_said_of_its_row_and_column(wrong: str, expected: str) -> None:
    assert said(RIGHT.replace("BANK-1", "BANK-0"), wrong)[0] == expected


def test_what_the_services_would_refuse_is_said_of_the_column_that_it_comes_from() -> None:
    (found,) = said(RIGHT.replace("588,00", "-588,00"))
    assert found.startswith("row 2, column Amount: ")
    (found,) = said(RIGHT.replace("588,00", ""))
    assert found.startswith("row 2, column Amount: ")
    (found,) = said(RIGHT.replace("EUR", "EURO"))
    assert found.startswith("row 2, column Currency: ")


def test_an_id_that_stands_twice_with_other_data_is_wrong_and_says_where() -> None:
    assert said(RIGHT, RIGHT) == []
    assert said(RIGHT, RIGHT.replace("588,00", "589,00")) == ["row 3: the id BANK-1 stands in row 2 with other data"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "is empty: there is no row of headings"),
        (HEADING.replace("Amount", "Sum"), "row 1: there is no column Amount: there are Reference, Booked"),
        (HEADING.replace(";", ","), r"is the delimiter ';'\?"),
        (f"{HEADING};Amount", "row 1: the column Amount stands there more than once"),
        (f"{HEADING}\n{RIGHT};x", "row 2: has more cells than the 6 of the headings"),
        (f'{HEADING}\n"BANK', "is not CSV"),
    ],
)
def test_a_table_that_is_not_as_its_mapping_says_is_refused_whole(content: str, expected: str) -> None:
    with pytest.raises(FileError, match=expected):
        table_events(HERE, content.encode(), MAPPING, MAKING)
    with pytest.raises(FileError, match="is not in the encoding utf-8"):
        table_events(HERE, b"\xff", MAPPING, MAKING)


def mapped(**changed: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "type": "customer-payment.posted",
        "source": "/bank",
        "id": "{Reference}",
        "file": {"format": "csv", "delimiter": ";", "encoding": "utf-8"},
        "fields": {"amount": "Amount"},
    }
    return {**deepcopy(content), **changed}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"typ": "x"}, "typ: is not known here"),
        ({"type": "company.defined"}, "type: 'company.defined' is not one of customer-invoice.posted"),
        ({"id": "row"}, "id: name a column in braces"),
        ({"file": {"format": "csv"}}, "file: of CSV say delimiter and encoding"),
        ({"decimal": ",", "thousands": ","}, "thousands: the decimal sign cannot separate thousands too"),
        ({"date": "MM/DD"}, "date: 'MM/DD' is not a form of dates"),
        ({"fields": {"amount": {"column": "A", "constant": "1"}}}, "fields.amount: say one of column, template and constant"),
        ({"fields": {"amount": {"colum": "A"}}}, "fields.amount.colum: is not known here"),
        ({"source": None}, "source: "),
    ],
)
def test_a_mapping_that_is_wrong_says_where_and_what_would_be_right(changed: dict[str, Any], expected: str) -> None:
    with pytest.raises(FileError, match=f"m.yaml: {expected}"):
        mapping_of(mapped(**changed), Path("m.yaml"))


def of_workbook(*values: list[Any], **changed: Any) -> list[FileRow]:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in (["Reference", "Booked", "Currency", "Amount"], *values):
        book.active.append(line)
    packed = io.BytesIO()
    book.save(packed)
    fields = {
        "company": {"constant": "FAB"},
        "account": {"constant": "C-1"},
        "document": "Reference",
        "date": "Booked",
        "currency": "Currency",
        "amount": "Amount",
    }
    mapping: Any = mapping_of(mapped(file={"format": "xlsx"}, fields=fields, **changed), HERE)
    return table_events(HERE, packed.getvalue(), mapping, MAKING)


def test_a_cell_of_a_workbook_is_the_shortest_decimal_that_it_is() -> None:
    day = date(2026, 3, 1)
    first, second, third, fourth = of_workbook(
        [1001, day, "EUR", 588.125],
        [1002, day, "EUR", 1234.56],
        [1003, datetime(2026, 3, 1, 9, 30), "EUR", 5],  # noqa: DTZ001 - a cell has no zone
        ["x", day, "EUR", 7],
    )
    assert list(first.said()) == ["row 2, column Amount: 588.125 has more decimals than EUR, which has 2"]
    assert {name: content_of(second)[name] for name in ("amount", "date", "document")} == {
        "amount": "1234.56",
        "date": "2026-03-01",
        "document": "1002",
    }
    assert list(third.said()) == ["row 4, column Booked: 2026-03-01 09:30:00 is not a date: it has a time of day"]
    assert content_of(fourth)["amount"] == "7"


def test_what_is_no_workbook_is_refused() -> None:
    mapping: Any = mapping_of(mapped(file={"format": "xlsx"}), HERE)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("[Content_Types].xml", "<no")
    for content in (b"PK no", b"", packed.getvalue()):
        with pytest.raises(FileError, match="is not a workbook"):
            table_events(HERE, content, mapping, MAKING)


def test_a_small_file_that_says_it_is_large_is_not_read_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_LINES", 3)
    day = date(2026, 3, 1)
    assert len(of_workbook(*([f"{number}", day, "EUR", 1] for number in range(3)))) == 3
    with pytest.raises(FileError, match="has more than 3 rows, empty ones counted"):
        of_workbook(*([f"{number}", day, "EUR", 1] for number in range(4)))
    with pytest.raises(FileError, match="has more than 3 rows, empty ones counted"):
        of_workbook(*[[None]] * 9, ["1", day, "EUR", 1])


def test_a_number_that_no_amount_is_makes_no_failure_of_ours() -> None:
    (found,) = of_workbook(["1", date(2026, 3, 1), "EUR", 1e300])
    assert list(found.said()) == ['row 2, column Amount: "1e+300" is not an amount: it may have 28 digits']


@pytest.mark.parametrize("encoding", ["utf-7", "utf-16", "utf-32", "utf-8"])
def test_an_encoding_that_does_not_fit_makes_no_failure_of_ours(encoding: str) -> None:
    mapping: Any = mapping_of(mapped(file={"format": "csv", "delimiter": ";", "encoding": encoding}), HERE)
    with pytest.raises(FileError, match=r"is not in the encoding|there is no column"):
        table_events(HERE, b"+2AA-\xff..", mapping, MAKING)


@pytest.mark.parametrize("encoding", ["rot13", "idna", "punycode", "unicode_escape", "no such", "hex", "utf-8\x00"])
def test_what_is_no_encoding_of_texts_is_refused_in_the_mapping(encoding: str) -> None:
    with pytest.raises(FileError, match=r"file: encoding: .* is not an encoding of texts"):
        mapping_of(mapped(file={"format": "csv", "delimiter": ";", "encoding": encoding}), HERE)


async def test_a_row_that_was_taken_before_is_a_duplicate_and_one_of_other_data_is_wrong() -> None:
    found = rows(RIGHT, RIGHT, RIGHT.replace("BANK-1", "BANK-2"), RIGHT.replace("588,00", "x").replace("BANK-1", "BANK-3"))
    schemas: Any = MadeUp()
    assert await outcomes(schemas, found) == [RowOutcome.NEW, RowOutcome.DUPLICATE, RowOutcome.NEW, RowOutcome.WRONG]
