"""The broker and the database that a command starts, or uses where they are given: for `up`, and for scenarios.

Invariant: given addresses win; scenarios get backing services of their own in a temporary folder, gone when the command
ends, so that they neither wait for nor disturb what is running.
"""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from services.local.queries import database_identity
from shared.embedded import BackingServices, start_backing_services
from shared.embedded.addresses import settings_on
from shared.postgresql.database import Postgres
from shared.settings import Senders, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


_FOR_SCENARIOS: Final[dict[str, Any]] = {
    "provision": True,
    "senders": Senders.OPEN,
    "topics_file": None,
    "topic_partitions": 1,
    "log_level": "ERROR",
    "health_port": 0,  # three services in one process
    "group_instance_id": None,
    "wait_at_most": None,  # a scenario's events are of the year 2000
    "announce_waits_after": None,  # a scenario's result does not depend on how long it takes
}


@asynccontextmanager
async def product_backing_services() -> AsyncIterator[BackingServices]:
    """The backing services of `up`: each that is given in the environment, else an embedded one on DATA_DIR."""
    given = load_settings()
    async with start_backing_services(given.data_dir, given.kafka_bootstrap_servers, _database(given)) as started:
        yield started


@asynccontextmanager
async def scenario_backing_services(namespace: str) -> AsyncIterator[Settings]:
    """Settings for scenarios: the backing services named in the environment, else embedded ones in a temporary folder.

    The namespace is the one asked for and a name of the database. They log errors alone, unless LOG_LEVEL says otherwise.

    SettingsError or BackingServiceError where that cannot be.
    """
    given = load_settings()
    with TemporaryDirectory(prefix="intercompany-") as folder:
        async with start_backing_services(Path(folder), given.kafka_bootstrap_servers, _database(given)) as started:
            name = await _name_of(started.database_url)
            asked_for = {"log_level": given.log_level} if "log_level" in given.model_fields_set else {}
            yield settings_on(started, namespace=namespace + name, **{**_FOR_SCENARIOS, **asked_for})


async def _name_of(database_url: str) -> str:
    """A name for this very database, so that nothing is read that an earlier one has left in the topics."""
    async with Postgres(database_url, "public").session() as connection:
        name = await database_identity(connection)
    return hashlib.blake2b(name.encode(), digest_size=4).hexdigest()


def _database(given: Settings) -> str | None:
    return given.database_url.get_secret_value() if given.database_url is not None else None
