"""The books over HTTP on a real broker and database: ic-4 as it was posted, page by page, as of a day, and as each reader sees it."""

from __future__ import annotations

import pytest

from services.web.app import document
from tests.live.web.api import ALL, OF_FABE, OF_NOBODY, Api, api_on, made_up_places

pytestmark = pytest.mark.embedded

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
    assert (await api.get("/v1/aging", by="party"))["buckets"] == ["not_due", "1-30", "31-60", "61-90", "over_90", "unapplied"]


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


async def _imported(api: Api) -> None:
    """What FABE's own system says of its oldest voucher, sent by it over HTTP, shows at that voucher and in its list."""
    (oldest, *others) = (await api.get("/v1/vouchers", company="FABE", imported="no", sort="date"))["data"]
    assert (await api.get("/v1/vouchers", imported="yes"))["data"] == []
    data = {"company": "FABE", "voucher": oldest["voucher"], "erp_number": "GJ-1"}
    event = {"specversion": "1.0", "id": "T1", "source": "/erp/fabe", "type": "intercompany.voucher.imported.v1", "data": data}
    kind = {"content-type": "application/cloudevents+json"}
    answer = await api.client.post("/v1/events", json=event, headers={**api.headers[ALL.name], **kind})
    assert answer.status_code == 202, answer.text
    await api.services.until_quiescent()
    await api.services.until_inquiry_has_read()
    (shown,) = (await api.get("/v1/vouchers", imported="yes"))["data"]
    assert {**shown, "imported": None} == oldest
    assert (shown["imported"]["state"], shown["imported"]["erp_number"]) == ("imported", "GJ-1")
    assert shown["imported"]["said_by"] == {"source": "/erp/fabe", "id": "T1"}
    assert (await api.get("/v1/vouchers", company="FABE", imported="no", sort="date"))["data"] == others
    assert await api.refused("/v1/vouchers", imported="perhaps") == (400, "parameter-invalid")
    assert (await api.get("/v1/event", source="/erp/fabe", id="T1"))["state"] == "posted"


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
    run = (await api.get("/v1/settlement", **record["settlement"]))["data"]
    assert record in run["records"]
    trace = (await api.get("/v1/trace", settlement=record["settlement"]["id"]))["data"]
    assert {node["kind"] for node in trace["nodes"]} >= {"event", "document", "settlement", "voucher"}
    assert {"kind": "document", "name": "VI-7"}.items() <= (await api.get("/v1/search", q="VI-7"))["data"][0].items()
    for row in (await api.get("/v1/reference", limit=500))["data"]:
        assert (await api.get("/v1/reference/entity", key=row["key"]))["data"]["versions"][-1] == row


async def _what_there_is_is_named(api: Api) -> None:
    """Lines have the numbers by which they are asked for; what is not there is told from what is, within the scope."""
    (row, *_) = (await api.get("/v1/vouchers"))["data"]
    name = {"company": row["company"], "voucher": row["voucher"]}
    assert [line["line"] for line in row["lines"]] == list(range(1, len(row["lines"]) + 1))
    headers = api.headers[ALL.name]
    for status, asked in ((400, name), (404, {**name, "line": "99"})):
        answer = await api.client.get("/v1/voucher/why", params=asked, headers=headers)
        assert answer.status_code == status
        for line in row["lines"]:
            assert f"{line['line']} ({line['posting_type']} {line['account']})" in answer.json()["detail"]
    for path in (
        "/v1/vouchers",
        "/v1/documents",
        "/v1/aging",
        "/v1/balances",
        "/v1/intercompany",
        "/v1/feed",
        "/v1/waiting",
        "/v1/actions",
    ):
        unknown = await api.client.get(path, params={"company": "FABX"}, headers=headers)
        assert (unknown.status_code, unknown.json()["code"]) == (400, "parameter-invalid"), path
        assert "did you mean FAB" in unknown.json()["detail"], path
        hidden = await api.client.get(path, params={"company": "FABX"}, headers=api.headers[OF_FABE.name])
        assert (hidden.status_code, hidden.json()["code"]) == (404, "not-found"), path
    of_type = [
        (await api.get("/v1/reference", type=name))["data"] for name in ("company", "company.defined", "intercompany.company.defined.v1")
    ]
    assert of_type[0] == of_type[1] == of_type[2] != []
    assert (await api.refused("/v1/reference", type="companies")) == (400, "parameter-invalid")


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
    for path in LISTS:
        await made_up_places(api, path)
    await made_up_places(api, "/v1/intercompany/pair", company="FAB", partner="FABE")


async def _what_clients_send(api: Api) -> None:
    """No text, and no date at the end of time, makes a failure of ours."""
    for path, names in TEXTS.items():
        if not names:
            continue  # `/v1/flow/stream` among them, which lasts as long as somebody listens
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
    async with api_on("reading") as api:
        first = (_read_to, _as_of_a_day, _pages, _single_things, _what_there_is_is_named)
        checks = (*first, _parameters_as_they_were, _scope, _made_up_places, _what_clients_send)
        for check in (*checks, _imported):
            await check(api)


async def test_without_inquiry_everything_else_is_answered() -> None:
    async with api_on("unread", inquiry=False) as api:
        assert await api.refused("/v1/documents") == (503, "inquiry-behind")
        assert await api.refused("/v1/voucher/why", company="FAB", voucher="AP-INV-000001", line=1) == (503, "inquiry-behind")
        await api.get("/v1/rules")
