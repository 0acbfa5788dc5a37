"""What people do over HTTP, on a real broker and database: once, with a second person where that is needed, and written down."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.actions.rules import Who
from services.desk.event_state import event_state
from services.desk.schemas import Schemas, open_schemas
from services.desk.waiting import waiting_named
from services.operations import by_hand
from services.operations.carrying_out import Acting, ActionRequest
from services.operations.orders import Ordered, drafted_settlement_reversal
from services.scenarios.live_run import scenario_services
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import split
from services.web.access.roles import Actor, Role
from services.web.app import create_app
from services.web.broker import BrokerSender
from services.web.ports import WebPorts
from shared.delivery.ports import SystemClock
from shared.events.envelope import EventRef
from shared.settings import HttpAuth
from tests.builders.web import asking, with_tokens
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx

    from services.desk.actions.rules import Draft
    from services.local.in_process import RunningServices
    from shared.events.envelope import Record
    from shared.settings import Settings

pytestmark = pytest.mark.embedded

BATCH = "application/cloudevents-batch+json"
WHY = {"reason": "the supplier has confirmed it"}
PEOPLE = (
    Actor("ann", frozenset({Role.READER, Role.SENDER, Role.OPERATOR, Role.APPROVER})),
    Actor("bob", frozenset({Role.READER, Role.APPROVER})),
    Actor("operator", frozenset({Role.READER, Role.OPERATOR})),
    Actor("of FABW", frozenset({Role.READER, Role.OPERATOR, Role.APPROVER}), frozenset({"FABW"})),
)


@dataclass
class Api:
    """The services and the API beside them; `ann` proposes, `bob` approves."""

    services: RunningServices
    client: httpx.AsyncClient
    headers: dict[str, dict[str, str]]

    async def get(self, path: str, who: str = "ann", **parameters: Any) -> Any:
        answer = await self.client.get(path, params=parameters, headers=self.headers[who])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, who: str = "ann", key: str | None = None) -> httpx.Response:
        more = {} if key is None else {"idempotency-key": key}
        return await self.client.post(path, json=body, headers={**self.headers[who], **more})

    async def send(self, *events: dict[str, Any]) -> None:
        sent = await self.client.post("/v1/events", json=list(events), headers={**self.headers["ann"], "content-type": BATCH})
        assert sent.status_code == 202, sent.text
        await self.services.until_quiescent()

    async def refusal(self, event: str, state: str = "open") -> dict[str, Any]:
        [found] = [row for row in (await self.get("/v1/refusals", state=state))["data"] if row["event"]["id"] == event]
        return dict(found)

    async def state(self, event: str, source: str = "/erp") -> str:
        async with open_schemas(self.services.settings) as schemas:
            return (await event_state(schemas, EventRef(source, event))).state.value


def _cloudevent(id_: str, type_: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "/erp", "type": f"intercompany.{type_}.v1", "data": data}


def _invoice(document: str, lines: str = "90.00") -> dict[str, Any]:
    data = {"company": "FABE", "account": "IC-WEST", "document": document, "date": "2026-03-02", "currency": "USD", "amount": "100.00"}
    return {**data, "lines": [{"account": "expense", "amount": lines}]}


def _wrong(document: str) -> dict[str, Any]:
    """An invoice whose lines do not add up; it says its time, so that refused again it is the same refusal."""
    return {**_cloudevent(document, "vendor-invoice.posted", _invoice(document)), "time": "2026-03-02T12:00:00Z"}


def _documents() -> list[dict[str, Any]]:
    return [_cloudevent(str(each.id), str(each.type), each.data) for each in load_scenario(IC_4).events]


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, dict[str, str]]]]:
    sender, schemas = BrokerSender(settings), Schemas(settings)
    who, headers = with_tokens(*PEOPLE)
    try:
        async with asking(create_app(settings, WebPorts(settings, schemas, sender), who)) as client:
            yield client, headers
    finally:
        await sender.close()
        await schemas.close()


@asynccontextmanager
async def _api(*, four_eyes: bool = True, created: bool = False) -> AsyncIterator[Api]:
    """The services with the group of ic-4; `created`: sales payment journals are only created."""
    async with scenario_services() as services:
        group, _ = split(arrivals(load_scenario(IC_4)))
        await services.reset()
        records = [arrival.record for arrival in group]
        if created:
            for record in records:
                record.value = (record.value or b"").replace(b'"post_automatically": true', b'"post_automatically": false')
        await services.send(records)
        await services.until_quiescent()
        settings = services.settings.model_copy(update={"http_auth": HttpAuth.TOKENS, "four_eyes": four_eyes})
        async with _client(settings) as (client, headers):
            yield Api(services, client, headers)


async def test_a_mended_event_is_a_proposal_that_somebody_else_approves_and_then_posts() -> None:
    async with _api() as api:
        await api.send(_wrong("BAD-1"), _wrong("BAD-2"))
        refusal = await api.refusal("BAD-1")
        mended = {"id": refusal["id"], "data": _invoice("BAD-1", "100.00"), **WHY}
        foreign = await api.post("/v1/refusals/resend", mended, "of FABW")
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not-found")
        wrong = await api.post("/v1/refusals/resend", {**mended, "data": {**mended["data"], "amount": 100}})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/data/amount")
        proposed = await api.post("/v1/refusals/resend", mended)
        assert (proposed.status_code, proposed.json()["state"]) == (202, "proposed")
        await api.services.until_quiescent()
        assert await api.state("BAD-1") == "refused"
        decision = f"/v1/actions/{proposed.json()['action']}"
        foreign_decline = await api.post(f"{decision}/decline", WHY, "of FABW")
        assert (foreign_decline.status_code, foreign_decline.json()["code"]) == (404, "not-found")
        own = await api.post(f"{decision}/approve", WHY)
        assert (own.status_code, own.json()["code"]) == (403, "own-proposal")
        assert (await api.post(f"{decision}/approve", WHY, "of FABW")).json()["code"] == "not-found"
        approved = await api.post(f"{decision}/approve", WHY, "bob", "approval-1")
        assert (approved.status_code, approved.json()["state"]) == (202, "done")
        await api.services.until_quiescent()
        assert await api.state("BAD-1") == "posted"
        assert (await api.refusal("BAD-1", "resent"))["id"] == refusal["id"]
        assert (await api.post(f"{decision}/approve", WHY, "bob", "approval-1")).headers["idempotent-replayed"] == "true"
        late = await api.post(f"{decision}/decline", WHY, "bob")
        assert (late.status_code, late.json()["code"]) == (409, "already-decided")
        await _dismissed_and_audited(api, refusal["id"])


async def _dismissed_and_audited(api: Api, resent: str) -> None:
    """A refusal taken off the list once; and what the audit says of that and of the mended event."""
    other = await api.refusal("BAD-2")
    assert (await api.post("/v1/refusals/dismiss", {"ids": [other["id"]], **WHY})).json()["state"] == "done"
    again = await api.post("/v1/refusals/dismiss", {"ids": [other["id"]], **WHY})
    assert (again.status_code, again.json()["code"]) == (409, "not-open")
    page = await api.get("/v1/actions", limit=1, count="true")
    rest = await api.get("/v1/actions", limit=1, count="true", cursor=page["next"])
    assert (page["count"], rest["next"]) == (2, None)
    [dismissed], [mended] = page["data"], rest["data"]
    assert (dismissed["verb"], dismissed["actor"], dismissed["reason"], dismissed["companies"]) == (
        "dismiss",
        "ann",
        WHY["reason"],
        ["FABE"],
    )
    assert (mended["verb"], mended["state"], mended["decided_by"]["actor"], mended["target"]["refusal"]) == (
        "resend",
        "done",
        "bob",
        resent,
    )
    [before], [after] = mended["before"].pop("lines"), mended["after"].pop("lines")
    assert (before.pop("amount"), after.pop("amount")) == ("90.00", "100.00")
    assert (before, mended["before"]) == (after, mended["after"]), "one field was changed, so one differs"
    [became] = await _became(api, mended["id"])
    assert became == {"source": "/erp", "id": "BAD-1", "state": "posted", "code": None}
    said = await api.get("/v1/event", source="/erp", id="BAD-1")
    assert [(each["id"], each["state"]) for each in said["refusals"]] == [(resent, "resent")]
    assert (await api.get("/v1/actions", "of FABW"))["data"] == []
    assert [row["verb"] for row in (await api.get("/v1/actions", verb="dismiss", by="ann"))["data"]] == ["dismiss"]


async def _became(api: Api, action: str) -> list[dict[str, Any]]:
    """What the audit says came of the events of an action, once it knows."""
    for _ in range(100):
        [found] = [row for row in (await api.get("/v1/actions"))["data"] if row["id"] == action]
        if all(each["state"] != "received" for each in found["outcome"]["events"]):
            return list(found["outcome"]["events"])
        await asyncio.sleep(0.2)
    pytest.fail("the audit does not say what came of it")


async def test_who_has_proposed_something_takes_it_back() -> None:
    async with _api() as api:
        await api.send(_wrong("BAD-1"))
        mended = {"id": (await api.refusal("BAD-1"))["id"], "data": _invoice("BAD-1", "100.00"), **WHY}
        proposed = (await api.post("/v1/refusals/resend", mended, "operator")).json()
        assert proposed["state"] == "proposed"
        decision = f"/v1/actions/{proposed['action']}"
        taken_back = await api.post(f"{decision}/decline", {"reason": "the wrong invoice"}, "operator")
        assert (taken_back.status_code, taken_back.json()["state"]) == (202, "withdrawn"), taken_back.text
        late = await api.post(f"{decision}/approve", WHY, "bob")
        assert (late.status_code, late.json()["code"]) == (409, "already-decided")
        [action] = (await api.get("/v1/actions", state="withdrawn"))["data"]
        assert (action["decided_by"]["decision"], action["decided_by"]["actor"]) == ("withdrawn", "operator")
        assert await api.state("BAD-1") == "refused"
        others = (await api.post("/v1/refusals/resend", mended)).json()["action"]
        refused = await api.post(f"/v1/actions/{others}/decline", WHY, "operator")
        assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
        declined = await api.post(f"/v1/actions/{others}/decline", WHY, "bob")
        assert declined.json()["state"] == "declined"


async def test_a_replay_says_what_became_of_each_event_and_the_same_key_does_it_once() -> None:
    async with _api() as api:
        await api.send(_wrong("BAD-1"))
        refusal = await api.refusal("BAD-1")
        body = {"ids": [refusal["id"]], **WHY}
        foreign = await api.post("/v1/refusals/replay", body, "of FABW")
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not-found")
        every = await api.post("/v1/refusals/replay", {"filter": {}, **WHY}, "of FABW")
        assert (every.status_code, every.json()["code"]) == (409, "not-open")
        named = await api.post("/v1/refusals/replay", {"filter": {"company": "FABE"}, **WHY}, "of FABW")
        assert (named.status_code, named.json()["code"]) == (403, "company-out-of-scope")
        first = await api.post("/v1/refusals/replay", body, key="once")
        expected = {"source": "/erp", "id": "BAD-1", "state": "refused", "code": "amounts-disagree"}
        assert (first.status_code, first.json()["events"]) == (200, [expected])
        assert (await api.refusal("BAD-1"))["id"] == refusal["id"], "it was refused again, so it is open again"
        second = await api.post("/v1/refusals/replay", body, key="once")
        assert (second.json(), second.headers["idempotent-replayed"]) == (first.json(), "true")
        [action] = (await api.get("/v1/actions"))["data"]
        assert action["outcome"] == {"sent": 1, "ordered": 0, "events": [expected], "by": "ann"}
        other = await api.post("/v1/refusals/replay", {**body, "reason": "another reason"}, key="once")
        assert (other.status_code, other.json()["code"]) == (409, "conflicting-duplicate")
        by_filter = await api.post("/v1/refusals/replay", {"filter": {"code": "amounts-disagree", "company": "FABE"}, **WHY})
        assert [each["id"] for each in by_filter.json()["events"]] == ["BAD-1"]
        nothing = await api.post("/v1/refusals/replay", {"filter": {"code": "other-party"}, **WHY})
        assert (nothing.status_code, nothing.json()["code"]) == (409, "not-open")
        assert "open refusal that the filter selects" in nothing.json()["detail"]
        unknown = await api.post("/v1/refusals/replay", {"ids": ["00000000-0000-0000-0000-000000000000"], **WHY})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")
        await _replayed_by_command(api)


async def _replayed_by_command(api: Api) -> None:
    async with open_schemas(api.services.settings) as schemas:
        assert (await by_hand.replay(schemas, ["BAD-1"], reason="asked for by phone")).sent == 1
    newest = (await api.get("/v1/actions", limit=1))["data"][0]
    assert (newest["verb"], newest["reason"], newest["state"]) == ("replay", "asked for by phone", "done")
    assert newest["actor"].startswith("local:")


async def test_what_waits_is_discarded_and_its_marks_are_mended_by_a_request() -> None:
    async with _api(four_eyes=False) as api:
        events = _documents()
        payment = {**events[2], "data": {**events[2]["data"], "settle": [{"company": "FABE", "document": "VI-8"}]}}
        await api.send(events[0], events[1], payment)
        assert await api.state("VPAY-7") == "waiting"
        name = {"source": "/erp", "id": "VPAY-7", **WHY}
        assert (await api.post("/v1/waiting/discard", name, "of FABW")).json()["code"] == "not-open"
        discarded = await api.post("/v1/waiting/discard", name, key="discard-1")
        assert (discarded.status_code, discarded.json()["state"]) == (202, "done")
        assert (await api.post("/v1/waiting/discard", name, key="discard-1")).json() == discarded.json()
        await _until_nothing_waits(api, "VPAY-7")
        nothing = await api.post("/v1/waiting/discard", name)
        assert (nothing.status_code, nothing.json()["code"]) == (409, "not-open")
        refusal = await api.refusal("VPAY-7")
        assert (refusal["scope"], refusal["code"]) == ("settlement", "discarded")
        marks = [{"company": "FAB", "document": "VPAY-7"}, {"company": "FABE", "document": "VI-7"}]
        data = {"ledger": "payable", "settle": marks, "primary": marks[0]}
        resent = await api.post("/v1/refusals/resend", {"id": refusal["id"], "data": data, **WHY})
        assert (resent.status_code, resent.json()["state"]) == (202, "done"), resent.text
        await api.services.until_quiescent()
        assert await api.state(resent.json()["action"], "intercompany/web") == "posted"


async def _until_nothing_waits(api: Api, event: str) -> None:
    async with open_schemas(api.services.settings) as schemas:
        for _ in range(300):
            if not await waiting_named(schemas, event):
                await api.services.until_quiescent()
                return
            await asyncio.sleep(0.1)
    pytest.fail("it waits still")


async def test_a_journal_is_approved_and_what_was_settled_and_paid_is_reversed_once() -> None:
    async with _api(four_eyes=False, created=True) as api:
        await api.send(*_documents())
        journal = {"company": "FABW", "document": "ARPAY-IC-FAB-VPAY-7-1", **WHY}
        assert (await api.post("/v1/journals/approve", {**journal, "document": "none"}, "bob")).json()["code"] == "not-found"
        approved = await api.post("/v1/journals/approve", journal, "bob")
        assert (approved.status_code, approved.json()["state"]) == (202, "done"), approved.text
        await api.services.until_quiescent()
        again = await api.post("/v1/journals/approve", journal, "bob")
        assert (again.status_code, again.json()["code"]) == (409, "not-open")
        settlement = {"ledger": "payable", "settlement": {"source": "/erp", "id": "VPAY-7"}, **WHY}
        assert (await api.post("/v1/settlements/reverse", settlement, "of FABW")).json()["code"] == "not-found"
        reversed_ = await api.post("/v1/settlements/reverse", settlement)
        assert (reversed_.status_code, reversed_.json()["state"]) == (202, "done"), reversed_.text
        await api.services.until_quiescent()
        assert (await api.post("/v1/settlements/reverse", settlement)).json()["code"] == "not-open"
        assert (await api.post("/v1/settlements/reverse", settlement, "of FABW")).json()["code"] == "not-found"
        payment = {"ledger": "payable", "company": "FAB", "document": "VPAY-7", **WHY}
        for document in ("VPAY-7", "none"):
            foreign = await api.post("/v1/payments/reverse", {**payment, "document": document}, "of FABW")
            assert (foreign.status_code, foreign.json()["code"]) == (403, "company-out-of-scope")
        done = await api.post("/v1/payments/reverse", payment)
        assert (done.status_code, done.json()["state"]) == (202, "done"), done.text
        await api.services.until_quiescent()
        assert (await api.post("/v1/payments/reverse", payment)).json()["code"] == "not-open"


async def test_broker_away_is_said_and_the_same_key_does_it_later_under_the_same_ids() -> None:
    async with _api(four_eyes=False) as api:
        await api.send(*_documents())
        settled = {"ledger": "payable", "payment": {"company": "FAB", "document": "VPAY-7"}, **WHY}
        away = api.services.settings.model_copy(
            update={"kafka_bootstrap_servers": "127.0.0.1:9", "http_auth": HttpAuth.TOKENS, "four_eyes": False}
        )
        async with _client(away) as (client, headers):
            failed = await client.post("/v1/settlements/reverse", json=settled, headers={**headers["ann"], "idempotency-key": "later"})
        assert (failed.status_code, failed.json()["code"]) == (503, "broker-away")
        assert "written down" in failed.json()["detail"]
        [action] = (await api.get("/v1/actions"))["data"]
        assert (action["state"], action["outcome"]) == ("failed", {"failed": "broker-away", "by": "ann"})
        done = await api.post("/v1/settlements/reverse", settled, key="later")
        assert (done.status_code, done.json()) == (202, {"action": action["id"], "state": "done"})
        await api.services.until_quiescent()
        assert await api.state(action["id"], "intercompany/web") == "posted"
        assert [row["state"] for row in (await api.get("/v1/actions"))["data"]] == ["done"]


async def test_what_broke_off_after_sending_goes_on_under_the_same_ids_and_happens_once() -> None:
    async with _api(four_eyes=False) as api, open_schemas(api.services.settings) as schemas:
        await api.send(*_documents())
        sent: list[Record] = []

        async def breaking_off(records: Sequence[Record]) -> None:
            await api.services.send(records)
            sent.extend(records)
            if len(sent) == 1:
                raise asyncio.CancelledError

        async def drafted(action: str) -> Draft:
            ordered = Ordered(action, SystemClock().now(), WHY["reason"])
            return await drafted_settlement_reversal(schemas, "payable", EventRef("/erp", "VPAY-7"), None, ordered)

        acting = Acting(schemas, breaking_off, SystemClock(), four_eyes=False)
        request = ActionRequest(Who("ann", (), "r"), WHY["reason"], "same", b"digest")
        with pytest.raises(asyncio.CancelledError):
            await acting.act(request, drafted)
        [begun] = (await api.get("/v1/actions"))["data"]
        assert (begun["state"], begun["outcome"]) == ("begun", None)
        await api.services.until_quiescent()
        again = await acting.act(request, drafted)
        await api.services.until_quiescent()
        assert (again.action.id, again.action.state.value) == (begun["id"], "done")
        assert [dict(record.headers)["ce_id"] for record in sent] == [begun["id"].encode()] * 2
        assert await api.state(begun["id"], "intercompany/web") == "posted"
        assert (await api.get("/v1/refusals"))["data"] == []
