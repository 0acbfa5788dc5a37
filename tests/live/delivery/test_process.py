"""A whole service: from the broker to the database and back, killed, cut off, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.util import calc_crc32c

from services.local.quiescence import is_quiescent, reader, what_is_left
from shared.delivery.ports import Partition
from shared.events.envelope import Topic
from shared.events.values import LARGEST_MESSAGE
from shared.kafka import tolerant_consumer as consumer_module
from shared.kafka import topics
from shared.kafka.log_ends import BrokerLog, end_offsets_at_least, reading
from shared.kafka.security import client_arguments
from shared.runtime import process as process_module
from tests.builders.invoices import invoice, poison
from tests.live.delivery.backing_services import APACHE_KAFKA, free_port
from tests.live.delivery.running import answer_of, is_ready, until
from tests.live.delivery.toy.service import SERVICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.events.envelope import Record
    from shared.settings import Settings
    from tests.live.delivery.backing_services import Broker, Cluster

pytestmark = pytest.mark.embedded


class Outside:
    """What a test sees of a live system: it sends records and looks into the toy's schema, always anew."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self.producer = producer

    async def send(self, records: Sequence[Record]) -> None:
        """Sends records and waits for their acknowledgement."""
        sent = [
            await self.producer.send(self.settings.topic_name(each.topic), each.value, each.key, headers=list(each.headers))
            for each in records
        ]
        await asyncio.gather(*sent)

    async def value(self, query: str) -> object:
        """One value from the toy's schema."""
        schema = self.settings.schema_name(SERVICE.name)
        connection = await asyncpg.connect(self.settings.database, server_settings={"search_path": schema})
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def counted(self, number: int, seconds: float = 60) -> None:
        """Waits until so many invoices are counted."""
        await until(lambda: self.value(f"select sum(number) >= {number} from counts"), seconds)  # noqa: S608

    async def published(self, topic: str, partition: int = 0) -> list[str]:
        """The ids of all that is in a partition."""
        place = Partition(topic, partition)
        end = (await BrokerLog(self.settings).end_offsets([place]))[place]
        consumer = AIOKafkaConsumer(**client_arguments(self.settings), auto_offset_reset="earliest")
        consumer.assign([TopicPartition(self.settings.topic_name(topic), partition)])
        await consumer.start()
        try:
            ids: list[str] = []
            while len(ids) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    ids += [dict(record.headers)["ce_id"].decode() for record in records]
            return ids
        finally:
            await consumer.stop()


@asynccontextmanager
async def sending(settings: Settings) -> AsyncIterator[Outside]:
    producer = AIOKafkaProducer(**client_arguments(settings), max_request_size=LARGEST_MESSAGE)
    await producer.start()
    try:
        yield Outside(settings, producer)
    finally:
        await producer.stop()


@pytest.fixture
async def outside(live: Settings) -> AsyncIterator[Outside]:
    await topics.provision(live, client_arguments(live))
    async with sending(live) as outside:
        yield outside


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """The toy inside this process."""
    task = asyncio.create_task(process_module.serve(SERVICE, settings))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or task.exception() is None, task.exception()


@asynccontextmanager
async def process(settings: Settings, health_port: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """The toy as a process of its own, as a user starts a service."""
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": settings.brokers,
        "DATABASE_URL": settings.database,
        "NAMESPACE": settings.namespace,
        "IDEMPOTENT_PRODUCER": str(settings.idempotent_producer),
        "FETCH_MAX_WAIT_MS": str(settings.fetch_max_wait_ms),
        "SESSION_TIMEOUT_MS": str(settings.session_timeout_ms),
        "HEARTBEAT_INTERVAL_MS": str(settings.heartbeat_interval_ms),
        "HEALTH_HOST": "127.0.0.1",
        "HEALTH_PORT": str(health_port),
        "TOPIC_PARTITIONS": str(settings.topic_partitions),
        "LOG_FORMAT": "json",
    }
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.live.delivery.toy.service", env={**os.environ, **variables})
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_from_the_broker_to_the_vouchers_and_quiet(outside: Outside, live: Settings) -> None:
    records = [invoice(f"A{number}") for number in range(1200)]
    broker = reader(live)
    await broker.start()
    connection = await asyncpg.connect(live.database)
    async with serving(live):
        await outside.send([*records[:700], *poison().values(), *records[600:]])
        await outside.counted(1200)
        await until(lambda: is_quiescent(connection, broker, [SERVICE], live), 30)
    await outside.send([invoice("ONE MORE")])
    assert str(await what_is_left(connection, broker, [SERVICE], live)).startswith("counter has ")
    async with serving(live):
        await until(lambda: is_quiescent(connection, broker, [SERVICE], live), 30)
    await connection.close()
    await broker.stop()
    assert await outside.value("select sum(number) from counts") == 1201
    assert await outside.value("select count(*) from rejections") == len(poison())
    ids = await outside.published(Topic.VOUCHERS)
    assert len(ids) == len(set(ids)) == 1201
    assert len(await outside.published(Topic.REJECTIONS)) == len(poison())


async def test_killed_in_the_middle_again_and_again_nothing_is_lost_or_twice(outside: Outside, live: Settings) -> None:
    records = [invoice(f"A{number}") for number in range(6000)]
    await outside.send(records)
    done = 0
    for _ in range(3):
        async with process(live) as running:
            await outside.counted(done + 500)
            running.send_signal(signal.SIGKILL)
            await running.wait()
        done = int(str(await outside.value("select sum(number) from counts")))
        assert done < 6000, "it was not killed in the middle"
    await outside.send(records[:100])
    async with process(live) as running:
        await outside.counted(6000)
        await until(lambda: outside.value("select not exists (select from outbox)"))
        running.terminate()
        assert await asyncio.wait_for(running.wait(), 20) == 0
    assert await outside.value("select sum(number) from counts") == 6000
    assert await outside.value("select sum(total) from counts") == 60000
    assert len(set(await outside.published(Topic.VOUCHERS))) == 6000


async def test_the_database_goes_away_and_comes_back(outside: Outside, live: Settings, cluster: Cluster) -> None:
    port = free_port()
    settings = live.model_copy(update={"health_host": "127.0.0.1", "health_port": port})
    async with serving(settings):
        await outside.send([invoice(f"A{number}") for number in range(100)])
        await outside.counted(100)
        await until(lambda: is_ready(port))
        await asyncio.to_thread(cluster.stop)
        try:
            await outside.send([invoice(f"B{number}") for number in range(100)])
            await until(lambda: _not_ready(port))
            assert await asyncio.to_thread(answer_of, port, "live") == (200, "live\n")
        finally:
            await asyncio.to_thread(cluster.start)
        await outside.counted(200)
        await until(lambda: is_ready(port))
        status, metrics = await asyncio.to_thread(answer_of, port, "metrics")
        assert status == 200
        assert 'intercompany_messages_total{outcome="taken",service="counter"}' in metrics
        await until(lambda: outside.value("select not exists (select from outbox)"))
    assert await outside.value("select sum(number) from counts") == 200
    assert len(set(await outside.published(Topic.VOUCHERS))) == 200


@pytest.mark.skipif(bool(APACHE_KAFKA), reason="Apache Kafka keeps its logs")
async def test_the_broker_comes_back_empty(outside: Outside, live: Settings, broker: Broker) -> None:
    async with serving(live):
        await outside.send([invoice(f"A{number}") for number in range(50)])
        await outside.counted(50)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await topics.provision(live, client_arguments(live))
        await outside.send([invoice("A1"), invoice("B1")])
        await outside.counted(51)
        await until(lambda: outside.value("select base = 50 from positions where topic = 'intercompany.invoices'"))
        await outside.send([invoice("C1")])
        await outside.counted(52)
        look = reader(live)
        await look.start()
        connection = await asyncpg.connect(live.database)
        await until(lambda: is_quiescent(connection, look, [SERVICE], live), 20)
        await connection.close()
        await look.stop()
    assert await outside.value("select sum(number) from counts") == 52
    assert await outside.value("select next_offset - base from positions where topic = 'intercompany.invoices'") == 3


async def test_the_true_end_of_a_log_is_found_whatever_the_size_of_its_last_batch(outside: Outside, live: Settings) -> None:
    place = Partition(Topic.INVOICES, 0)
    assert await BrokerLog(live).end_offsets([place]) == {place: 0}
    for size, end in ((1, 1), (300, 301), (2, 303)):
        await outside.send([invoice(f"{size}-{number}") for number in range(size)])
        assert await BrokerLog(live).end_offsets([place]) == {place: end}
        async with reading(live) as consumer:
            assert (await end_offsets_at_least(consumer, [place], live))[place] <= end


async def test_a_start_after_a_large_batch_does_not_take_the_log_for_a_new_one(outside: Outside, live: Settings) -> None:
    await outside.send([invoice(f"A{number}") for number in range(400)])
    for _ in range(2):
        async with serving(live):
            await outside.counted(400)
            await outside.send([invoice("A1")])
            await until(lambda: outside.value("select max(next_offset) > 400 from positions"))
    assert await outside.value("select max(base) from positions") == 0


async def test_a_foreign_commit_of_the_groups_offset_has_nothing_passed_over(outside: Outside, live: Settings) -> None:
    await outside.send([invoice(f"A{number}") for number in range(10)])
    async with serving(live):
        await outside.counted(10)
    await outside.send([invoice(f"B{number}") for number in range(10)])
    place = TopicPartition(live.topic_name(Topic.INVOICES), 0)
    group = {"group_id": live.group_name(SERVICE.name), "session_timeout_ms": live.session_timeout_ms}
    other = AIOKafkaConsumer(place.topic, **client_arguments(live), **group, enable_auto_commit=False)
    await other.start()
    try:
        await until(lambda: asyncio.sleep(0, other.assignment()))
        await other.commit({place: 20})
    finally:
        await other.stop()
    async with serving(live):
        await outside.counted(20)
    assert await outside.value("select sum(number) from counts") == 20


async def _send_unreadable(producer: AIOKafkaProducer, topic: str, partition: int) -> None:
    """A good record, one with a header whose name is no text, and a good one, in one batch."""
    batch = producer.create_batch()
    for number, extra in ((1, ()), (2, (("HHHH", b"x"),)), (3, ())):
        record = invoice(f"H{number}")
        batch.append(key=record.key, value=record.value, timestamp=None, headers=[*record.headers, *extra])
    batch.close()
    plain = batch._build  # noqa: SLF001 - no client makes such a record willingly

    def build() -> bytearray:
        raw = bytes(plain()).replace(b"HHHH", b"\xff\xfe\xfd\xfc")
        return bytearray(raw[:17] + struct.pack(">I", calc_crc32c(raw[21:])) + raw[21:])

    batch._build = build  # noqa: SLF001
    await (await producer.send_batch(batch, topic, partition=partition))


async def test_a_record_with_a_header_whose_name_is_no_text_stops_nothing(outside: Outside, live: Settings) -> None:
    await outside.send([invoice("A1")])
    await _send_unreadable(outside.producer, live.topic_name(Topic.INVOICES), 0)
    await outside.send([invoice("A2")])
    async with serving(live):
        await outside.counted(5)
        await outside.send([invoice("A3")])
        await outside.counted(6)
    assert await outside.value("select next_offset from positions where topic = 'intercompany.invoices'") == 6
    assert await outside.value("select (select count(*) from failed) + (select count(*) from rejections)") == 0


async def test_a_read_of_ten_milliseconds_waits_for_the_first_record(
    outside: Outside, live: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "_READ_WAITS_MS", 60_000)  # for a machine that does other things, too
    consumer = consumer_module.CarefulConsumer(
        **client_arguments(live), auto_offset_reset="earliest", fetch_max_wait_ms=live.fetch_max_wait_ms
    )
    consumer.assign([TopicPartition(live.topic_name(Topic.INVOICES), 0)])
    await consumer.start()
    try:
        read = asyncio.create_task(consumer.getmany(timeout_ms=10))
        await asyncio.sleep(0.1)
        assert not read.done()
        await outside.send([invoice("A1")])
        assert [dict(record.headers)["ce_id"] for records in (await read).values() for record in records] == [b"A1"]
    finally:
        await consumer.stop()


async def test_instances_share_the_partitions_one_dies_and_nothing_is_lost_or_twice(live: Settings) -> None:
    settings = live.model_copy(update={"topic_partitions": 4})
    await topics.provision(settings, client_arguments(settings))
    records = [invoice(f"A{number}", key=f"party {number % 40}", company=f"C{number % 7}") for number in range(6000)]
    async with sending(settings) as outside:
        async with process(settings) as first:
            await outside.send(records[:3000])
            await outside.counted(500)
            async with process(settings):
                await outside.send(records[3000:])
                await outside.counted(2000)
                first.send_signal(signal.SIGKILL)
                await first.wait()
                await outside.counted(6000)
                await until(lambda: outside.value("select not exists (select from outbox)"))
        assert await outside.value("select sum(number) from counts") == 6000
        assert await outside.value("select count(distinct partition) from positions where topic = 'intercompany.invoices'") == 4
        ids = [each for partition in range(4) for each in await outside.published(Topic.VOUCHERS, partition)]
        assert len(set(ids)) == 6000


async def test_an_instance_without_a_partition_reads_on_where_the_one_that_had_it_died(live: Settings) -> None:
    settings, ports = live.model_copy(update={"topic_partitions": 1}), (free_port(), free_port())
    await topics.provision(settings, client_arguments(settings))

    async def standing_by() -> list[bool]:
        return ["no partition is assigned" in (await asyncio.to_thread(answer_of, port, "ready"))[1] for port in ports]

    async def one_stands_by() -> bool:
        return sorted(await standing_by()) == [False, True]

    async with sending(settings) as outside, process(settings, ports[0]) as first, process(settings, ports[1]) as second:
        await outside.send([invoice(f"A{number}") for number in range(100)])
        await outside.counted(100)
        await until(one_stands_by)
        reads = second if (await standing_by())[0] else first
        reads.send_signal(signal.SIGKILL)
        await reads.wait()
        await outside.send([invoice(f"B{number}") for number in range(100)])
        await outside.counted(200)
        assert await outside.value("select sum(number) from counts") == 200


async def test_asking_for_no_partition_or_leaving_at_once_cancels_nobody(live: Settings) -> None:
    assert await BrokerLog(live).begin_offsets([]) == await BrokerLog(live).end_offsets([]) == {}
    async with reading(live):
        pass


async def test_a_stop_finishes_what_is_at_hand(outside: Outside, live: Settings) -> None:
    await outside.send([invoice(f"A{number}") for number in range(3000)])
    async with process(live) as running:
        await outside.counted(1)
        running.terminate()
        assert await asyncio.wait_for(running.wait(), 20) == 0
    counted = await outside.value("select sum(number) from counts")
    assert await outside.value("select count(*) from outbox") == 0
    assert len(set(await outside.published(Topic.VOUCHERS))) == counted


async def _not_ready(port: int) -> bool:
    status, text = await asyncio.to_thread(answer_of, port, "ready")
    return status == 503 and "database" in text
