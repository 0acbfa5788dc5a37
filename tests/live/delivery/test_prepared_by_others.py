"""PROVISION=false: a service makes neither schema nor topics; it waits, says for what, and goes on when they are there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.events.envelope import Topic
from shared.kafka import topics
from shared.kafka.security import client_arguments
from shared.postgresql.database import TOOL, Postgres
from shared.postgresql.migrations import MigrationError, check_migrated, migrate, schema_version
from shared.runtime.process import Process
from tests.live.delivery.running import until
from tests.live.delivery.toy.service import SERVICE

if TYPE_CHECKING:
    from shared.settings import Settings
    from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded


async def test_it_waits_for_its_schema_and_its_topics_and_says_so(live: Settings) -> None:
    process = Process(SERVICE, live.model_copy(update={"provision": False}))
    serving = asyncio.create_task(process.run())
    try:
        await until(_says(process, "`intercompany migrate`"))
        database = Postgres(live.database, live.schema_name(SERVICE.name))
        await migrate(database, database.schema, SERVICE)
        await database.close()
        await until(_says(process, "`intercompany provision`"))
        await topics.provision(live, client_arguments(live))
        await until(lambda: _ready(process))
    finally:
        serving.cancel()
        await asyncio.wait([serving])


def _says(process: Process, what: str) -> Callable[[], Awaitable[bool]]:
    async def said() -> bool:
        return any(what in reason for reason in await process.readiness.reasons())

    return said


async def _ready(process: Process) -> bool:
    return await process.readiness.reasons() == []


async def test_a_reference_topic_without_one_order_is_refused(live: Settings) -> None:
    admin = AIOKafkaAdminClient(**client_arguments(live))
    await admin.start()
    await admin.create_topics([NewTopic(live.topic_name(Topic.REFERENCE), 2, 1)])
    await admin.close()
    with pytest.raises(topics.TopicsMissingError, match="has 2 partitions"):
        await topics.check(live, client_arguments(live), {Topic.REFERENCE})


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [("", True), (" 12345678", True), (f" {schema_version(SERVICE)}", False), (f" {TOOL}", False), ("2 12345678", False)],
    ids=["0.1", "another version", "this version", "a command", "another namespace"],
)
async def test_a_schema_is_not_changed_under_an_instance_that_needs_another(
    running: Running,
    version: str,
    is_refused: bool,  # noqa: FBT001 - what comes out
) -> None:
    async with running.database.transaction() as connection:
        await connection.execute("delete from migrations where name like 'counter/%'; drop table counts")
    serving = await asyncpg.connect(
        running.settings.database, server_settings={"application_name": f"intercompany {running.schema}{version}"}
    )
    try:
        if is_refused:
            with pytest.raises(MigrationError, match=r"connections: 1.*stop all its instances first"):
                await migrate(running.database, running.schema, SERVICE)
            assert await running.value("select to_regclass('counts') is null")
        else:
            await migrate(running.database, running.schema, SERVICE)
    finally:
        await serving.close()
    await migrate(running.database, running.schema, SERVICE)
    assert await running.counts() == {}


async def test_an_owner_who_is_no_superuser_sees_the_instances_of_other_roles(running: Running) -> None:
    owner = f"owner_of_{running.schema}"
    async with running.database.transaction() as connection:
        await connection.execute("delete from migrations where name like 'counter/%'")
        await connection.execute(f"create role {owner}; grant all on schema {running.schema} to {owner}")
        await connection.execute(f"grant all on all tables in schema {running.schema} to {owner}")
    name = f"intercompany {running.schema}"
    serving = await asyncpg.connect(running.settings.database, server_settings={"application_name": name})
    address = running.settings.database
    as_owner = Postgres(f"{address}{'&' if '?' in address else '?'}role={owner}", running.schema)
    try:
        async with as_owner.transaction() as connection:
            assert await connection.fetchval("select current_user") == owner
        with pytest.raises(MigrationError, match="in use by another version of the service counter"):
            await migrate(as_owner, running.schema, SERVICE)
    finally:
        await serving.close()
        await as_owner.close()


async def test_an_instance_bears_the_version_of_its_schema(live: Settings) -> None:
    process = Process(SERVICE, live)
    async with process.database.transaction() as connection:
        name = await connection.fetchval("select current_setting('application_name')")
    await process.database.close()
    assert name == f"intercompany {process.database.schema} {schema_version(SERVICE)}"


async def test_a_schema_that_lacks_a_file_is_not_served(running: Running) -> None:
    await check_migrated(running.database, running.schema, SERVICE)
    async with running.database.transaction() as connection:
        await connection.execute("delete from migrations where name like 'counter/%'")
    with pytest.raises(MigrationError, match=r"counter/0001_counts\.sql"):
        await check_migrated(running.database, running.schema, SERVICE)
