"""Events over HTTP on a real broker and database: acknowledged, known again, and what became of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.schemas import Schemas
from services.scenarios.live_run import scenario_services
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import split
from services.web.access.roles import Actor, Role
from services.web.app import create_app
from services.web.broker import BrokerSender
from services.web.ports import WebPorts
from tests.builders.web import asking, with_tokens
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from services.local.in_process import RunningServices

pytestmark = pytest.mark.embedded

BATCH = "application/cloudevents-batch+json"
READER = Actor("of FABW", frozenset({Role.READER}), frozenset({"FABW"}))
EVERYBODY = Actor("all", frozenset(Role))


def _documents() -> list[dict[str, Any]]:
    """The events of ic-4 as CloudEvents documents."""
    return [
        {"specversion": "1.0", "id": each.id, "source": "/erp", "type": f"intercompany.{each.type}.v1", "data": each.data}
        for each in load_scenario(IC_4).events
    ]


@asynccontextmanager
async def _api() -> AsyncIterator[tuple[RunningServices, httpx.AsyncClient, dict[str, dict[str, str]]]]:
    """The services with the group of ic-4, and the API beside them."""
    async with scenario_services() as services:
        group, _ = split(arrivals(load_scenario(IC_4)))
        await services.reset()
        await services.send(arrival.record for arrival in group)
        await services.until_quiescent()
        sender, schemas = BrokerSender(services.settings), Schemas(services.settings)
        who, headers = with_tokens(EVERYBODY, READER)
        try:
            async with asking(create_app(services.settings, WebPorts(services.settings, schemas, sender), who)) as client:
                yield services, client, headers
        finally:
            await sender.close()
            await schemas.close()


async def test_events_are_posted_known_again_and_shown_to_those_whose_books_they_are_in() -> None:
    async with _api() as (services, client, headers):
        everybody = headers["all"]
        simulated = await client.post("/v1/simulate", json={"events": _documents()}, headers=everybody)
        assert simulated.status_code == 200, simulated.text
        sent = await client.post("/v1/events", json=_documents(), headers={**everybody, "content-type": BATCH, "prefer": "wait=30"})
        assert sent.status_code == 200, sent.text
        assert sent.headers["preference-applied"] == "wait=30"
        assert {each["state"] for each in sent.json()} == {"posted"}
        assert await _states_of_a_second_time(services, client, everybody) == (["duplicate"] * 3, 409)
        payment = (await client.get("/v1/event", params={"source": "/erp", "id": "VPAY-7"}, headers=everybody)).json()
        assert [row["document"] for row in payment["documents"]] == ["VPAY-7"]
        posted = {(row["company"], row["voucher"].rpartition("-")[0]) for row in payment["vouchers"]}
        expected = {(row["company"], row["series"]) for row in simulated.json()["vouchers"]}
        assert posted
        assert posted <= expected
        foreign = await client.get("/v1/event", params={"source": "/erp", "id": "VPAY-7"}, headers=headers["of FABW"])
        hidden = [row for row in foreign.json()["vouchers"] if row["company"] != "FABW"]
        assert foreign.json()["documents"] == []
        assert all(row["document"] is None for row in hidden)


async def _states_of_a_second_time(services: RunningServices, client: httpx.AsyncClient, headers: dict[str, str]) -> tuple[list[str], int]:
    """What is said of the same events sent again, and the status of one of them with other data."""
    await services.until_quiescent()
    again = await client.post("/v1/events", json=_documents(), headers={**headers, "content-type": BATCH})
    other = [{**_documents()[-1], "data": {**_documents()[-1]["data"], "amount": "1.00"}}]
    conflict = await client.post("/v1/events", json=other, headers={**headers, "content-type": BATCH})
    return [each["state"] for each in again.json()], conflict.status_code


async def test_broker_away_is_said_and_nothing_is_kept() -> None:
    async with _api() as (services, client, headers):
        del client, headers
        away = services.settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
        sender, schemas = BrokerSender(away), Schemas(away)
        who, tokens = with_tokens(EVERYBODY)
        app = create_app(away, WebPorts(away, schemas, sender), who)
        async with asking(app) as other:
            answer = await other.post("/v1/events", json=_documents(), headers={**tokens["all"], "content-type": BATCH})
            state = await other.get("/v1/event", params={"source": "/erp", "id": "VPAY-7"}, headers=tokens["all"])
        await sender.close()
        await schemas.close()
        assert (answer.status_code, answer.json()["code"]) == (503, "broker-away")
        assert answer.headers["retry-after"]
        assert state.json()["state"] == "unknown"
