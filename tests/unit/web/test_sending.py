"""`POST /v1/events`: what comes over HTTP is what `publish` sends, all of it or nothing, and 202 is the broker's word."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from services.web.access.roles import Actor, Role
from services.web.cloudevents import LARGEST_EVENT, MOST_EVENTS
from services.web.problems import Code, ProblemError
from shared.delivery.inbox import inbox_key
from shared.events.codec import decode
from shared.events.envelope import EventRef, Message, Record
from shared.settings import Senders, Settings
from tests.builders.web import Kept, MadeUp, app_of, asking, made_up_ports, with_tokens

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
DATA: Final = {
    "company": "FAB",
    "account": "V-1",
    "document": "VP-7",
    "date": "2026-03-12",
    "currency": "USD",
    "amount": "980.00",
    "offset": "1110",
}
PAYMENT: Final = {
    "specversion": "1.0",
    "id": "VPAY-7",
    "source": "/erp/fab",
    "type": "intercompany.vendor-payment.posted.v1",
    "time": "2026-03-12T09:00:00Z",
    "data": DATA,
}
TAKEN: Final = "select key, digest from inbox"


def changed(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**event, **more}


def with_data(**more: Any) -> dict[str, Any]:
    return {**PAYMENT, "data": {**DATA, **more}}


async def sent(sender: Kept, content: Any, media: str = STRUCTURED, schemas: MadeUp | None = None, **request: Any) -> Any:
    """The answer to a request in which this is sent."""
    headers = {"content-type": media, **request.pop("headers", {})}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    app = request.pop("app", None) or app_of(made_up_ports(schemas=schemas, sender=sender))
    async with asking(app) as client:
        return await client.post("/v1/events", content=body, headers=headers, **request)


def message(record: Record) -> Message:
    read = decode(record)
    assert isinstance(read, Message), read
    return read


def binary(event: dict[str, Any]) -> dict[str, str]:
    return {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}


async def test_the_three_ways_of_sending_make_the_same_record() -> None:
    ways: list[tuple[Any, str, dict[str, str]]] = [
        (PAYMENT, STRUCTURED, {}),
        (PAYMENT, f"{STRUCTURED}; charset=utf-8", {}),
        (PAYMENT, "application/json", {}),
        ([PAYMENT], BATCH, {}),
        (DATA, "application/json", binary(PAYMENT)),
    ]
    records: list[Record] = []
    for content, media, headers in ways:
        sender = Kept()
        answer = await sent(sender, content, media, headers=headers)
        assert answer.status_code == 202, answer.text
        assert answer.json() == [{"source": "/erp/fab", "id": "VPAY-7", "state": "accepted"}]
        records += sender.records
    assert {(record.topic, record.key) for record in records} == {("intercompany.payments", b"V-1")}
    assert {record.headers[0] for record in records} == {("content-type", b"application/json")}
    assert len({message(record).digest for record in records}) == 1
    assert [json.loads(record.value or b"") for record in records] == [DATA] * len(ways)


async def test_the_answer_says_where_to_ask_what_became_of_it() -> None:
    answer = await sent(Kept(), changed(PAYMENT, id="a/b?x#d €"))
    assert answer.headers["location"] == "/v1/event?source=%2Ferp%2Ffab&id=a%2Fb%3Fx%23d+%E2%82%AC"


async def test_attributes_in_headers_are_percent_encoded() -> None:
    sender = Kept()
    answer = await sent(sender, DATA, "application/json", headers={**binary(PAYMENT), "ce-id": "Zahlung%20%E2%82%AC%25"})
    assert answer.status_code == 202
    assert message(sender.records[0]).ref == EventRef("/erp/fab", "Zahlung €%")


async def test_the_trace_of_a_request_goes_on_in_the_event() -> None:
    context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    own = "00-11111111111111111111111111111111-2222222222222222-00"
    sender = Kept()
    await sent(sender, PAYMENT, headers={"traceparent": context})
    await sent(sender, changed(PAYMENT, traceparent=own), headers={"traceparent": context})
    await sent(sender, PAYMENT, headers={"traceparent": "nonsense"})
    assert [message(record).traceparent for record in sender.records] == [context, own, None]


async def test_what_only_this_systems_tools_say_is_left_off() -> None:
    sender = Kept()
    await sent(sender, changed(PAYMENT, replay=3, intercompanysender="other", mine="kept"))
    names = {name for name, _ in sender.records[0].headers}
    assert "ce_mine" in names
    assert not {"ce_replay", "ce_intercompanysender"} & names


@pytest.mark.parametrize(
    ("content", "media", "status", "code", "pointer"),
    [
        (with_data(amount=5), STRUCTURED, 422, "invalid", "/data/amount"),
        (with_data(curency="USD"), STRUCTURED, 422, "invalid", "/data/curency"),
        (changed(PAYMENT, type="intercompany.vendor-payment.v9"), STRUCTURED, 422, "unknown-type", "/type"),
        (changed(PAYMENT, type="intercompany.voucher.posted.v1"), STRUCTURED, 422, "unknown-type", "/type"),
        (changed(PAYMENT, id=""), STRUCTURED, 400, "malformed", "/id"),
        (changed(PAYMENT, specversion="0.3"), STRUCTURED, 400, "malformed", "/specversion"),
        (changed(PAYMENT, source=False), STRUCTURED, 400, "malformed", "/source"),
        (changed(PAYMENT, id=7), STRUCTURED, 400, "malformed", "/id"),
        (changed(PAYMENT, source="intercompany/posting"), STRUCTURED, 422, "invalid", "/source"),
        (b"{", STRUCTURED, 400, "malformed", ""),
        (b"[]", STRUCTURED, 400, "malformed", ""),
        (b'{"id":1,"id":2}', STRUCTURED, 400, "malformed", ""),
        (b"\xff\xfe", STRUCTURED, 400, "malformed", ""),
        (b"[" * 100_000, STRUCTURED, 400, "malformed", ""),
    ],
)
async def test_an_event_that_the_services_would_refuse_is_refused_here(
    content: Any, media: str, status: int, code: str, pointer: str
) -> None:
    sender = Kept()
    answer = await sent(sender, content, media)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(pointer, code)]
    assert problem["detail"] == problem["errors"][0]["message"]
    assert sender.records == []


async def test_all_that_is_wrong_is_named_with_its_place_in_the_body() -> None:
    wrong = with_data(amount=5, curency="USD", date="yesterday")
    del wrong["data"]["offset"]
    in_data = ["/data/date", "/data/amount", "/data/curency"]
    alone = (await sent(Kept(), wrong)).json()
    assert [fault["pointer"] for fault in alone["errors"]] == in_data
    assert alone["detail"] == alone["errors"][0]["message"]
    batch = (await sent(Kept(), [PAYMENT, changed(wrong, id="b")], BATCH)).json()
    assert [(fault["pointer"], fault["index"]) for fault in batch["errors"]] == [(f"/1{pointer}", 1) for pointer in in_data]
    assert "1 of 2" in batch["detail"]
    of_headers = (await sent(Kept(), wrong["data"], "application/json", headers=binary(wrong))).json()
    assert [fault["pointer"] for fault in of_headers["errors"]] == [pointer.removeprefix("/data") for pointer in in_data]
    no_names = (await sent(Kept(), {"specversion": "1.0", "data": DATA})).json()
    assert [fault["pointer"] for fault in no_names["errors"]] == ["/source", "/id", "/type"]
    header = (await sent(Kept(), DATA, "application/json", headers={**binary(PAYMENT), "ce-source": "intercompany/posting"})).json()
    assert [fault["pointer"] for fault in header["errors"]] == ["/ce-source"]


async def test_of_a_conflict_is_said_in_the_readers_language() -> None:
    answer = await sent(Kept(), with_data(amount="981.00"), schemas=inbox(PAYMENT), headers={"accept-language": "de"})
    assert answer.status_code == 409
    assert "gehört schon" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        (PAYMENT, "text/plain", 415, "unsupported-media-type"),
        (PAYMENT, "application/xml", 415, "unsupported-media-type"),
        (PAYMENT, "", 415, "unsupported-media-type"),
        ({"not": "a list"}, BATCH, 400, "malformed"),
        (b"[", BATCH, 400, "malformed"),
        (b"", STRUCTURED, 400, "malformed"),
        (b"", "application/json", 400, "malformed"),
        ([1] * (MOST_EVENTS + 1), BATCH, 413, "too-large"),
        ([with_data(text="x" * LARGEST_EVENT)], BATCH, 413, "too-large"),
    ],
)
async def test_what_is_no_request_of_events_is_said_as_such(content: Any, media: str, status: int, code: str) -> None:
    sender = Kept()
    answer = await sent(sender, content, media)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert sender.records == []


async def test_of_a_batch_all_are_sent_or_none() -> None:
    batch = [PAYMENT, changed(with_data(amount="nine"), id="b"), changed(PAYMENT, id="c"), "no event"]
    sender = Kept()
    answer = await sent(sender, batch, BATCH)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [(fault["index"], fault["code"]) for fault in answer.json()["errors"]] == [(1, "invalid"), (3, "malformed")]
    assert sender.records == []
    answer = await sent(sender, batch, BATCH, params={"partial": "true"})
    assert answer.status_code == 202
    assert [each["state"] for each in answer.json()] == ["accepted", "refused", "accepted", "refused"]
    assert [fault["pointer"] for fault in answer.json()[1]["errors"]] == ["/1/data/amount"]
    assert [message(record).ref.id for record in sender.records] == ["VPAY-7", "c"]
    assert "location" not in answer.headers
    only_wrong = await sent(sender, batch[1:2], BATCH, params={"partial": "true"})
    assert only_wrong.status_code == 422


async def test_events_are_sent_in_the_order_of_the_batch_and_reference_data_tells_the_key_of_what_follows() -> None:
    party = {"party": "4050", "name": "Vendor", "vendors": {"FAB": "V-1"}}
    batch = [changed(PAYMENT, id="p", type="intercompany.party.defined.v1", data=party), PAYMENT]
    sender = Kept()
    answer = await sent(sender, batch, BATCH)
    assert answer.status_code == 202, answer.text
    assert [(record.topic, record.key) for record in sender.records] == [
        ("intercompany.reference", b"party/4050"),
        ("intercompany.payments", b"4050"),
    ]


# Again


def inbox(event: dict[str, Any]) -> MadeUp:
    """An inbox in which this event's id is taken with its data."""
    return MadeUp({TAKEN: [{"key": UUID(inbox_key(EventRef(event["source"], event["id"]))), "digest": digest_of(event)}]})


def digest_of(event: dict[str, Any]) -> bytes:
    headers = tuple((f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data")
    return message(Record("intercompany.payments", b"", json.dumps(event["data"]).encode(), headers)).digest


async def test_what_was_taken_is_a_duplicate_and_sent_nowhere() -> None:
    sender = Kept()
    answer = await sent(sender, with_data(amount="980.0"), schemas=inbox(PAYMENT))
    assert (answer.status_code, answer.json()[0]["state"]) == (202, "duplicate")
    assert sender.records == []


async def test_an_id_that_is_taken_by_other_data_is_a_conflict() -> None:
    sender = Kept()
    answer = await sent(sender, with_data(amount="981.00"), schemas=inbox(PAYMENT))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflicting-duplicate")
    assert sender.records == []
    twice = await sent(sender, [PAYMENT, with_data(amount="981.00")], BATCH)
    assert (twice.status_code, twice.json()["errors"][0]["index"]) == (409, 1)
    same = await sent(sender, [PAYMENT, PAYMENT], BATCH)
    assert [each["state"] for each in same.json()] == ["accepted", "duplicate"]
    assert len(sender.records) == 1


async def test_what_the_services_have_not_read_yet_is_a_duplicate_too_but_is_sent_for_it_may_have_been_refused() -> None:
    sender = Kept()
    app = app_of(made_up_ports(sender=sender))
    states = [(await sent(sender, content, app=app)).json()[0]["state"] for content in (PAYMENT, PAYMENT, with_data(amount="981.00"))]
    assert states == ["accepted", "duplicate", "accepted"]
    assert len(sender.records) == 3


# The broker


async def test_while_the_broker_is_away_nothing_is_kept_here() -> None:
    sender = Kept(failure=ProblemError(Code.BROKER_AWAY, "broker"))
    app = app_of(made_up_ports(sender=sender))
    answer = await sent(sender, PAYMENT, app=app)
    assert (answer.status_code, answer.json()["code"]) == (503, "broker-away")
    assert int(answer.headers["retry-after"]) > 0
    sender.failure = None
    assert (await sent(sender, PAYMENT, app=app)).json()[0]["state"] == "accepted"


async def test_while_the_database_is_away_nothing_is_sent() -> None:
    sender = Kept()
    answer = await sent(sender, PAYMENT, schemas=MadeUp(failure=ConnectionRefusedError()))
    assert (answer.status_code, answer.json()["code"]) == (503, "database-away")
    assert sender.records == []


# Who may

SENDER: Final = Actor("erp-fab", frozenset({Role.SENDER}), frozenset({"FAB"}), ("/erp/fab",))
TAKEN_OVER: Final = {"company": "FAB", "voucher": "AR-SET-000012", "erp_number": "1"}
NOT_TAKEN_OVER: Final = {"company": "X", "voucher": "AR-SET-000012", "message": "closed"}


@pytest.mark.parametrize(
    ("event", "actor", "code"),
    [
        (PAYMENT, SENDER, None),
        (with_data(settle=[{"company": "FABE", "document": "VI-7"}]), SENDER, None),
        (with_data(company="FABE"), SENDER, "company-out-of-scope"),
        (changed(PAYMENT, source="/erp/other"), SENDER, "source-not-allowed"),
        (
            changed(
                PAYMENT,
                type="intercompany.settlement.requested.v1",
                data={"ledger": "payable", "settle": [{"company": "FABE", "document": "x"}]},
            ),
            SENDER,
            "company-out-of-scope",
        ),
        (
            changed(
                PAYMENT,
                type="intercompany.settlement-reversal.requested.v1",
                data={"ledger": "payable", "settlement": "x", "settlement_source": "/erp/other"},
            ),
            SENDER,
            "source-not-allowed",
        ),
        (
            changed(PAYMENT, type="intercompany.period.closed.v1", data={"company": "FAB", "from": "2026-01-01", "to": "2026-01-31"}),
            SENDER,
            "not-allowed",
        ),
        (
            changed(PAYMENT, type="intercompany.journal-approval.requested.v1", data={"company": "FAB", "journal": "J", "document": "D"}),
            SENDER,
            "not-allowed",
        ),
        (
            changed(PAYMENT, type="intercompany.voucher.imported.v1", data=TAKEN_OVER),
            SENDER,
            None,
        ),
        (
            changed(PAYMENT, type="intercompany.voucher.import-failed.v1", data=NOT_TAKEN_OVER),
            SENDER,
            "company-out-of-scope",
        ),
        (
            changed(PAYMENT, type="intercompany.party.defined.v1", data={"party": "4050", "name": "x"}),
            replace(SENDER, roles=frozenset({Role.SENDER, Role.MASTER})),
            "company-out-of-scope",
        ),
    ],
)
async def test_a_sender_sends_what_its_roles_sources_and_companies_allow(event: dict[str, Any], actor: Actor, code: str | None) -> None:
    sender = Kept()
    who, headers = with_tokens(actor)
    app = app_of(made_up_ports(sender=sender), who)
    answer = await sent(sender, event, app=app, headers=headers[actor.name])
    if code is None:
        assert answer.status_code == 202, answer.text
        assert len(sender.records) == 1
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, code), answer.text
        assert sender.records == []


async def test_with_senders_enforced_an_event_goes_to_its_senders_own_topic() -> None:
    sender = Kept()
    who, headers = with_tokens(SENDER, replace(SENDER, name="not a sender"))
    app = app_of(made_up_ports(Settings(senders=Senders.ENFORCED), sender=sender), who)
    assert (await sent(sender, PAYMENT, app=app, headers=headers["erp-fab"])).status_code == 202
    assert sender.records[0].topic == "intercompany.payments.erp-fab"
    refused = await sent(sender, PAYMENT, app=app, headers=headers["not a sender"])
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
