"""The commands that ask inquiry what stands in the books, beside a running `up`: the same answers as over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from typer.testing import CliRunner

from services.command_line.main import app
from services.desk import rows
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from tests.builders.shell import Shell

pytestmark = pytest.mark.embedded

Row = dict[str, Any]


def test_vouchers_are_selected_and_shown_as_simulate_shows_them_the_newest_first(shell: Shell) -> None:
    simulated = orjson.loads(CliRunner().invoke(app, ["simulate", "--json", str(IC_4)]).stdout)["vouchers"]
    live = shell.rows("vouchers", "--company", "FABE")
    expected = [row["lines"] for row in simulated if row["company"] == "FABE"]
    assert [row["lines"] for row in reversed(live)] == [[{"line": n, **each} for n, each in enumerate(lines, 1)] for lines in expected]
    assert [row["kind"] for row in shell.rows("vouchers", "--document", "VPAY-7", "--company", "FAB")] == ["settlement", "payment"]
    assert shell.rows("vouchers", "--from", "2026-03-03", "--kind", "invoice") == []
    assert shell.rows("vouchers", "--as-of", "2026-03-01") == []
    assert {row["company"] for row in shell.rows("vouchers", "--settlement", "VPAY-7")} == {"FAB", "FABE"}
    assert {row["document"] for row in shell.rows("vouchers", "--ledger", "receivable")} == {"CI-7", "ARPAY-IC-FAB-VPAY-7-1"}
    assert shell.rows("vouchers", "--known-at", "2026-01-01T00:00:00Z") == []
    assert shell.rows("vouchers", "--imported", "no", "--company", "FABE") == live[::-1], "the oldest first"
    assert shell.rows("vouchers", "--imported", "failed") == []
    assert "Fabrikam East" in shell.run("vouchers").stdout


def test_a_time_that_is_none_is_refused_with_what_would_be_one(shell: Shell) -> None:
    for wrong in ("yesterday", "2026-03-12", "2026-03-12T10:00:00"):
        result = shell.run("vouchers", "--known-at", wrong)
        assert result.exit_code == 2
        assert "2026-03-31T18:00:00Z is" in result.stderr


def test_a_table_of_vouchers_ends_at_so_many_lines_and_says_so(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    all_ = [row["voucher"] for row in shell.rows("vouchers")]
    monkeypatch.setattr(rows, "MOST_LINES_SHOWN", 1)
    shown = shell.run("vouchers")
    assert "Not all of these are shown" in shown.output
    assert all_[0] in shown.stdout
    assert all_[1] not in shown.stdout
    assert [row["voucher"] for row in shell.rows("vouchers")] == all_, "as JSON all are printed"
    assert len(shell.rows("vouchers", "--limit", "2")) == 2


def test_open_documents_leave_closed_ones_out_unless_asked(shell: Shell) -> None:
    assert [row["document"] for row in shell.rows("open", "--company", "FABE")] == []
    assert [row["document"] for row in shell.rows("open", "--company", "FABE", "--all")] == ["VI-7"]
    assert shell.rows("open", "--party", "NOBODY", "--all") == []


def test_what_was_open_on_a_day_comes_with_its_party_due_date_and_age(shell: Shell) -> None:
    (row,) = shell.rows("open", "--company", "FABE", "--as-of", "2026-03-11")
    assert (row["document"], row["open"], row["balance"], row["kind"]) == ("VI-7", "1000.00", "-1000.00", "invoice")
    assert (row["party"]["name"], row["due_date"], row["age_days"]) == ("Fabrikam West", "2026-04-01", -21)
    assert row["discount"] == {"amount": "20.00", "until": "2026-03-16"}
    shown = shell.run("open", "--company", "FABE", "--as-of", "2026-03-11").stdout
    for text in ("as of 2026-03-11", "WEST Fabrikam West", "2026-04-01", "-21", "-1,000.00"):
        assert text in shown
    assert shell.rows("open", "--as-of", "2026-03-11", "--due-to", "2026-03-31") == []
    assert shell.rows("open", "--as-of", "2026-03-11", "--known-at", "2026-01-01T00:00:00Z") == []


def test_balances_show_accounts_and_the_intercompany_matrix(shell: Shell) -> None:
    (due,) = [row for row in shell.rows("balances", "--company", "FABE") if row["posting_type"] == "due_to"]
    assert (due["partner"], due["debit"], due["credit"], due["closing"], due["last_date"]) == (
        "FAB",
        "0.00",
        "980.00",
        "-980.00",
        "2026-03-12",
    )
    assert "agree" in shell.run("balances").stdout
    assert [row for row in shell.rows("balances", "--as-of", "2026-03-11") if row["partner"]] == []
    (before,) = shell.rows("balances", "--company", "FABE", "--from", "2026-03-12", "--posting-type", "accounts_payable")
    assert (before["opening"], before["debit"], before["closing"]) == ("-1000.00", "1000.00", "0.00")
    assert "Opening" in shell.run("balances", "--company", "FABE", "--from", "2026-03-12").stdout


def test_the_matrix_has_both_sides_in_their_own_currency_as_of_a_day(shell: Shell) -> None:
    cells = shell.rows("matrix", "--company", "FABE")
    assert [(row["company"], row["partner"], row["net"], row["accounting_net"], row["mirrored"]) for row in cells] == [
        ("FAB", "FABE", "980.00", "980.00", True),
        ("FABE", "FAB", "-980.00", "-980.00", True),
    ]
    assert "980.00 USD" in shell.run("matrix").stdout
    assert shell.rows("matrix", "--as-of", "2026-03-11") == []


def voucher_nodes(found: Row) -> list[tuple[str, str]]:
    return sorted((node["company"], node["voucher_kind"]) for node in found["nodes"] if node["kind"] == "voucher")


@pytest.mark.parametrize("name", [("VPAY-7",), ("ARPAY-IC-FAB-VPAY-7-1",), ("AP-SET-000001", "--company", "FABE")])
def test_trace_goes_from_any_name_to_every_voucher_with_its_rules(shell: Shell, name: tuple[str, ...]) -> None:
    (found,) = shell.rows("trace", *name)
    assert voucher_nodes(found) == [
        ("FAB", "payment"),
        ("FAB", "settlement"),
        ("FABE", "invoice"),
        ("FABE", "settlement"),
        ("FABW", "invoice"),
        ("FABW", "payment"),
        ("FABW", "settlement"),
    ]
    shown = shell.run("trace", *name).stdout
    assert "[F-C04]" in shown
    assert "F-C04 │ Discount in the invoice company" in shown
    assert "settlement, with FABE AP-SET-000001" in shown
    assert "invoice FABE VI-7 (payable)  2026-03-02 1,000.00 USD, balance 0.00  posted" in shown
    assert "intercompany why COMPANY VOUCHER LINE" in shown


def test_why_says_in_the_readers_language_what_decided_a_line(shell: Shell) -> None:
    (voucher,) = (row for row in shell.rows("vouchers", "--company", "FABE", "--kind", "settlement") if row["document"] == "VPAY-7")
    number = next(place for place, line in enumerate(voucher["lines"], start=1) if line["posting_type"] == "cash_discount")
    shell.until(lambda: shell.rows("why", "FABE", voucher["voucher"], str(number))[0]["parameters"][0]["event"] is not None)
    shown = " ".join(shell.run("why", "FABE", voucher["voucher"], str(number), "--language", "de-CH").stdout.split())
    assert shown.startswith("20,00 = 2 % von 1.000,00.")
    assert "F-C04 Skonto in der Gesellschaft der Rechnung" in shown
    (row,) = shell.rows("why", "FABE", voucher["voucher"], str(number))
    assert row["is_explained"]
    assert row["rules"] == ["F-D02", "F-D05", "F-C04", "F-C10"]
    (parameter,) = row["parameters"]
    assert (parameter["name"], parameter["of"]) == ("post_cash_discount", "centralized_payments")
    assert parameter["event"] is not None
    assert f"(event {parameter['event']['id'][:8]}…)" in row["sentence"]


def test_why_of_what_is_not_there_says_what_is(shell: Shell) -> None:
    (voucher, *_) = shell.rows("vouchers", "--company", "FABE", "--kind", "settlement")
    for arguments, advice in (
        (("AP-SET-999999", "1"), "FABE has no voucher AP-SET-999999"),
        ((voucher["voucher"], "99"), "has lines 1 to"),
    ):
        result = shell.run("why", "FABE", *arguments)
        assert result.exit_code == 1
        assert advice in result.stderr


def test_trace_of_what_nobody_knows_says_where_to_look(shell: Shell) -> None:
    result = shell.run("trace", "NOBODY")
    assert result.exit_code == 1
    assert "`rejections list`" in result.stderr


def test_without_inquirys_schema_a_question_to_the_books_says_what_to_do(shell: Shell) -> None:
    shell.execute("alter schema inquiry rename to inquiry_away")
    try:
        for command in (("vouchers",), ("open",), ("balances",), ("matrix",), ("trace", "VPAY-7")):
            result = shell.run(*command)
            assert result.exit_code == 1
            assert "the database has no schema inquiry" in result.stderr
            assert "intercompany service inquiry" in result.stderr
        assert shell.run("waiting", "list").exit_code == 0
        assert shell.run("why", "FAB", "AP-PAY-000001", "1").exit_code == 0, "with the parameters that are in force now"
    finally:
        shell.execute("alter schema inquiry_away rename to inquiry")


def test_an_answer_says_how_far_inquiry_has_read_where_it_is_behind(shell: Shell) -> None:
    shell.until(lambda: "behind" not in shell.run("matrix").stderr)
    shell.execute("update inquiry.positions set next_offset = next_offset - 1 where topic = 'intercompany.vouchers'")
    try:
        shown = shell.run("matrix")
        assert (shown.exit_code, shown.stdout != "") == (0, True)
        assert "messages still to be read: 1" in " ".join(shown.stderr.split())
    finally:
        shell.execute("update inquiry.positions set next_offset = next_offset + 1 where topic = 'intercompany.vouchers'")
