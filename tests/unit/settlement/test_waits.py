"""What is missing is waited for: each wait names the thing, and its arrival lets go on what waited."""

from __future__ import annotations

from typing import Any

import pytest

from shared import working_set
from tests.builders.settlement import Event, Heard, asked, balances, invoice, mark, note, paid, result, taken_back, told, undone

ACROSS = [invoice("I1", company="FABE"), paid("P1", "10.00", mark("I1", "FABE"))]
CREDITED: dict[str, Any] = {"settlement_parameters": {"FAB": {"receivable": {"cash_discounts_for_credit_notes": True}}}}
PROFILES = {"posting_profiles": {"FABE": {"GEN": {"receivable": {"all": "1"}}}}}
CLOSED = {"closed_periods": {"FABE": [{"from": "2026-01-20", "to": "2026-01-31"}]}}
FOREIGN = [
    invoice("I1", company="FABE", currency="GBP", exchange_rate="1.4"),
    paid("P1", "10.00", mark("I1", "FABE")),
]


@pytest.mark.parametrize(
    ("events", "group", "reason", "key"),
    [
        ([invoice("I1", company="NEW", id="X")], {}, "company", {"company": "NEW"}),
        ([invoice("I1", account="C-9", id="X")], {}, "account", {"company": "FAB", "ledger": "receivable", "account": "C-9"}),
        (
            [invoice("I1", currency="GBP", id="X")],
            {},
            "exchange-rate",
            {"company": "FAB", "from": "GBP", "to": "USD", "date": "2026-01-10"},
        ),
        (
            [invoice("I1", company="FABE", date="2026-01-20", id="X")],
            CLOSED,
            "period",
            {"company": "FABE", "date": "2026-01-20"},
        ),
        ([paid("X", "10.00", mark("I9"))], {}, "document", {"company": "FAB", "document": "I9", "ledger": "receivable"}),
        (
            [note("N1", credits="I9"), invoice("I1"), asked("X", mark("N1"), mark("I1"))],
            CREDITED,
            "document",
            {"company": "FAB", "document": "I9", "ledger": "receivable"},
        ),
        ([undone("X", settlement="P9")], {}, "document", {"event": "P9", "source": "scenario"}),
        ([undone("X", settlement="P9", settlement_source="bank")], {}, "document", {"event": "P9", "source": "bank"}),
        (
            [undone("X", payment={"company": "FAB", "document": "P9"})],
            {},
            "document",
            {"company": "FAB", "document": "P9", "ledger": "receivable"},
        ),
        ([taken_back("X", "P9")], {}, "document", {"company": "FAB", "document": "P9", "ledger": "receivable"}),
        (
            [paid("P1", "10.00", mark("I9")), taken_back("X", "P1")],
            {},
            "document",
            {"company": "FAB", "document": "P1", "ledger": "receivable"},
        ),
        (
            [paid("P1"), invoice("I1"), asked("S", mark("P1"), mark("I1"), mark("I9")), taken_back("X", "P1")],
            {},
            "reservation",
            {"company": "FAB", "document": "P1", "ledger": "receivable"},
        ),
        (
            [invoice("I1"), paid("P1", "10.00", mark("I1"), mark("I9")), paid("X", "10.00", mark("I1"))],
            {},
            "reservation",
            {"company": "FAB", "document": "I1", "ledger": "receivable"},
        ),
        (
            [ACROSS[0], {**ACROSS[1], "id": "X"}],
            {"intercompany_accounting": {"FAB": {"FABE": {"due_from": "1", "due_to": "2"}}}},
            "intercompany-accounting",
            {"company": "FABE", "partner": "FAB"},
        ),
        (
            [FOREIGN[0], {**FOREIGN[1], "id": "X"}],
            {},
            "exchange-rate",
            {"company": "FABE", "from": "GBP", "to": "USD", "date": "2026-01-20"},
        ),
        (
            [ACROSS[0], {**ACROSS[1], "id": "X", "posting_profile": "VIP"}],
            PROFILES,
            "posting-profile",
            {"company": "FABE", "posting_profile": "VIP"},
        ),
        (
            [ACROSS[0], {**ACROSS[1], "id": "X", "method_of_payment": "CASH"}],
            {"methods_of_payment": {"FABE": ["EFT"]}},
            "method-of-payment",
            {"company": "FABE", "method": "CASH"},
        ),
        ([ACROSS[0], {**ACROSS[1], "id": "X"}], CLOSED, "period", {"company": "FABE", "date": "2026-01-20"}),
    ],
)
def test_a_wait_names_what_is_missing(events: list[Event], group: dict[str, Any], reason: str, key: dict[str, str]) -> None:
    waits = {row["event"]: row for row in result(*events, **group).waiting}
    assert waits["X"] == {"event": "X", "for": reason, "key": key}


RELEASED_BY = [
    ({"id": "E", "type": "exchange-rate.published", "from": "GBP", "to": "USD", "date": "2026-01-01", "rate": "1.4"}, FOREIGN, {}),
    ({"id": "E", "type": "exchange-rate.published", "from": "USD", "to": "GBP", "date": "2026-01-01", "rate": "0.7"}, FOREIGN, {}),
    (
        {"id": "E", "type": "intercompany-accounting.defined", "company": "FABE", "partner": "FAB", "due_from": "1", "due_to": "2"},
        ACROSS,
        {"intercompany_accounting": {"FAB": {"FABE": {"due_from": "1", "due_to": "2"}}}},
    ),
    (
        {"id": "E", "type": "posting-profile.defined", "company": "FABE", "posting_profile": "VIP", "receivable": {"all": "1"}},
        [ACROSS[0], {**ACROSS[1], "posting_profile": "VIP"}],
        PROFILES,
    ),
    (
        {"id": "E", "type": "methods-of-payment.defined", "company": "FABE", "methods": ["EFT", "CASH"]},
        [ACROSS[0], {**ACROSS[1], "method_of_payment": "CASH"}],
        {"methods_of_payment": {"FABE": ["EFT"]}},
    ),
    ({"id": "E", "type": "period.opened", "company": "FABE", "from": "2026-01-01", "to": "2026-01-31"}, ACROSS, CLOSED),
    (
        {"id": "E", "type": "party.defined", "party": "NEW", "customers": {"FABE": "C-9"}},
        [{**ACROSS[0], "account": "C-9"}, paid("P1", "10.00", mark("I1", "FABE"), company="FABE", account="C-9")],
        {},
    ),
    (
        {"id": "E", "type": "party.defined", "party": "NEW", "vendors": {"FABE": "V-9"}},
        [
            invoice("I1", company="FABE", side="vendor", account="V-9"),
            paid("P1", "10.00", mark("I1", "FABE"), company="FABE", side="vendor", account="V-9"),
        ],
        {},
    ),
    (
        {"id": "E", "type": "company.defined", "company": "FABE", "currency": "USD"},
        ACROSS,
        {"companies": {"FAB": {"currency": "USD"}, "FABW": {"currency": "EUR"}}},
    ),
]


@pytest.mark.parametrize(
    ("arrives", "events", "group"), RELEASED_BY, ids=lambda value: value.get("type", "") if isinstance(value, dict) else ""
)
def test_what_was_missing_lets_go_on_what_waited(arrives: Event, events: list[Event], group: dict[str, Any]) -> None:
    before, after = result(*events, **group), result(*events, arrives, **group)
    assert (before.settlements, len(before.waiting) > 0) == ([], True)
    assert ([row["settlement"] for row in after.settlements], after.waiting) == (["P1"], [])


def test_a_reversal_that_came_before_its_settlement_goes_on_with_it() -> None:
    for reversal in (undone("R", settlement="P1"), undone("R", payment={"company": "FAB", "document": "P1"})):
        came = result(reversal, invoice("I1"), paid("P1", "10.00", mark("I1")))
        assert (balances(came), came.settlements, came.waiting) == ({"I1": "10.00", "P1": "-10.00"}, [], [])


def test_a_reversal_of_a_request_goes_on_with_it_whichever_came_first() -> None:
    request, reversal = asked("S", mark("P1"), mark("I1")), undone("R", settlement="S")
    for order in ([request, reversal, invoice("I1")], [reversal, request, invoice("I1")], [invoice("I1"), reversal, request]):
        came = result(paid("P1"), *order)
        assert (balances(came), came.settlements, came.waiting) == ({"I1": "10.00", "P1": "-10.00"}, [], [])


def test_a_reversal_of_marks_that_are_refused_in_the_end_is_refused_too() -> None:
    came = result(paid("P1", "10.00", mark("N1")), undone("R", settlement="P1"), note("N1"))
    assert [(refusal["event"], refusal["code"]) for refusal in came.rejected] == [("P1", "same-side"), ("R", "not-settled")]


def test_a_reversal_waits_as_long_as_the_marks_wait_and_then_takes_them_back() -> None:
    for reversal in (undone("R", settlement="P1"), undone("R", payment={"company": "FAB", "document": "P1"})):
        held = result(paid("P1", "10.00", mark("I1")), reversal)
        assert {row["event"]: row["for"] for row in held.waiting} == {"P1": "document", "R": "document"}
        came = result(paid("P1", "10.00", mark("I1")), reversal, invoice("I1"))
        assert (balances(came), came.settlements, came.waiting) == ({"I1": "10.00", "P1": "-10.00"}, [], [])


def test_a_payments_reversal_waits_for_its_marks_and_is_refused_when_they_have_settled() -> None:
    came = result(paid("P1", "10.00", mark("I1")), taken_back("R", "P1"), invoice("I1"))
    assert ([refusal["code"] for refusal in came.rejected], came.waiting) == (["still-settled"], [])


def test_a_reversal_can_be_named_and_is_itself_nothing_to_reverse() -> None:
    again = result(invoice("I1"), paid("P1", "10.00", mark("I1")), undone("R1", settlement="P1"), undone("R2", settlement="R1"))
    assert [(refusal["event"], refusal["code"]) for refusal in again.rejected] == [("R2", "not-settled")]


def test_a_closed_period_holds_a_reversal_back_until_it_opens() -> None:
    events = [*ACROSS, {"id": "C", "type": "period.closed", "company": "FABE", "from": "2026-01-20", "to": "2026-01-31"}]
    held = result(*events, undone("R", settlement="P1"))
    assert held.waiting == [{"event": "R", "for": "period", "key": {"company": "FABE", "date": "2026-01-20"}}]
    opened = {"id": "O", "type": "period.opened", "company": "FABE", "from": "2026-01-20", "to": "2026-01-31"}
    assert balances(result(*events, undone("R", settlement="P1"), opened)) == {"I1": "10.00", "P1": "-10.00"}
    assert balances(result(*events, undone("R", settlement="P1", date="2026-02-01"))) == {"I1": "10.00", "P1": "-10.00"}


def test_a_payments_reversal_waits_for_its_period_too() -> None:
    closed = {"id": "C", "type": "period.closed", "company": "FAB", "from": "2026-01-20", "to": "2026-01-31"}
    held = result(paid("P1"), closed, taken_back("R", "P1"))
    assert held.waiting == [{"event": "R", "for": "period", "key": {"company": "FAB", "date": "2026-01-20"}}]
    assert balances(result(paid("P1"), closed, taken_back("R", "P1", date="2026-02-01"))) == {"P1": "0.00"}


def test_a_payments_reversal_names_its_date_and_its_reason() -> None:
    simulation = told(paid("P1"), taken_back("R", "P1", date="2026-01-25", reason="bounced"))
    (payment,) = simulation.books.settlement.documents
    assert payment.is_reversed
    assert not payment.open
    assert not payment.open_accounting_amount
    (reversal,) = [voucher for voucher in simulation.books.posting.vouchers if voucher.kind == "payment_reversal"]
    assert (reversal.date.isoformat(), reversal.document) == ("2026-01-25", "P1")


def test_a_reversal_of_a_reversal_waits_for_it_and_is_refused() -> None:
    came = result(undone("R2", settlement="R1"), invoice("I1"), paid("P1", "10.00", mark("I1")), undone("R1", settlement="P1"))
    assert ([(refusal["event"], refusal["code"]) for refusal in came.rejected], came.waiting) == ([("R2", "not-settled")], [])


def test_a_payments_reversal_goes_on_when_the_run_that_reserved_it_has_gone() -> None:
    events = [paid("P1"), invoice("I1"), asked("S", mark("P1"), mark("I1"), mark("I9")), taken_back("X", "P1")]
    assert [row["event"] for row in result(*events).waiting] == ["S", "X"]
    came = result(*events, invoice("I9"))
    assert ([refusal["code"] for refusal in came.rejected], came.waiting) == (["still-settled"], [])


HALF_DEFINED = {"intercompany_accounting": {"FAB": {"FABE": {"due_from": "1", "due_to": "2"}}}}


@pytest.mark.parametrize(
    "wish",
    [
        {"settle": [mark("I1", "FABE")]},
        {"settle": [mark("I1", "FABE")], "primary": True},
        {"settle": [mark("N1", "FABE"), mark("I2")], "primary": True},
    ],
)
def test_intercompany_accounting_is_missed_before_a_rate(wish: dict[str, Any]) -> None:
    foreign = {"company": "FABE", "currency": "GBP", "exchange_rate": "1.4"}
    documents = [invoice("I1", **foreign), note("N1", **foreign), invoice("I2", "20.00")]
    came = result(*documents, {**paid("P1"), **wish}, **HALF_DEFINED)
    assert came.waiting == [{"event": "P1", "for": "intercompany-accounting", "key": {"company": "FABE", "partner": "FAB"}}]


def test_a_mark_that_is_worth_nothing_is_not_too_much_whatever_a_missing_rate_may_be() -> None:
    """1 JPY at 0.001 is 0.00 USD, and that is 0.00 GBP at any rate."""
    pound = invoice("I1", currency="GBP", exchange_rate="1.3")
    came = result(pound, paid("X", "100000", mark("I1", amount_to_settle="1"), currency="JPY", exchange_rate="0.001"))
    assert ([row["for"] for row in came.waiting], came.rejected) == (["exchange-rate"], [])


@pytest.mark.parametrize("slice_", [1, 2, 4])
def test_what_is_released_in_slices_resumes_in_order_of_arrival_and_gives_what_it_gives_at_once(
    slice_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [f"I{number}" for number in range(1, 10)]
    waiting = [invoice(document, company="NEW") for document in documents]
    comes = {"id": "NEW", "type": "company.defined", "company": "NEW", "name": "New", "currency": "USD"}
    group: dict[str, Any] = {"parties": {"NW": {"customers": {"FAB": "C", "NEW": "C"}}}, "trading": []}
    at_once = Heard(*waiting, comes, **group)
    monkeypatch.setattr(working_set, "SLICE", slice_)
    in_slices = Heard(*waiting, comes, **group)
    assert [each.data.document for each in in_slices.said if each.type == "document.posted"] == documents
    assert in_slices.now() == at_once.now()
    assert (in_slices.now().waiting, list(in_slices.books.settlement.released)) == ([], [])


@pytest.mark.parametrize("slice_", [2, 200])
@pytest.mark.parametrize(
    "said",
    [
        {"type": "settlement-parameters.defined"},
        {"type": "reference.withdrawn", "event": "settlement-parameters.defined"},
    ],
)
def test_all_that_waits_for_a_credited_document_settles_once_no_parameters_ask_for_it(
    said: Event, slice_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_set, "SLICE", slice_)
    runs = [f"S{number}" for number in range(5)]
    events: list[Event] = []
    for run in runs:
        events += [note(f"N-{run}", credits="I9"), invoice(f"I-{run}"), asked(run, mark(f"N-{run}"), mark(f"I-{run}"))]
    assert [row["event"] for row in result(*events, **CREDITED).waiting] == runs
    heard = Heard(*events, {"id": "E", "company": "FAB", "ledger": "receivable", **said}, **CREDITED)
    assert [each.data.run.id for each in heard.said if each.type == "settlement.posted"] == runs
    assert (heard.now().waiting, list(heard.books.settlement.released)) == ([], [])


def test_reference_data_that_contradicts_is_refused_as_an_event() -> None:
    (refused,) = result({"id": "E", "type": "company.defined", "company": "FAB", "currency": "EUR"}).rejected
    assert (refused["event"], refused["scope"], refused["code"]) == ("E", "event", "invalid")
