"""The broker and the database that a command works on, as settings: given ones, those of a running `up`, or own ones.

What always holds: given addresses win; scenarios get parts of their own in a temporary folder, gone when the command
ends, so that they neither wait for nor disturb what is running.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shared.parts import Parts, parts, running_parts
from shared.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class NothingRunningError(Exception):
    """Neither addresses are given nor are there parts that another process has running; the text says what to do."""


def settings_on(started: Parts, **more: object) -> Settings:
    """The environment's settings with the addresses of these parts; `more`: settings that this command decides."""
    addresses = {name.lower(): value for name, value in started.environment().items()}
    return Settings(**{**addresses, **more})  # type: ignore[arg-type]


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

    SettingsError or EmbeddedPartError where that cannot be.
    """
    given = load_settings()
    with TemporaryDirectory(prefix="intercompany-") as folder:
        async with parts(Path(folder), given.kafka_bootstrap_servers, _database(given)) as started:
            yield settings_on(started, namespace=namespace, topic_partitions=1, log_level="ERROR")


def _database(given: Settings) -> str | None:
    return given.database_url.get_secret_value() if given.database_url is not None else None
