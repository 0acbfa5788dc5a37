"""The books over HTTP on a real broker and database: ic-4 as it was posted, page by page, as of a day, and as each reader sees it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from services.desk.schemas import Schemas
from services.local.backing_services import scenario_backing_services
from services.local.in_process import running_services
from services.scenarios.scenario_file import arrivals, load_scenario
from services.web.access.roles import Actor, Role
from services.web.app import create_app, document
from services.web.broker import BrokerEnds, BrokerSender
from services.web.cursors import Pages
from services.web.ports import WebPorts
from services.web.routes import ROUTERS
from tests.builders.web import asking, with_tokens
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

pytestmark = pytest.mark.embedded

MODELS = {route.path: route.response_model for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
ALL = Actor("all", frozenset(Role))
OF_FABE = Actor("of FABE", frozenset({Role.READER}), frozenset({"FABE"}))
OF_NOBODY = Actor("of nobody", frozenset({Role.READER}), frozenset({"NOBODY"}))
NO_PLACES: tuple[Any, ...] = ("x", "", 2**63 - 1, -(2**63), "infinity", "\x00", "2026-02-30", "9" * 40, True)
"""What is no date, no number, or no text of a column."""
TEXTS = {
    path: [each["name"] for each in methods["get"].get("parameters", ()) if "maxLength" in str(each["schema"])]
    for path, methods in document()["paths"].items()
    if "get" in methods
}
NEEDED = {"/v1/voucher/why": {"line": "1"}, "/v1/document": {"ledger": "payable"}}
LISTS = (
    *("/v1/companies", "/v1/parties", "/v1/vouchers", "/v1/documents", "/v1/balances", "/v1/lines", "/v1/settlements", "/v1/journals"),
    "/v1/reference",
)


class Api(NamedTuple):
    """The API, and the headers of each reader."""

    client: httpx.AsyncClient
    headers: dict[str, dict[str, str]]

    async def get(self, path: str, who: Actor = ALL, /, **parameters: Any) -> Any:
        """What is answered, which has to be as its model says: nothing less and nothing more."""
        answer = await self.client.get(path, params=parameters, headers=self.headers[who.name])
        assert answer.status_code == 200, (path, answer.text)
        said = answer.json()
        read = TypeAdapter(MODELS[path]).validate_python(said)
        assert read.model_dump(by_alias=True, exclude_unset=True) == said, path
        return said

    async def refused(self, path: str, who: Actor = ALL, /, **parameters: Any) -> tuple[int, str]:
        """The status and code of a problem."""
        answer = await self.client.get(path, params=parameters, headers=self.headers[who.name])
        return answer.status_code, answer.json()["code"]

    async def all(self, path: str, limit: int, **parameters: Any) -> list[Any]:
        """All rows of a list, in pages of so many."""
        page = await self.get(path, limit=limit, **parameters)
        rows = page["data"]
        while page["next"] is not None:
            page = await self.get(path, limit=limit, cursor=page["next"], **parameters)
            assert len(page["data"]) <= limit
            rows += page["data"]
        return list(rows)


@asynccontextmanager
async def _api(namespace: str, *, inquiry: bool = True) -> AsyncIterator[Api]:
    """What ic-4 posts, and the API on it."""
    async with scenario_backing_services(namespace) as settings, running_services(settings, inquiry=inquiry) as services:
        arriving = arrivals(load_scenario(IC_4))
        await services.send(each.record for each in arriving if each.reference)
        await services.until_quiescent()
        for each in arriving:
            if not each.reference:
                await services.send([each.record])
                await services.until_quiescent()
        if inquiry:
            await services.until_inquiry_has_read()
        sender, schemas, ends = BrokerSender(settings), Schemas(settings), BrokerEnds(settings)
        who, headers = with_tokens(ALL, OF_FABE, OF_NOBODY)
        try:
            async with asking(create_app(settings, WebPorts(settings, schemas, sender, ends=ends), who)) as client:
                yield Api(client, headers)
        finally:
            for each_port in (sender, schemas, ends):
                await each_port.close()


async def _as_of_a_day(api: Api) -> None:
    assert (await api.get("/v1/intercompany", as_of="2026-03-11"))["data"] == []
    cells = (await api.get("/v1/intercompany", as_of="2026-03-12"))["data"]
    assert [cell["due_from"] for cell in cells if (cell["company"], cell["partner"]) == ("FAB", "FABE")] == ["980.00"]
    assert all(cell["mirrored"] for cell in cells)
    before = (await api.get("/v1/documents", as_of="2026-03-11"))["data"]
    assert [(row["open"], row["state"]) for row in before if row["document"] == "VI-7"] == [("1000.00", "open")]
    after = (await api.get("/v1/documents", as_of="2026-03-12"))["data"]
    assert [(row["open"], row["state"]) for row in after if row["document"] == "VI-7"] == [("0.00", "closed")]
    aging = await api.get("/v1/aging", as_of="2026-03-11")
    assert sum(row["documents"] for row in aging["data"]) == len([row for row in before if row["state"] == "open"])
    assert (await api.get("/v1/aging", by="party"))["buckets"] == ["not_due", "1-30", "31-60", "61-90", "over_90"]


async def _pages(api: Api) -> None:
    for path in LISTS:
        more = {"as_of": "2026-12-31"} if path in {"/v1/documents", "/v1/lines", "/v1/balances"} else {}
        whole = (await api.get(path, limit=500, **more))["data"]
        assert await api.all(path, 2, **more) == whole, path
        assert (await api.get(path, limit=1, count="true", **more))["count"] == len(whole), path
        assert whole or path == "/v1/journals", path
    pair = {"company": "FAB", "partner": "FABE", "as_of": "2026-12-31"}
    rows = (await api.get("/v1/intercompany/pair", **pair))["data"]
    assert await api.all("/v1/intercompany/pair", 1, **pair) == rows != []
    assert (await api.get("/v1/intercompany/pair", limit=1, count="true", **pair))["count"] == len(rows)


async def _single_things(api: Api) -> None:
    vouchers = (await api.get("/v1/vouchers"))["data"]
    for row in vouchers:
        assert (await api.get("/v1/voucher", company=row["company"], voucher=row["voucher"]))["data"] == row
        for number in range(1, len(row["lines"]) + 1):
            why = (await api.get("/v1/voucher/why", company=row["company"], voucher=row["voucher"], line=number))["data"]
            assert why["is_explained"], why
    fed = await api.get("/v1/feed", limit=1000)
    assert {(row["company"], row["voucher"]) for row in fed["data"]} == {(row["company"], row["voucher"]) for row in vouchers}
    assert (await api.get("/v1/feed", after=fed["after"]))["data"] == []
    for row in (await api.get("/v1/documents", as_of="2026-12-31"))["data"]:
        keys = {name: row[name] for name in ("ledger", "company", "document")}
        one = (await api.get("/v1/document", as_of="2026-12-31", **keys))["data"]
        assert {name: one[name] for name in row} == row
    (record, *_) = (await api.get("/v1/settlements"))["data"]
    run = (await api.get("/v1/settlement", source=record["source"], id=record["settlement"]))["data"]
    assert record in run["records"]
    trace = (await api.get("/v1/trace", settlement=record["settlement"]))["data"]
    assert {node["kind"] for node in trace["nodes"]} >= {"event", "document", "settlement", "voucher"}
    assert {"kind": "document", "name": "VI-7"}.items() <= (await api.get("/v1/search", q="VI-7"))["data"][0].items()
    for row in (await api.get("/v1/reference", limit=500))["data"]:
        assert (await api.get("/v1/reference/entity", key=row["key"]))["data"]["versions"][-1] == row


async def _parameters_as_they_were(api: Api) -> None:
    """A parameter of the discount's place says which event set it."""
    found = [
        each
        for row in (await api.get("/v1/vouchers"))["data"]
        for number in range(1, len(row["lines"]) + 1)
        for each in (await api.get("/v1/voucher/why", company=row["company"], voucher=row["voucher"], line=number))["data"]["parameters"]
    ]
    assert found
    assert all((each["event"] is None) == (each["of"] == "default") for each in found), found


async def _scope(api: Api) -> None:
    vouchers = (await api.get("/v1/vouchers", OF_FABE))["data"]
    assert {row["company"] for row in vouchers} == {"FABE"}
    assert await api.refused("/v1/vouchers", OF_FABE, company="FAB") == (404, "not-found")
    sisters = [sister for row in vouchers for sister in row["sisters"]]
    assert sisters
    for sister in sisters:
        shown = (await api.get("/v1/voucher", OF_FABE, **sister))["data"]
        assert (shown["company"], shown["document"], shown["posted_at"]) == (sister["company"], None, None)
        assert {(line["partner"], line["account"]) for line in shown["lines"]} <= {("FABE", None)}
        assert await api.refused("/v1/voucher/why", OF_FABE, **sister, line=1) == (404, "not-found")
    for path, parameters in (
        ("/v1/voucher", sisters[0]),
        ("/v1/trace", {"document": "VI-7"}),
        ("/v1/document", {"ledger": "payable", "company": "FAB", "document": "VI-7"}),
        ("/v1/intercompany/pair", {"company": "FAB", "partner": "FABE"}),
    ):
        assert await api.refused(path, OF_NOBODY, **parameters) == (404, "not-found"), path
    for path in ("/v1/vouchers", "/v1/documents", "/v1/lines", "/v1/balances", "/v1/settlements", "/v1/companies", "/v1/intercompany"):
        assert (await api.get(path, OF_NOBODY))["data"] == [], path
    pair = (await api.get("/v1/intercompany/pair", OF_FABE, company="FABE", partner="FAB"))["data"]
    assert {(row["partner"]["document"], row["partner"]["accounting_due_from"]) for row in pair} == {(None, None)}


async def _made_up_places(api: Api) -> None:
    """A cursor with a seal that fits, and a place in it that is none of the list, makes no failure of ours."""
    for path in (*LISTS, "/v1/intercompany/pair"):
        filters = {"company": "FAB", "partner": "FABE"} if path == "/v1/intercompany/pair" else {}
        given = (await api.get(path, limit=1, **filters))["next"]
        if given is None:
            continue
        pages = Pages(path, filters)
        page = pages.page(given, 1)
        for number in range(len(page.after or ())):
            for part in NO_PLACES:
                key = [*(page.after or ())]
                key[number] = part
                cursor = pages.next(page, key)
                answer = await api.client.get(path, params={**filters, "cursor": cursor}, headers=api.headers[ALL.name])
                assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid"), (path, key)


async def _what_clients_send(api: Api) -> None:
    """No text, and no date at the end of time, makes a failure of ours."""
    for path, names in TEXTS.items():
        for text in ("'", "%_\\", "\u20ac\U0001f600", "x-99999999999999999999999", "9" * 512, "\ufffe", "-", " "):
            needed = NEEDED.get(path, {})
            given = dict.fromkeys(set(names) - {"cursor", "type"} - needed.keys(), text)
            for texts in (given, *({name: text} for name in given)):
                answer = await api.client.get(path, params={**needed, **texts}, headers=api.headers[ALL.name])
                assert answer.status_code in {200, 400, 404}, (path, texts, answer.text)
    for path in (*LISTS, "/v1/aging", "/v1/intercompany"):
        for as_of in ("0001-01-01", "9999-12-31"):
            if path in {"/v1/documents", "/v1/balances", "/v1/lines", "/v1/aging", "/v1/intercompany", "/v1/reference"}:
                await api.get(path, as_of=as_of)
    for name, value in (("min", "-1"), ("max", "9" * 28), ("document", "'"), ("party", "%_\\"), ("from", "9999-12-31")):
        await api.get("/v1/vouchers", **{name: value})


async def _read_to(api: Api) -> None:
    read_to = (await api.get("/v1/companies"))["read_to"]
    assert read_to["lag_seconds"] == 0.0
    assert set(read_to["behind"].values()) == {0}
    assert "intercompany.vouchers" in read_to["behind"]


async def test_the_books_of_ic_4_over_http() -> None:
    async with _api("reading") as api:
        checks = (_read_to, _as_of_a_day, _pages, _single_things, _parameters_as_they_were, _scope, _made_up_places, _what_clients_send)
        for check in checks:
            await check(api)


async def test_without_inquiry_everything_else_is_answered() -> None:
    async with _api("unread", inquiry=False) as api:
        assert await api.refused("/v1/documents") == (503, "inquiry-behind")
        assert await api.refused("/v1/voucher/why", company="FAB", voucher="AP-INV-000001", line=1) == (503, "inquiry-behind")
        await api.get("/v1/rules")
