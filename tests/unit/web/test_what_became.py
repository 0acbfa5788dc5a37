"""`/v1/event` and `/v1/simulate` without a database: what is asked for, how long it waits, and what no body may do."""

from __future__ import annotations

from typing import Any

import pytest

from services.web.routes.events import LONGEST_WAIT
from tests.builders.web import MadeUp, StandingClock, app_of, asking, made_up_ports
from tests.unit.web.test_sending import PAYMENT, STRUCTURED


async def test_an_event_that_nobody_knows_is_unknown_at_once() -> None:
    ports = made_up_ports()
    async with asking(app_of(ports)) as client:
        answer = await client.get("/v1/event", params={"source": "/erp", "id": "x", "wait": LONGEST_WAIT})
    assert answer.json()["state"] == "unknown"
    assert isinstance(ports.clock, StandingClock)
    assert ports.clock.seconds == StandingClock().seconds


async def test_an_event_that_was_just_sent_is_on_its_way_for_as_long_as_one_waits() -> None:
    ports = made_up_ports()
    body = {"source": "/erp/fab", "id": "VPAY-7", "wait": "10"}
    async with asking(app_of(ports)) as client:
        sent = await client.post("/v1/events", json=PAYMENT, headers={"content-type": STRUCTURED, "prefer": "respond-async, wait=5"})
        answer = await client.get("/v1/event", params=body)
    assert (sent.status_code, sent.json()[0]["state"]) == (202, "accepted")
    assert answer.json()["state"] == "received"
    assert isinstance(ports.clock, StandingClock)
    assert 15 <= ports.clock.seconds - StandingClock().seconds < 16


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"source": "/erp"}, "id"),
        ({"source": "", "id": "x"}, "source"),
        ({"source": "/erp", "id": "x", "wait": LONGEST_WAIT + 1}, "wait"),
        ({"source": "/erp", "id": "x\x00"}, "id"),
        ({"source": "/erp", "id": "x", "wiat": 1}, "wiat"),
    ],
)
async def test_a_parameter_that_is_wrong_is_named_with_what_would_be_right(parameters: dict[str, Any], name: str) -> None:
    async with asking(app_of(made_up_ports())) as client:
        answer = await client.get("/v1/event", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}"]
    assert answer.json()["detail"].startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid"),
        (b"{", 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b'{"events": []}', 422, "invalid"),
        (b'{"events": [1]}', 422, "invalid"),
        (b'{"events": [{}], "more": 1}', 422, "invalid"),
        (b'{"events": [' + b",".join([b"{}"] * 51) + b"]}", 422, "invalid"),
        (b'{"events": [{"a": NaN}]}', 400, "malformed"),
        (b'{"events": [{"a": "\\ud800"}]}', 400, "malformed"),
        (b'{"events": [' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}", 400, "malformed"),
    ],
)
async def test_no_body_of_a_simulation_makes_a_failure_of_ours(body: bytes, status: int, code: str) -> None:
    async with asking(app_of(made_up_ports(schemas=MadeUp()))) as client:
        answer = await client.post("/v1/simulate", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
