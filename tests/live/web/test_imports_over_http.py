"""A file over HTTP: all rows or none, the same file twice is a duplicate, only what a sender may send, and the audit has whose it was."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from services.command_line.commands.importing import _File, _import
from services.desk.actions.people import local_user
from services.desk.schemas import open_schemas
from services.scenarios.yaml_files import read_yaml
from services.web.book_models import One
from services.web.routes.imported import WholeImportModel
from tests.builders.import_bodies import FILES, body_of
from tests.live.web.api import ALL, OF_FAB, OF_NOBODY, Api, api_on
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
    keyed = {**headers, "Idempotency-Key": "receipts-of-20-february"}
    first = await client.post("/v1/imports", json=receipts, headers=keyed)
    assert (first.status_code, first.json()["counts"]) == (202, {"accepted": 3}), first.text
    event = await client.get("/v1/event", params={"source": "/bank/fab", "id": "BANK-1001", "wait": 30}, headers=headers)
    assert event.json()["state"] in {"posted", "waiting", "refused"}
    again = await client.post("/v1/imports", json=receipts, headers=headers)
    assert (again.status_code, again.json()["counts"]) == (202, {"duplicate": 3})
    replayed = await client.post("/v1/imports", json=receipts, headers=keyed)
    assert (replayed.json(), replayed.headers["idempotent-replayed"]) == (first.json(), "true")
    text = RECEIPTS.read_text(encoding="utf-8").replace("588,00", "589,00")
    changed = {**receipts, "content": base64.b64encode(text.encode()).decode()}
    refused = await client.post("/v1/imports", json=changed, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["message"].startswith("row 2: ")
    actions = (await client.get("/v1/actions", headers=headers)).json()["data"]
    (action,) = (each for each in actions if (each["after"] or {}).get("file") == RECEIPTS.name)
    assert action["after"]["sha256"] == hashlib.sha256(RECEIPTS.read_bytes()).hexdigest()
    assert (action["id"], action["target"]["file"], action["target"]["number"]) == (first.json()["id"], RECEIPTS.name, 3)
    assert first.json()["earlier"] is None
    assert (again.json()["id"], again.json()["earlier"]["id"]) == (None, first.json()["id"])


async def test_a_file_is_kept_as_it_came_for_who_may_see_all_of_it() -> None:
    async with api_on("kept") as api:
        ids = await imported(api)
        listed = await api.get("/v1/imports")
        assert [(each["id"], each["name"], each["counts"]) for each in listed["data"]] == [
            (ids[1], "camt053_08.xml", {"accepted": 2, "left_out": 1, "wrong": 1}),
            (ids[0], "receipts.csv", {"accepted": 3}),
        ]
        assert [each["id"] for each in await api.all("/v1/imports", limit=1)] == [ids[1], ids[0]]
        digest = hashlib.sha256(RECEIPTS.read_bytes()).hexdigest()
        assert [each["id"] for each in (await api.get("/v1/imports", sha256=digest.upper()))["data"]] == [ids[0]]
        assert (await api.get("/v1/imports", by="nobody"))["data"] == []
        await whole_one(api, ids[0])
        await of_some_companies(api, ids)
        await by_the_command(api)


async def by_the_command(api: Api) -> None:
    """The command keeps the file too, as this machine's user; what it only tries it does not keep."""
    content = RECEIPTS.read_bytes().replace(b"BANK-", b"BY-COMMAND-")
    file = _File(Path("command.csv"), content, read_yaml(FILES / "receipts.yaml"), FILES / "receipts.yaml", None)
    async with open_schemas(api.services.settings) as schemas:
        for dry_run in (True, False):
            done = await _import(schemas, file, "receipts of a month", dry_run=dry_run, partial=False)
            assert (len(done.rows), done.is_sent) == (3, not dry_run)
    first, *_ = (await api.get("/v1/imports"))["data"]
    assert (first["actor"], first["name"], first["reason"]) == (local_user(), "command.csv", "receipts of a month")
    assert (first["counts"], first["state"], first["companies"]) == ({"accepted": 3}, "done", ["FAB"])
    kept = await api.client.get(f"/v1/imports/{first['id']}/file", headers=api.headers[OF_FAB.name])
    assert kept.content == content


async def imported(api: Api) -> list[str]:
    """Two files, of the second of which one row is wrong."""
    ids = []
    for body in (body_of("receipts.csv", "receipts.yaml"), body_of("camt053_08.xml", "bank.yaml", partial=True)):
        answer = await api.client.post("/v1/imports", json=body, headers=api.headers[ALL.name])
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["id"])
    return ids


async def whole_one(api: Api, id_: str) -> None:
    """One file with its rows, what became of each by now, and byte by byte."""
    await api.client.get("/v1/event", params={"source": "/bank/fab", "id": "BANK-1003", "wait": 30}, headers=api.headers[ALL.name])
    answer = await api.client.get(f"/v1/imports/{id_}", headers=api.headers[ALL.name])
    row = One[WholeImportModel].model_validate(answer.json()).data
    assert (row.actor, row.size, row.companies) == (ALL.name, RECEIPTS.stat().st_size, ["FAB"])
    assert (row.mapping or {})["source"] == "/bank/fab"
    assert [(each.place, each.id, each.document) for each in row.rows or ()][:2] == [
        ("row 2", "BANK-1001", "BANK-1001"),
        ("row 3", "BANK-1002", "BANK-1002"),
    ]
    assert {each.became for each in row.rows or ()} <= {"posted", "waiting", "refused"}
    file = await api.client.get(f"/v1/imports/{id_}/file", headers=api.headers[ALL.name])
    assert file.content == RECEIPTS.read_bytes()
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''receipts.csv"
    assert file.headers["x-content-type-options"] == "nosniff"


async def of_some_companies(api: Api, ids: list[str]) -> None:
    """Whoever sees the companies of a file's rows sees the file; where a row is wrong it may be about any: its heading alone is shown."""
    assert [each["id"] for each in (await api.get("/v1/imports", OF_FAB))["data"]] == [ids[1], ids[0]]
    assert (await api.get("/v1/imports", OF_NOBODY))["data"] == []
    for who, id_, status in ((OF_FAB, ids[0], 200), (OF_FAB, ids[1], 404), (OF_NOBODY, ids[0], 404), (ALL, str(UUID(int=1)), 404)):
        file = await api.client.get(f"/v1/imports/{id_}/file", headers=api.headers[who.name])
        assert file.status_code == status, (who.name, file.text)
    hidden = await api.client.get(f"/v1/imports/{ids[1]}", headers=api.headers[OF_FAB.name])
    assert (hidden.json()["data"]["rows"], hidden.json()["data"]["mapping"]) == (None, None)
