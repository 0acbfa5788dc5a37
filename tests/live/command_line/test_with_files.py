"""`export` and `import` beside a running `up`: a file balances; one that is sent twice changes nothing, one with an error sends nothing."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING

import openpyxl
import pytest

from tests.builders.sheets import asked_in, rows_of_sheet
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.shell import Shell

pytestmark = pytest.mark.embedded

FILES = ROOT / "tests/files"
RECEIPTS = (FILES / "receipts.csv", "--mapping", FILES / "receipts.yaml")
STATEMENT = (FILES / "camt053_08.xml", "--mapping", FILES / "bank.yaml")


def test_vouchers_are_exported_as_csv_that_balances(shell: Shell) -> None:
    written = shell.run("export", "vouchers", "--company", "FABE", "--format", "csv")
    assert written.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(written.stdout)))
    assert len(rows) >= 4
    assert sum(Decimal(row["debit"]) - Decimal(row["credit"]) for row in rows) == 0
    assert {row["company"] for row in rows} == {"FABE"}


def test_lists_are_exported_as_workbooks(shell: Shell, tmp_path: Path) -> None:
    for name, *filters in (("documents", "--state", "closed"), ("lines",), ("balances",), ("intercompany",), ("pair", "FAB", "FABE")):
        file = tmp_path / f"{name}.xlsx"
        written = shell.run("export", name, *filters, "--as-of", "2026-03-31", "-o", file)
        assert (written.exit_code, file.name in written.stderr) == (0, True), written.stderr
        book = openpyxl.load_workbook(file)
        assert len(rows_of_sheet(book, "lines")) == int(asked_in(book)["rows"]) > 0
        assert asked_in(book)["as_of"] == "2026-03-31"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("balances.xlsx", "documents.xlsx", "intercompany.xlsx", "lines.xlsx", "pair.xlsx"),
    ]


def test_a_workbook_needs_a_file_and_has_no_locale(shell: Shell) -> None:
    for options, words in ((("--format", "xlsx"), "--output FILE.xlsx"), (("-o", "x.xlsx", "--locale", "de"), "--locale is for CSV")):
        refused = shell.run("export", "vouchers", *options)
        assert refused.exit_code == 2
        assert words in " ".join(refused.stderr.replace("│", " ").split())


def test_a_statement_whose_payer_is_unknown_sends_nothing_and_names_the_entry(shell: Shell) -> None:
    for options in (("--dry-run",), ()):
        refused = shell.run("import", *STATEMENT, *options)
        assert refused.exit_code == 1
        said = " ".join(refused.stderr.split())
        assert 'entry 2, transfer 2, column Dbtr: "Nobody Ltd" is not among the parties of the mapping' in said
        assert "1 wrong" in refused.stdout
    again = shell.run("import", *STATEMENT, "--dry-run")
    assert "2 would be sent" in again.stdout, "none was sent"


def test_the_same_file_twice_is_sent_once(shell: Shell) -> None:
    first = shell.run("import", *RECEIPTS)
    assert (first.exit_code, first.stdout) == (0, "3 sent\n"), first.stderr
    shell.until(lambda: "duplicate" in shell.run("import", *RECEIPTS, "--dry-run").stdout)
    second = shell.run("import", *RECEIPTS)
    assert (second.exit_code, second.stdout) == (0, "3 duplicate: taken before, nothing changes\n")


def test_an_id_that_was_taken_with_other_data_is_wrong_and_the_others_are_sent_where_that_is_asked(shell: Shell, tmp_path: Path) -> None:
    text = RECEIPTS[0].read_text(encoding="utf-8").replace("588,00", "589,00").replace("BANK-1003", "BANK-1004")
    changed = tmp_path / "receipts.csv"
    changed.write_text(text, encoding="utf-8")
    refused = shell.run("import", changed, *RECEIPTS[1:])
    assert refused.exit_code == 1
    assert "row 2: the id BANK-1001 was taken before by an event with other data" in " ".join(refused.stderr.split())
    assert "1 not sent, since others are wrong" in refused.stdout
    partly = shell.run("import", changed, *RECEIPTS[1:], "--partial")
    assert (partly.exit_code, partly.stdout.splitlines()) == (1, ["1 sent", "1 duplicate: taken before, nothing changes", "1 wrong"])
