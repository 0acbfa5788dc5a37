"""The discount that is said to be still to be had is the one that a payment of that day takes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.discounts import Terms, still_to_be_had
from services.inquiry.queries.documents import DocumentSelection, documents
from services.inquiry.queries.settlements import SettlementSelection, settlements
from services.scenarios.group_file import reference_entries
from services.scenarios.scenario_file import Scenario, read_events
from tests.live.inquiry.asking import Asked

Row = dict[str, Any]

INVOICED = dt.date(2026, 1, 10)
TIERS: tuple[list[Row], ...] = (
    [{"percent": "3", "days": 10}, {"percent": "2", "days": 30}],
    [{"amount": "12.34", "until": "2026-01-25"}],
    [{"percent": "1.5"}],
    [{"percent": "2", "days": 10}, {"amount": "5.00", "until": "2026-02-15"}],
)
LINES = [{"account": "sales", "amount": "830.00"}, {"account": "sales_tax", "amount": "150.00"}, {"account": "2200", "amount": "19.99"}]


def scenario(base: str, tiers: list[Row], paid: dt.date, amount: Decimal | None) -> Scenario:
    """An invoice with tax, and a payment of it on a day, of so much, if any."""
    group = {
        "companies": {"A": {"name": "A", "currency": "USD", "accounts": {"sales_tax": "2200"}}},
        "parties": {"P": {"name": "Party", "customers": {"A": "100"}}},
        "settlement_parameters": {"A": {"receivable": {"cash_discount_base": base, "cash_discounts_for_partial_payments": True}}},
    }
    head = {"company": "A", "account": "100", "currency": "USD"}
    invoice = {**head, "id": "I", "type": "customer-invoice.posted", "document": "I", "date": str(INVOICED), "amount": "999.99"}
    events = [{**invoice, "lines": LINES, "cash_discounts": tiers}]
    if amount is not None:
        mark = {"company": "A", "document": "I"}
        payment = {**head, "id": "P", "type": "customer-payment.posted", "document": "P", "date": str(paid), "amount": str(amount)}
        events.append({**payment, "settle": [mark]})
    nowhere = Path("made-by-a-test")
    return Scenario(nowhere, "made", "made", reference_entries(nowhere, group), read_events(nowhere, events, "events"), None)


@pytest.mark.embedded
@pytest.mark.parametrize("base", ["gross", "net_of_sales_tax"])
@pytest.mark.parametrize("tiers", TIERS, ids=range(len(TIERS)))
def test_a_payment_of_the_day_takes_the_discount_that_was_still_to_be_had(books: Asked, tiers: list[Row], base: str) -> None:
    for day in (INVOICED, INVOICED + dt.timedelta(days=10), INVOICED + dt.timedelta(days=11), dt.date(2026, 2, 16)):
        books.listen(scenario(base, tiers, day, None))
        (row,) = books.all(documents, DocumentSelection(state="open", as_of=AsOf(day)))
        discount = Decimal(row["discount"]["amount"]) if row["discount"] else Decimal(0)
        until = (row["discount"] or {}).get("until") or "9999"
        assert until >= str(day)
        books.listen(scenario(base, tiers, day, Decimal("999.99") - discount))
        (taken,) = books.all(settlements, SettlementSelection())
        assert Decimal(taken["cash_discount"]) == discount
        assert [each["state"] for each in books.all(documents, DocumentSelection(document="I"))] == ["closed"]


@pytest.mark.embedded
def test_of_what_a_partial_payment_leaves_the_discount_is_on_the_rest(books: Asked) -> None:
    books.listen(scenario("gross", TIERS[0], INVOICED, Decimal(485)))
    (row,) = books.all(documents, DocumentSelection(document="I", as_of=AsOf(INVOICED)))
    assert (row["open"], row["discount"]) == ("499.99", {"amount": "15.00", "until": "2026-01-20"})
    assert books.all(documents, DocumentSelection(document="I"))[0]["discount"] is None  # without a day nothing is said


def test_a_discount_is_at_most_what_is_left_and_none_where_nothing_is() -> None:
    terms = Terms([{"amount": "2000"}], INVOICED, Decimal(1000), Decimal(1000), "USD")
    assert still_to_be_had(terms, Decimal(10), INVOICED) == (Decimal("10.00"), None)
    assert still_to_be_had(terms, Decimal(0), INVOICED) is None
    assert still_to_be_had(Terms([{"percent": "2", "days": 5}], INVOICED, Decimal(1), Decimal(1), "USD"), Decimal(1), dt.date.max) is None
    for_ever = Terms([{"percent": "2", "days": 10**7}], INVOICED, Decimal(1000), Decimal(1000), "USD")
    assert still_to_be_had(for_ever, Decimal(100), dt.date.max) == (Decimal("2.00"), None)
