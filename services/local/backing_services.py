"""The broker and the database that a command works on, as settings: given ones, those of a running `up`, or own ones.

What always holds: given addresses win; scenarios get parts of their own in a temporary folder, gone when the command
ends, so that they neither wait for nor disturb what is running.
"""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from shared.embedded import Parts, parts, running_parts
from shared.postgresql.database import Postgres
from shared.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


_FOR_SCENARIOS: Final[dict[str, Any]] = {
    "provision": True,
    "topics_file": None,
    "topic_partitions": 1,
    "log_level": "ERROR",
    "health_port": 0,  # three services in one process
    "group_instance_id": None,
    "wait_at_most": None,  # a scenario's events are of the year 2000
}


_DATABASE: Final = """
select system_identifier || '/' || oid from pg_control_system(), pg_database where datname = current_database()
"""


class NothingRunningError(Exception):
    """Neither addresses are given nor are there parts that another process has running; the text says what to do."""


def settings_on(started: Parts, **more: Any) -> Settings:
    """The environment's settings with the addresses of these parts; `more`: settings that this command decides."""
    addresses = {name.lower(): value for name, value in started.environment().items()}
    return Settings(**{**addresses, **more})


def product_settings(*, broker: bool = False) -> Settings:
    """Settings with the product's database (and broker): those in the environment, else of a running `intercompany up`.

    NothingRunningError if there is none; SettingsError for a wrong variable.
    """
    given = load_settings()
    if given.database_url is None or (broker and given.kafka_bootstrap_servers is None):
        running = running_parts(given.data_dir)
        if running is None:
            needed = "KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL" if broker else "DATABASE_URL"
            msg = f"nothing runs on {given.data_dir}: start `intercompany up` in another shell, or set {needed}"
            raise NothingRunningError(msg)
        return settings_on(running)
    return given


@asynccontextmanager
async def product_parts() -> AsyncIterator[Parts]:
    """The parts of `up`: each that is given in the environment, else an embedded one on DATA_DIR."""
    given = load_settings()
    async with parts(given.data_dir, given.kafka_bootstrap_servers, _database(given)) as started:
        yield started


@asynccontextmanager
async def scenario_parts(namespace: str) -> AsyncIterator[Settings]:
    """Settings for scenarios: the parts named in the environment, else embedded ones in a temporary folder.

    The namespace is the one asked for and a name of the database.

    SettingsError or EmbeddedPartError where that cannot be.
    """
    given = load_settings()
    with TemporaryDirectory(prefix="intercompany-") as folder:
        async with parts(Path(folder), given.kafka_bootstrap_servers, _database(given)) as started:
            name = await _name_of(started.database_url)
            yield settings_on(started, namespace=namespace + name, **_FOR_SCENARIOS)


async def _name_of(database_url: str) -> str:
    """A name for this very database, so that nothing is read that an earlier one has left in the topics."""
    async with Postgres(database_url, "public").session() as connection:
        name = await connection.fetchval(_DATABASE)
    return hashlib.blake2b(str(name).encode(), digest_size=4).hexdigest()


def _database(given: Settings) -> str | None:
    return given.database_url.get_secret_value() if given.database_url is not None else None
