"""What is open of a document: it never leaves what a document can have open, else the books contradict themselves."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

from services.settlement.rules.values import Document, SettlementDefectError
from services.settlement.stored_tables import TABLES
from shared.events.envelope import EventRef
from shared.events.inbound import CashDiscount

DAY = dt.date(2026, 3, 1)
EVENT = EventRef("erp", "I-1")


def _document(currency: str = "USD", rate: str = "1", accounting: str = "100.00") -> Document:
    value = Decimal(accounting)
    return Document(
        ledger="receivable", company="FAB", document="I-1", kind="invoice", party="FOURTH", account="4001", date=DAY, due_date=DAY,
        currency=currency, amount=Decimal("100.00"), accounting_currency="USD", exchange_rate=Decimal(rate), accounting_amount=value,
        open=Decimal("100.00"), open_accounting_amount=value, summary_account="130100", dimensions={}, discounts=(),
        net=Decimal("100.00"), distributions=(), event=EVENT,
    )  # fmt: skip


def test_what_records_take_is_no_longer_open_and_open_again_once_they_are_reversed() -> None:
    taken = _document("EUR", "1.1", "110.00").apply(Decimal("40.00"), Decimal("44.00"), 2)
    assert (taken.open, taken.open_accounting_amount, taken.records) == (Decimal("60.00"), Decimal("66.00"), 2)
    given = taken.give_back(Decimal("40.00"), Decimal("44.00"), 2)
    assert given == replace(_document("EUR", "1.1", "110.00"), manual_only=True)


@pytest.mark.parametrize(("amount", "accounting"), [("100.01", "100.01"), ("-0.01", "-0.01"), ("40.00", "40.01"), ("100.00", "99.99")])
def test_records_take_what_is_open_and_the_same_in_the_companys_own_currency(amount: str, accounting: str) -> None:
    with pytest.raises(SettlementDefectError, match=r"receivable FAB I-1: 1 records take"):
        _document().apply(Decimal(amount), Decimal(accounting), 1)


def test_what_is_closed_has_nothing_open_in_accounting_currency_either() -> None:
    with pytest.raises(SettlementDefectError):
        _document("EUR", "1.1", "110.00").apply(Decimal("100.00"), Decimal("109.99"), 1)


def test_rounding_may_take_a_cent_more_than_all_in_accounting_currency_as_long_as_the_document_is_open() -> None:
    """0.04 at 0.5 are 0.02; 0.01 of it are 0.01 each time: the last one gets -0.01."""
    document = replace(
        _document("EUR", "0.5", "50.00"),
        amount=Decimal("0.04"),
        open=Decimal("0.04"),
        accounting_amount=Decimal("0.02"),
        open_accounting_amount=Decimal("0.02"),
    )
    rest = document.apply(Decimal("0.03"), Decimal("0.03"), 3)
    assert rest.open_accounting_amount == Decimal("-0.01")
    assert rest.apply(Decimal("0.01"), Decimal("-0.01"), 1).open_accounting_amount == 0


def test_only_what_enlarged_a_primary_is_open_beyond_its_amount() -> None:
    payment = replace(_document(), kind="payment")
    enlarged = payment.apply(Decimal("-70.00"), Decimal("-70.00"), 1, Decimal("70.00"))
    assert enlarged.open == Decimal("170.00")
    assert enlarged.give_back(Decimal("-70.00"), Decimal("-70.00"), 1, Decimal("70.00")).open == Decimal("100.00")
    with pytest.raises(SettlementDefectError):
        payment.apply(Decimal("-70.00"), Decimal("-70.00"), 1, Decimal("69.99"))
    with pytest.raises(SettlementDefectError):
        _document().apply(Decimal("-70.00"), Decimal("-70.00"), 1, Decimal("70.00"))


def test_what_was_never_taken_is_not_given_back() -> None:
    taken = _document().apply(Decimal("40.00"), Decimal("40.00"), 1)
    with pytest.raises(SettlementDefectError, match="give"):
        taken.give_back(Decimal("40.01"), Decimal("40.01"), 1)
    with pytest.raises(SettlementDefectError):
        taken.give_back(Decimal("39.99"), Decimal("39.99"), 1)
    with pytest.raises(SettlementDefectError):
        taken.give_back(Decimal("40.00"), Decimal("40.00"), 2)


def test_a_document_is_reversed_once_and_only_while_nothing_of_it_is_settled() -> None:
    gone = _document().reverse()
    assert (gone.open, gone.open_accounting_amount, gone.is_reversed, gone.manual_only) == (Decimal(0), Decimal(0), True, True)
    with pytest.raises(SettlementDefectError):
        gone.reverse()
    with pytest.raises(SettlementDefectError):
        gone.give_back(Decimal("100.00"), Decimal("100.00"), 0)
    with pytest.raises(SettlementDefectError):
        _document().apply(Decimal("40.00"), Decimal("40.00"), 1).reverse()


def test_a_defect_says_of_which_document_what_of_it_is_open_and_whether_it_is_reversed() -> None:
    settled = _document("EUR", "1.1", "110.00").apply(Decimal("40.00"), Decimal("44.00"), 1)
    with pytest.raises(SettlementDefectError) as error:
        settled.reverse()
    state = "open 60.00 (66.00) of 100.00 (110.00), 1 records in force"
    assert str(error.value) == f"receivable FAB I-1: it cannot be reversed: {state}"
    with pytest.raises(SettlementDefectError) as error:
        _document().reverse().reverse()
    state = "open 0 (0) of 100.00 (100.00), 0 records in force, reversed"
    assert str(error.value) == f"receivable FAB I-1: it cannot be reversed: {state}"


def test_a_document_stored_by_an_earlier_version_is_read_by_the_place_of_its_fields() -> None:
    """Rows are lists: the names of fields may change, their order not; what is added comes last, with a default."""
    stored = [
        *("receivable", "FAB", "I-1", "invoice", "FOURTH", "4001", "2026-03-01", "2026-03-31", "EUR", "100.00", "USD", "1.1", "110.00"),
        *(
            "60.00",
            "66.00",
            "130100",
            {"cost_centre": "C1"},
            [{"percent": "2", "amount": None, "days": 10, "until": None, "account": None}],
        ),
        *("100.00", [[[["cost_centre", "C1"]], "100.00"]], ["erp", "I-1"], None, "FABE", "B-1", "WIRE", "GEN", True, False, False, 1),
    ]
    key, document = TABLES["documents"].read(json.dumps(stored))
    assert key == ("receivable", "FAB", "I-1")
    assert (document.open, document.open_accounting_amount, document.records) == (Decimal("60.00"), Decimal("66.00"), 1)
    assert document.discounts == (CashDiscount(percent=Decimal(2), days=10),)
    assert (document.manual_only, document.marks_refused, document.is_reversed) == (True, False, False)
    assert TABLES["documents"].read(TABLES["documents"].row(document)[-1]) == (key, document)
