"""What is asked for over HTTP: with a reason, a key that can be kept, and in nobody else's name."""

from __future__ import annotations

from typing import Any

import pytest

from services.web.access.roles import Actor, Role
from services.web.app import document
from shared.settings import HttpAuth, Settings
from tests.builders.web import NOW, Kept, MadeUp, app_of, asking, made_up_ports, of_role, with_tokens

ACTOR = Actor("ann", frozenset(Role))
NOT_WRITTEN_DOWN = {"/v1/events", "/v1/simulate"}
WRITING = [
    (method, path, operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
    if method != "get" and path not in NOT_WRITTEN_DOWN
]
ID = "00000000-0000-0000-0000-000000000001"
PLAN = '{"records": [], "replays": [], "discards": [], "states": {}}'


@pytest.mark.parametrize(("method", "path", "operation"), WRITING, ids=[path for _, path, _ in WRITING])
def test_whatever_writes_needs_a_reason_and_takes_a_key(method: str, path: str, operation: dict[str, Any]) -> None:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    body = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert "reason" in body["required"], (method, path)
    assert (body["properties"]["reason"]["minLength"], body["properties"]["reason"]["maxLength"]) == (3, 500)
    [key] = [each for each in operation["parameters"] if each["name"] == "Idempotency-Key"]
    assert not key["required"]
    assert "64" in str(key["schema"])


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/refusals/dismiss", {"ids": [ID], "reason": " x "}, "/reason"),
        ("/v1/refusals/dismiss", {"ids": [ID], "reason": "\u200b" * 5}, "/reason"),
        ("/v1/refusals/dismiss", {"ids": [ID], "reason": "paid \u202eecivni"}, "/reason"),
        ("/v1/refusals/dismiss", {"ids": [ID], "reason": "first\u0085second"}, "/reason"),
        ("/v1/refusals/dismiss", {"ids": [ID]}, "/reason"),
        ("/v1/refusals/dismiss", {"ids": [], "reason": "because"}, "/ids"),
        ("/v1/refusals/dismiss", {"ids": ["x"], "reason": "because"}, "/ids/0"),
        ("/v1/refusals/replay", {"ids": [ID] * 501, "reason": "because"}, "/ids"),
        ("/v1/refusals/replay", {"reason": "because"}, ""),
        ("/v1/refusals/replay", {"ids": [ID], "filter": {}, "reason": "because"}, ""),
        ("/v1/settlements/reverse", {"ledger": "payable", "reason": "because"}, ""),
        ("/v1/payments/reverse", {"ledger": "general", "company": "FAB", "document": "1", "reason": "because"}, "/ledger"),
    ],
)
async def test_what_is_missing_or_wrong_is_named_with_its_place(path: str, body: dict[str, Any], pointer: str) -> None:
    who, headers = with_tokens(ACTOR)
    async with asking(app_of(made_up_ports(), who)) as client:
        answer = await client.post(path, json=body, headers=headers["ann"])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_body_that_says_something_twice_is_not_read() -> None:
    who, headers = with_tokens(ACTOR)
    body = f'{{"ids": ["{ID}"], "reason": "because", "reason": "another"}}'.encode()
    async with asking(app_of(made_up_ports(), who)) as client:
        answer = await client.post("/v1/refusals/dismiss", content=body, headers={**headers["ann"], "content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize("key", ["x" * 65, "a b", ""])
async def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    who, headers = with_tokens(ACTOR)
    async with asking(app_of(made_up_ports(), who)) as client:
        body = {"ids": [ID], "reason": "because"}
        answer = await client.post("/v1/refusals/dismiss", json=body, headers={**headers["ann"], "idempotency-key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid")


@pytest.mark.parametrize("if_match", [None, "*", '"x"', "-1"])
async def test_an_entity_is_defined_over_a_version_that_is_named(if_match: str | None) -> None:
    who, headers = with_tokens(ACTOR)
    more = {} if if_match is None else {"if-match": if_match}
    body = {"type": "company.defined", "data": {"company": "FAB", "currency": "USD"}, "reason": "because"}
    async with asking(app_of(made_up_ports(), who)) as client:
        answer = await client.put("/v1/reference/entity", params={"key": "company/FAB"}, json=body, headers={**headers["ann"], **more})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid")


async def test_nobody_sends_for_the_source_of_the_api_itself() -> None:
    kept = Kept()
    who, headers = with_tokens(ACTOR)
    data = {"company": "FAB", "account": "4050", "document": "1", "date": "2026-03-12", "currency": "USD", "amount": "5.00"}
    event = {"specversion": "1.0", "id": ID, "source": "intercompany/web", "type": "intercompany.vendor-payment.posted.v1", "data": data}
    async with asking(app_of(made_up_ports(sender=kept), who)) as client:
        content = {"content-type": "application/cloudevents+json"}
        answer = await client.post("/v1/events", json=event, headers={**headers["ann"], **content})
    assert (answer.status_code, answer.json()["code"]) == (403, "source-not-allowed")
    assert kept.records == []


def test_four_eyes_are_the_default_wherever_people_prove_who_they_are() -> None:
    assert Settings(http_auth=HttpAuth.TOKENS).needs_four_eyes
    assert Settings(http_auth=HttpAuth.OIDC).needs_four_eyes
    assert not Settings(http_auth=HttpAuth.TOKENS, four_eyes=False).needs_four_eyes
    assert not Settings(four_eyes=True).needs_four_eyes


def proposal(companies: list[str] | None) -> dict[str, Any]:
    return {
        "id": ID, "at": NOW, "actor": "bob", "roles": ["operator"], "request_id": "r", "verb": "reverse-settlement", "target": "{}",
        "companies": companies, "reason": "because", "before": None, "after": None, "state": "proposed", "plan": PLAN, "decision": None,
        "outcome": None, "decided_again": "[]",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("companies", "status", "code"),
    [(["FABE"], 404, "not-found"), (None, 404, "not-found"), (["FAB", "FABE"], 403, "company-out-of-scope")],
)
@pytest.mark.parametrize("decision", ["approve", "decline"])
async def test_a_foreign_proposal_is_not_there_for_who_decides(companies: list[str] | None, status: int, code: str, decision: str) -> None:
    who, headers = with_tokens(of_role(Role.APPROVER, "FAB"))
    schemas = MadeUp({"from actions a": proposal(companies)})
    async with asking(app_of(made_up_ports(schemas=schemas), who)) as client:
        answer = await client.post(f"/v1/actions/{ID}/{decision}", json={"reason": "because"}, headers=headers["approver"])
        nothing = await client.post("/v1/payments/reverse", json={}, headers=headers["approver"])
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert nothing.status_code == 403
    assert "FABE" not in answer.text or companies == ["FAB", "FABE"]


@pytest.mark.parametrize(
    ("path", "role", "body"),
    [
        ("/v1/payments/reverse", Role.OPERATOR, {"ledger": "payable", "company": "FABE", "document": "1"}),
        ("/v1/settlements/reverse", Role.OPERATOR, {"ledger": "payable", "payment": {"company": "FABE", "document": "1"}}),
        ("/v1/journals/approve", Role.APPROVER, {"company": "FABE", "document": "1"}),
        ("/v1/refusals/replay", Role.OPERATOR, {"filter": {"company": "FABE"}}),
    ],
)
async def test_a_company_that_is_named_is_refused_whether_its_document_is_there_or_not(path: str, role: Role, body: dict[str, Any]) -> None:
    who, headers = with_tokens(of_role(role, "FAB"))
    async with asking(app_of(made_up_ports(), who)) as client:
        answer = await client.post(path, json={**body, "reason": "because"}, headers=headers[role.value])
    assert (answer.status_code, answer.json()["code"]) == (403, "company-out-of-scope")
