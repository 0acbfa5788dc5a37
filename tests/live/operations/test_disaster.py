"""What docs/architecture/disaster.md says of each disaster: topics lost, a database set back, a schema set back alone."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.desk.reconciliation import reconcile
from services.desk.schemas import Schemas, open_schemas
from services.desk.under_way import UnderWay
from services.local.in_process import running_services
from services.operations.resend import NotNoticedError, order_resending
from services.registry import PAYMENT, POSTING, SERVICES, SETTLEMENT
from services.scenarios.scenario_file import arrivals
from services.scenarios.simulation import simulate
from shared.delivery import shell_queries
from shared.delivery.ports import Partition
from shared.embedded import start_backing_services
from shared.embedded.addresses import settings_on
from shared.embedded.database import programs
from shared.events.envelope import Topic
from shared.kafka.log_ends import BrokerLog
from shared.kafka.security import client_arguments
from shared.runtime.process import Process, run_process
from shared.settings import Settings
from tests.builders.load import compared, intercompany_payments, live_result
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from services.local.in_process import RunningServices
    from shared.delivery.service import AnyService
    from shared.events.envelope import Record

pytestmark = pytest.mark.embedded

LOAD = intercompany_payments(8)
WAITED_FOR = 3.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="disaster-") as path:
        yield Path(path)


class Group(NamedTuple):
    """The services' schemas and topics, whichever of them run."""

    services: RunningServices
    schemas: Schemas

    async def sent(self, records: Sequence[Record], running: Sequence[AnyService]) -> None:
        """Sends records, and has these services read all that they can."""
        await self.services.send(records)
        async with _serving(self.services.settings, running):
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
async def _group(folder: Path) -> AsyncIterator[Group]:
    """A broker that knows nothing of what was, and the database as it was left; no service runs."""
    async with _started(folder) as settings, _opened(settings) as group:
        yield group


@asynccontextmanager
async def _started(folder: Path) -> AsyncIterator[Settings]:
    async with start_backing_services(folder) as started:
        yield settings_on(started, namespace="lost", log_level="ERROR", health_port=0)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Group]:
    async with running_services(settings, here=False) as services, open_schemas(settings) as schemas:
        yield Group(services, schemas)


@asynccontextmanager
async def _serving(settings: Settings, running: Sequence[AnyService]) -> AsyncIterator[None]:
    """These services, for as long as the context lasts."""
    tasks = {asyncio.create_task(run_process(Process(service, settings))) for service in running}
    try:
        yield
    finally:
        while tasks:
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=15)


def _records(kind: Callable[[Any], bool]) -> list[Record]:
    return [arrival.record for arrival in arrivals(LOAD) if kind(arrival)]


REFERENCE = _records(lambda arrival: arrival.reference)
INVOICES = _records(lambda arrival: not arrival.reference and arrival.record.topic.endswith("invoices"))
PAYMENTS = _records(lambda arrival: not arrival.reference and arrival.record.topic.endswith("payments"))

STAGES: dict[str, tuple[list[AnyService], ...]] = {
    "posting": ([SETTLEMENT, PAYMENT],),
    "settlement": ([PAYMENT],),
    "payment": ([PAYMENT], [SETTLEMENT, POSTING]),
}
"""Who still read and decided before the topics were lost, by the service that had not read what was said."""


@pytest.mark.parametrize("lagging", STAGES)
async def test_what_was_lost_with_the_topics_before_it_was_read_is_sent_again(folder: Path, lagging: str) -> None:
    async with _group(folder) as group:
        await group.sent([*REFERENCE, *INVOICES], SERVICES)
        since = await group.now()
        await group.services.send(PAYMENTS)
        for running in STAGES[lagging]:
            await group.sent([], running)
    async with _group(folder) as group:  # the broker's memory is gone
        with pytest.raises(NotNoticedError, match="start the services"):
            await order_resending(group.schemas, since)
        async with _serving(group.services.settings, SERVICES):
            await until(partial(_is_noticed, group.schemas))
            lost = await group.problems()
            said = await order_resending(group.schemas, since)
            await until(partial(_is_sent, group.schemas))
            await group.at_rest(SERVICES)
            assert await group.problems() == {}
            live = await live_result(group.services.settings, LOAD)
    assert compared(live) == compared(simulate(LOAD))
    assert sum(each.batches for each in said) > 0
    named = [problem for problems in lost.values() for problem in problems]
    if lagging == "settlement":
        assert any(each.endswith(" of FAB PAID-1, and settlement has not read it") for each in named)
    if lagging == "posting":
        assert "FAB payable payment PAID-1 (100.00 USD) has no voucher" in named
    if lagging == "payment":
        assert "scenario PAID-1 waits in settlement for its sales payments, payment has not answered" in named


# A database set back, while the topics went on


FIRST, THEN = PAYMENTS[:3], PAYMENTS[3:]


@pytest.mark.parametrize("set_back", [("payment", "settlement", "posting"), ("payment",), ("settlement",), ("posting",)], ids="+".join)
async def test_what_is_set_back_is_read_again_from_the_topics(folder: Path, set_back: tuple[str, ...]) -> None:
    async with _started(folder) as settings:
        await _posted_and_dumped(settings, set_back, folder)
        before = await _said(settings)
        await _restored(settings, folder)
        async with _opened(settings) as group:
            await group.sent([], SERVICES)
            assert await group.problems() == {}
            live = await live_result(settings, LOAD)
        after = await _said(settings)
    assert compared(live) == compared(simulate(LOAD))
    assert after == before  # the same events, with the same numbers: each of the services' own topics has one partition here


async def test_what_settlement_alone_decides_otherwise_the_second_time_is_refused_and_named(folder: Path) -> None:
    """As if the terms of an invoice had been read otherwise: what posting has by then stays, and is not what settlement says now."""
    without_discount = (
        """update {}.documents set tiers = null, body = jsonb_set(body::jsonb, '{{17}}', '[]')::json where document = 'BILL-3'"""
    )
    async with _started(folder) as settings:
        await _posted_and_dumped(settings, ["settlement"], folder)
        await _restored(settings, folder)
        async with _opened(settings) as group:
            async with group.schemas.of("settlement") as connection:
                await connection.execute(without_discount.format(settings.schema_name("settlement")))
            await group.sent([], SERVICES)
            found = await group.problems()
            async with group.schemas.of("posting") as connection:
                refused = await shell_queries.rejections(connection, "conflicting-duplicate", None)
    (differing,) = found["each voucher has its document or settlement record, with its amount"]
    assert differing.startswith("FABE AP-SET-000004, payable settlement scenario PAID-3 record 1 ")
    assert differing.endswith(": 100.00 USD is posted on the party's account, the record settles 98.00")
    assert [each.rejection.source for each in refused] == ["intercompany/settlement"]


async def test_what_is_set_back_with_the_services_own_topics_is_decided_anew(folder: Path) -> None:
    async with _started(folder) as settings:
        await _posted_and_dumped(settings, [service.name for service in SERVICES], folder)
        await _restored(settings, folder)
        await _lost(settings, [Topic.JOURNALS, Topic.SETTLEMENTS])
        async with _opened(settings) as group:
            await group.sent([], SERVICES)
            await group.at_rest(SERVICES)
            assert await group.problems() == {}
            live = await live_result(settings, LOAD)
    assert compared(live) == compared(simulate(LOAD))


async def _posted_and_dumped(settings: Settings, services: Iterable[str], folder: Path) -> None:
    """A part, a backup of these services' schemas, and the rest."""
    async with _opened(settings) as group:
        await group.sent([*REFERENCE, *INVOICES, *FIRST], SERVICES)
        schemas = [f"--schema={settings.schema_name(name)}" for name in services]
        await _command("pg_dump", "--format=custom", f"--file={folder / 'backup'}", *schemas, settings.database)
        await group.sent(THEN, SERVICES)


async def _restored(settings: Settings, folder: Path) -> None:
    await _command("pg_restore", "--clean", "--if-exists", f"--dbname={settings.database}", str(folder / "backup"))


async def _command(name: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(str(programs() / name), *arguments, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


async def _lost(settings: Settings, topics: Iterable[str]) -> None:
    """These topics are made again, empty."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_topics([settings.topic_name(topic) for topic in topics])
    finally:
        await admin.close()


async def _said(settings: Settings) -> dict[str, tuple[str, str]]:
    """Of each voucher that was ever told of, by the event's id, company and number: the last time that it was."""
    place = Partition(Topic.VOUCHERS, 0)
    end = (await BrokerLog(settings).end_offsets([place]))[place]
    consumer = AIOKafkaConsumer(**client_arguments(settings), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(settings.topic_name(Topic.VOUCHERS), 0)])
    await consumer.start()
    try:
        records = [await consumer.getone() for _ in range(end)]
    finally:
        await consumer.stop()
    said = [(dict(each.headers)["ce_id"].decode(), json.loads(each.value)) for each in records]
    return {id_: (data["company"], data["voucher"]) for id_, data in said}


async def _is_noticed(schemas: Schemas) -> bool:
    return not await UnderWay(schemas).not_noticed()


async def _is_sent(schemas: Schemas) -> bool:
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            if await shell_queries.unsent(connection):
                return False
    return True
