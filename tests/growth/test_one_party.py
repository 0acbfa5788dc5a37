"""Very much of one party, one payment, or one record: what it costs a service grows with it in proportion, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.registry import PAYMENT, SETTLEMENT
from shared.delivery.outbox import unpack
from shared.events.bindings import LARGEST_INBOUND
from shared.events.envelope import Record, Topic
from tests.builders.invoices import headers
from tests.growth.counting import TWICE
from tests.growth.loads import company, invoices, party, record, sized

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.growth.conftest import Counted

    Make = Callable[..., Awaitable[Counted]]

pytestmark = pytest.mark.embedded

_MIB = 1024 * 1024
_PAID = {"company": "FAB", "account": "4000", "document": "PAY", "date": "2026-01-02", "currency": "USD"}


async def _payment(instance: Make, number: int, marks: int = 0) -> list[Record]:
    """What the payment service says of a payment of so many invoices of ten dollars, of which it marks the first ones."""
    settle = [{"company": "FAB", "document": f"D{each}"} for each in range(marks)]
    data = {**_PAID, "amount": f"{10 * number}.00", **({"settle": settle} if settle else {})}
    payment = await instance(PAYMENT)
    await payment.deliver_all([company(), party(offset=1), record("PAY", "customer-payment.posted", Topic.PAYMENTS, data)])
    said = unpack(await payment.value("select messages from outgoing"))
    return [Record(*message) for message in said if message.topic == Topic.JOURNALS]


async def test_a_payment_with_very_many_marks_costs_their_number(instance: Make) -> None:
    number = sized(5_000, 150)
    costs = []
    for each in (number, 2 * number):
        settlement = await instance(SETTLEMENT)
        await settlement.deliver_all([company(), party(offset=1), *invoices(0, each)])
        payment = await _payment(instance, each, each)
        async with settlement.counting():
            await settlement.delivery.deliver(payment)
            await settlement.housekeeping.release()
        assert await settlement.value("select count(*) from records") == each
        costs += settlement.costs
    costs[0].assert_linear(costs[1])
    assert costs[1].peak <= TWICE * costs[0].peak


async def test_a_record_of_many_mebibytes_is_refused_with_as_many_statements_and_held_in_proportion(instance: Make) -> None:
    """The broker takes none of this size on an inbound topic unless it is set to; what the shell gets all the same, it refuses."""
    size = sized(10 * _MIB, 2 * LARGEST_INBOUND)
    costs = []
    for each in (size, 2 * size):
        settlement = await instance(SETTLEMENT)
        await settlement.deliver_all([company(), party(offset=1)])
        value = b'{"company":"' + b"x" * each + b'"}'
        large = Record(Topic.INVOICES, b"key", value, headers("LARGE", "customer-invoice.posted"), 0, 0, 0)
        async with settlement.counting():
            await settlement.delivery.deliver([large, *invoices(1, 1)])
        assert await settlement.value("select code from rejections") == "malformed"
        assert await settlement.value("select count(*) from documents") == 1
        costs += settlement.costs
    assert costs[0].queries == costs[1].queries
    assert costs[1].peak <= TWICE * costs[0].peak
