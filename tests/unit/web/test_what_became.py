"""`/v1/event` and `/v1/simulate` without a database: what is asked for, how long it waits, and what no body may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.desk.schemas import InquiryMissingError
from services.web.access.roles import Role
from services.web.routes.events import LONGEST_WAIT
from tests.builders.web import NOW, MadeUp, StandingClock, app_of, asking, made_up_ports, of_role, with_tokens
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


RECEIVED = {
    "source": "/erp", "id": "x", "type": "vendor-payment.posted", "data": '{"company": "FAB"}',
    "received_at": NOW - timedelta(hours=1), "last_received_at": NOW,
}  # fmt: skip
REFUSED = {
    "id": UUID(int=1), "source": "/erp", "event": "x", "scope": "event", "code": "invalid", "field": "", "message": "", "replays": 0,
    "again_at": None,
    "original": "{}", "topic": None, "headers": None,
}  # fmt: skip


def refused_at(time: datetime) -> dict[str, Any]:
    row = {**REFUSED, "rejected_at": time}
    return {"join events e on": [RECEIVED], "where event = $1 and ($2": [row], "original, topic": [row]}


async def state_of(schemas: MadeUp, who: Any = None, headers: Any = None) -> Any:
    async with asking(app_of(made_up_ports(schemas=schemas), who)) as client:
        return (await client.get("/v1/event", params={"source": "/erp", "id": "x"}, headers=headers)).json()


async def test_what_inquiry_has_read_and_nobody_has_taken_yet_was_received() -> None:
    said = await state_of(MadeUp({"join events e on": [RECEIVED]}))
    assert (said["state"], said["received_at"]) == ("received", "2026-03-12T11:00:00Z")


async def test_an_event_of_another_company_is_one_that_nobody_knows() -> None:
    who, headers = with_tokens(of_role(Role.READER, "FABE"))
    said = await state_of(MadeUp({"join events e on": [RECEIVED]}), who, headers["reader"])
    assert (said["state"], said["received_at"]) == ("unknown", None)


async def test_what_was_refused_and_then_sent_again_is_on_its_way_again() -> None:
    assert (await state_of(MadeUp(refused_at(NOW - timedelta(minutes=1)))))["state"] == "received"
    assert (await state_of(MadeUp(refused_at(NOW + timedelta(minutes=1)))))["state"] == "refused"
    earlier = refused_at(NOW - timedelta(hours=1))
    again = {part: [{**row, "again_at": NOW} if "code" in row else row for row in rows] for part, rows in earlier.items()}
    assert (await state_of(MadeUp(again)))["state"] == "refused"
    assert (await state_of(MadeUp(refused_at(NOW - timedelta(seconds=1)))))["state"] == "refused", "clocks differ by so much"


@pytest.mark.parametrize("failure", [InquiryMissingError("x"), OSError("away"), asyncpg.CannotConnectNowError("starting")])
async def test_without_inquiry_the_services_alone_are_asked(failure: Exception) -> None:
    @dataclass
    class WithoutInquiry(MadeUp):
        @asynccontextmanager
        async def books(self) -> AsyncIterator[MadeUp]:
            raise failure
            yield self

        def desk(self) -> Any:
            return super().books()

    said = await state_of(WithoutInquiry({**refused_at(NOW), "join events e on": []}))
    assert (said["state"], said["received_at"]) == ("refused", "2026-03-12T12:00:00Z")


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
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b'{"events": []}', 422, "invalid"),
        (b'{"events": [1]}', 422, "invalid"),
        (b'{"events": [{}], "more": 1}', 422, "invalid"),
        (b'{"events": [' + b",".join([b"{}"] * 51) + b"]}", 422, "invalid"),
        (b'{"events": [{"a": NaN}]}', 400, "malformed"),
        (b'{"events": [{"a": 1, "a": 2}]}', 400, "malformed"),
        (b'{"events": [{"data": {"amount": "1.00", " amount": "2.00"}}]}', 400, "malformed"),
        (b'{"events": [{}], "events": [{}]}', 400, "malformed"),
        (b'{"events": [{"a": "\\ud800"}]}', 400, "malformed"),
        (b'{"events": [' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]}", 400, "malformed"),
    ],
)
async def test_no_body_of_a_simulation_makes_a_failure_of_ours(body: bytes, status: int, code: str) -> None:
    async with asking(app_of(made_up_ports(schemas=MadeUp()))) as client:
        answer = await client.post("/v1/simulate", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
