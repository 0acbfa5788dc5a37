"""A database that takes connections and answers nothing, or whose table somebody has locked: a page says so soon, and is back with it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import pytest

from services.desk.schemas import Schemas
from services.local.backing_services import scenario_backing_services
from services.registry import PROCESSES
from services.web.app import create_app
from services.web.console import api
from services.web.ports import WebPorts
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from tests.builders.web import Kept, asking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from shared.settings import Settings

pytestmark = pytest.mark.embedded

WITHIN: Final = 12.0
"""Seconds: the console's own limit, shortened to one, and what a busy machine takes to give a connection up; it was for ever."""
PAGES: Final = ("/", "/vouchers", "/waiting", "/refused", "/open", "/actions", "/simulate", "/flow/stream")


class Wire:
    """A way to the database that can be cut without anybody being told."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self.is_cut = False

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries what is said in both directions."""
        there_reader, there_writer = await asyncio.open_unix_connection(self._socket)
        await asyncio.gather(self._carry(reader, there_writer), self._carry(there_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65536):
            if not self.is_cut:
                writer.write(said)
        writer.close()


@asynccontextmanager
async def wired(settings: Settings) -> AsyncIterator[tuple[Wire, Settings]]:
    """The settings of who reaches the database over a wire, and the wire."""
    parts = urlsplit(settings.database)
    named = dict(parse_qsl(parts.query))
    wire = Wire(f"{named['host']}/.s.PGSQL.{named['port']}")
    server = await asyncio.start_server(wire.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    there = parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}", query="").geturl()
    values = {**settings.model_dump(), "database_url": there, "inquiry_database_url": None}
    try:
        yield wire, type(settings)(**values)
    finally:
        server.close()


@asynccontextmanager
async def pages(namespace: str) -> AsyncIterator[tuple[httpx.AsyncClient, Wire, Settings]]:
    """A client of the console on empty tables behind a wire, which waits as long as a busy machine needs."""
    monkeypatched = pytest.MonkeyPatch()
    monkeypatched.setattr(api, "READ_WITHIN", 60.0)
    async with scenario_backing_services(namespace) as settings:
        for service in PROCESSES:
            database = Postgres(settings.database, settings.schema_name(service.name))
            await migrate(database, settings.schema_name(service.name), service)
            await database.close()
        async with wired(settings) as (wire, over_the_wire):
            schemas = Schemas(over_the_wire)
            try:
                async with asking(create_app(over_the_wire, WebPorts(over_the_wire, schemas, Kept()))) as client:
                    yield client, wire, settings
            finally:
                wire.is_cut = False
                await schemas.close()
                monkeypatched.undo()


async def looked_at(client: httpx.AsyncClient, path: str) -> tuple[int, str, float]:
    """A page's status, its text, and how many seconds it took."""
    began = time.monotonic()
    answer = await client.get(path, headers={"accept": "text/html"})
    return answer.status_code, answer.text, time.monotonic() - began


async def test_pages_say_soon_that_a_database_does_not_answer_and_are_back_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pages("hangs") as (client, wire, _):
        for path in PAGES[:-1]:  # the last one has no end
            assert (await looked_at(client, path))[0] == 200, path
        wire.is_cut = True
        with monkeypatch.context() as soon:
            soon.setattr(api, "READ_WITHIN", 1.0)
            for path in PAGES:
                await _says_so(client, path)
        wire.is_cut = False
        for path in PAGES[:-1]:
            assert (await looked_at(client, path))[0] == 200, path


async def test_a_table_that_somebody_has_locked_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pages("locked") as (client, _, settings):
        assert (await looked_at(client, "/vouchers"))[0] == 200
        holder = await asyncpg.connect(settings.database)
        try:
            async with holder.transaction():
                await holder.execute(f"lock table {settings.schema_name('inquiry')}.vouchers in access exclusive mode")
                with monkeypatch.context() as soon:
                    soon.setattr(api, "READ_WITHIN", 1.0)
                    await _says_so(client, "/vouchers")
        finally:
            await holder.close()
        assert (await looked_at(client, "/vouchers"))[0] == 200


async def _says_so(client: httpx.AsyncClient, path: str) -> None:
    status, text, seconds = await looked_at(client, path)
    assert (status, "The database does not answer" in text) == (503, True), (path, text[-1500:])
    assert seconds < WITHIN, path
