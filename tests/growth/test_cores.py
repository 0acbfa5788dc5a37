"""What one event costs the cores and the reading of events grows with it in proportion, or not at all."""

from __future__ import annotations

import gc

import pytest

from services.scenarios.simulation import Simulation
from shared.events.bindings import LARGEST_INBOUND
from shared.events.envelope import Record, Topic
from shared.reference import Reference
from tests.builders.records import INVOICE, binary, refused, taken
from tests.growth.counting import assert_bounded, assert_linear, calls, peak_bytes
from tests.growth.loads import company, invoices, party, rates, record, sized


def _marking(number: int) -> int:
    """The calls that a payment with so many marks takes; it closes them all."""
    simulation = Simulation()
    for each in (company(), party(), *invoices(0, number)):
        simulation.send(each)
    marks = [{"company": "FAB", "document": f"D{each}"} for each in range(number)]
    about = {"company": "FAB", "account": "4000", "document": "PAY", "date": "2026-01-02", "currency": "USD"}
    payment = record("PAY", "customer-payment.posted", Topic.PAYMENTS, {**about, "amount": f"{10 * number}.00", "settle": marks})
    with calls() as counted:
        simulation.send(payment)
    assert len(list(simulation.books.settlement.records)) == number
    assert not any(document.open for document in simulation.books.settlement.documents)
    return counted.value


def test_a_payment_with_twice_the_marks_takes_twice_the_calls() -> None:
    number = sized(5_000, 150)
    assert_linear(_marking(number), _marking(2 * number))


def _taking_rates(number: int) -> int:
    data = [taken(each).data for each in rates(0, number)]
    reference = Reference()
    with calls() as counted:
        for each in data:
            reference.take(each)
    assert [len(each) for each in reference.rates.values()] == [number]
    return counted.value


def test_twice_the_rates_of_one_pair_take_twice_the_calls() -> None:
    number = sized(16_000, 800)
    assert_linear(_taking_rates(number), _taking_rates(2 * number))


def _reading(each: Record) -> int:
    with calls() as counted:
        refused(each)
    return counted.value


@pytest.mark.parametrize("name", ["x", "ce_more"])
def test_a_record_with_twice_the_headers_is_refused_with_as_many_calls(name: str) -> None:
    def one(number: int) -> Record:
        plain = binary("customer-invoice.posted", INVOICE)
        return Record(plain.topic, plain.key, plain.value, (*plain.headers, *((f"{name}{each}", b"1") for each in range(number))))

    number = sized(100_000, 2_000)
    assert_bounded(_reading(one(number)), _reading(one(2 * number)))


def test_a_record_that_is_too_large_is_refused_with_as_many_calls_however_large_it_is() -> None:
    """It is not even read to find what it says: of very many small objects that takes a hundred times its bytes."""

    def one(size: int) -> Record:
        return binary("customer-invoice.posted", {**INVOICE, "lines": [{"account": {}}] * (size // 16)})

    size = sized(10 * LARGEST_INBOUND, 2 * LARGEST_INBOUND)
    assert len(one(size).value or b"") > LARGEST_INBOUND
    assert_bounded(_reading(one(size)), _reading(one(2 * size)))


def test_an_event_with_twice_the_unknown_fields_is_refused_with_as_many_calls() -> None:
    def one(number: int) -> Record:
        return binary("customer-invoice.posted", {**INVOICE, **{f"field_{each}": each for each in range(number)}})

    number = sized(10_000, 500)
    assert_bounded(_reading(one(number)), _reading(one(2 * number)))


def test_twice_the_events_of_very_many_unknown_fields_hold_no_more() -> None:
    """Not even until the collector comes: in a service it comes seldom."""

    def held(events: int) -> int:
        gc.collect()
        gc.disable()
        try:
            with peak_bytes() as peak:
                for _ in range(events):
                    refused(sent)
        finally:
            gc.enable()
        return peak.value

    sent = binary("customer-invoice.posted", {**INVOICE, **{f"field_{each}": each for each in range(sized(10_000, 500))}})
    refused(sent)
    assert_bounded(held(10), held(20))


def test_an_event_with_twice_the_wrong_lines_takes_twice_the_calls() -> None:
    def one(number: int) -> Record:
        return binary("customer-invoice.posted", {**INVOICE, "lines": [{"account": 1, "amount": "x", "more": {}}] * number})

    number = sized(5_000, 250)
    assert_linear(_reading(one(number)), _reading(one(2 * number)))
