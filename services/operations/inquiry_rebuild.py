"""The inquiry service's tables read again from the beginning of the topics, beside those in use, and switched live.

Invariant: whoever asks meanwhile is answered from the old tables, and from one moment on from the new ones; the service keeps
reading where it is. What the topics no longer have (retention, or a topic that was made again) comes from the owners; where even then
something is missing that the old tables have, nothing is switched.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from services.desk.schemas import Schemas
from services.inquiry import rebuild as tables
from services.inquiry.checks import digest
from services.local.quiescence import as_it_reads, what_is_left
from services.operations.inquiry_owners import restore
from services.registry import INQUIRY, SERVICES
from shared.events.envelope import Topic
from shared.kafka.log_ends import begin_offsets, partitions_of, reading
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from shared.postgresql.rights import grant
from shared.runtime.process import Process, ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.delivery.service import AnyService
    from shared.settings import Settings

_LOOK_EVERY: Final = 0.1
_HOLDS_AT_MOST: Final = 20.0
"""So many seconds the service in use waits for the switch; if the new tables are not there by then, they catch up some more."""


class RebuildIncompleteError(Exception):
    """Neither topics nor owners have everything that the tables in use have: they stay. The text says what is missing."""


async def rebuild(settings: Settings) -> dict[str, str]:
    """Reads everything again and switches; the digest of the new tables. RebuildIncompleteError if something is missing.

    The role of the database's address must be the owner of the schema.
    """
    owners = Schemas(settings)
    settings = settings.model_copy(
        update={
            "database_url": SecretStr(settings.database_of(INQUIRY.name)),
            "inquiry_database_url": None,
            "health_port": 0,
            "group_instance_id": None,
            "provision": False,
        }
    )
    service: AnyService = replace(INQUIRY, name=tables.NAME)
    live, next_ = settings.schema_name(INQUIRY.name), settings.schema_name(tables.NAME)
    database = Postgres(settings.database, next_)
    try:
        replaces = await _prepare(database, service, live)
        async with _reading_again(service, settings) as process:
            await _until_caught_up(database, service, settings, process)
            if await _has_lost_its_beginning(database, owners, settings):
                await restore(owners, database, live if replaces else None)
            if replaces:
                await _keep_places(database, live)
            else:
                await process.stop()
            while not await _is_switched(database, settings, process, replaces=replaces):
                process.raise_if_ended()
                await asyncio.sleep(_LOOK_EVERY)
    finally:
        await owners.close()
        await database.close()
    return await _digest(settings, live)


async def _prepare(database: Postgres, service: AnyService, live: str) -> bool:
    """Makes the new tables; whether there are any in use."""
    async with database.transaction() as connection:
        await tables.make_room(connection, database.schema)
    await migrate(database, database.schema, service)
    async with database.transaction() as connection:
        replaces = await tables.is_there(connection, live)
        if replaces:
            await tables.take_bases(connection, live, database.schema)
            await tables.begin_behind(connection, live, database.schema)
    return replaces


class _Reading:
    """The service that reads again, as a task."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._task = asyncio.create_task(process.run(), name=tables.NAME)

    def raise_if_ended(self) -> None:
        """What it ended with, if it did."""
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Finishes the batch at hand."""
        await ended(self._task, self._process.runtime.clock)
        with suppress(asyncio.CancelledError):
            self._task.result()


@asynccontextmanager
async def _reading_again(service: AnyService, settings: Settings) -> AsyncIterator[_Reading]:
    running = _Reading(Process(service, settings))
    try:
        yield running
    finally:
        await running.stop()


async def _until_caught_up(database: Postgres, service: AnyService, settings: Settings, process: _Reading) -> None:
    shared = as_it_reads(service, settings)
    async with reading(settings) as broker, database.session() as connection:
        while await what_is_left(connection, broker, [shared], settings) is not None:
            process.raise_if_ended()
            await asyncio.sleep(_LOOK_EVERY)


async def _has_lost_its_beginning(database: Postgres, owners: Schemas, settings: Settings) -> bool:
    """Whether a topic begins later than it once did: its first records are gone, or it was made again, as the services have noted.

    A compacted topic of reference data has the last version of each entity; where it was made again it has none.
    """
    bases: set[int] = set()
    async with database.session() as connection:
        bases |= set(await tables.bases(connection))
    for service in SERVICES:
        async with owners.of(service.name) as connection:
            bases |= set(await tables.bases(connection))
    async with reading(settings) as broker:
        read = sorted(as_it_reads(INQUIRY, settings).subscriptions.keys() - {Topic.REFERENCE})
        begins = await begin_offsets(broker, await partitions_of(broker, read, settings), settings)
    return any(bases) or any(begins.values())


async def _keep_places(database: Postgres, live: str) -> None:
    """Before the service in use is held, so that then few are left."""
    async with database.transaction() as connection:
        await tables.hold(connection, database.schema)
        await tables.keep_places(connection, live, database.schema)


async def _is_switched(database: Postgres, settings: Settings, process: _Reading, *, replaces: bool) -> bool:
    """Whether the new tables are live; False: while the service in use was held they did not catch up with it."""
    live, next_ = settings.schema_name(INQUIRY.name), database.schema
    async with database.transaction() as connection:
        if replaces:
            await tables.hold(connection, live)
            if not await _is_as_far(connection, live, next_, process):
                return False
            if lost := await tables.missing(connection, live, next_):
                msg = f"topics and services do not have everything, the tables in use stay: {'; '.join(lost)}"
                raise RebuildIncompleteError(msg)
            await process.stop()
            await tables.keep_places(connection, live, next_)
        else:
            await tables.give_places(connection, next_)
        await tables.switch(connection, live, next_, replaces=replaces)
        await grant(connection, settings, INQUIRY)
    return True


async def _is_as_far(connection: Any, live: str, next_: str, process: _Reading) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(_HOLDS_AT_MOST):
            while await tables.behind(connection, live, next_):
                process.raise_if_ended()
                await asyncio.sleep(_LOOK_EVERY)
            return True
    return False


async def _digest(settings: Settings, schema: str) -> dict[str, str]:
    database = Postgres(settings.database, schema)
    try:
        async with database.transaction() as connection:
            return await digest(connection)
    finally:
        await database.close()
