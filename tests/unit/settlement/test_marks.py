"""What marks let through: together no more than they say, at the agreed rate only for whom it was agreed, and never money worth nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders.settlement import Event, Heard, asked, balances, invoice, mark, note, paid, result

YEN: dict[str, Any] = {"exchange_rates": [{"from": "USD", "to": "JPY", "date": "2026-01-01", "rate": "300"}]}
LIMITS = {"maximum_penny_difference": "0.05", "maximum_overpayment_or_underpayment": "1.00"}
TOLERANT: dict[str, Any] = {"settlement_parameters": {"FAB": {"receivable": LIMITS}}}


def test_what_several_pay_on_a_mark_is_together_no_more_than_it_lets_through() -> None:
    notes = [note("N1", "2.00"), note("N2", "2.00")]
    came = result(*notes, invoice("I1"), paid("P1", "4.00", mark("N1"), mark("N2"), mark("I1", amount_to_settle="7.00")))
    assert balances(came) == {"I1": "3.00", "N1": "0.00", "N2": "-1.00", "P1": "0.00"}


def test_what_several_pay_on_a_mark_of_a_request_is_together_no_more_than_it_lets_through() -> None:
    documents = [note("N1", "2.00"), note("N2", "2.00"), paid("P1"), invoice("I1"), invoice("I2")]
    marks = [mark("N1"), mark("N2"), mark("P1"), mark("I1", amount_to_settle="5.00"), mark("I2", amount_to_settle="7.00")]
    came = result(*documents, asked("S", *marks))
    assert balances(came) == {"I1": "5.00", "I2": "3.00", "N1": "0.00", "N2": "-2.00", "P1": "0.00"}


def test_a_primary_is_enlarged_by_no_more_than_the_marks_let_through() -> None:
    marks = [mark("P1"), mark("P2"), mark("I1", amount_to_settle="8.00")]
    came = result(
        paid("P1", "5.00"),
        paid("P2"),
        invoice("I1", "20.00"),
        asked("S", *marks, primary={"company": "FAB", "document": "P1"}),
    )
    assert balances(came) == {"I1": "12.00", "P1": "0.00", "P2": "-7.00"}


def test_a_primary_is_not_enlarged_by_money_that_is_worth_nothing_in_its_currency() -> None:
    """1 JPY at 300 JPY for 1 USD."""
    marks = [mark("P1"), mark("P2"), mark("I1")]
    about: dict[str, Any] = {"primary": {"company": "FAB", "document": "P1"}}
    came = result(paid("P1", "5.00"), paid("P2", "1", currency="JPY"), invoice("I1"), asked("S", *marks, **about), **YEN)
    assert balances(came) == {"I1": "5.00", "P1": "0.00", "P2": "-1"}


def test_what_is_short_is_written_off_although_money_that_is_worth_nothing_is_left() -> None:
    came = result(
        *(paid("P2", "1", currency="JPY", date="2026-01-11"), paid("P1", "9.98"), invoice("I1")),
        asked("S", mark("P1"), mark("P2"), mark("I1")),
        **YEN,
        **TOLERANT,
    )
    assert balances(came) == {"I1": "0.00", "P1": "0.00", "P2": "-1"}
    assert [row["penny_difference"] for row in came.settlements] == ["0.02"]


def test_what_is_short_is_paid_by_the_next_that_has_money_worth_anything_and_not_written_off() -> None:
    yen = [paid(f"P{day}", "1", currency="JPY", date=f"2026-01-{day}") for day in (21, 22)]
    came = result(
        *(paid("P20", "9.98"), *yen, paid("P23", "5.00", date="2026-01-23"), invoice("I1")),
        asked("S", mark("P20"), mark("P21"), mark("P22"), mark("P23"), mark("I1")),
        **YEN,
        **TOLERANT,
    )
    assert balances(came) == {"I1": "0.00", "P20": "0.00", "P21": "-1", "P22": "-1", "P23": "-4.98"}


@pytest.mark.parametrize(
    ("notes", "left"),
    [
        ([("N1", "300", "JPY"), ("N2", "300", "JPY"), ("N3", "300", "JPY")], {"N1": "0", "N2": "0", "N3": "-300"}),
        ([("N1", "1.00", "USD"), ("N2", "2.00", "USD")], {"N1": "0.00", "N2": "-1.00"}),
        ([("N1", "300", "JPY"), ("N2", "2.00", "USD")], {"N1": "0", "N2": "-1.00"}),
    ],
)
def test_a_mark_lets_as_much_through_in_whatever_currency_it_is_paid(notes: list[tuple[str, str, str]], left: dict[str, str]) -> None:
    """4.00 USD of 1,500 JPY are let through, which is 1,200 JPY: 2.00 USD of the payment, the rest of credit notes."""
    documents = [note(name, amount, currency=currency) for name, amount, currency in notes]
    marks = [*(mark(name) for name, _, _ in notes), mark("I1", amount_to_settle="4.00")]
    came = result(*documents, invoice("I1", "1500", currency="JPY"), paid("P1", "2.00", *marks), **YEN)
    assert balances(came) == {"I1": "300", **left, "P1": "0.00"}


def test_what_a_mark_holds_back_is_not_written_off_where_there_is_money() -> None:
    came = result(note("N1", "5.00"), invoice("I1"), paid("P1", "20.00", mark("I1", amount_to_settle="9.98"), mark("N1")), **TOLERANT)
    assert balances(came) == {"I1": "0.02", "N1": "-5.00", "P1": "-10.02"}


@pytest.mark.parametrize(("amount", "code"), [("301", []), ("302", ["over-settled"])])
def test_more_than_is_open_is_what_is_more_in_both_currencies(amount: str, code: list[str]) -> None:
    """1.00 USD is 300 JPY; 301 JPY are 1.00 USD again, 302 are 1.01."""
    came = result(invoice("I1", "1.00"), paid("P1", amount, mark("I1", amount_to_settle=amount), currency="JPY"), **YEN)
    assert [row["code"] for row in came.rejected] == code


def test_an_agreed_rate_counts_for_the_payment_that_marks_and_for_no_credit_note_beside_it() -> None:
    """5.00 USD at the agreed 0.5 are 2.50 EUR; 4.00 USD at the published 1.25 are 3.20 EUR."""
    euro = invoice("I1", currency="EUR")
    came = result(euro, note("N1", "4.00"), paid("P1", "5.00", mark("I1", cross_rate="0.5"), mark("N1")))
    assert balances(came) == {"I1": "4.30", "N1": "0.00", "P1": "0.00"}


@pytest.mark.parametrize(
    ("events", "dates"),
    [
        ([note("N1", "4.00", date="2026-01-25"), invoice("I1")], {"N1": "2026-01-25", "P1": "2026-01-20"}),
        ([note("N1", "4.00"), invoice("I1", date="2026-01-25")], {"N1": "2026-01-25", "P1": "2026-01-25"}),
    ],
)
def test_a_record_has_the_later_date_of_its_two_documents_but_none_before_the_run(events: list[Event], dates: dict[str, str]) -> None:
    came = result(*events, paid("P1", "6.00", mark("N1"), mark("I1")))
    assert {row["credit_document"]: row["date"] for row in came.settlements} == dates


def test_a_rate_without_which_it_cannot_be_said_whether_a_mark_is_too_much_is_not_waited_for_where_no_money_reaches_it() -> None:
    pounds = invoice("I2", currency="GBP", exchange_rate="1.4")
    came = result(invoice("I1"), pounds, paid("P1", "10.00", mark("I1"), mark("I2", amount_to_settle="5.00")))
    assert (came.waiting, came.rejected) == ([], [])
    assert balances(came) == {"I1": "0.00", "I2": "10.00", "P1": "0.00"}
    more = result(invoice("I1"), pounds, paid("P1", "10.01", mark("I1"), mark("I2", amount_to_settle="5.00")))
    assert [(row["event"], row["for"]) for row in more.waiting] == [("P1", "exchange-rate")]


@pytest.mark.parametrize("enlarges", [True, False])
def test_a_credit_notes_discount_goes_to_the_account_of_its_own_terms(enlarges: bool) -> None:  # noqa: FBT001 - a parameter
    """2 % of a credit note over 10.00: it has 9.80 to give, in a record of its own or to a primary."""
    credited: dict[str, Any] = {"settlement_parameters": {"FAB": {"receivable": {"cash_discounts_for_credit_notes": True}}}}
    terms = [{"percent": "2", "days": 30, "account": "4730"}]
    documents = [note("N1", cash_discounts=terms), paid("P1", "5.00"), invoice("I1", "14.80")]
    about: dict[str, Any] = {"primary": {"company": "FAB", "document": "P1"}} if enlarges else {}
    heard = Heard(*documents, asked("S", mark("P1"), mark("N1"), mark("I1"), **about), **credited)
    (run,) = [each.data for each in heard.said if each.type == "settlement.posted"]
    (discount,) = [each.credit_note_discount for each in run.records if each.credit_note_discount is not None]
    assert (str(discount.amount), discount.account, discount.posted_by_payment) == ("0.20", "4730", not enlarges)
    assert balances(heard.now()) == {"I1": "0.00", "N1": "0.00", "P1": "0.00"}


def test_the_priorities_of_automatic_settlement_do_not_change_the_order_of_marks() -> None:
    """I1 is due first; by the company's priority I2 would come first."""
    priority = {"settlement_priority": [{"voucher": "descending"}]}
    group = {"settlement_parameters": {"FAB": {"receivable": priority}}}
    came = result(invoice("I1"), invoice("I2"), paid("P1", "10.00", mark("I1"), mark("I2")), **group)
    assert balances(came) == {"I1": "0.00", "I2": "10.00", "P1": "0.00"}
