"""`simulate`: output, exit codes, duplicates, refusals and waiting are as promised (the figures: tests/test_scenarios.py)."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from services.command_line.main import app
from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from services.scenarios.yaml_files import FileError
from tests.scenario_files import IC_4

INVOICE = (
    '{id: I1, type: customer-invoice.posted, company: FAB, account: "4000", document: I1, date: 2026-01-10, '
    'currency: USD, amount: "100.00"}'
)
GROUP = 'group: {companies: {FAB: {currency: USD}}, parties: {NW: {customers: {FAB: "4000"}}}}'


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)])


def write(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


def test_the_tables_name_companies_lines_and_the_intercompany_balance() -> None:
    result = run(IC_4)
    assert result.exit_code == 0
    for text in ("FAB Fabrikam", "FABW Fabrikam West", "AP-SET-000001", "ARPAY-IC-FAB-VPAY-7-1", "1,000.00", "agree"):
        assert text in result.stdout
    assert "ic-4: every figure is as expected" in result.stdout
    assert "F-C04 │ Discount in the invoice company" in result.stdout
    assert "F-C05 │" not in result.stdout


def test_json_is_one_object_per_file_and_nothing_else() -> None:
    result = run("--json", IC_4, IC_4)
    first, second = (orjson.loads(line) for line in result.stdout.splitlines())
    assert first == second
    assert list(first) == ["id", "vouchers", "open", "settlements", "journals", "rejected", "waiting", "differences"]
    assert first["open"][0] == {"company": "FAB", "document": "VPAY-7", "ledger": "payable", "currency": "USD", "balance": "0.00"}
    assert first["journals"] == [
        {
            "company": "FABW",
            "journal": "ARPAY-IC",
            "document": "ARPAY-IC-FAB-VPAY-7-1",
            "status": "posted",
            "date": "2026-03-12",
            "currency": "USD",
            "amount": "980.00",
            "mirrors": {"company": "FAB", "document": "VPAY-7"},
            "reference": None,
        }
    ]
    (settled,) = [row for row in first["settlements"] if row["ledger"] == "payable"]
    assert (settled["settlement"], settled["amount"], settled["cash_discount"], settled["realized_gain"]) == (
        "VPAY-7",
        "980.00",
        "20.00",
        "0.00",
    )


def test_with_why_every_line_says_why_it_is_there() -> None:
    shown = " ".join(run("--why", IC_4).stdout.split())
    assert "FABE: why" in shown
    assert "20.00 = 2 % of 1,000.00." in shown
    found = orjson.loads(run("--why", "--json", IC_4).stdout)
    whys = [line["why"] for row in found["vouchers"] for line in row["lines"]]
    assert all(why["is_explained"] for why in whys)
    assert [why["mirrors"] for why in whys] == [None] * len(whys)
    assert found["differences"] == []
    assert "why" not in orjson.loads(run("--json", IC_4).stdout)["vouchers"][0]["lines"][0]


def test_what_differs_is_shown_and_the_exit_code_is_1(tmp_path: Path) -> None:
    path = write(tmp_path, f"id: own\n{GROUP}\nevents: [{INVOICE}]\nexpect: {{open: [{{company: FAB, document: I1, balance: '99.00'}}]}}")
    result = run(path)
    assert result.exit_code == 1
    assert "open FAB I1: expected balance 99.00, came balance 100.00" in result.stdout
    (line,) = run("--json", path).stdout.splitlines()
    assert orjson.loads(line)["differences"] == [
        {"part": "open", "place": "open FAB I1", "expected": {"balance": "99.00"}, "came": {"balance": "100.00"}}
    ]


def test_a_file_that_is_no_scenario_is_named_on_standard_error_and_the_others_go_on(tmp_path: Path) -> None:
    result = run("--json", write(tmp_path, "events: 3"), IC_4)
    assert result.exit_code == 2
    assert "own.yaml: events: must be a list of events" in result.stderr
    assert orjson.loads(result.stdout)["id"] == "ic-4"


def test_a_group_that_the_services_refuse_fails_with_their_words_and_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, "group: {companies: {FAB: {currency: USD, curency: EUR}}}")
    with pytest.raises(FileError, match="there is no field") as caught:
        simulate(load_scenario(path))
    assert caught.value.place == "group.companies.FAB.curency"
    assert run(path).exit_code == 2


def test_an_event_of_the_file_that_is_wrong_reference_data_is_only_rejected(tmp_path: Path) -> None:
    result = simulate(
        load_scenario(write(tmp_path, f"{GROUP}\nevents: [{{id: '1', type: company.defined, company: FABE, currency: XXX1}}]"))
    )
    assert [(row["event"], row["code"], row["field"]) for row in result.rejected] == [("1", "invalid", "/currency")]


def test_a_duplicate_changes_nothing_and_other_data_under_the_same_id_is_refused(tmp_path: Path) -> None:
    changed = INVOICE.replace("100.00", "100.01")
    result = simulate(load_scenario(write(tmp_path, f"{GROUP}\nevents: [{INVOICE}, {INVOICE}, {changed}]")))
    assert [row["balance"] for row in result.open] == ["100.00"]
    assert [(row["event"], row["scope"], row["code"]) for row in result.rejected] == [("I1", "event", "conflicting-duplicate")]


def test_an_event_without_id_is_rejected_without_one(tmp_path: Path) -> None:
    result = simulate(load_scenario(write(tmp_path, f"{GROUP}\nevents: [{INVOICE.replace('id: I1, ', '')}]")))
    assert [(row["event"], row["code"], row["field"]) for row in result.rejected] == [("", "malformed", "/id")]


def test_every_event_waits_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    early = INVOICE.replace("I1", "I0").replace("FAB", "FABE")
    payment = (
        '{id: A, type: customer-payment.posted, company: FAB, account: "4000", document: P, date: 2026-01-10, '
        'currency: USD, amount: "1.00", settle: [{company: FAB, document: NEVER}]}'
    )
    result = simulate(load_scenario(write(tmp_path, f"{GROUP}\nevents: [{payment}, {early}]")))
    assert [(row["event"], row["for"]) for row in result.waiting] == [("A", "document"), ("I0", "company")]
