"""The books of the three services as the database has them, for `run` and for every command that shows something.

What always holds: each service's own store reads its own schema; nothing is written here.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.command_line.result import BooksOfAll
from services.command_line.wiring import SERVICES
from shared.delivery.postgres import Postgres
from shared.events.vouchers import Rejection

if TYPE_CHECKING:
    from shared.delivery.ports import Connection
    from shared.settings import Settings

_REJECTIONS: Final = "select source, event, scope, code, field, message, original from rejections order by rejected_at"


class SchemaMissingError(Exception):
    """The database has no schema of a service: no service has been started on it yet."""


async def load_books(settings: Settings) -> BooksOfAll:
    """Everything that stands in the three schemas; SchemaMissingError where no service has started yet."""
    found: list[Any] = []
    for service in SERVICES:
        database = Postgres(settings.database, settings.schema_name(service.name))
        try:
            async with database.transaction() as connection:
                await require_schema(connection, database.schema)
                found.append(await service.store(database.schema).load_all(connection))
        finally:
            await database.close()
    return BooksOfAll(*found)


async def require_schema(connection: Connection, schema: str) -> None:
    """SchemaMissingError, with what to do, if the services' tables are not there."""
    if await connection.fetchval("select to_regclass('inbox')") is None:
        msg = f"the database has no schema {schema}: start the services on it first (intercompany up, or intercompany service NAME)"
        raise SchemaMissingError(msg)


async def load_rejections(settings: Settings) -> list[Rejection]:
    """What the three services have refused, oldest first in each."""
    found: list[Rejection] = []
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            database = Postgres(settings.database, settings.schema_name(service.name))
            stack.push_async_callback(database.close)
            connection = await stack.enter_async_context(database.transaction())
            found += [_rejection(row) for row in await connection.fetch(_REJECTIONS)]
    return found


def _rejection(row: Any) -> Rejection:
    original = orjson.loads(row["original"])
    return Rejection(row["event"], row["source"], row["scope"], row["code"], row["field"], row["message"], original)
