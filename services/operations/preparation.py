"""Schemas and topics made before the services start, where they may not make them themselves.

Invariant: each can be run again at any time and then changes nothing; a backing service that does not answer yet is waited for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from services.desk.tables import MIGRATED
from shared.kafka import topics
from shared.kafka.security import client_arguments
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from shared.postgresql.rights import grant

if TYPE_CHECKING:
    from shared.events.reference import SenderDefined
    from shared.settings import Settings

_NOT_YET: Final = (OSError, TimeoutError, KafkaError, asyncpg.CannotConnectNowError, asyncpg.InvalidCatalogNameError)


async def migrate_all(settings: Settings, within: float) -> list[str]:
    """Brings the schemas to this program's version and gives the roles their rights; the roles that do not exist.

    Tries for `within` seconds while the database does not answer.
    """
    return await _patiently(lambda: _migrate_all(settings), within)


async def _migrate_all(settings: Settings) -> list[str]:
    missing: set[str] = set()
    for service in MIGRATED:
        database = Postgres(settings.database_of(service.name), settings.schema_name(service.name))
        try:
            await migrate(database, database.schema, service)
            async with database.transaction() as connection:
                missing.update(await grant(connection, settings, service))
        finally:
            await database.close()
    return sorted(missing)


async def provision_topics(settings: Settings, within: float, senders: Sequence[SenderDefined] = ()) -> list[str]:
    """Makes the topics that do not exist yet, those of `senders` too; their names.

    Tries for `within` seconds while the broker does not answer.
    """
    return await _patiently(lambda: topics.provision(settings, client_arguments(settings), senders), within)


async def _patiently(act: Callable[[], Awaitable[list[str]]], within: float) -> list[str]:
    async def attempt() -> list[str]:
        return await act()

    retry, wait = retry_if_exception_type(_NOT_YET), wait_exponential_jitter(initial=0.1, max=2)
    result: list[str] = await AsyncRetrying(retry=retry, wait=wait, stop=stop_after_delay(within), reraise=True)(attempt)
    return result
