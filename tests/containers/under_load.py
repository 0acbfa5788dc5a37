"""A load that flows while something happens to the services or their parts, and what must hold when all is over."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from services.local.in_process import running_services
from services.local.quiescence import is_quiescent
from services.registry import SERVICES
from services.scenarios.scenario_file import arrivals
from shared.delivery.ports import Encoded
from shared.kafka.log_ends import reading
from shared.kafka.producer import KafkaProducer
from shared.postgresql.database import Postgres
from shared.runtime.retry import any_error, retry_forever
from shared.runtime.system import system_runtime
from tests.builders.load import differences, disagreements, in_disorder, live_result
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.desk.rows import Result
    from services.scenarios.scenario_file import Scenario
    from shared.delivery.service import AnyService
    from shared.events.envelope import Record
    from shared.settings import Settings

AT_ONCE: Final = 10
PAUSE: Final = 0.08
"""Seconds between two sendings: the load goes on while a part stops and starts."""


@asynccontextmanager
async def flowing(settings: Settings, records: Sequence[Record]) -> AsyncIterator[None]:
    """Sends records bit by bit while the body runs, also through a broker that goes and comes; at the end all are sent."""
    sending = asyncio.create_task(_send(settings, records, AT_ONCE, PAUSE))
    try:
        yield
        await sending
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def send(settings: Settings, records: Sequence[Record]) -> None:
    """Sends records as fast as the broker takes them."""
    await _send(settings, records, 500, 0)


async def _send(settings: Settings, records: Sequence[Record], at_once: int, pause: float) -> None:
    producer, runtime = KafkaProducer(settings), system_runtime()
    messages = [Encoded(each.topic, each.key, each.value or b"", each.headers) for each in records]
    try:
        for start in range(0, len(messages), at_once):
            some = messages[start : start + at_once]
            assert await retry_forever("load", partial(_send_some, producer, some), runtime, retry_if=any_error) == []
            await asyncio.sleep(pause)
    finally:
        await producer.close()


async def _send_some(producer: KafkaProducer, messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
    """The first time and after a failure with a new client."""
    try:
        return await producer.send_all(messages)
    except Exception:
        await producer.restart()
        raise


async def group_sent(settings: Settings, scenario: Scenario) -> list[list[Record]]:
    """Makes schemas and topics and sends the reference data; gives the events in disorder, some doubled, in three parts."""
    arriving = arrivals(scenario)
    async with running_services(settings, here=False) as services:
        await services.send(arrival.record for arrival in arriving if arrival.reference)
    records = in_disorder(arriving)
    third = -(-len(records) // 3)
    return [records[start : start + third] for start in range(0, len(records), third)]


async def until_quiescent(settings: Settings, services: Sequence[AnyService] = SERVICES) -> None:
    """Waits until every event has had all its effects in these services."""
    async with Postgres(settings.database, "public").session() as connection, reading(settings) as consumer:
        await until(partial(is_quiescent, connection, consumer, services, settings), 180)


async def assert_as_simulated(settings: Settings, scenario: Scenario, simulated: Result) -> None:
    """Once all is quiet: the ledger is the simulation's, nothing waits or was refused, and the services agree."""
    await until_quiescent(settings)
    live = await live_result(settings, scenario)
    assert differences(live, simulated) == []
    assert (live.rejected, live.waiting) == ([], [])
    assert await disagreements(settings) == []
