"""What a scenario expects: exact where a part is there, nothing asked where it is not."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.rows import Result
from services.scenarios.expectations import differences
from services.scenarios.matching import unmatched
from services.scenarios.scenario_file import Scenario
from services.scenarios.yaml_files import FileError

LINE: dict[str, Any] = {
    "posting_type": "cash",
    "account": "1010",
    "partner": None,
    "currency": "EUR",
    "debit": "100.00",
    "credit": "0.00",
    "accounting_debit": "120.00",
    "accounting_credit": "0.00",
    "dimensions": {},
    "text": "Payment P1",
    "rule": "F-A02",
}
AR = {**LINE, "posting_type": "accounts_receivable", "account": "accounts_receivable", "debit": "0.00", "credit": "100.00"}
AR |= {"accounting_debit": "0.00", "accounting_credit": "120.00"}
GAIN = {**LINE, "posting_type": "realized_gain", "account": "realized_gain", "debit": "0.00", "accounting_debit": "0.00"}
GAIN |= {"accounting_credit": "13.46"}
SETTLEMENT = {
    "settlement": "P1",
    "ledger": "receivable",
    "date": "2015-02-15",
    "debit_company": "FABE",
    "debit_document": "INV",
    "credit_company": "FAB",
    "credit_document": "P1",
    "amount": "580.00",
    "cash_discount": "20.00",
    "credit_note_discount": "0.00",
    "overpayment": "0.00",
    "underpayment": "0.00",
    "penny_difference": "0.01",
    "realized_gain": "-3.00",
}
JOURNAL = {"company": "FABW", "journal": "J", "document": "J-1", "status": "posted", "mirrors": {"company": "FAB", "document": "P1"}}
RESULT = Result(
    id="x",
    vouchers=[
        {"voucher": "AR-PAY-000001", "company": "FAB", "kind": "payment", "date": "2015-02-15", "document": "P1", "lines": [LINE, AR]},
        {"voucher": "AR-SET-000001", "company": "FAB", "kind": "settlement", "date": "2015-02-16", "document": "P1", "lines": [GAIN]},
    ],
    open=[
        {"company": "FAB", "document": "P1", "ledger": "receivable", "currency": "EUR", "balance": "-100.00"},
        {"company": "FAB", "document": "1", "ledger": "receivable", "currency": "EUR", "balance": "5.00"},
        {"company": "FAB", "document": "1", "ledger": "payable", "currency": "EUR", "balance": "-7.00"},
    ],
    settlements=[SETTLEMENT],
    journals=[JOURNAL],
    rejected=[{"event": "X", "scope": "event", "code": "invalid", "field": "/amount", "message": "no"}],
    waiting=[{"event": "Y", "for": "document", "key": {"company": "FAB", "document": "Z"}}],
)


def scenario(expect: dict[str, Any] | None) -> Scenario:
    return Scenario(Path("x.yaml"), "x", "X", [], [], expect)


def found(**expect: Any) -> list[str]:
    return [str(difference) for difference in differences(scenario(expect), RESULT)]


CASH = {"account": "cash", "debit": "100.00", "accounting": "120.00"}
RECEIVABLE = {"account": "accounts_receivable", "credit": "100.00", "accounting": "120.00"}


def payment(*lines: dict[str, Any], **selector: str) -> list[dict[str, Any]]:
    return [{"company": "FAB", "kind": "payment", "lines": list(lines), **selector}]


def test_what_is_not_expected_is_not_compared() -> None:
    assert differences(scenario(None), RESULT) == []
    assert found() == []


@pytest.mark.parametrize(
    "vouchers",
    [
        payment(CASH, RECEIVABLE),
        payment(RECEIVABLE, CASH),
        payment({**CASH, "account": "1010"}, RECEIVABLE),
        payment(CASH, RECEIVABLE, document="P1", date="2015-02-15"),
        payment(document="ANOTHER"),
        payment({**CASH, "debit": 100, "currency": "EUR", "rule": "F-A02"}, RECEIVABLE),
        [{"company": "FAB", "kind": "settlement", "lines": [{"account": "realized_gain", "credit": "0.00", "accounting": "13.46"}]}],
        [{"company": "FABE", "kind": "settlement", "lines": []}],
    ],
)
def test_lines_of_the_vouchers_named_agree_in_any_order(vouchers: list[dict[str, Any]]) -> None:
    assert found(vouchers=vouchers) == []


@pytest.mark.parametrize(
    ("vouchers", "says"),
    [
        (payment(CASH), ["FAB payment: expected nothing, came account accounts_receivable, credit 100.00, accounting 120.00"]),
        (
            payment(CASH, {**RECEIVABLE, "credit": "99.00"}),
            [
                "FAB payment: expected account accounts_receivable, credit 99.00, accounting 120.00, came nothing",
                "FAB payment: expected nothing, came account accounts_receivable, credit 100.00, accounting 120.00",
            ],
        ),
        (payment(CASH, RECEIVABLE, CASH), ["FAB payment: expected account cash, debit 100.00, accounting 120.00, came nothing"]),
        (payment(CASH, document="ANOTHER"), ["FAB payment ANOTHER: expected account cash, debit 100.00, accounting 120.00, came nothing"]),
    ],
)
def test_each_line_that_differs_is_named(vouchers: list[dict[str, Any]], says: list[str]) -> None:
    assert found(vouchers=vouchers) == says


@pytest.mark.parametrize(
    "line",
    [
        {"account": "cash", "debit": "100.00"},
        {"account": "cash", "credit": "100.00", "accounting": "120.00"},
        {**CASH, "partner": "FABE"},
        {**CASH, "dimensions": {"unit": "1"}},
        {**CASH, "account": "bank"},
        {**CASH, "currency": "USD"},
    ],
)
def test_a_line_with_another_side_value_or_field_differs(line: dict[str, Any]) -> None:
    assert len(found(vouchers=payment(line, RECEIVABLE))) == 2


def test_open_balances_are_compared_for_the_documents_named() -> None:
    assert found(open=[{"company": "FAB", "document": "P1", "balance": "-100"}]) == []
    assert found(open=[{"company": "FAB", "document": "1", "ledger": "payable", "balance": "-7.00"}]) == []
    assert found(open=[{"company": "FAB", "document": "P1", "balance": "0.00"}]) == [
        "open FAB P1: expected balance 0.00, came balance -100.00"
    ]
    assert found(open=[{"company": "FAB", "document": "NONE", "balance": "0.00"}]) == ["open FAB NONE: expected balance 0.00, came nothing"]


SETTLED = {"debit_document": "INV", "credit_document": "P1", "amount": "580.00", "cash_discount": "20.00"}


def test_settlements_are_exact_with_what_is_left_out_as_zero_but_gain_and_penny_difference_only_where_given() -> None:
    assert found(settlements=[SETTLED]) == []
    assert found(settlements=[{**SETTLED, "realized_gain": "-3.00", "penny_difference": "0.01", "debit_company": "FABE"}]) == []
    assert len(found(settlements=[{**SETTLED, "realized_gain": "0.00"}])) == 2
    assert len(found(settlements=[{**SETTLED, "overpayment": "1.00"}])) == 2
    assert len(found(settlements=[{name: value for name, value in SETTLED.items() if name != "cash_discount"}])) == 2
    assert len(found(settlements=[SETTLED, SETTLED])) == 1
    assert len(found(settlements=[])) == 1


def test_journals_rejected_and_waiting_are_exact() -> None:
    assert found(journals=[JOURNAL], rejected=[{"event": "X", "code": "invalid"}], waiting=[{"event": "Y", "for": "document"}]) == []
    assert len(found(journals=[{**JOURNAL, "mirrors": {"company": "FAB", "document": "P2"}}])) == 2
    assert found(rejected=None) == ["rejected: expected nothing, came event X, scope event, code invalid, field /amount, message no"]
    assert len(found(rejected=[{"event": "X", "code": "invalid", "field": "/date"}])) == 2
    assert len(found(waiting=[{"event": "Y", "for": "document", "key": {"document": "Q"}}])) == 2
    assert found(waiting=[]) == ["waiting: expected nothing, came event Y, for document, key company FAB, document Z"]


@pytest.mark.parametrize(
    ("expect", "place"),
    [
        ({"voucher": []}, "expect.voucher"),
        ({"vouchers": {}}, "expect.vouchers"),
        ({"vouchers": [1]}, "expect.vouchers[0]"),
        ({"vouchers": [{"company": "FAB", "lines": []}]}, "expect.vouchers[0]"),
        ({"vouchers": [{"company": "FAB", "kind": "payment", "lines": [{"acount": "cash"}]}]}, "expect.vouchers[0].lines[0]"),
        (
            {"vouchers": [{"company": "FAB", "kind": "payment", "lines": [{**CASH, "acounting": "1"}]}]},
            "expect.vouchers[0].lines[0].acounting",
        ),
        ({"vouchers": [{"company": "FAB", "kind": "payment", "lines": [{**CASH, "debit": "1,00"}]}]}, "expect.vouchers[0].lines[0].debit"),
        ({"vouchers": [{"company": "FAB", "kind": "payment", "lines": "none"}]}, "expect.vouchers[0].lines"),
        ({"open": [{"company": "FAB", "document": "1", "balance": "x"}]}, "expect.open[0].balance"),
        ({"settlements": [{**SETTLED, "discount": "1"}]}, "expect.settlements[0].discount"),
    ],
)
def test_an_expectation_that_cannot_be_read_is_an_error_with_its_place(expect: dict[str, Any], place: str) -> None:
    with pytest.raises(FileError) as caught:
        differences(scenario(expect), RESULT)
    assert caught.value.place == place


@given(st.lists(st.sets(st.integers(0, 3)), max_size=4), st.integers(0, 4))
def test_as_many_expected_rows_as_possible_find_a_row_of_their_own(fits: list[set[int]], came: int) -> None:
    """Against the best of all assignments: an entry agrees with the rows it holds the numbers of."""
    lost, unasked = unmatched(fits, list(range(came)), lambda entry, row: row in entry)
    assignments = permutations([*range(came), *[-1] * len(fits)], len(fits))
    best = max(sum(row in entry for entry, row in zip(fits, rows, strict=True)) for rows in assignments)
    assert len(fits) - len(lost) == best
    assert came - len(unasked) == best


def test_a_thousand_equal_lines_are_matched() -> None:
    assert unmatched([1] * 1000, [1] * 999, lambda expected, came: expected == came) == ([1], [])
