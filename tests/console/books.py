"""The books of any scenario, to be looked at without broker or processes: what its simulation says, taken in by the services' own stores.

Invariant: the pages are asked in process, of real tables; a scenario's books are empty of the one before.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from services.desk.schemas import Schemas
from services.local.reset import reset
from services.registry import INQUIRY, POSTING, PROCESSES, SETTLEMENT
from services.scenarios.scenario_file import load_scenario
from services.web.app import create_app
from services.web.ports import WebPorts
from shared.events.codec import decode
from shared.events.envelope import Message
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from shared.settings import Settings
from tests.builders.inquiry import Listening, listening
from tests.builders.web import Kept, asking
from tests.live.delivering import deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

READ: Final = (INQUIRY, SETTLEMENT, POSTING)
"""Whose tables the pages of the books ask."""


class Shelf:
    """The tables, and a client of the pages that show them."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def load(self, file: Path) -> Listening:
        """Puts a scenario's books in the place of the last ones."""
        simulation = listening(load_scenario(file))
        messages = [read for record in simulation.records if isinstance(read := decode(record), Message)]
        database = Postgres(self._settings.database, "public")
        async with database.transaction() as connection:
            await reset(connection, READ, self._settings)
        await database.close()
        for service in READ:
            taken = [each for each in messages if each.record is None or service.takes(each.record.topic, each.type)]
            own = Postgres(self._settings.database, self._settings.schema_name(service.name))
            async with own.session() as connection:
                await deliver(connection, service.store(), service.fold, taken)
            await own.close()
        return simulation

    async def page(self, address: str) -> str:
        """A page's text, where its address leads to."""
        answer = await self._client.get(address, headers={"accept": "text/html"}, follow_redirects=True)
        assert answer.status_code == 200, (address, answer.text[:2000])
        return answer.text


@asynccontextmanager
async def shelf(database_url: str) -> AsyncIterator[Shelf]:
    """Empty tables of every service."""
    values: dict[str, Any] = {"database_url": database_url, "namespace": "consolelines", "provision": True}
    settings = Settings(**values)
    for service in PROCESSES:
        database = Postgres(settings.database, settings.schema_name(service.name))
        await migrate(database, settings.schema_name(service.name), service)
        await database.close()
    schemas = Schemas(settings)
    async with asking(create_app(settings, WebPorts(settings, schemas, Kept()))) as client:
        yield Shelf(settings, client)
    await schemas.close()
