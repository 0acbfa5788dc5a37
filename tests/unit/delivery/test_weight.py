"""What one transaction takes: bounded by records, bytes and entries, smaller after a crash."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.delivery.weight import (
    CAUTIOUS,
    MOST_BYTES,
    MOST_ENTRIES,
    MOST_RECORDS,
    STEADY,
    Limits,
    Pace,
    by_entries,
    entries_of,
    first_by_size,
)
from shared.events.codec import decode
from shared.events.envelope import EventRef, Message, Record, Topic
from shared.events.inbound import Mark, OffsetLine, PaymentPosted
from shared.events.journals import PaymentJournal
from shared.events.reference import Buyer, CentralizedPaymentsMembersDefined, Seller, TradingRelationDefined
from shared.events.settlements import SettlementReversed
from tests.builders.invoices import headers, invoice, invoice_data

DAY = date(2026, 1, 1)


def _with_lines(identifier: str, lines: int) -> Record:
    data = {**invoice_data(amount=f"{lines}.00"), "lines": [{"account": "4711", "amount": "1.00"}] * lines}
    return Record(Topic.INVOICES, b"party", orjson.dumps(data), headers(identifier), 0, 0, 1_767_225_600_000)


def test_six_hundred_invoices_of_a_thousand_lines_are_taken_ten_at_a_time_and_small_ones_all_at_once() -> None:
    heavy = [decode(_with_lines(f"H{number}", 1000)) for number in range(30)]
    assert all(isinstance(each, Message) for each in heavy)
    assert entries_of(heavy[0]) == 1001
    assert [len(part) for part in by_entries(heavy, Limits())] == [MOST_ENTRIES // 1001] * 3 + [3]
    small = [decode(invoice(f"S{number}")) for number in range(MOST_RECORDS)]
    assert len(by_entries(small, Limits())) == 1


def test_the_entries_of_what_an_event_holds_count_too() -> None:
    marks = [{"company": "FAB", "document": f"D{number}"} for number in range(7)]
    payment = {
        "company": "FAB",
        "account": "1",
        "document": "P",
        "date": "2026-01-01",
        "currency": "USD",
        "amount": "1.00",
        "settle": marks,
    }
    event = decode(Record(Topic.PAYMENTS, b"k", orjson.dumps(payment), headers("P", "customer-payment.posted")))
    assert isinstance(event, Message), event
    assert entries_of(event) == 1 + 7 + 1  # the event, its marks, the line it did not give


ALL_IN_LISTS = {
    "payment-journal.posted": (
        PaymentJournal(
            "payable",
            EventRef("erp", "1"),
            "00",
            PaymentPosted(
                *("FAB", "V", "P", DAY, "EUR", Decimal(1)),
                settle=[Mark("FAB", "I")] * 3,
                lines=[OffsetLine("cash", Decimal(1))] * 2,
                dimensions={"a": "b"},
            ),
        ),
        2 + 3 + 2 + 1,
    ),
    "settlement.reversed": (SettlementReversed("payable", [], [EventRef("erp", "1")], [("FAB", "S"), ("FAB", "T")]), 1 + 2),
    "centralized-payments-members.defined": (CentralizedPaymentsMembersDefined(["FAB", "FABE", "FABW"]), 3),
    "trading-relation.defined": (TradingRelationDefined(Seller("FAB", "C"), Buyer("FABE", "V"), "J"), 0),
}


@pytest.mark.parametrize("name", ALL_IN_LISTS)
def test_every_list_of_an_event_counts_at_whatever_depth_and_nothing_else(name: str) -> None:
    data, entries = ALL_IN_LISTS[name]
    assert entries_of(Message(EventRef("erp", "1"), name, data, datetime(2026, 1, 1, tzinfo=UTC))) == 1 + entries


@given(some.lists(some.integers(0, 3 * MOST_BYTES), max_size=20))
def test_the_parts_by_size_are_the_batch_and_none_is_heavier_than_allowed_unless_it_is_one_record(sizes: list[int]) -> None:
    value = bytes(3 * MOST_BYTES)
    rest = [Record("t", None, memoryview(value)[:size], offset=number) for number, size in enumerate(sizes)]  # type: ignore[arg-type]
    seen: list[int] = []
    while rest:
        part = first_by_size(rest, Limits())
        assert len(part) == 1 or sum(len(each.value or b"") for each in part) <= MOST_BYTES
        seen += [each.offset for each in part]
        rest = rest[len(part) :]
    assert seen == list(range(len(sizes)))


def test_after_a_crash_parts_are_small_and_grow_with_success_to_all() -> None:
    pace = Pace()
    assert pace.limits == Limits()
    pace.be_cautious()
    sizes = []
    while pace.limits != Limits():
        sizes.append(pace.limits.records)
        pace.succeeded()
    assert sizes == [MOST_RECORDS // divisor for divisor in (CAUTIOUS, 8, 4, 2) for _ in range(STEADY)]


@pytest.mark.parametrize("times", [1, 5, 50])
def test_however_often_it_fails_one_record_is_tried(times: int) -> None:
    pace = Pace()
    for _ in range(times):
        pace.be_cautious()
    assert min(pace.limits) >= 1
