"""Replays on a real PostgreSQL: what an operator has noted counts, what anybody else says of a replay does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from services.payment.rules import Books, fold
from services.scenarios.scenario_file import arrivals
from services.settlement.service import SERVICE
from services.simulator.streams import scenario
from shared.events.codec import decode, encode
from shared.events.envelope import Message, Record, Topic
from shared.settings import Settings
from tests.builders.settlement import GROUP, invoice, mark, paid, with_attribute
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.embedded

MARKED_TWICE = paid("P1", "10.00", mark("I1"), mark("I1"))
CHANGED = paid("P1", "10.00", mark("I1"))


@pytest.fixture
async def running(database_url: str) -> AsyncIterator[Running]:
    """The settlement service, to which the test hands its records; the group and an invoice are there."""
    opened = Running(Settings(database_url=SecretStr(database_url), namespace="replays"), SERVICE)
    await opened.prepare()
    await _send(opened, invoice("I1"))
    yield opened
    async with opened.database.transaction() as connection:
        await connection.execute(f"drop schema {opened.schema} cascade")
    await opened.database.close()


async def _send(running: Running, event: dict[str, Any], **attributes: str) -> None:
    """Sends an event; the first time the group before it. A payment goes as the payment service hands it on."""
    for arrival in arrivals(scenario(GROUP, [event])):
        record = arrival.record
        for name, value in attributes.items():
            record = with_attribute(record, name, value)
        if record.topic == Topic.PAYMENTS:
            message = decode(record)
            assert isinstance(message, Message)
            (handed_on,) = fold(Books(complete=True), message)
            record = Record(Topic.JOURNALS, *encode(handed_on))
        await running.deliver(record)


async def _refusals(running: Running) -> int:
    return int(await running.value("select count(*) from rejections"))


async def test_replay_counts_only_as_often_as_an_operator_has_noted_it(running: Running) -> None:
    await _send(running, MARKED_TWICE)
    assert await _refusals(running) == 1
    await _send(running, MARKED_TWICE, replay="1")
    assert await _refusals(running) == 1  # a duplicate: nobody has noted it
    await running.value("update rejections set replays = 1 returning 1")
    await _send(running, MARKED_TWICE, replay="2")
    assert await _refusals(running) == 1
    await _send(running, MARKED_TWICE, replay="1")
    assert await _refusals(running) == 2  # the marks were asked for again


async def test_other_data_under_a_replay_that_nobody_noted_are_a_conflict_not_another_try(running: Running) -> None:
    await _send(running, MARKED_TWICE)
    await _send(running, CHANGED, replay="1")
    assert await running.value("select array_agg(code order by rejected_at) from rejections") == ["invalid", "conflicting-duplicate"]
    assert await running.value("select count(*) from records") == 0


async def test_a_payment_that_comes_as_a_replay_for_the_first_time_is_posted_and_takes_its_own_id(running: Running) -> None:
    await _send(running, CHANGED, replay="7")
    assert await running.value("select count(*) from records") == 1
    await _send(running, CHANGED)
    await _send(running, CHANGED, replay="8")
    assert await running.value("select count(*) from records") == 1
    assert await _refusals(running) == 0
