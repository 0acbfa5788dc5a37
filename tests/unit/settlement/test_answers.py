"""What the payment service says of a run's sales payments comes before anything that waited for the run (step 9).

The messages between the services are on their way for some time; here they stay there until they are let through.
"""

from __future__ import annotations

from typing import Any

import pytest

from services.desk.rows import Result
from services.scenarios.scenario_file import arrivals
from services.simulator.streams import scenario
from tests.builders.delayed import Delayed
from tests.builders.settlement import GROUP, Heard, asked, balances, invoice, mark, paid, result, undone
from tests.builders.trade import RELATION, approves, bill, pays, sale

TO_FABN = {**RELATION, "seller": {"company": "FABN", "customer": "IC-EAST"}, "buyer": {"company": "FABE", "vendor": "IC-NORTH"}}
TWO_SELLERS: dict[str, Any] = {
    "companies": {**GROUP["companies"], "FABN": {"currency": "USD"}},
    "parties": {
        "EAST": {"customers": {"FABW": "IC-EAST", "FABN": "IC-EAST"}},
        "GROUP": {"vendors": {"FABE": "IC-WEST"}},
    },
    "payment_journals": {"FABW": {"J": {"offset": "cash"}}, "FABN": {"J": {"offset": "cash"}}},
    "trading": [RELATION, {**TO_FABN, "buyer": RELATION["buyer"]}],
}


def _waits(of: Result) -> list[tuple[str, str]]:
    return [(row["event"], row["for"]) for row in of.waiting]


def test_what_waited_for_a_run_is_kept_until_its_sales_payments_are_told() -> None:
    events = [pays("P1", "60.00", mark("V", "FABE")), pays("P2", "40.00", mark("V", "FABE")), sale("C"), bill("V", "C")]
    delayed = Delayed(*events)
    kept = delayed.now()
    assert (balances(kept)["V"], _waits(kept)) == ("-40.00", [("P2", "document")])
    told = delayed.let_through()
    assert (balances(told)["V"], _waits(told)) == ("0.00", [])
    assert [journal["document"] for journal in told.journals] == ["J-FABE-P1-1", "J-FABE-P2-1"]
    assert told.open == result(*events).open


def test_a_run_of_two_sellers_is_answered_when_both_answers_have_come() -> None:
    events = [
        pays("P1", "150.00", mark("V1", "FABE"), mark("V2", "FABE")),
        pays("P2", "50.00", mark("V2", "FABE")),
        *(sale("C1"), sale("C2", company="FABN"), bill("V1", "C1"), bill("V2", "C2", company="FABN")),
    ]
    delayed = Delayed(*events, **TWO_SELLERS)
    assert len(delayed.on_its_way) == 2
    first = delayed.let_through(1)
    assert (balances(first)["V2"], _waits(first)) == ("-50.00", [("P2", "document")])
    both = delayed.let_through()
    assert (balances(both)["V2"], _waits(both)) == ("0.00", [])


def test_a_reversal_waits_until_the_sales_payments_of_its_run_are_told_and_takes_them_back() -> None:
    events = [sale("C"), bill("V", "C"), pays("P1", "100.00", mark("V", "FABE"))]
    for reversal in (undone("R", "payable", settlement="P1"), undone("R", "payable", payment={"company": "FABE", "document": "P1"})):
        delayed = Delayed(*events, reversal)
        held = delayed.now()
        assert held.waiting == [{"event": "R", "for": "document", "key": {"event": "P1"}}]
        assert balances(held)["V"] == "0.00"
        told = delayed.let_through()
        assert (told.settlements, told.waiting, [journal["status"] for journal in told.journals]) == ([], [], ["reversed"])
        assert balances(told) == {"C": "100.00", "J-FABE-P1-1": "0.00", "P1": "100.00", "V": "-100.00"}


@pytest.mark.parametrize("automatic", [True, False])
def test_a_journal_that_crosses_the_reversal_of_its_run_is_not_made(automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    events = [sale("C"), bill("V", "C"), pays("P1", "100.00", mark("V", "FABE"))]
    delayed = Delayed(*events, trading=[])
    delayed.let_through()
    delayed.holds = True
    relation = {"id": "T", "type": "trading-relation.defined", **RELATION, "post_automatically": automatic}
    late = arrivals(scenario({}, [relation, undone("R", "payable", settlement="P1"), pays("P2", "100.00", mark("V", "FABE"))]))
    delayed.send(late[0].record)
    assert len(delayed.on_its_way) == 1
    delayed.send(late[1].record)
    told = delayed.let_through()
    assert (told.journals, told.settlements, told.rejected) == ([], [], [])
    assert balances(told) == {"C": "100.00", "P1": "100.00", "V": "-100.00"}
    delayed.send(late[2].record)
    assert [journal["document"] for journal in delayed.now().journals] == ["J-FABE-P2-1"]


def test_a_run_without_an_invoice_of_the_group_or_without_a_payment_asks_for_nothing() -> None:
    plain = invoice("V2", "100.00", company="FABE", side="vendor", account="IC-WEST")
    note = invoice("N", "100.00", company="FABE", side="vendor", account="IC-WEST", kind="credit_note")
    for events in (
        [plain, pays("P1", "100.00", mark("V2", "FABE"))],
        [bill("V", "C"), note, asked("S", mark("V", "FABE"), mark("N", "FABE"), ledger="payable")],
        [sale("C"), paid("P1", "100.00", mark("C", "FABW"), company="FABW", account="IC-EAST", exchange_rate="0.8")],
    ):
        delayed = Delayed(*events)
        assert delayed.on_its_way == []
        assert delayed.now().settlements


def test_automatic_settlement_leaves_out_what_a_created_journal_or_a_waiting_run_has_reserved() -> None:
    automatic = {
        "settlement_parameters": {"FABW": {"receivable": {"automatic_settlement": True}}},
        "trading": [{**RELATION, "post_automatically": False}],
    }
    created = [sale("C"), bill("V", "C"), pays("P1", "100.00", mark("V", "FABE"))]
    money = paid("M", "100.00", company="FABW", account="IC-EAST", exchange_rate="0.8")
    came = result(*created, money, **automatic)
    assert (balances(came)["C"], balances(came)["M"]) == ("100.00", "-100.00")
    waiting = result(sale("C"), asked("S", mark("C", "FABW"), mark("X", "FABW")), money, **automatic)
    assert (balances(waiting), _waits(waiting)) == ({"C": "100.00", "M": "-100.00"}, [("S", "document")])
    assert balances(result(sale("C"), money, **automatic)) == {"C": "0.00", "M": "0.00"}


CREATED = {"trading": [{**RELATION, "post_automatically": False}]}
BOTH = [sale("C"), bill("V", "C"), pays("P1", "40.00", mark("V", "FABE")), pays("P2", "60.00", mark("V", "FABE"))]


def _refusals(of: Result) -> list[tuple[str, ...]]:
    return [(row["event"], row["scope"], row["code"], row["field"], row["message"]) for row in of.rejected]


@pytest.mark.parametrize("group", [{}, CREATED])
def test_a_journals_number_that_is_taken_is_refused_by_the_vendor_payment(group: dict[str, Any]) -> None:
    number = "J-FABE-P1-1"
    taken = paid(number, "1.00", company="FABW", account="IC-EAST", exchange_rate="0.8")
    came = result(taken, sale("C"), bill("V", "C"), pays("P1", "40.00", mark("V", "FABE")), **group)
    what = "payment of 2026-01-20 over 1.00 USD, account IC-EAST"
    message = f"receivable document {number} of FABW has been posted by the event {number} of scenario: {what}"
    assert _refusals(came) == [("P1", "event", "document-exists", "/document", message)]
    assert (came.journals, balances(came)["C"], balances(came)["V"]) == ([], "100.00", "-60.00")


def test_a_created_journal_whose_number_is_taken_before_its_approval_never_was() -> None:
    number = "J-FABE-P1-1"
    taken = paid(number, "1.00", company="FABW", account="IC-EAST", exchange_rate="0.8")
    money = paid("M", "100.00", mark("C", "FABW"), company="FABW", account="IC-EAST", exchange_rate="0.8")
    came = result(sale("C"), bill("V", "C"), pays("P1", "40.00", mark("V", "FABE")), taken, approves(number), money, **CREATED)
    assert [(event, code) for event, _, code, *_ in _refusals(came)] == [("P1", "document-exists")]
    assert (came.journals, balances(came)["C"]) == ([], "0.00")


def test_of_two_created_journals_over_one_invoice_the_older_is_approved_first() -> None:
    older, younger = "J-FABE-P1-1", "J-FABE-P2-1"
    right = result(*BOTH, approves(older), approves(younger), **CREATED)
    assert (right.rejected, balances(right)["C"]) == ([], "0.00")
    wrong = result(*BOTH, approves(younger), **CREATED)
    message = f"FABW C is reserved by the sales payment journal {older} of journal J in FABW"
    assert [row[2:] for row in _refusals(wrong)] == [("marked-elsewhere", "/settle/0/document", message)]


def test_a_sales_payment_that_the_seller_has_reversed_already_is_left_out() -> None:
    number = "J-FABE-P1-1"
    sellers = [
        undone("R1", payment={"company": "FABW", "document": number}),
        {"id": "T", "type": "payment-reversal.requested", "ledger": "receivable", "payment": {"company": "FABW", "document": number}},
    ]
    events = [sale("C"), bill("V", "C"), pays("P1", "40.00", mark("V", "FABE")), *sellers]
    assert [journal["status"] for journal in result(*events).journals] == ["reversed"]
    came = result(*events, undone("R2", "payable", settlement="P1"))
    assert (came.settlements, came.rejected, came.waiting) == ([], [], [])
    assert balances(came) == {"C": "100.00", number: "0.00", "P1": "40.00", "V": "-100.00"}
    assert [voucher["kind"] for voucher in came.vouchers if voucher["company"] == "FABW"].count("payment_reversal") == 1


def test_a_reversed_journal_reserves_nothing_and_is_not_approved() -> None:
    money = paid("M", "100.00", mark("C", "FABW"), company="FABW", account="IC-EAST", exchange_rate="0.8")
    gone = [*BOTH[:3], undone("R", "payable", settlement="P1")]
    came = result(*gone, money, approves("J-FABE-P1-1"), **CREATED)
    assert ([row[2] for row in _refusals(came)], balances(came)["C"]) == (["not-created"], "0.00")


def test_what_a_vendor_payment_causes_at_the_seller_belongs_to_its_trace() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    heard = Heard(*BOTH, undone("R", "payable", settlement="P1"), trace=trace)
    assert {each.traceparent for each in heard.said} == {trace}
    journals = {(each.type, each.first.id) for each in heard.said if each.type.startswith("sales-payment-journal.")}
    assert journals == {
        ("sales-payment-journal.posted", "P1"),
        ("sales-payment-journal.posted", "P2"),
        ("sales-payment-journal.reversed", "P1"),
    }
