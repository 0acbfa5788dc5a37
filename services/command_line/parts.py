"""The broker and the database that a command works on, as settings: given ones, those of a running `up`, or own ones.

What always holds: given addresses win; scenarios get parts of their own in a temporary folder, gone when the command
ends, so that they neither wait for nor disturb what is running.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shared.parts import Parts, parts
from shared.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def settings_on(started: Parts, **more: object) -> Settings:
    """The environment's settings with the addresses of these parts; `more`: settings that this command decides."""
    addresses = {name.lower(): value for name, value in started.environment().items()}
    return Settings(**{**addresses, **more})  # type: ignore[arg-type]


@asynccontextmanager
async def scenario_parts(namespace: str) -> AsyncIterator[Settings]:
    """Settings for scenarios: the parts named in the environment, else embedded ones in a temporary folder.

    SettingsError or EmbeddedPartError where that cannot be.
    """
    given = load_settings()
    database = given.database_url.get_secret_value() if given.database_url else None
    with TemporaryDirectory(prefix="intercompany-") as folder:
        async with parts(Path(folder), given.kafka_bootstrap_servers, database) as started:
            yield settings_on(started, namespace=namespace, topic_partitions=1, log_level="WARNING")
