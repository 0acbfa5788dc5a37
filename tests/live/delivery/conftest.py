"""What the tests of the shell share: the embedded parts, settings of a namespace of their own, events."""

from __future__ import annotations

import logging
import os
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import asyncpg
import pytest
import structlog
from pydantic import SecretStr

from services.registry import SETTLEMENT
from shared.settings import Settings
from tests.live.delivery.backing_services import APACHE_KAFKA, Broker, Cluster
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

_NUMBERS = count(os.getpid())  # an Apache Kafka remembers the topics of earlier runs

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # failures are what is tested here


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One database for all tests; each has schemas of its own. Not in pytest's folder: the server runs as another user."""
    with TemporaryDirectory(prefix="shell-") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder) / "data")
        yield cluster
        cluster.close()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One broker for all tests; each has topics of its own."""
    broker = Broker()
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def settings(cluster: Cluster) -> Settings:
    """A namespace of its own; with no broker, for the tests that hand over their records themselves."""
    return Settings(
        kafka_bootstrap_servers="127.0.0.1:1",
        database_url=SecretStr(cluster.url),
        namespace=f"t{next(_NUMBERS)}",
        idempotent_producer=False,
        fetch_max_wait_ms=20,
        session_timeout_ms=2000,
        heartbeat_interval_ms=500,
    )


@pytest.fixture
async def settlement(settings: Settings) -> AsyncIterator[Running]:
    """The settlement service, to which records are handed."""
    running = Running(settings, SETTLEMENT)
    await running.prepare()
    yield running
    await running.database.close()


@pytest.fixture
def live(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The same, with the broker: the embedded one, or Apache Kafka at TEST_KAFKA_BOOTSTRAP_SERVERS, with its own settings."""
    if APACHE_KAFKA:
        usual = {"fetch_max_wait_ms": 500, "session_timeout_ms": 6000, "heartbeat_interval_ms": 1000}
        return settings.model_copy(update={**usual, "kafka_bootstrap_servers": APACHE_KAFKA, "idempotent_producer": True})
    return settings.model_copy(update={"kafka_bootstrap_servers": request.getfixturevalue("broker").address})


@pytest.fixture
async def instance(settings: Settings) -> AsyncIterator[Callable[[Settings], Awaitable[Running]]]:
    """Makes instances of the toy on the database, with records handed over by the test and a broker that notes what is sent."""
    made: list[Running] = []

    async def make(settings: Settings = settings) -> Running:
        made.append(Running(settings))
        await made[-1].prepare()
        return made[-1]

    yield make
    for each in made:
        await each.database.close()


@pytest.fixture
async def running(instance: Callable[[], Awaitable[Running]]) -> Running:
    """One instance."""
    return await instance()


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A look into the toy's schema from outside."""
    schema = settings.schema_name("counter")
    connection = await asyncpg.connect(settings.database, server_settings={"search_path": schema})
    yield connection
    await connection.close()
