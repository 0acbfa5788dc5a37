"""The commands on running services: `up` in one process, everything else beside it, as in two shells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.builders.shell import Shell
from tests.scenario_files import IC_4, ROOT

Row = dict[str, Any]

pytestmark = pytest.mark.embedded

PAYMENT = {
    "type": "vendor-payment.posted",
    "company": "FAB",
    "account": "IC-WEST",
    "date": "2026-03-12",
    "currency": "USD",
    "amount": "5.00",
}
_DEBIT_MORE = """
update posting.vouchers set lines = jsonb_set(lines::jsonb, '{{0,7}}', to_jsonb(((lines::jsonb #>> '{{0,7}}')::numeric + {})::text))::text
where company = 'FAB' and series = 'AP-PAY' and number = 1"""
# The relay may come by before the check does: what it would put aside stays where it is.
A_ROW_THAT_STAYS = """
create function posting.kept() returns trigger language plpgsql as 'begin return null; end';
create trigger kept before update on posting.outgoing for each row execute function posting.kept();
create trigger kept before insert on posting.failed for each row execute function posting.kept();
insert into posting.outbox (messages) values ('');
"""


def test_apply_says_what_changes_and_the_second_time_nothing_does(shell: Shell) -> None:
    assert "Nothing differs" in shell.run("apply", IC_4).stderr
    group = yaml.safe_load(IC_4.read_text())["group"]
    group["companies"]["FAB"]["name"] = "Fabrikam Inc."
    path = shell.folder / "group.yaml"
    path.write_text(yaml.safe_dump(group))
    assert shell.run("apply", path, "--dry-run").stdout == '~ company/FAB: name "Fabrikam" -> "Fabrikam Inc."\n'
    assert "Changes would be published: 1." in shell.run("apply", path, "--dry-run").stderr


def test_apply_refuses_a_wrong_group_with_its_place(shell: Shell) -> None:
    path = shell.folder / "wrong.yaml"
    path.write_text("companies: {FAB: {currency: DOLLAR}}")
    result = shell.run("apply", path)
    assert result.exit_code == 1
    assert "companies.FAB.currency" in result.stderr


def test_reciprocal_defines_both_directions(shell: Shell) -> None:
    result = shell.run("reciprocal", "FAB", "FABE", "--due-from", "1380", "--due-to", "2380", "--partner-due-to", "2381", "--dry-run")
    first, second = result.stdout.splitlines()
    assert first.startswith("+ intercompany-accounting/FAB/FABE: ")
    assert orjson.loads(second.removeprefix("+ intercompany-accounting/FABE/FAB: ")) == {
        "company": "FABE",
        "partner": "FAB",
        "due_from": "1380",
        "due_to": "2381",
        "post_cash_discount": None,
        "post_exchange_gain_or_loss": None,
    }


def test_publish_leaves_out_what_is_wrong_with_its_line(shell: Shell) -> None:
    path = shell.folder / "wrong.ndjson"
    path.write_text('\n{"id": "BAD"\n{"id": "N", "type": "vendor-payment.posted", "amount": 5}\n[1]\n')
    result = shell.run("publish", path)
    assert result.exit_code == 1
    assert "line 2: is not JSON" in result.stderr
    assert "line 3: invalid /amount: 5 is not a decimal string" in result.stderr
    assert "line 4: is not an event" in result.stderr
    assert "Events published: 0, left out: 3" in result.stderr


def test_publish_takes_cloudevents_documents_and_a_second_time_changes_nothing(shell: Shell) -> None:
    data = {**PAYMENT, "document": "CE-1"}
    event = {"specversion": "1.0", "id": "CE-1", "source": "bank", "type": "intercompany.vendor-payment.posted.v1"}
    document = {**event, "data": {name: value for name, value in data.items() if name != "type"}}
    for _ in range(2):
        assert "Events published: 1" in shell.publish(document).stderr
    shell.until(lambda: len(shell.rows("vouchers", "--document", "CE-1")) == 1)
    assert [row["balance"] for row in shell.rows("open", "--company", "FAB") if row["document"] == "CE-1"] == ["5.00"]


def test_what_is_refused_is_listed_shown_and_replayed_once_its_cause_is_mended(shell: Shell) -> None:
    marks = [{"company": "FABE", "document": "R-1"}]
    invoice = {**PAYMENT, "type": "vendor-invoice.posted", "id": "R-1", "company": "FABE", "document": "R-1", "amount": "5.00"}
    first = {**PAYMENT, "id": "R-2", "document": "R-2", "settle": marks}
    second = {**PAYMENT, "id": "R-3", "document": "R-3", "settle": marks}
    shell.publish(invoice, first)
    shell.until(lambda: any(row["document"] == "R-2" for row in shell.rows("vouchers", "--kind", "settlement")))
    shell.publish(second)
    shell.until(lambda: len(shell.rows("rejections", "list", "--code", "document-closed")) == 1)
    assert "FABE R-1 has nothing left open" in shell.run("rejections", "show", "R-3").stdout
    shell.until(lambda: "document-closed at /settle/0/document: FABE R-1 has nothing left open" in shell.run("trace", "R-3").stdout)
    (found,) = shell.rows("trace", "R-3")
    assert [node["state"] for node in found["nodes"] if node["kind"] in {"event", "document"}] == ["refused", "posted"]
    assert shell.run("rejections", "replay", "R-3", "--reason", "the vendor asked").exit_code == 0
    (done,) = next(node["actions"] for node in shell.rows("trace", "R-3")[0]["nodes"] if node["kind"] == "event")
    assert (done["verb"], done["state"], done["reason"]) == ("replay", "done", "the vendor asked")
    assert f"{done['actor']}: replay (done), 'the vendor asked'" in " ".join(shell.run("trace", "R-3").stdout.split())
    shell.until(lambda: len(shell.rows("rejections", "list", "--code", "document-closed")) == 2)
    shell.publish(
        {"id": "R-4", "type": "settlement-reversal.requested", "ledger": "payable", "payment": {"company": "FAB", "document": "R-2"}}
    )
    shell.until(lambda: any(row["document"] == "R-1" for row in shell.rows("open", "--company", "FABE")))
    assert "Events sent again: 1." in shell.run("rejections", "replay", "R-3").stderr
    shell.until(lambda: any(row["document"] == "R-3" for row in shell.rows("vouchers", "--kind", "settlement")))
    assert [row["document"] for row in shell.rows("open", "--company", "FABE")] == []


def test_refusals_that_an_operator_deletes_by_age_are_gone_and_nothing_else_is(shell: Shell) -> None:
    marks = [{"company": "FABE", "document": "R-1"}]
    shell.publish({**PAYMENT, "id": "R-5", "document": "R-5", "settle": marks})
    shell.until(lambda: any(row["event"] == "R-5" for row in shell.rows("rejections", "list")))
    books_before = [shell.rows(command) for command in ("vouchers", "open", "balances")]
    documented = re.findall(r"delete from settlement\.rejections .*;", (ROOT / "deploy" / "managed.md").read_text(encoding="utf-8"))
    for service in ("payment", "settlement", "posting"):
        shell.execute(documented[0].replace("settlement.", f"{service}.").replace("400 days", "0 days"))
    assert shell.rows("rejections", "list") == []
    assert [shell.rows(command) for command in ("vouchers", "open", "balances")] == books_before
    shell.until(lambda: shell.run("reconcile").exit_code == 0)


def test_replay_asks_what_to_send_and_says_what_was_never_refused(shell: Shell) -> None:
    assert "say which" in shell.run("rejections", "replay").stderr
    result = shell.run("rejections", "replay", "NOBODY")
    assert result.exit_code == 1
    assert "nothing with the id 'NOBODY' was refused" in result.stderr
    assert shell.run("rejections", "show", "NOBODY").exit_code == 1


def test_what_waits_is_listed_with_what_is_missing_and_can_be_given_up(shell: Shell) -> None:
    shell.publish({**PAYMENT, "id": "W-1", "document": "W-1", "settle": [{"company": "FABE", "document": "NEVER"}]})
    shell.until(lambda: len(shell.rows("waiting", "list")) == 1)
    (row,) = shell.rows("waiting", "list")
    assert (row["event"], row["for"], row["key"]["document"]) == ("W-1", "document", "NEVER")
    assert "document NEVER" in shell.run("waiting", "show", "W-1").stdout
    shell.until(lambda: shell.run("trace", "W-1").exit_code == 0)
    (event,) = (node for node in shell.rows("trace", "W-1")[0]["nodes"] if node["kind"] == "event")
    assert (event["state"], event["waits"][0]["since"]) == ("waiting", row["since"])
    assert "waits for document: company FABE, document NEVER" in shell.run("trace", "W-1").stdout
    assert "Ordered" in shell.run("waiting", "discard", "W-1").stderr
    shell.until(lambda: shell.rows("waiting", "list") == [])
    assert [row["event"] for row in shell.rows("rejections", "list", "--code", "discarded")] == ["W-1"]
    assert "nothing waits because of 'W-1'" in shell.run("waiting", "discard", "W-1").stderr


def test_what_waits_for_a_number_that_reads_like_a_documents_names_that_document(shell: Shell) -> None:
    number = "LIKE\N{NO-BREAK SPACE}1"
    invoice = {**PAYMENT, "type": "vendor-invoice.posted", "amount": "5.00"}
    shell.publish({**invoice, "id": number, "document": number}, {**invoice, "id": "LIKE 2", "document": "LIKE 2"})
    shell.publish({**PAYMENT, "id": "W-2", "document": "W-2", "settle": [{"company": "FAB", "document": "LIKE 1"}]})
    shell.until(lambda: any("reads_like" in row for row in shell.rows("waiting", "list")))
    assert [row.get("reads_like") for row in shell.rows("waiting", "list") if row["event"] == "W-2"] == [[number]]
    assert "LIKE\\xa01" in shell.run("waiting", "show", "W-2").stdout
    shell.run("waiting", "discard", "W-2")


def test_the_services_agree_with_each_other(shell: Shell) -> None:
    shell.until(lambda: shell.run("reconcile").exit_code == 0)
    checks = shell.rows("reconcile")
    assert len(checks) == 16
    assert all(check["holds"] for check in checks)


def test_the_books_are_held_to_what_was_written_down_of_their_chains(shell: Shell, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    shell.until(lambda: shell.run("check", "chain", "--write-head", head).exit_code == 0)
    (all_well,) = shell.rows("check", "chain", "--head", str(head))
    digests = orjson.loads(head.read_bytes())
    assert (all_well["vouchers"], all_well["found"]) == (sum(each["number"] for each in digests), {})
    digests[0]["digest"] = "0" * 64
    head.write_bytes(orjson.dumps(digests))
    finding, summary = shell.rows("check", "chain", "--head", str(head))
    assert (finding["company"], finding["problem"]) == (digests[0]["company"], "rewritten")
    assert summary["found"] == {"rewritten": 1}
    came = shell.run("check", "chain", "--head", head, "--write-head", tmp_path / "no.json")
    assert came.exit_code == 1
    assert not (tmp_path / "no.json").exists(), "what does not hold is not written down"
    head.write_text("nothing")
    assert "is not what --write-head has written" in shell.run("check", "chain", "--head", head).output


@pytest.mark.parametrize(
    ("check", "tamper", "undo"),
    [
        (
            "balances are the sums of the lines",
            "update posting.balances set debit = debit + 1 where company = 'FAB' and posting_type = 'cash'",
            "update posting.balances set debit = debit - 1 where company = 'FAB' and posting_type = 'cash'",
        ),
        (
            "what A is due from B is what B is due to A, per currency",
            "update posting.balances set debit = debit + 1 where company = 'FAB' and posting_type = 'due_from'",
            "update posting.balances set debit = debit - 1 where company = 'FAB' and posting_type = 'due_from'",
        ),
        (
            "voucher numbers are gapless",
            "update posting.numbers set number = number + 1 where company = 'FAB' and series = 'AP-PAY'",
            "update posting.numbers set number = number - 1 where company = 'FAB' and series = 'AP-PAY'",
        ),
        (
            "every voucher balances in its currencies and in accounting currency",
            _DEBIT_MORE.format(1),
            _DEBIT_MORE.format(-1),
        ),
        (
            "each document has its voucher",
            "update posting.vouchers set kind = 'refund' where company = 'FAB' and series = 'AP-PAY' and number = 1",
            "update posting.vouchers set kind = 'payment' where company = 'FAB' and series = 'AP-PAY' and number = 1",
        ),
        (
            "each settlement record has its vouchers, in each company",
            "update posting.vouchers set run_id = run_id || '?' where company = 'FABE' and run_id is not null",
            "update posting.vouchers set run_id = rtrim(run_id, '?') where company = 'FABE' and run_id is not null",
        ),
        (
            "every document's event is in the inbox",
            "alter table settlement.inbox rename to kept; create table settlement.inbox (like settlement.kept including all)",
            "drop table settlement.inbox; alter table settlement.kept rename to inbox",
        ),
        (
            "nothing is put aside as defects",
            "insert into posting.failed (direction, topic, headers, error) values ('out', 't', '[]', 'e')",
            "delete from posting.failed",
        ),
        (
            "what is decided is sent",
            A_ROW_THAT_STAYS,
            "drop function posting.kept() cascade; delete from posting.outgoing; delete from posting.failed",
        ),
    ],
)
def test_reconcile_finds_what_does_not_agree(shell: Shell, check: str, tamper: str, undo: str) -> None:
    shell.until(lambda: shell.run("reconcile").exit_code == 0)
    shell.execute(tamper)
    try:
        failing = {row["check"]: row["problems"] for row in shell.rows("reconcile") if not row["holds"]}
        assert failing[check]
        assert shell.run("reconcile").exit_code == 1
    finally:
        shell.execute(undo)
    shell.until(lambda: _agrees_again(shell))


def _agrees_again(shell: Shell) -> bool:
    """Whether all holds; the relay may still put aside what it had read before the row was taken back."""
    shell.execute("delete from posting.failed")
    return shell.run("reconcile").exit_code == 0


def test_what_was_sent_is_sent_again_and_changes_nothing(shell: Shell) -> None:
    before = shell.rows("vouchers")
    said = shell.run("resend", "--since", "2026-01-01", "--service", "settlement").stderr
    (batches,) = re.findall(r"^settlement: (\d+) batches are sent again within seconds; it keeps what it has sent since 20", said)
    assert int(batches) > 0
    assert shell.run("resend", "--since", "2999-01-01T00:00").stderr.count(": 0 batches are sent again") == 3
    shell.until(lambda: shell.run("reconcile").exit_code == 0)
    assert shell.rows("vouchers") == before


def test_what_can_be_asked_agrees_with_itself_and_read_again_is_the_same(shell: Shell) -> None:
    shell.until(lambda: shell.run("check", "inquiry").exit_code == 0)
    before = shell.rows("inquiry", "digest")
    assert shell.rebuilt() == before
    assert shell.run("check", "inquiry", "--as-of", "2026-03-11").exit_code == 0
    shell.execute("update inquiry.daily set debit = debit + 1 where company = 'FAB' and posting_type = 'due_from'")
    failing = {row["check"]: row["problems"] for row in shell.rows("check", "inquiry") if not row["holds"]}
    assert failing["what A is due from B is what B is due to A, per currency"][0]["company"] == "FAB"
    (differing,) = failing["every account has what it has in the ledger"]
    assert (differing["posting_type"], differing["partner"]) == ("due_from", "FABE")
    assert shell.run("check", "inquiry").exit_code == 1
    assert shell.rebuilt() == before
    assert shell.run("check", "inquiry").exit_code == 0


def test_a_second_up_on_the_same_data_says_who_has_it(shell: Shell) -> None:
    result = shell.run("up")
    assert result.exit_code == 1
    assert "is in use by another process" in result.stderr


def test_without_running_parts_a_command_says_what_to_do(tmp_path: Path) -> None:
    result = Shell(tmp_path).run("vouchers")
    assert result.exit_code == 1
    assert "start `intercompany up` in another shell, or set DATABASE_URL" in result.stderr
