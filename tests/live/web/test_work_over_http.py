"""What is still to be done, over HTTP on a real broker and database: what waits, was refused, is reserved, and how the services stand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.live.web.api import ALL, OF_FAB, OF_FABE, OF_NOBODY, Api, api_on, made_up_places

pytestmark = pytest.mark.embedded

SOURCE = "/erp/work"
INVOICE: dict[str, Any] = {"company": "FAB", "account": "IC-WEST", "date": "2026-03-10", "due_date": "2026-04-09", "currency": "USD"}


def event(id_: str, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": SOURCE,
        "type": f"intercompany.{kind}.v1",
        "data": {**INVOICE, "document": id_, **data},
    }


MARK = {"company": "FABE", "document": "VI-93"}
EVENTS = (
    event("VI-90", "vendor-invoice.posted", account="9999", amount="1000.00"),
    event("VI-91", "vendor-invoice.posted", account="9999", amount="240.00"),
    event("VI-93", "vendor-invoice.posted", company="FABE", amount="50.00"),
    event("VI-95", "vendor-invoice.posted", amount="6.00", lines=[{"account": "expense", "amount": "5.00"}]),
    event("VP-92", "vendor-payment.posted", amount="50.00", settle=[MARK, {"company": "FABE", "document": "VI-404"}]),
    event("VP-94", "vendor-payment.posted", amount="1.00", settle=[{"company": "FABE", "document": "VI-7"}]),
)
for _payment in EVENTS[-2:]:
    _payment["data"].pop("due_date")


async def _sent(api: Api) -> None:
    headers = {**api.headers[ALL.name], "content-type": "application/cloudevents+json"}
    for each in EVENTS:
        answer = await api.client.post("/v1/events", json=each, headers=headers)
        assert answer.status_code == 202, answer.text
        await api.services.until_quiescent()


async def _states(api: Api, *, inquiry: bool) -> None:
    states = {}
    for id_ in ("VI-90", "VI-93", "VI-95", "VP-92", "nothing"):
        said = await api.get("/v1/event", source=SOURCE, id=id_, wait=10)
        states[id_] = said["state"]
        assert (said["received_at"] is not None) == (id_ != "nothing" and (inquiry or id_ != "VI-93")), said
    assert states == {"VI-90": "waiting", "VI-93": "posted", "VI-95": "refused", "VP-92": "waiting", "nothing": "unknown"}
    assert (await api.get("/v1/event", OF_FABE, source=SOURCE, id="VI-90"))["state"] == "unknown"


async def _waiting(api: Api) -> None:
    rows = (await api.get("/v1/waiting"))["data"]
    assert [(row["event"]["id"], row["for"], row["company"], row["amount"]) for row in rows] == [
        ("VI-90", "account", "FAB", "1000.00"),
        ("VI-91", "account", "FAB", "240.00"),
        ("VP-92", "document", "FAB", "50.00"),
    ]
    assert rows[2]["type"] == "vendor-payment.posted"
    assert rows[2]["party"] == {"id": "WEST", "name": "Fabrikam West"}
    assert [row["event"]["id"] for row in await api.all("/v1/waiting", 1)] == [row["event"]["id"] for row in rows]
    assert (await api.get("/v1/waiting", limit=1, count="true"))["count"] == 3
    groups = (await api.get("/v1/waiting", group_by="missing"))["data"]
    assert groups[0]["sentence"].startswith("account 9999 in FAB: 2 events, 1,240.00 USD, oldest ")
    assert len(await api.all("/v1/waiting", 1, group_by="missing")) == 2
    assert [row["event"]["id"] for row in (await api.get("/v1/waiting", OF_FABE))["data"]] == ["VP-92"]
    assert (await api.get("/v1/waiting", OF_NOBODY))["data"] == []
    assert (await api.get("/v1/waiting", older_than="1h"))["data"] == []


async def _refusals(api: Api) -> None:
    rows = (await api.get("/v1/refusals"))["data"]
    found = [(row["event"]["id"], row["scope"], row["code"], row["state"], row["document"]) for row in rows]
    assert found == [
        ("VP-94", "settlement", "document-closed", "open", "VP-94"),
        ("VI-95", "event", "amounts-disagree", "open", "VI-95"),
    ]
    assert [row["id"] for row in await api.all("/v1/refusals", 1)] == [row["id"] for row in rows]
    assert {row["type"] for row in rows} == {"vendor-payment.posted", "vendor-invoice.posted"}
    assert [row["event"]["id"] for row in (await api.get("/v1/refusals", scope="event", code="amounts-disagree"))["data"]] == ["VI-95"]
    assert [row["event"]["id"] for row in (await api.get("/v1/refusals", OF_FABE))["data"]] == ["VP-94"]
    messages = {}
    for who in (ALL, OF_FABE, OF_FAB):
        (listed,) = [row["message"] for row in (await api.get("/v1/refusals", who))["data"] if row["event"]["id"] == "VP-94"]
        told = [each["message"] for each in (await api.get("/v1/event", who, source=SOURCE, id="VP-94"))["refusals"]]
        assert told == [listed] or who is OF_FABE
        messages[who.name] = listed
    assert messages[ALL.name] == messages[OF_FABE.name] == "FABE VI-7 has nothing left open"
    assert "VI-7" not in messages[OF_FAB.name]
    assert (await api.get("/v1/refusals", state="dismissed"))["data"] == []
    sentences = [group["sentence"] for group in (await api.get("/v1/refusals", group_by="missing"))["data"]]
    assert [text.partition(", oldest")[0] for text in sentences] == [
        "amounts-disagree in FAB: 1 event, 6.00 USD",
        "document-closed in FAB: 1 event, 1.00 USD",
    ]


async def _traced(api: Api) -> None:
    """A trace says of a refusal what the list says of it, to each reader."""
    for who in (ALL, OF_FAB):
        (listed,) = [row["message"] for row in (await api.get("/v1/refusals", who))["data"] if row["event"]["id"] == "VP-94"]
        nodes = (await api.get("/v1/trace", who, event="VP-94"))["data"]["nodes"]
        assert [refusal["message"] for node in nodes if node["id"].endswith("VP-94") for refusal in node.get("refusals", ())] == [listed]


async def _reserved(api: Api) -> None:
    one = (await api.get("/v1/document", ledger="payable", company="FABE", document="VI-93"))["data"]
    assert (one["reserved_by"]["what"], one["reserved_by"]["event"]["id"]) == ("run", "VP-92")
    assert [(wait["event"]["id"], wait["for"], wait["key"]["document"]) for wait in one["waits"]] == [("VP-92", "document", "VI-404")]
    listed = {row["document"]: row for row in (await api.get("/v1/documents", as_of="2026-12-31"))["data"]}
    assert listed["VI-93"]["reserved_by"] == one["reserved_by"]
    assert listed["VP-92"]["reserved_by"]["event"]["id"] == "VP-92"
    assert (listed["VI-7"]["reserved_by"], listed["VI-7"]["waits"]) == (None, [])


async def _ready(api: Api) -> None:
    pair = {"owner": "FABE", "ledger": "payable", "party": "WEST", "currency": "USD", "date": "2026-03-12"}
    said = (await api.get("/v1/readiness/pair", payer="FAB", **pair))["data"]
    assert said["ready"], said
    assert {need["for"] for need in said["needs"]} >= {"trading-relation", "payment-journal", "period"}
    assert not (await api.get("/v1/readiness/pair", payer="NOBODY", **pair))["data"]["ready"]


async def _stand(api: Api, *, inquiry: bool) -> None:
    rows = {row["service"]: row for row in (await api.get("/v1/flow"))["data"]}
    assert list(rows) == ["payment", "settlement", "posting", *(["inquiry"] if inquiry else [])]
    assert (rows["settlement"]["waiting"], rows["settlement"]["refused"], rows["settlement"]["outbox"]) == (3, 2, 0)
    assert {row["lag"] for row in rows.values()} == {0}
    answer = await api.client.get("/v1/flow/stream", params={"messages": 2}, headers=api.headers[ALL.name])
    assert answer.text.count("event: flow") == 2
    assert (await api.get("/v1/checks", begin="false"))["data"]["at"] is None
    checks = (await api.get("/v1/checks"))["data"]
    assert (await api.get("/v1/checks", begin="false"))["data"] == checks
    assert checks["holds"], [check for check in checks["checks"] if not check["holds"]]
    assert any(check["check"].startswith("inquiry: ") for check in checks["checks"]) == inquiry


async def test_what_was_posted_in_the_last_hour_is_said_by_the_minute() -> None:
    async with api_on("minutes") as api:
        minutes = (await api.get("/v1/flow/minutes"))["data"]
        assert len(minutes) == 60
        posted = await api.all("/v1/vouchers", 500)
        assert sum(each["vouchers"] for each in minutes) == len(posted)
        assert sum(each["payments"] for each in minutes) == len([each for each in posted if each["kind"] == "payment"]) > 0
        assert sum(each["vouchers"] for each in minutes[-3:]) == len(posted)
        said = await api.get("/v1/flow/minutes")
        times = [each["posted_at"] for each in said["latest"]]
        assert times == sorted((each["posted_at"] for each in posted), reverse=True)[:8]
        of = {(each["company"], each["voucher"]): each for each in posted}
        for each in said["latest"]:
            lines = of[each["company"], each["voucher"]]["lines"]
            assert each["amount"] == str(sum(Decimal(line["accounting_debit"]) for line in lines))
        of_one = (await api.get("/v1/flow/minutes", company="FABE"))["data"]
        assert sum(each["vouchers"] for each in of_one) == len([each for each in posted if each["company"] == "FABE"])
        assert await api.refused("/v1/flow/minutes", OF_FABE, company="FAB") == (404, "not-found")


async def test_what_is_still_to_be_done_of_a_group() -> None:
    async with api_on("work") as api:
        await _sent(api)
        await api.services.until_inquiry_has_read()
        await _states(api, inquiry=True)
        for check in (_waiting, _refusals, _reserved, _ready):
            await check(api)
        await _traced(api)
        await _stand(api, inquiry=True)
        for path, filters in (("/v1/waiting", {}), ("/v1/refusals", {}), ("/v1/waiting", {"group_by": "missing"})):
            await made_up_places(api, path, **filters)


async def test_without_inquiry_work_lists_and_states_are_answered_all_the_same() -> None:
    async with api_on("unprojected", inquiry=False) as api:
        await _sent(api)
        await _states(api, inquiry=False)
        for check in (_waiting, _refusals, _ready):
            await check(api)
        await _stand(api, inquiry=False)
