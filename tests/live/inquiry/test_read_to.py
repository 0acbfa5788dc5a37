"""A request is told of one moment, and how far behind the topics that was."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.inquiry.queries.read_to import read_to, snapshot
from services.inquiry.rules.fold import fold
from services.inquiry.service import SERVICE
from services.inquiry.store import Store
from services.scenarios.scenario_file import load_scenario
from shared.delivery.ports import Partition
from shared.events.envelope import Topic
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migration_files
from tests.builders.inquiry import listening, messages_of
from tests.live.delivering import deliver
from tests.scenario_files import IC_4

pytestmark = pytest.mark.embedded

SCHEMA = "inquiry_read_to_test"
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
VOUCHERS, EVENTS = Partition(Topic.VOUCHERS, 0), Partition(Topic.INVOICES, 1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Postgres]:
    """Inquiry's schema with the shell's tables, which has read a voucher less than there are."""
    connection = await asyncpg.connect(database_url, server_settings={"search_path": SCHEMA})
    await connection.execute(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
    for _, file in migration_files(SERVICE):
        await connection.execute(file.read_text(encoding="utf-8"))
    await deliver(connection, Store(), fold, messages_of(listening(load_scenario(IC_4)).records))
    await connection.execute(
        "insert into positions (topic, partition, next_offset, base) values ($1, 0, 107, 100), ($2, 1, 3, 0)",
        Topic.VOUCHERS,
        Topic.INVOICES,
    )
    opened = Postgres(database_url, SCHEMA)
    yield opened
    await opened.close()
    await connection.close()


async def test_behind_is_counted_per_topic_and_the_time_is_that_of_the_newest_message_read(database: Postgres) -> None:
    async with snapshot(database) as connection:
        found = await read_to(connection, {VOUCHERS: 9, EVENTS: 3, Partition(Topic.INVOICES, 2): 1}, NOW)
        newest = await connection.fetchval("select max(posted_at) from vouchers")
    assert found.behind == {Topic.INVOICES: 1, Topic.VOUCHERS: 2}
    assert found.time == newest
    assert found.lag_seconds == (NOW - newest).total_seconds() > 0
    assert found.as_row()["time"].endswith("Z")


async def test_with_nothing_left_to_read_the_books_are_as_of_now(database: Postgres) -> None:
    async with snapshot(database) as connection:
        found = await read_to(connection, {VOUCHERS: 7, EVENTS: 2}, NOW)
    assert found.as_row() == {"time": "2026-05-01T12:00:00Z", "lag_seconds": 0.0, "behind": {Topic.INVOICES: 0, Topic.VOUCHERS: 0}}


async def test_with_the_broker_away_nothing_is_said_of_what_is_left(database: Postgres) -> None:
    async with snapshot(database) as connection:
        found = await read_to(connection, None, NOW)
        assert found.behind is None
        assert found.lag_seconds > 0
    assert found.time is not None


async def test_a_request_sees_one_moment_and_cannot_write(database: Postgres) -> None:
    async with snapshot(database) as connection:
        before = await connection.fetchval("select count(*) from vouchers")
        async with database.transaction() as other:
            await other.execute("delete from vouchers")
        assert await connection.fetchval("select count(*) from vouchers") == before > 0
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("delete from lines")
    async with snapshot(database) as connection:
        assert await connection.fetchval("select count(*) from vouchers") == 0
        found = await read_to(connection, None, NOW)
        assert found.time is not None
    async with database.transaction() as connection:
        await connection.execute("delete from events")
        found = await read_to(connection, None, NOW)
    assert (found.time, found.lag_seconds, found.as_row()["time"]) == (None, 0.0, None)
