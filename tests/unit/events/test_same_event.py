"""Null is left out, and the same event written otherwise is the same event; limits count what a number says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders.records import INVOICE, PAYMENT, binary, refused, taken

REVERSAL = {"ledger": "payable", "settlement": "S-1"}
COMPANY = {"company": "FAB", "currency": "USD", "accounts": {"cash": "1010"}}
MARK = {"company": "FABE", "document": "VI-7", "amount_to_settle": "1.5", "cross_rate": "1.20"}
SAME_MARK = {"document": "VI-7", "company": "FABE ", "amount_to_settle": "1.50", "cross_rate": "01.2", "full_settlement": False}
LIMITS = {"company": "FAB", "ledger": "payable"}
PARTY = {"party": "P", "customers": {"FAB": ["C1"], "FABE": []}}


def _digest(name: str, data: Any) -> bytes:
    return taken(binary(name, data)).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "1000"},
        {"amount": "0001000.000"},
        {"account": " IC-WEST "},
        {"kind": "invoice"},
        {"kind": None, "exchange_rate": None, "dimensions": None, "reference": None, "text": None, "credits": None},
        {"cash_discounts": None, "lines": None, "due_date": None, "intercompany_invoice": None, "posting_profile": None},
        {"cash_discounts": [], "lines": [], "dimensions": {}, "reference": " ", "text": ""},
        {"due_date": "2026-03-02"},
        {"lines": [{"account": "expense", "amount": "1000.0"}]},
        {"lines": [{"account": "expense", "amount": "1000.0", "dimensions": None}]},
    ],
)
def test_an_invoice_written_otherwise_is_the_same_invoice(changes: dict[str, Any]) -> None:
    assert _digest("vendor-invoice.posted", INVOICE | changes) == _digest("vendor-invoice.posted", INVOICE)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "1000.01"},
        {"document": "vi-7"},
        {"kind": "refund"},
        {"due_date": "2026-03-03"},
        {"lines": [{"account": "freight", "amount": "1000.00"}]},
        {"lines": [{"account": "expense", "amount": "1000.00", "dimensions": {"centre": "01"}}]},
        {"exchange_rate": "1.1"},
        {"reference": "CI-7"},
    ],
)
def test_an_invoice_that_says_something_else_is_another_one(changes: dict[str, Any]) -> None:
    assert _digest("vendor-invoice.posted", INVOICE | changes) != _digest("vendor-invoice.posted", INVOICE)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("vendor-payment.posted", PAYMENT, PAYMENT | {"offset": "cash"}),
        ("vendor-payment.posted", PAYMENT | {"offset": "bank"}, PAYMENT | {"lines": [{"account": "bank", "amount": "980"}]}),
        ("vendor-payment.posted", PAYMENT | {"settle": [MARK]}, PAYMENT | {"settle": [SAME_MARK]}),
        ("vendor-invoice.posted", INVOICE | {"dimensions": {"a": "1", "b": "2"}}, INVOICE | {"dimensions": {"b": "2", "a": "1"}}),
        (
            "vendor-invoice.posted",
            INVOICE | {"dimensions": {"a": "1"}},
            INVOICE | {"dimensions": {"a": "1"}, "lines": [{"account": "expense", "amount": "1000", "dimensions": {"a": "1"}}]},
        ),
        ("settlement-reversal.requested", REVERSAL, REVERSAL | {"settlement_source": "erp"}),
        ("company.defined", COMPANY, COMPANY | {"accounts": {"cash": ["1010"], "sales": []}, "language": None}),
        ("party.defined", PARTY, {"party": "P", "customers": {"FAB": "C1"}, "vendors": {}}),
        ("settlement-parameters.defined", LIMITS, LIMITS | {"maximum_penny_difference": "0.00"}),
    ],
)
def test_what_says_the_same_is_the_same_event(name: str, one: Any, other: Any) -> None:
    assert _digest(name, one) == _digest(name, other)


def test_null_in_the_place_of_a_field_that_is_needed_is_a_missing_field() -> None:
    unreadable = refused(binary("vendor-invoice.posted", INVOICE | {"document": None}))
    assert (unreadable.code, unreadable.field, unreadable.message) == ("invalid", "/document", "the field is missing")


def test_a_field_that_does_not_exist_is_refused_with_null_too_and_a_null_in_a_map_is_no_text() -> None:
    assert refused(binary("vendor-invoice.posted", INVOICE | {"documents": None, "kind": None})).field == "/documents"
    assert refused(binary("vendor-invoice.posted", INVOICE | {"dimensions": {"centre": None}})).field == "/dimensions/centre"
    assert refused(binary("vendor-payment.posted", PAYMENT | {"settle": [None]})).field == "/settle/0"


def test_a_payment_has_an_offset_or_lines() -> None:
    both = PAYMENT | {"offset": "cash", "lines": [{"account": "cash", "amount": "980.00"}]}
    unreadable = refused(binary("vendor-payment.posted", both))
    assert (unreadable.code, unreadable.field) == ("invalid", "/lines")
    payment = taken(binary("vendor-payment.posted", PAYMENT | {"offset": "bank", "lines": []})).data
    assert [line.account for line in payment.lines] == ["bank"]


# Limits


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "123456789012345678.90"),
        ("amount", "000000123456789012345678.900000000000000000000000"),
        ("exchange_rate", "0.511291881196218485"),
        ("exchange_rate", "1234567890.123456789012345678"),
        ("exchange_rate", "0001234567890.123456789012345678000"),
        ("exchange_rate", "1234567890123456789012345678"),
        ("reference", "ä" * 140),
        ("reference", f"  {'ä' * 140}  "),
        ("text", "x" * 200),
    ],
)
def test_what_is_within_the_limits_is_taken(field: str, value: str) -> None:
    assert taken(binary("vendor-invoice.posted", INVOICE | {field: value})).ref.id == "E-1"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("amount", "1234567890123456789.00", "has 19 digits before the point: at most 18"),
        ("amount", f"1.{'0' * 18}1", "has 19 decimals"),
        ("exchange_rate", "0.1234567890123456789", "has 19 decimals: at most 18"),
        ("exchange_rate", "12345678901.123456789012345678", "has 29 significant digits: at most 28"),
        ("exchange_rate", "12345678901234567890123456789", "has 29 significant digits: at most 28"),
        ("reference", "ä" * 141, "has 141 characters: at most 140"),
        ("text", "x" * 201, "has 201 characters: at most 200"),
        ("currency", "XXX", "is not an ISO 4217 currency"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_by_its_field(field: str, value: str, says: str) -> None:
    unreadable = refused(binary("vendor-invoice.posted", INVOICE | {field: value}))
    assert (unreadable.code, unreadable.field) == ("invalid", f"/{field}")
    assert says in unreadable.message


def test_a_percent_has_the_limits_of_a_rate() -> None:
    def discounts(percent: str) -> Any:
        return binary("vendor-invoice.posted", INVOICE | {"cash_discounts": [{"percent": percent}]})

    assert taken(discounts("100.000")).ref.id == "E-1"
    assert refused(discounts("100.000000000000000001")).field == "/cash_discounts/0/percent"
    assert refused(discounts("0.0000000000000000001")).field == "/cash_discounts/0/percent"


@pytest.mark.parametrize(
    ("currency", "amount", "is_taken"), [("ITL", "193627", True), ("ITL", "193627.5", False), ("BGN", "1955.83", True)]
)
def test_a_currency_that_was_withdrawn_is_taken_with_the_digits_it_had(currency: str, amount: str, is_taken: bool) -> None:  # noqa: FBT001
    record = binary("vendor-invoice.posted", INVOICE | {"currency": currency, "amount": amount, "exchange_rate": "0.5"})
    if is_taken:
        assert str(taken(record).data.amount) == amount
    else:
        assert refused(record).field == "/amount"


def test_a_number_of_half_a_million_zeros_is_read_at_little_cost() -> None:
    assert str(taken(binary("vendor-invoice.posted", INVOICE | {"amount": "0" * 500_000 + "7." + "0" * 400_000})).data.amount) == "7.00"
    assert refused(binary("vendor-invoice.posted", INVOICE | {"amount": "0" * 900_000 + "x"})).field == "/amount"
