"""A file over HTTP: all rows or none, the same file twice is a duplicate, only what a sender may send, and the audit has whose it was."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders.import_bodies import body_of
from tests.live.web.api import ALL, OF_FAB, api_on
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.embedded

RECEIPTS = ROOT / "tests/files/receipts.csv"


async def test_a_file_is_imported_whole_once_and_by_who_may() -> None:
    async with api_on("imports") as api:
        client, headers = api.client, api.headers[ALL.name]
        receipts = body_of("receipts.csv", "receipts.yaml")
        await tried(client, headers, receipts)
        await wrong_ones(client, headers)
        refused = await client.post("/v1/imports", json=receipts, headers=api.headers[OF_FAB.name])
        assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
        await sent_once(client, headers, receipts)


async def tried(client: httpx.AsyncClient, headers: dict[str, str], receipts: dict[str, Any]) -> None:
    """Nothing is sent that is only tried."""
    for _ in range(2):
        answer = await client.post("/v1/imports", json={**receipts, "dry_run": True}, headers=headers)
        assert (answer.status_code, answer.json()["sent"], answer.json()["counts"]) == (200, False, {"accepted": 3})
    statement = await client.post("/v1/imports", json=body_of("camt053_08.xml", "bank.yaml", dry_run=True), headers=headers)
    assert statement.json()["counts"] == {"accepted": 2, "left_out": 1, "wrong": 1}
    (wrong,) = (row for row in statement.json()["rows"] if row["state"] == "wrong")
    assert (wrong["place"], wrong["errors"][0]["column"]) == ("entry 2, transfer 2", "Dbtr")


async def wrong_ones(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """What is wrong is said at its place, and nothing is sent."""
    answer = await client.post("/v1/imports", json=body_of("camt053_08.xml", "bank.yaml"), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [error["message"] for error in answer.json()["errors"]] == [
        'entry 2, transfer 2, column Dbtr: "Nobody Ltd" is not among the parties of the mapping'
    ]
    for more, pointer in (
        ({"content": "?"}, "/content"),
        ({"content": base64.b64encode(b"\xff").decode()}, "/content"),
        ({"mapping": {"file": {}}}, "/mapping"),
    ):
        answer = await client.post("/v1/imports", json=body_of("receipts.csv", "receipts.yaml") | more, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def sent_once(client: httpx.AsyncClient, headers: dict[str, str], receipts: dict[str, Any]) -> None:
    """Sent, then a duplicate; an id that is taken by other data sends nothing; the audit has the file's digest."""
    first = await client.post("/v1/imports", json=receipts, headers=headers)
    assert (first.status_code, first.json()["counts"]) == (202, {"accepted": 3}), first.text
    event = await client.get("/v1/event", params={"source": "/bank/fab", "id": "BANK-1001", "wait": 30}, headers=headers)
    assert event.json()["state"] in {"posted", "waiting", "refused"}
    again = await client.post("/v1/imports", json=receipts, headers=headers)
    assert (again.status_code, again.json()["counts"]) == (202, {"duplicate": 3})
    text = RECEIPTS.read_text(encoding="utf-8").replace("588,00", "589,00")
    changed = {**receipts, "content": base64.b64encode(text.encode()).decode()}
    refused = await client.post("/v1/imports", json=changed, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["message"].startswith("row 2: ")
    actions = (await client.get("/v1/actions", headers=headers)).json()["data"]
    digest = hashlib.sha256(RECEIPTS.read_bytes()).hexdigest()
    assert [action["after"]["sha256"] for action in actions if (action["after"] or {}).get("file") == RECEIPTS.name] == [digest]
