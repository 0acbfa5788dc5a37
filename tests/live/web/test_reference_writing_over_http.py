"""Reference data written over HTTP on a real broker and database: over the version that was read, and what differs of a group."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.reference import reference_events
from services.desk.schemas import Schemas, open_schemas
from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from services.scenarios.scenario_file import arrivals, load_scenario
from services.web.access.roles import Actor, Role
from services.web.app import create_app
from services.web.broker import BrokerEnds, BrokerSender
from services.web.ports import WebPorts
from tests.builders.web import asking, with_tokens
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

pytestmark = pytest.mark.embedded

WHY = {"reason": "the name has changed"}
FAB = {"company": "FAB", "name": "Fabrikam Inc.", "currency": "USD"}
MASTER = Actor("master", frozenset(Role))
OF_FABW = Actor("of FABW", frozenset({Role.MASTER}), frozenset({"FABW"}))


@asynccontextmanager
async def _api() -> AsyncIterator[tuple[RunningServices, httpx.AsyncClient, dict[str, dict[str, str]]]]:
    async with scenario_backing_services("writing") as settings, running_services(settings, inquiry=True) as services:
        await services.send(each.record for each in arrivals(load_scenario(IC_4)) if each.reference)
        await _read(services)
        sender, schemas, ends = BrokerSender(settings), Schemas(settings), BrokerEnds(settings)
        who, headers = with_tokens(MASTER, OF_FABW)
        try:
            async with asking(create_app(settings, WebPorts(settings, schemas, sender, ends=ends), who)) as client:
                yield services, client, headers
        finally:
            await ends.close()
            await sender.close()
            await schemas.close()


async def _read(services: RunningServices) -> None:
    await services.until_quiescent()
    await services.until_inquiry_has_read()


async def _names(services: RunningServices) -> dict[str, Any]:
    async with open_schemas(services.settings) as schemas:
        found = await reference_events(schemas)
    return {key: each.data["name"] for key, each in found.items() if key.startswith("company/")}


async def test_an_entity_is_defined_over_the_version_that_was_read_and_a_group_changes_what_differs() -> None:
    async with _api() as (services, client, headers):
        key, body = {"key": "company/FAB"}, {"type": "company.defined", "data": FAB, **WHY}
        read = await client.get("/v1/reference/entity", params=key, headers=headers["master"])
        position = str(read.json()["data"]["versions"][-1]["position"])

        async def put(version: str, who: str = "master", **more: Any) -> httpx.Response:
            return await client.put(
                "/v1/reference/entity", params=key, json={**body, **more}, headers={**headers[who], "if-match": version}
            )

        assert (await put(position, "of FABW")).json()["code"] == "company-out-of-scope"
        assert (await put("999999")).status_code == 412
        wrong = await put(position, data={**FAB, "currency": "DOLLAR"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/data/currency")
        assert (await put(position, data={**FAB, "company": "FABW"})).status_code == 422
        done = await put(f'"{position}"')
        assert (done.status_code, done.json()["state"]) == (202, "done"), done.text
        await _read(services)
        assert (await _names(services))["company/FAB"] == "Fabrikam Inc."
        late = await put(position)
        assert (late.status_code, late.json()["code"]) == (412, "version-changed")
        await _applied(services, client, headers)


async def _applied(services: RunningServices, client: httpx.AsyncClient, headers: dict[str, dict[str, str]]) -> None:
    east = {"name": "Fabrikam East Ltd.", "currency": "USD"}
    group = {"companies": {"FAB": {"name": "Fabrikam Inc.", "currency": "USD"}, "FABE": east}}
    body = {"group": group, **WHY}
    tried = await client.post("/v1/reference/apply", params={"dry_run": "true"}, json=body, headers=headers["master"])
    assert (tried.json()["action"], [each["key"] for each in tried.json()["changes"]]) == (None, ["company/FABE"])
    assert tried.json()["changes"][0]["line"] == '~ company/FABE: name "Fabrikam East" -> "Fabrikam East Ltd."'
    await _read(services)
    assert (await _names(services))["company/FABE"] == "Fabrikam East"
    assert (await client.post("/v1/reference/apply", json=body, headers=headers["of FABW"])).json()["code"] == "company-out-of-scope"
    unknown = await client.post("/v1/reference/apply", json={"group": {"firms": {}}, **WHY}, headers=headers["master"])
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid")
    done = await client.post("/v1/reference/apply", json=body, headers=headers["master"])
    assert (done.status_code, done.json()["changes"]) == (200, tried.json()["changes"]), done.text
    await _read(services)
    assert (await _names(services))["company/FABE"] == "Fabrikam East Ltd."
    nothing = await client.post("/v1/reference/apply", json=body, headers=headers["master"])
    assert (nothing.status_code, nothing.json()["changes"]) == (200, [])
