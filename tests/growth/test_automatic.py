"""Very many open documents of one party that settle automatically: a payment costs what it closes, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.registry import PAYMENT, SETTLEMENT
from services.settlement import store
from shared.delivery.outbox import unpack
from shared.events.envelope import Record, Topic
from tests.growth.counting import Cost, assert_bounded, assert_linear, calls
from tests.growth.loads import as_many_open, automatic, company, open_invoices, party, payments, sized

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.growth.conftest import Counted

    Make = Callable[..., Awaitable[Counted]]

pytestmark = pytest.mark.embedded

_BATCH = 50
"""Payments that come together. A batch is folded anew with each page: of twice as many payments, which are 500 at most, once more."""


async def _party(instance: Make, number: int, *, terms: bool = False) -> Counted:
    """A settlement service with so many open invoices of ten dollars of one account; `terms`: with a cash discount, due on other days."""
    settlement = await instance(SETTLEMENT)
    await settlement.deliver_all([company(), party(offset=1), automatic(2), *open_invoices(1, terms=terms)])
    for statement in as_many_open(number):
        await settlement.value(statement)
    await settlement.value("analyze documents")
    assert await settlement.value("select count(*) from documents where open > 0") == number
    return settlement


async def _said(instance: Make, number: int, amount: str) -> list[Record]:
    """What the payment service says of so many payments of this amount."""
    payment = await instance(PAYMENT)
    await payment.deliver_all([company(), party(offset=1), *payments(number, amount)])
    async with payment.database.transaction() as connection:
        rows = await connection.fetch("select messages from outgoing order by id")
    said = [message for row in rows for message in unpack(row["messages"]) if message.topic == Topic.JOURNALS]
    return [Record(*message, 0, place) for place, message in enumerate(said)]


async def _pay(settlement: Counted, paid: list[Record], at_once: int) -> None:
    for start in range(0, len(paid), at_once):
        await settlement.delivery.deliver(paid[start : start + at_once])


async def test_payments_of_one_party_cost_their_number(instance: Make) -> None:
    number = sized(2_000, 100)
    costs, called = [], []
    for each in (number, 2 * number):
        settlement = await _party(instance, each)
        paid = await _said(instance, each, "10.00")
        async with settlement.counting():
            with calls() as counted:
                await _pay(settlement, paid, _BATCH)
        assert await settlement.value("select count(*) from documents where open > 0") == 0
        assert await settlement.value("select count(*) from records") == each
        costs += settlement.costs
        called.append(counted.value)
    costs[0].assert_linear(costs[1])
    assert_linear(called[0], called[1])


@pytest.mark.parametrize("terms", [False, True])
async def test_a_payment_reads_and_writes_what_it_closes_however_many_documents_are_open(instance: Make, *, terms: bool) -> None:
    number, costs = sized(200_000, 4_000), []
    for each in (number, 2 * number):
        settlement = await _party(instance, each, terms=terms)
        paid = await _said(instance, 3, "95.00")
        async with settlement.counting():
            await settlement.deliver_all(paid)
        closed = await settlement.value("select count(*) from documents where open = 0 and kind = 'invoice'")
        assert closed == (27 if terms else 28)
        assert await settlement.value("select count(*) from documents where open > 0") == each - closed
        costs += settlement.costs
    assert costs[0].queries == costs[1].queries
    assert costs[0].messages == costs[1].messages
    assert_bounded(costs[0].rows, costs[1].rows, "rows")
    costs[0].assert_bounded_memory(costs[1])
    assert costs[1].rows < number // 2


async def test_payments_that_close_many_documents_each_are_divided_by_what_they_close(
    instance: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is divided by records and bytes; how many documents a payment closes, none of them says."""
    monkeypatch.setattr(store, "MOST_ENTRIES", sized(10_000, 400))
    number, each_closes = sized(200, 8), sized(2_000, 100)
    costs: list[Cost] = []
    for each in (number, 2 * number):
        settlement = await _party(instance, each * each_closes)
        paid = await _said(instance, each, f"{10 * each_closes}.00")
        async with settlement.counting():
            await _pay(settlement, paid, number)
        assert await settlement.value("select count(*) from documents where open > 0") == 0
        costs += settlement.costs
    costs[0].assert_linear(costs[1])
    costs[0].assert_bounded_memory(costs[1])
