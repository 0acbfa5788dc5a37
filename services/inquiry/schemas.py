"""The books of the three services as the database has them, for `run` and for every command that shows something.

What always holds: a service's schema is read on a connection of its own whose search_path it is; nothing is written by
what only shows.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.inquiry.rows import BooksOfAll
from services.registry import SERVICES
from shared.events.vouchers import Rejection
from shared.postgresql.database import Postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.delivery.ports import Connection
    from shared.settings import Settings

_REJECTIONS: Final = "select source, event, scope, code, field, message, original from rejections order by rejected_at"


class SchemaMissingError(Exception):
    """The database has no schema of a service: no service has been started on it yet."""


@asynccontextmanager
async def schema_of(service: str, settings: Settings) -> AsyncIterator[Connection]:
    """A connection to a service's schema, in a transaction; SchemaMissingError, with what to do, if it is not there."""
    database = Postgres(settings.database, settings.schema_name(service))
    try:
        async with database.transaction() as connection:
            if await connection.fetchval("select to_regclass('inbox')") is None:
                msg = f"the database has no schema {database.schema}: start the services on it first (intercompany up)"
                raise SchemaMissingError(msg)
            yield connection
    finally:
        await database.close()


async def load_books(settings: Settings) -> BooksOfAll:
    """Everything that stands in the three schemas."""
    found: list[Any] = []
    for service in SERVICES:
        async with schema_of(service.name, settings) as connection:
            found.append(await service.store().load_all(connection))
    return BooksOfAll(*found)


async def load_rejections(settings: Settings) -> list[Rejection]:
    """What the three services have refused, oldest first in each."""
    found: list[Rejection] = []
    for service in SERVICES:
        async with schema_of(service.name, settings) as connection:
            found += [_rejection(row) for row in await connection.fetch(_REJECTIONS)]
    return found


def _rejection(row: Any) -> Rejection:
    original = orjson.loads(row["original"])
    return Rejection(row["event"], row["source"], row["scope"], row["code"], row["field"], row["message"], original)
