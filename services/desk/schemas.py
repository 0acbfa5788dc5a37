"""The services' schemas and the desk's own, open for as long as a command or a process that asks lasts.

Invariant: a service's schema is read on connections of its own whose search_path it is; a pool is opened at the first question
and closed once, by `open_schemas`; nothing of the services is changed by what only shows.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg

from services.desk.rows import BooksOfAll
from services.desk.tables import DESK
from services.inquiry.queries.read_to import be_snapshot
from services.registry import INQUIRY, SERVICES
from shared.delivery import shell_queries
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import check_migrated, migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from shared.delivery.ports import Connection
    from shared.events.vouchers import Rejection
    from shared.settings import Settings


class SchemaMissingError(Exception):
    """The database has no schema of a service: no service has been started on it yet."""


class InquiryMissingError(SchemaMissingError):
    """There is no schema of the inquiry service: it has not been started on its database yet."""


class OneMoment:
    """The services' schemas at one moment, on one connection that looks into one of them at a time."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings

    async def of(self, service: str) -> Connection:
        """The connection, looking into this service's schema until it is asked for another one."""
        await shell_queries.look_into(self._connection, self._settings.schema_name(service))
        return self._connection


class ServicesSchemas(Protocol):
    """Where questions about the services' tables are asked: `Schemas`, each question at its own moment, or all `AtOneMoment`."""

    def of(self, service: str) -> AbstractAsyncContextManager[Connection]:
        """A connection that looks into a service's schema, in a transaction."""


class AtOneMoment:
    """The services' schemas for questions that have to agree with each other. One schema at a time: the connection is one."""

    def __init__(self, moment: OneMoment) -> None:
        self._moment = moment

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[Connection]:
        """The connection, looking into this service's schema."""
        yield await self._moment.of(service)


class Schemas:
    """The services' schemas, each with its pool of connections; inquiry's may be in a database of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open: dict[str, Postgres] = {}
        self._found: set[str] = set()

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[Connection]:
        """A connection to a service's schema, in a transaction; SchemaMissingError, with what to do, if it is not there."""
        name = self.settings.schema_name(service)
        database = self._open.setdefault(service, Postgres(self.settings.database_of(service), name))
        async with database.transaction() as connection:
            if service not in self._found and not await shell_queries.has_shell(connection):
                msg = f"the database has no schema {name}: start the services on it first (intercompany up)"
                raise SchemaMissingError(msg)
            self._found.add(service)
            yield connection

    @asynccontextmanager
    async def moment_of(self, service: str) -> AsyncIterator[Connection]:
        """A service's schema at one moment, to be read alone: for as long as a page takes."""
        if service not in self._found:  # asked before: the moment is that of the transaction's first question
            async with self.of(service):
                pass
        async with self.of(service) as connection:
            await shell_queries.be_of_one_moment(connection)
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[OneMoment]:
        """All schemas at one moment, to be read alone: one transaction."""
        for service in SERVICES:
            if service.name not in self._found:  # asked before: the moment is that of the transaction's first question
                async with self.of(service.name):
                    pass
        async with self.of(SERVICES[0].name) as connection:
            await shell_queries.be_of_one_moment(connection)
            yield OneMoment(connection, self.settings)

    @asynccontextmanager
    async def at_one_moment(self) -> AsyncIterator[ServicesSchemas]:
        """The same schemas for several questions whose answers are of one moment: what one of them says the others say too."""
        async with self.snapshot() as moment:
            yield AtOneMoment(moment)

    @asynccontextmanager
    async def books(self) -> AsyncIterator[Connection]:
        """Inquiry's schema at one moment, to be read alone: all questions of a request; InquiryMissingError if it is not there."""
        await self._find_inquiry()
        async with self.of(INQUIRY.name) as connection:
            await be_snapshot(connection)
            yield connection

    @asynccontextmanager
    async def books_for_long(self) -> AsyncIterator[Connection]:
        """The same on a connection of its own: who reads for as long as a file takes keeps none of those that requests share."""
        await self._find_inquiry()
        async with self._open[INQUIRY.name].long_transaction() as connection:
            await be_snapshot(connection)
            yield connection

    async def _find_inquiry(self) -> None:
        """Once, before the moment of a transaction, which is that of its first question."""
        if INQUIRY.name in self._found and INQUIRY.name in self._open:
            return
        try:
            async with self.of(INQUIRY.name):
                pass
        except SchemaMissingError as error:
            name = self.settings.schema_name(INQUIRY.name)
            msg = (
                f"the database has no schema {name}: the books are asked of the service inquiry, which has not run on it yet"
                " (intercompany service inquiry; INQUIRY_DATABASE_URL says where its tables are)"
            )
            raise InquiryMissingError(msg) from error

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Connection]:
        """A connection to the desk's own schema, in a transaction; made if it is not there and this role may.

        MigrationError, with what to do, where it is not there and may not be made.
        """
        database = self._open.setdefault(DESK.name, Postgres(self.settings.database, self.settings.schema_name(DESK.name)))
        if DESK.name not in self._found:
            await self._make_desk(database)
            self._found.add(DESK.name)
        async with database.transaction() as connection:
            yield connection

    @asynccontextmanager
    async def desk_session(self) -> AsyncIterator[Connection]:
        """A connection of its own to the desk's schema, for a lock that lasts longer than a transaction."""
        async with self.desk():
            pass
        async with self._open[DESK.name].session() as connection:
            yield connection

    @asynccontextmanager
    async def inquiry_session(self) -> AsyncIterator[Connection]:
        """The same to inquiry's schema; InquiryMissingError if it is not there."""
        await self._find_inquiry()
        async with self._open[INQUIRY.name].session() as connection:
            yield connection

    async def _make_desk(self, database: Postgres) -> None:
        if self.settings.provision:
            try:
                await migrate(database, database.schema, DESK)
            except asyncpg.InsufficientPrivilegeError:
                pass  # it is the owner's to make: whether that was done is looked at below
            else:
                return
        await check_migrated(database, database.schema, DESK)

    async def names(self) -> list[str]:
        """The services whose schemas are to be looked into: the three, and inquiry where it has run."""
        names = [service.name for service in SERVICES]
        try:
            async with self.of(INQUIRY.name):
                return [*names, INQUIRY.name]
        except SchemaMissingError:
            return names

    async def close(self) -> None:
        """Closes all pools; the next question opens them again."""
        databases, self._open = self._open, {}
        for database in databases.values():
            await database.close()


@asynccontextmanager
async def open_schemas(settings: Settings) -> AsyncIterator[Schemas]:
    """The services' schemas for the time of the context."""
    schemas = Schemas(settings)
    try:
        yield schemas
    finally:
        await schemas.close()


async def load_books(schemas: Schemas) -> BooksOfAll:
    """Everything in the three schemas, as the services' rules have it."""
    found: list[Any] = []
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            found.append(await service.store().load_all(connection))
    return BooksOfAll(*found)


async def load_rejections(schemas: Schemas) -> list[Rejection]:
    """What the three services have refused, the refused events with it, oldest first in each."""
    found: list[Rejection] = []
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            ids = [each.id for each in reversed(await shell_queries.rejections(connection, None, None))]
            whole = await shell_queries.rejections_whole(connection, ids)
            found += [whole[id_].rejection for id_ in ids]
    return found
