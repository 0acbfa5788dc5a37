"""The embedded broker and database do what the services need of them, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiokafka
import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.embedded import (
    BackingServiceError,
    BackingServices,
    embedded_backing_services,
    running_backing_services,
    start_backing_services,
)
from shared.embedded.child import OsUser, run

pytestmark = pytest.mark.embedded

KEY, VALUE, HEADERS = b"dat/V-1", b'{"amount":"100.00"}', [("ce_id", b"1"), ("ce_type", b"payment")]


async def make_topic(servers: str, name: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


async def produce(servers: str, topic: str, value: bytes, compression: str | None = None) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=servers, compression_type=compression, max_request_size=8 << 20)
    await producer.start()
    try:
        return int((await producer.send_and_wait(topic, value, key=KEY, headers=HEADERS)).partition)
    finally:
        await producer.stop()


async def consume(servers: str, topic: str, partition: int, count: int) -> list[aiokafka.ConsumerRecord]:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, partition)])
    await consumer.start()
    try:
        return [await asyncio.wait_for(consumer.getone(), 10) for _ in range(count)]
    finally:
        await consumer.stop()


async def consume_as_group(parts: BackingServices, topic: str, count: int) -> list[bytes]:
    """Reads and commits `count` records as a member of a group, which then leaves."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=parts.bootstrap_servers,
        group_id="readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=2000,
        heartbeat_interval_ms=500,
    )
    await consumer.start()
    try:
        read = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(count)]
        await consumer.commit()
        return [record.value for record in read]
    finally:
        await consumer.stop()


async def test_records_keep_key_headers_and_value(tmp_path: Path) -> None:
    async with embedded_backing_services(tmp_path) as parts:
        await make_topic(parts.bootstrap_servers, "payments", 3)
        partition = await produce(parts.bootstrap_servers, "payments", VALUE)
        (record,) = await consume(parts.bootstrap_servers, "payments", partition, 1)

    assert (record.key, record.value, list(record.headers)) == (KEY, VALUE, HEADERS)
    assert not parts.idempotent_producer


async def test_large_and_compressed_records_pass(tmp_path: Path) -> None:
    large = os.urandom(5_000_000)
    async with embedded_backing_services(tmp_path) as parts:
        await make_topic(parts.bootstrap_servers, "large", 1)
        for compression in (None, "gzip", "lz4", "snappy", "zstd"):
            await produce(parts.bootstrap_servers, "large", large, compression)
        records = await consume(parts.bootstrap_servers, "large", 0, 5)

    assert all(record.value == large for record in records)


async def test_a_group_goes_on_where_it_committed(tmp_path: Path) -> None:
    async with embedded_backing_services(tmp_path) as parts:
        await make_topic(parts.bootstrap_servers, "payments", 1)
        for value in (b"1", b"2", b"3"):
            await produce(parts.bootstrap_servers, "payments", value)

        assert await consume_as_group(parts, "payments", 2) == [b"1", b"2"]
        assert await consume_as_group(parts, "payments", 1) == [b"3"]


async def test_rows_are_there_after_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with embedded_backing_services(Path("data")) as parts:
        connection = await asyncpg.connect(parts.database_url)
        await connection.execute("create table vouchers (number text)")
        await connection.execute("insert into vouchers values ('V-1')")
        await connection.close()

    async with embedded_backing_services(Path("data")) as parts:
        connection = await asyncpg.connect(parts.database_url)
        rows = await connection.fetch("select number from vouchers")
        version = connection.get_server_version()
        await connection.close()

    assert [row["number"] for row in rows] == ["V-1"]
    assert version.major == 18


async def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("a folder with a long name, " * 4)
    async with start_backing_services(folder, kafka_bootstrap_servers="elsewhere:9092") as started:
        connection = await asyncpg.connect(started.database_url)
        assert await connection.fetchval("select 1") == 1
        await connection.close()


async def test_what_is_given_is_not_started(tmp_path: Path) -> None:
    async with start_backing_services(tmp_path, "broker:9092", "postgresql://database/ledger") as given:
        assert given == BackingServices("broker:9092", "postgresql://database/ledger", idempotent_producer=True)
        assert list(tmp_path.iterdir()) == []

    async with start_backing_services(tmp_path, database_url="postgresql://database/ledger") as half:
        assert half.database_url == "postgresql://database/ledger"
        assert half.environment()["IDEMPOTENT_PRODUCER"] == "false"
        assert not (tmp_path / "database").exists()


async def test_a_folder_is_used_by_one_at_a_time_and_found_by_others(tmp_path: Path) -> None:
    assert running_backing_services(tmp_path) is None
    async with embedded_backing_services(tmp_path) as started:
        assert running_backing_services(tmp_path) == started
        with pytest.raises(BackingServiceError, match="DATA_DIR"):
            async with embedded_backing_services(tmp_path):
                pass
        assert running_backing_services(tmp_path) == started
    assert running_backing_services(tmp_path) is None


async def test_a_database_that_cannot_start_says_why(tmp_path: Path) -> None:
    async with embedded_backing_services(tmp_path):
        pass
    (tmp_path / "database" / "PG_VERSION").write_text("9\n")

    with pytest.raises(BackingServiceError, match="initialized by PostgreSQL version 9"):
        async with embedded_backing_services(tmp_path):
            pass


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux runs a child under another account")
async def test_a_child_under_another_account_sees_programs_in_folders_closed_to_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.touch(mode=0o755)
    ask = "import os, sys; print(os.getuid(), os.access(sys.argv[1], os.X_OK))"  # as initdb asks for postgres
    log = tmp_path / "log"

    await run("probe", [sys.executable, "-ISc", ask, str(program)], log, OsUser(65534, 65534))

    assert log.read_text().splitlines()[-1] == "65534 True"


HOLDER = """
import asyncio, sys
from pathlib import Path
from shared.embedded import embedded_backing_services

async def hold():
    async with embedded_backing_services(Path(sys.argv[1])) as parts:
        print("started", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


def using(folder: Path) -> list[str]:
    """The command lines of living processes that name the folder or write to it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            output = str((entry / "fd/1").readlink())
        except OSError:
            continue
        if command and (str(folder) in command or output.startswith(str(folder))):
            found.append(command)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGINT])
async def test_no_part_outlives_its_starter(tmp_path: Path, death: signal.Signals) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert holder.stdout is not None
    assert await asyncio.wait_for(holder.stdout.readline(), 60) == b"started\n"
    assert len(using(tmp_path)) > 1
    holder.send_signal(death)
    await holder.wait()

    async with asyncio.timeout(20), embedded_backing_services(tmp_path) as parts:
        connection = await asyncpg.connect(parts.database_url)
        assert await connection.fetchval("select 1") == 1
        await connection.close()
    assert using(tmp_path) == []
