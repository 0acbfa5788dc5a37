"""What a file for a spreadsheet is made of: no formulas, the page's signs, names without dots, and text that it reads as UTF-8."""

from __future__ import annotations

import codecs
import csv
import io
from typing import Any

import pytest

from services.web.console.pages.export import _cell, export, flat
from tests.builders.console import made_up_reader


def test_a_cell_is_never_a_formula() -> None:
    assert [_cell(each) for each in ("=1+1", "@x", "-cmd", "-12.50", "-1", "+3", None, 5)] == [
        "'=1+1",
        "'@x",
        "'-cmd",
        "-12.50",
        "-1",
        "'+3",
        "",
        "5",
    ]


def test_nor_where_a_spreadsheet_separates_cells_by_something_else() -> None:
    assert [_cell(each) for each in ("x;=cmd|'/c calc'!A1", "a\t@b", "a; -b", "a;b=c", "1;2")] == [
        "x;'=cmd|'/c calc'!A1",
        "a\t'@b",
        "a; '-b",
        "a;b=c",
        "1;2",
    ]


def test_what_may_be_missing_has_its_columns_all_the_same() -> None:
    assert flat({"discount": None, "party": {"id": "P", "name": None}, "waits": []}) == {
        "discount_amount": None,
        "discount_until": None,
        "party": "P",
        "party_name": None,
    }


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
    document = {
        "company": "FAB",
        "document": "BANK-78",
        "ledger": ledger,
        "balance": balance,
        "kind": kind,
        "party": {"id": "SOEHNE", "name": "Huber & Söhne"},
        "amount": "500000.00",
        "open": balance.removeprefix("-"),
        "open_accounting": balance.removeprefix("-"),
        "discount": None,
    }
    reader = made_up_reader({"/v1/documents": {"data": [document], "next": None}}, address={"list": "documents"})
    answer: Any = await export(reader)
    text = "".join([part async for part in answer.body_iterator])
    assert text.encode().startswith(codecs.BOM_UTF8)
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")))
    assert row["amount"] == f"{sign}500000.00"
    assert (row["open"], row["open_accounting"]) == (balance, balance)
    assert (row["party"], row["party_name"], row["discount_amount"]) == ("SOEHNE", "Huber & Söhne", "")
    assert "balance" not in row
