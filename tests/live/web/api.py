"""The API on a real broker and database on which ic-4 was posted, with readers of several scopes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from services.desk.schemas import Schemas
from services.local.backing_services import scenario_backing_services
from services.local.in_process import running_services
from services.scenarios.scenario_file import load_scenario
from services.web.access.roles import Actor, Role
from services.web.app import create_app
from services.web.broker import BrokerEnds, BrokerSender
from services.web.cursors import Pages
from services.web.ports import WebPorts
from services.web.routes import ROUTERS
from tests.builders.web import asking, with_tokens
from tests.live.arriving import arrive
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from services.local.in_process import RunningServices

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
MODELS: dict[str, Any] = {route.path: route.response_model for route in ROUTES if "GET" in (route.methods or ())}
ALL = Actor("all", frozenset(Role))
OF_FAB = Actor("of FAB", frozenset({Role.READER}), frozenset({"FAB"}))
OF_FABE = Actor("of FABE", frozenset({Role.READER}), frozenset({"FABE"}))
OF_NOBODY = Actor("of nobody", frozenset({Role.READER}), frozenset({"NOBODY"}))
NO_PLACES: tuple[Any, ...] = ("x", "", 2**63 - 1, -(2**63), "infinity", "\x00", "2026-02-30", "9" * 40, True)
"""What is no date, no number, or no text of a column."""


class Api(NamedTuple):
    """The API, and the headers of each reader."""

    client: httpx.AsyncClient
    headers: dict[str, dict[str, str]]
    services: RunningServices

    async def get(self, path: str, who: Actor = ALL, /, **parameters: Any) -> Any:
        """What is answered, which has to be as its model says: nothing less and nothing more."""
        answer = await self.client.get(path, params=parameters, headers=self.headers[who.name])
        assert answer.status_code == 200, (path, answer.text)
        said = answer.json()
        read = TypeAdapter(MODELS[path]).validate_python(said)
        assert read.model_dump(by_alias=True, exclude_unset=True) == said, path
        return said

    async def refused(self, path: str, who: Actor = ALL, /, **parameters: Any) -> tuple[int, str]:
        """The status and code of a problem."""
        answer = await self.client.get(path, params=parameters, headers=self.headers[who.name])
        return answer.status_code, answer.json()["code"]

    async def all(self, path: str, limit: int, **parameters: Any) -> list[Any]:
        """All rows of a list, in pages of so many."""
        page = await self.get(path, limit=limit, **parameters)
        rows = page["data"]
        while page["next"] is not None:
            page = await self.get(path, limit=limit, cursor=page["next"], **parameters)
            assert len(page["data"]) <= limit
            rows += page["data"]
        return list(rows)


@asynccontextmanager
async def api_on(namespace: str, file: Path = IC_4, *, inquiry: bool = True) -> AsyncIterator[Api]:
    """What ic-4 posts, or another scenario, and the API on it."""
    async with scenario_backing_services(namespace) as settings, running_services(settings, inquiry=inquiry) as services:
        await arrive(services, load_scenario(file))
        if inquiry:
            await services.until_inquiry_has_read()
        sender, schemas, ends = BrokerSender(settings), Schemas(settings), BrokerEnds(settings)
        who, headers = with_tokens(ALL, OF_FAB, OF_FABE, OF_NOBODY)
        try:
            async with asking(create_app(settings, WebPorts(settings, schemas, sender, ends=ends), who)) as client:
                yield Api(client, headers, services)
        finally:
            for each_port in (sender, schemas, ends):
                await each_port.close()


async def made_up_places(api: Api, path: str, **filters: str) -> None:
    """A cursor with a seal that fits, and a place in it that is none of the list, makes no failure of ours."""
    given = (await api.get(path, limit=1, **filters))["next"]
    if given is None:
        return
    pages = Pages(path, filters)
    page = pages.page(given, 1)
    for number in range(len(page.after or ())):
        for part in NO_PLACES:
            key = [*(page.after or ())]
            key[number] = part
            cursor = pages.next(page, key)
            answer = await api.client.get(path, params={**filters, "cursor": cursor}, headers=api.headers[ALL.name])
            assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid"), (path, key)
