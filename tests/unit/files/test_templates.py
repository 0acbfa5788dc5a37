"""Vouchers in the form of other systems: the files of a scenario are what they were, whole vouchers, and what does not fit apart."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.files.exports.templates import read_template, write_erp_files
from services.scenarios.yaml_files import FileError
from tests.scenario_files import ROOT
from tests.unit.files.test_exports import LINE, paged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.files.exports.templates import ErpTemplate

GOLDEN = Path(__file__).parent / "golden"
FORMS = ROOT / "deploy/exports"


OF_LINE = {name: value for name, value in LINE.items() if name not in {"company", "voucher", "accounting_currency", "kind", "date"}}


def voucher(number: int, *lines: dict[str, Any], company: str = "FABE") -> dict[str, Any]:
    head = {name: LINE[name] for name in ("ledger", "kind", "date", "document", "posted_at")}
    return {
        **head,
        **dict.fromkeys(("reference", "settlement", "record", "caused_by", "imported")),
        "company": company,
        "voucher": f"AP-SET-{number:06}",
        "accounting_currency": "EUR",
        "lines": [{**OF_LINE, "line": place, **line} for place, line in enumerate(lines, 1)],
    }


def line(posting_type: str, account: str, net: str, accounting: str, **more: Any) -> dict[str, Any]:
    sides: dict[str, str] = {}
    for name, amount in (("", net), ("accounting_", accounting)):
        sides |= {f"{name}debit": amount if amount[0] != "-" else "0.00", f"{name}credit": amount[1:] if amount[0] == "-" else "0.00"}
    return {"posting_type": posting_type, "account": account, "partner": None, "text": "Settlement VPAY-7", **sides, **more}


PAID = voucher(
    1,
    line("due_to", "2310", "-980.00", "-882.00", partner="FAB"),
    line("payable", "3300", "980.00", "882.00", party="WEST", party_account="IC-WEST", text="=1+1"),
)
WITH_GAIN = voucher(
    2, line("payable", "3300", "0.00", "-1.50", party="WEST", party_account="IC-WEST"), line("gain", "8830", "0.00", "1.50")
)
OTHER = voucher(
    1, line("receivable", "1300", "5.00", "4.00", party="C", party_account="C-1"), line("cash", "1100", "-5.00", "-4.00"), company="FA/B"
)


async def written(form: ErpTemplate, folder: Path, *vouchers: dict[str, Any]) -> dict[str, str]:
    files = await write_erp_files(paged(*vouchers), form, folder)
    return {file.name: file.read_bytes().decode() for file in files}


@pytest.mark.parametrize("name", ["d365", "odoo"])
async def test_the_files_are_what_they_were(name: str, tmp_path: Path) -> None:
    found = await written(read_template(FORMS / f"{name}.yaml"), tmp_path, PAID, WITH_GAIN, OTHER)
    assert found == {file.name: file.read_bytes().decode() for file in GOLDEN.glob(f"{name}-*.csv")}


async def test_files_that_could_not_be_written_whole_are_not_there_and_those_of_before_stay(tmp_path: Path) -> None:
    form = read_template(FORMS / "d365.yaml")
    before = await written(form, tmp_path, PAID)

    async def broken_off() -> AsyncIterator[list[dict[str, Any]]]:
        yield [{**PAID, "voucher": "AP-SET-000002"}, OTHER]
        raise OSError

    with pytest.raises(OSError, match=r"^$"):
        await write_erp_files(broken_off(), form, tmp_path)
    assert {file.name: file.read_bytes().decode() for file in tmp_path.iterdir()} == before


async def test_a_voucher_is_whole_in_its_batch_and_every_batch_balances(tmp_path: Path) -> None:
    form = read_template(FORMS / "d365.yaml").model_copy(update={"most_lines_of_batch": 5})
    many = [{**PAID, "voucher": f"AP-SET-{number:06}"} for number in range(1, 8)]
    (text,) = (await written(form, tmp_path, *many)).values()
    batches: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        batches.setdefault(row["JOURNALBATCHNUMBER"], []).append(row)
    assert [len(rows) for rows in batches.values()] == [4, 4, 4, 2]
    for rows in batches.values():
        assert sum(Decimal(row["DEBITAMOUNT"] or "0") - Decimal(row["CREDITAMOUNT"] or "0") for row in rows) == 0
        assert [row["LINENUMBER"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name: x\ncolumns: {A: '{amout}'}", "columns.A: amout is not a column of vouchers"),
        ("name: X Y\ncolumns: {A: a}", "name: "),
        ("name: x\ncolumns: {A: {txt: a}}", "columns.A.txt: "),
    ],
)
def test_a_template_that_is_wrong_says_where(content: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(content)
    with pytest.raises(FileError, match=expected):
        read_template(file)
