"""Entries of bank statements as payments: who paid, what they name, and what is not clear."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from services.files.imports.events import FileRow, Making
from services.files.imports.mapping import Remittance, mapping_of
from services.files.imports.statements import statement_events
from services.scenarios.yaml_files import FileError, read_yaml
from tests.scenario_files import ROOT
from tests.unit.files.test_imports import MAKING

PATH = ROOT / "tests/files/camt053_08.xml"
CONTENT = PATH.read_text(encoding="utf-8")
SAID = read_yaml(ROOT / "tests/files/bank.yaml")
MAPPING: Any = mapping_of(read_yaml(ROOT / "tests/files/bank.yaml"), ROOT)


def entries(content: str = CONTENT, mapping: Any = MAPPING, making: Making = MAKING) -> list[FileRow]:
    return statement_events(PATH, content.encode(), mapping, making)


def data_of(row: FileRow) -> dict[str, Any]:
    assert row.record is not None, list(row.said())
    found: dict[str, Any] = orjson.loads(row.record.value or b"")
    return found


def test_credits_are_payments_and_who_is_not_known_is_an_error() -> None:
    first, second, unknown, debit = entries()
    assert data_of(first) == {
        "company": "FAB",
        "account": "C-4050",
        "document": "BANK-2026022000001",
        "date": "2026-02-20",
        "amount": "588.00",
        "currency": "EUR",
        "offset": "cash",
        "reference": "2026022000001",
        "settle": [{"company": "FABE", "document": "INV-1"}],
    }
    assert data_of(second)["amount"] == "100.00"
    assert data_of(second)["settle"] == [{"company": "FABE", "document": "INV-2"}, {"company": "FABE", "document": "INV-3"}]
    assert list(unknown.said()) == ['entry 2, transfer 2, column Dbtr: "Nobody Ltd" is not among the parties of the mapping']
    assert debit.is_left_out


def test_version_02_says_the_same_in_other_places() -> None:
    older = CONTENT.replace("053.001.08", "053.001.02").replace("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>")
    older = re.sub(r"<Pty>(<Nm>[^<]*</Nm>)</Pty>", r"\1", older)
    assert "<Pty>" not in older
    assert [(row.place, row.is_left_out, list(row.said()), row.record and row.record.value) for row in entries(older)] == [
        (row.place, row.is_left_out, list(row.said()), row.record and row.record.value) for row in entries()
    ]


def test_debits_are_payments_to_vendors_only_where_the_mapping_says_so() -> None:
    mapping = mapping_of({**SAID, "debits": {"parties": {"Northwind": "V-1"}}}, PATH)
    *_, unknown = entries(mapping=mapping)
    assert list(unknown.said()) == ["entry 3, column Cdtr: nobody is not among the parties of the mapping"]
    named = "<NtryDtls><TxDtls><RltdPties><Cdtr><Pty><Nm>Northwind</Nm></Pty></Cdtr></RltdPties></TxDtls></NtryDtls></Ntry>\n    </Stmt>"
    *_, paid = entries(re.sub(r"</Ntry>\s*</Stmt>", named, CONTENT), mapping)
    assert (data_of(paid)["account"], data_of(paid)["amount"]) == ("V-1", "80.00")
    assert paid.read is not None
    assert paid.read.type == "vendor-payment.posted"
    *_, again = entries(re.sub(r"</Ntry>\s*</Stmt>", named, CONTENT), mapping)
    assert again.read is not None
    assert again.read.ref == paid.read.ref, "without the bank's reference the id is a digest of the entry"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("DE89370400440532013000", "DE00", 'entry 1, column Acct: "DE00" is not among the accounts of the mapping'),
        (
            "<CdtDbtInd>CRDT</CdtDbtInd>\n        <Sts>",
            "<CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd>\n        <Sts>",
            "column RvslInd",
        ),
        ('<Amt Ccy="EUR">588.00', '<Amt Ccy="EUR">588,00', "entry 1, column Amt: is not an amount"),
        ('<Amt Ccy="EUR">588.00', '<Amt Ccy="EUR">1E999999', "entry 1, column Amt: is not an amount"),
        ('<Amt Ccy="EUR">588.00', '<Amt Ccy="EUR">0.00', "entry 1, column Amt: "),
        ('<Amt Ccy="EUR">100.00</Amt>', "", "entry 2, transfer 1, column TxDtls: the entry is of several transfers"),
    ],
)
def test_what_is_not_clear_is_an_error_of_its_entry(old: str, new: str, expected: str) -> None:
    changed = CONTENT.replace(old, new, 1)
    assert changed != CONTENT
    assert [each for row in entries(changed) for each in row.said() if expected in each]


def test_what_is_not_booked_is_left_out() -> None:
    first, *_ = entries(CONTENT.replace("<Cd>BOOK</Cd>", "<Cd>PDNG</Cd>", 1))
    assert first.is_left_out


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<Document/>", r"is not camt.053.001.02 to .08"),
        (CONTENT.replace("053.001.08", "053.001.13"), r"is not camt.053.001.02 to .08"),
        ("no", "cannot be read as XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "has a document type"),
    ],
)
def test_what_is_no_statement_is_refused(content: str, expected: str) -> None:
    with pytest.raises(FileError, match=expected):
        entries(content)


def test_the_words_of_a_transfer_name_what_looks_like_the_pattern() -> None:
    settle = Remittance(company="FABE", pattern="INV-#/##")
    assert settle.found_in("paid INV-17/2026, INV-18/26; not XINV-1/2, INV-1, INV-1/2A or INV-/3") == ["INV-17/2026", "INV-18/26"]
    with pytest.raises(FileError, match="has no #, which stands for digits"):
        mapping_of({**SAID, "credits": {**SAID["credits"], "settle": {"company": "FABE", "pattern": "INV"}}}, PATH)
