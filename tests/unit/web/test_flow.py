"""How the services stand, and whether their books agree, without a database."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.desk import last_checks
from services.desk.flow import Rates
from services.desk.last_checks import AGAIN_AFTER, Checking
from services.desk.reconciliation import Check
from services.desk.schemas import InquiryMissingError
from services.inquiry.checks import IdentityCheck
from services.web.access.roles import Role
from services.web.access.tokens import TokenAuthentication
from services.web.routes.flow import EVERY, MOST_STREAMS, STREAM
from shared.delivery.ports import Partition, SystemClock
from shared.runtime.regularly import TIMES
from tests.builders.web import NOW, MadeUp, StandingClock, app_of, asking, made_up_ports, of_role, token_for, with_tokens

APP = app_of(made_up_ports())
STAND: dict[str, Any] = {"outbox": 2, "outbox_since": NOW, "failed": 1, "failed_since": NOW, "refused": 3, "last_refused_at": NOW}
POSITIONS = [{"topic": "intercompany.payments", "partition": 0, "read": 40}]
ANSWERS: dict[str, Any] = {"outbox_since": STAND, "as number": {"number": 5, "oldest": NOW}, "from positions": POSITIONS}


class Ends:
    """A broker of which a test says where its topics end."""

    async def ends(self) -> dict[Partition, int]:
        return {Partition("intercompany.payments", 0): 47, Partition("intercompany.nobodys", 0): 9}

    async def close(self) -> None:
        pass


async def asked(schemas: MadeUp, path: str = "/v1/flow", *, ends: Any = None, **parameters: Any) -> Any:
    ports: Any = made_up_ports(schemas=schemas)
    if ends is not None:
        object.__setattr__(ports, "ends", ends)
    APP.state.ports = ports
    async with asking(APP) as client:
        return await client.get(path, params=parameters)


async def test_each_service_says_what_it_has_to_do_still() -> None:
    rows = {row["service"]: row for row in (await asked(MadeUp(ANSWERS), ends=Ends())).json()["data"]}
    assert list(rows) == ["payment", "settlement", "posting", "inquiry"]
    assert [rows["settlement"][name] for name in ("outbox", "failed", "refused", "waiting", "lag")] == [2, 1, 3, 5, 0]
    assert (rows["payment"]["lag"], rows["payment"]["behind"]["intercompany.payments"]) == (7, 7)
    assert rows["payment"]["waiting_since"] == "2026-03-12T12:00:00Z"
    assert (rows["posting"]["waiting"], rows["posting"]["waiting_since"]) == (0, None)


async def test_while_the_broker_is_away_how_far_behind_they_are_is_not_said() -> None:
    rows = (await asked(MadeUp(ANSWERS))).json()["data"]
    assert {(row["lag"], row["behind"]) for row in rows} == {(None, None)}


async def test_refusals_are_counted_to_ten_thousand() -> None:
    many = {**ANSWERS, "outbox_since": {**STAND, "refused": 10_001}}
    assert {row["refused"] for row in (await asked(MadeUp(many))).json()["data"]} == {"10000+"}


def test_a_rate_is_taken_over_the_last_minute_and_not_across_a_reset() -> None:
    rates = Rates()
    assert [rates.note("posting", at, read) for at, read in ((0.0, 100), (10.0, 600), (59.0, 690), (65.0, 1150))] == [
        None,
        50.0,
        10.0,
        10.0,
    ]
    assert rates.note("posting", 66.0, 5) is None
    assert rates.note("posting", 68.0, 7) == 1.0


async def test_however_many_ask_there_is_one_look_a_second() -> None:
    schemas = MadeUp(ANSWERS)
    APP.state.ports = made_up_ports(schemas=schemas)
    async with asking(APP) as client:
        await asyncio.gather(*(client.get("/v1/flow") for _ in range(5)))
    assert len([query for query, _ in schemas.asked if "outbox_since" in query]) == 4


async def test_the_stream_says_it_every_two_seconds() -> None:
    answer = await asked(MadeUp(ANSWERS), STREAM, messages=3)
    assert answer.headers["content-type"].startswith("text/event-stream")
    messages = [part for part in answer.text.split("\n\n") if part.startswith("event: flow\n")]
    assert [orjson.loads(part.partition("data: ")[2])["data"][0]["service"] for part in messages] == ["payment"] * 3
    clock = APP.state.ports.clock
    assert clock.seconds - StandingClock().seconds == 2 * EVERY


async def test_the_stream_says_that_the_database_is_away_and_continues() -> None:
    class Failing(MadeUp):
        async def fetchrow(self, query: str, *arguments: Any) -> Any:
            if len([each for each, _ in self.asked if "outbox_since" in each]) in range(4, 5):
                self.asked.append((query, arguments))
                raise OSError
            return await super().fetchrow(query, *arguments)

    answer = await asked(Failing(ANSWERS), STREAM, messages=3)
    assert [part.split("\n")[0] for part in answer.text.split("\n\n") if part.startswith("event")] == [
        "event: flow",
        "event: problem",
        "event: flow",
    ]
    assert '{"code":"database-away"}' in answer.text


async def test_the_stream_ends_when_the_process_is_to_end() -> None:
    ports = APP.state.ports = replace(made_up_ports(schemas=MadeUp(ANSWERS)), clock=SystemClock())
    async with asking(APP) as client:
        asked_for = asyncio.ensure_future(client.get(STREAM, params={"messages": 20}))
        await asyncio.sleep(0.1)
        assert not asked_for.done()
        ports.stopping.set()
        answer = await asyncio.wait_for(asked_for, 5)
    assert answer.text.count("event: flow\n") == 1


async def test_a_stream_that_cannot_begin_is_a_problem() -> None:
    answer = await asked(MadeUp(failure=OSError()), STREAM, messages=1)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


# Whether the books agree


class Comparing:
    """Comparisons that a test counts, and may hold up or have fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.go = asyncio.Event()
        self.go.set()
        self.failure: Exception | None = None
        monkeypatch.setattr(last_checks, "reconcile", self._reconcile)
        monkeypatch.setattr(last_checks, "check_inquiry", self._inquiry)
        self.has_inquiry = True

    async def _reconcile(self, _: Any) -> list[Check]:
        self.begun += 1
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return [Check("nothing is put aside", "0 rows"), Check("it balances", "2 vouchers", ["FAB VI-7"])]

    async def _inquiry(self, _: Any) -> list[IdentityCheck]:
        if not self.has_inquiry:
            raise InquiryMissingError
        return [IdentityCheck("debit is credit", [{"company": "FAB", "debit": 1}])]


async def test_the_books_are_compared_once_a_minute_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing, clock = Comparing(monkeypatch), StandingClock()
    checking = Checking(MadeUp(), clock)  # type: ignore[arg-type]
    first = await checking.checks()
    clock.seconds += AGAIN_AFTER - 1
    assert await checking.checks() is first
    clock.seconds += 1
    assert await checking.checks() is not first
    assert comparing.begun == 2


async def test_large_books_are_compared_the_more_seldom_the_longer_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing, clock = Comparing(monkeypatch), StandingClock()
    checking = Checking(MadeUp(), clock)  # type: ignore[arg-type]
    monkeypatch.setattr(last_checks, "WAITED_FOR", 0.01)
    comparing.go.clear()
    assert await checking.checks() is None
    clock.seconds += 100
    comparing.go.set()
    first = await checking.checks()
    assert first is not None
    assert (first.seconds, (first.next_at - clock.now()).total_seconds()) == (100, TIMES * 100)
    clock.seconds += TIMES * 100 - 1
    assert await checking.checks() is first
    clock.seconds += 1
    assert await checking.checks() is not first


async def test_what_inquirys_process_has_found_is_shown_and_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing, clock = Comparing(monkeypatch), StandingClock()
    runs = {"reconcile": {"checks": [{"check": "a", "holds": False}]}, "inquiry": {"checks": [{"check": "b", "holds": True}]}}
    kept = {"began_at": NOW - timedelta(seconds=30), "ended_at": NOW - timedelta(seconds=20), "runs": orjson.dumps(runs)}
    checking = Checking(MadeUp({"last_comparison": kept}), clock)  # type: ignore[arg-type]
    for found in (await checking.known(), await checking.checks()):
        assert found is not None
        assert ([check["check"] for check in found.checks], found.hold, found.seconds) == (["a", "b"], False, 10)
        assert (found.next_at - NOW).total_seconds() == TIMES * 10 - 20
    assert comparing.begun == 0
    clock.seconds += TIMES * 10 - 20
    last = await checking.checks()
    assert last is not None
    assert (comparing.begun, last.began_at) == (1, NOW)
    assert await checking.known() is last


async def test_who_asks_while_they_are_compared_gets_the_last_result(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing, clock = Comparing(monkeypatch), StandingClock()
    monkeypatch.setattr(last_checks, "WAITED_FOR", 0.01)
    checking = Checking(MadeUp(), clock)  # type: ignore[arg-type]
    comparing.go.clear()
    assert await checking.checks() is None
    assert checking.is_running
    comparing.go.set()
    first = await checking.checks()
    assert first is not None
    clock.seconds += AGAIN_AFTER
    comparing.go.clear()
    assert await checking.checks() is first
    assert await checking.checks() is first
    assert comparing.begun == 2
    comparing.go.set()
    await checking.close()


async def test_a_comparison_that_failed_is_said_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing = Comparing(monkeypatch)
    checking = Checking(MadeUp(), StandingClock())  # type: ignore[arg-type]
    comparing.failure = OSError("away")
    with pytest.raises(OSError, match="away"):
        await checking.checks()
    comparing.failure = None
    assert await checking.checks() is not None


async def test_checks_say_what_holds_and_where_not(monkeypatch: pytest.MonkeyPatch) -> None:
    comparing = Comparing(monkeypatch)
    said = (await asked(MadeUp(), "/v1/checks")).json()["data"]
    assert (said["at"], said["holds"], said["running"]) == ("2026-03-12T12:00:00Z", False, False)
    assert [(check["check"], check["holds"], check["problems"]) for check in said["checks"]] == [
        ("nothing is put aside", True, []),
        ("it balances", False, ["FAB VI-7"]),
        ("inquiry: debit is credit", False, ["company=FAB debit=1"]),
    ]
    comparing.has_inquiry = False
    assert len((await asked(MadeUp(), "/v1/checks")).json()["data"]["checks"]) == 2


async def test_where_it_does_not_hold_is_shown_to_who_sees_all_companies(monkeypatch: pytest.MonkeyPatch) -> None:
    Comparing(monkeypatch)
    who, headers = with_tokens(of_role(Role.READER, "FAB"))
    async with asking(app_of(made_up_ports(), who)) as client:
        said = (await client.get("/v1/checks", headers=headers["reader"])).json()["data"]
    assert [(check["problem_count"], check["problems"]) for check in said["checks"]] == [(0, []), (1, []), (1, [])]


async def test_the_stream_ends_with_the_token_that_it_was_begun_with() -> None:
    ends = NOW + timedelta(seconds=3)
    token, entry = token_for(of_role(Role.READER), ends)

    class Passing(StandingClock):
        async def sleep(self, seconds: float) -> None:
            self.time += timedelta(seconds=seconds)

    clock = Passing()
    app = app_of(replace(made_up_ports(schemas=MadeUp(ANSWERS)), clock=clock), TokenAuthentication([entry], clock))
    async with asking(app, headers={"Authorization": f"Bearer {token}"}) as client:
        answer = await client.get(STREAM, params={"messages": 10})
    assert answer.text.count("event: flow\n") == 2  # at 0 and 2 seconds


async def test_a_reader_has_so_many_streams_open_and_no_more_until_one_of_them_ends() -> None:
    authentication, headers = with_tokens(of_role(Role.READER), of_role(Role.OPERATOR))
    ports = replace(made_up_ports(schemas=MadeUp(ANSWERS)), clock=SystemClock())
    app = app_of(ports, authentication)
    async with asking(app, headers=headers["reader"]) as client:
        streams = [asyncio.ensure_future(client.get(STREAM, params={"messages": 20})) for _ in range(MOST_STREAMS)]
        await asyncio.sleep(0.3)
        refused = await client.get(STREAM, params={"messages": 1})
        assert (refused.status_code, refused.json()["code"], "retry-after" in refused.headers) == (429, "too-many-requests", True)
        ports.stopping.set()
        await asyncio.wait_for(asyncio.gather(*streams), 10)
        assert (await client.get(STREAM, params={"messages": 1})).status_code == 200


@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_a_stream_whose_client_goes_away_is_open_no_more(version: str) -> None:
    """A server of the newer kind says it when something is sent, one of the older kind as a message."""
    ports = replace(made_up_ports(schemas=MadeUp(ANSWERS)), clock=SystemClock())
    open_meanwhile: list[int] = []
    began, asked_once = asyncio.Event(), iter([True])

    async def receive() -> dict[str, Any]:
        if next(asked_once, False):
            return {"type": "http.request", "body": b"", "more_body": False}
        await began.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message.get("body"):
            open_meanwhile.append(ports.cache["streams"].total())
            began.set()
            if version == "2.4":
                raise OSError

    about = {"type": "http", "asgi": {"version": "3.0", "spec_version": version}, "http_version": "1.1", "scheme": "http", "root_path": ""}
    asks = {"method": "GET", "path": STREAM, "raw_path": STREAM.encode(), "query_string": b"messages=20"}
    hosts = {"headers": [(b"host", b"localhost:8088")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8088), "state": {}}
    with suppress(Exception):
        await asyncio.wait_for(app_of(ports)({**about, **asks, **hosts}, receive, send), 10)
    assert open_meanwhile[0] == 1
    assert ports.cache["streams"].total() == 0
