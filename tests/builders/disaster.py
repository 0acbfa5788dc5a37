"""Services that are stopped and started one by one, topics that are lost, and what is done about it (docs/architecture/disaster.md)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient

from services.desk.reconciliation import reconcile
from services.desk.schemas import Schemas, open_schemas
from services.desk.under_way import UnderWay
from services.local.in_process import running_services
from services.operations.resend import Resent, order_resending
from services.registry import PAYMENT, POSTING, SERVICES, SETTLEMENT
from services.scenarios.scenario_file import arrivals
from shared.delivery import shell_queries
from shared.kafka.security import client_arguments
from shared.runtime.process import Process, run_process
from tests.builders.load import intercompany_payments
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from datetime import datetime

    from services.local.in_process import RunningServices
    from shared.delivery.service import AnyService
    from shared.events.envelope import Record
    from shared.settings import Settings

LOAD = intercompany_payments(8)
WAITED_FOR = 3.0


class Group(NamedTuple):
    """The services' schemas and topics, whichever of them run."""

    services: RunningServices
    schemas: Schemas

    async def sent(self, records: Sequence[Record], running: Sequence[AnyService]) -> None:
        """Sends records, and has these services read all that they can."""
        await self.services.send(records)
        async with serving(self.services.settings, running):
            await self.at_rest(running)

    async def at_rest(self, running: Sequence[AnyService]) -> None:
        """Waits until these services have read all that there is, and sent all that they have decided."""
        await self.services._until_at_rest(running, self.services._connection)  # noqa: SLF001 - of some of the services alone

    async def problems(self) -> dict[str, list[str]]:
        """What the reconciler finds."""
        checks = await reconcile(self.schemas, UnderWay(self.schemas, WAITED_FOR))
        return {check.name: check.said() for check in checks if not check.holds}

    async def now(self) -> datetime:
        """The database's time."""
        async with self.schemas.of("settlement") as connection:
            return await shell_queries.now(connection)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Group]:
    """Topics and schemas, made if they are not there; no service runs."""
    async with running_services(settings, here=False) as services, open_schemas(settings) as schemas:
        yield Group(services, schemas)


@asynccontextmanager
async def serving(settings: Settings, running: Sequence[AnyService]) -> AsyncIterator[None]:
    """These services, for as long as the context lasts."""
    tasks = {asyncio.create_task(run_process(Process(service, settings))) for service in running}
    try:
        yield
    finally:
        while tasks:
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=15)


def records_that(kind: Callable[[Any], bool]) -> list[Record]:
    """The records of the load that are of a kind."""
    return [arrival.record for arrival in arrivals(LOAD) if kind(arrival)]


REFERENCE = records_that(lambda arrival: arrival.reference)
INVOICES = records_that(lambda arrival: not arrival.reference and arrival.record.topic.endswith("invoices"))
PAYMENTS = records_that(lambda arrival: not arrival.reference and arrival.record.topic.endswith("payments"))

STAGES: dict[str, tuple[list[AnyService], ...]] = {
    "posting": ([SETTLEMENT, PAYMENT],),
    "settlement": ([PAYMENT],),
    "payment": ([PAYMENT], [SETTLEMENT, POSTING]),
}
"""Who still read and decided before the topics were lost, by the service that had not read what was said."""


async def read_by_some(group: Group, lagging: str) -> datetime:
    """Invoices that all have read, and payments that one service has not heard of; the time between them."""
    await group.sent([*REFERENCE, *INVOICES], SERVICES)
    since = await group.now()
    await group.services.send(PAYMENTS)
    for running in STAGES[lagging]:
        await group.sent([], running)
    return since


class SentAgain(NamedTuple):
    """What the reconciler named, and what was ordered."""

    named: list[str]
    ordered: list[Resent]


async def send_again(group: Group, since: datetime) -> SentAgain:
    """What an operator does whose topics were lost; all services run."""
    await until(partial(_is_noticed, group.schemas), 60)
    lost = await group.problems()
    ordered = await order_resending(group.schemas, since)
    await until(partial(_is_sent, group.schemas))
    await group.at_rest(SERVICES)
    return SentAgain([problem for problems in lost.values() for problem in problems], ordered)


async def lose_topics(settings: Settings, topics: Iterable[str]) -> None:
    """Deletes these topics, with all that is on them."""
    names = {settings.topic_name(topic) for topic in topics}
    admin = AIOKafkaAdminClient(**client_arguments(settings))
    await admin.start()
    try:

        async def are_gone() -> bool:
            return not names & set(await admin.list_topics())

        await admin.delete_topics(sorted(names))
        await until(are_gone)
    finally:
        await admin.close()


async def _is_noticed(schemas: Schemas) -> bool:
    return not await UnderWay(schemas).not_noticed()


async def _is_sent(schemas: Schemas) -> bool:
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            if await shell_queries.unsent(connection):
                return False
    return True
