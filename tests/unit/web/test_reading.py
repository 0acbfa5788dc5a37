"""The reading routes without a database: what is asked for, what is hidden, and that nothing a client sends makes a failure of ours."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from services.desk.schemas import InquiryMissingError
from services.web.access.roles import Role
from services.web.access.scope import is_visible_entity, visible_graph, visible_version
from services.web.app import document
from services.web.cursors import PageRequest, Pages
from shared.delivery.ports import Partition, SystemClock
from tests.builders.web import NOW, MadeUp, StandingClock, app_of, asking, made_up_ports, of_role, with_tokens

DOCUMENT = document()
READING = {path: methods["get"] for path, methods in DOCUMENT["paths"].items() if "get" in methods}
LISTS = [path for path, operation in READING.items() if any(each["name"] == "cursor" for each in operation.get("parameters", ()))]
LISTS_OF_BOOKS = [path for path in LISTS if READING[path]["tags"] == ["books"]]
NEEDED = {
    "/v1/voucher": {"company": "FAB", "voucher": "AP-SET-000001"},
    "/v1/voucher/why": {"company": "FAB", "voucher": "AP-SET-000001", "line": "1"},
    "/v1/document": {"ledger": "payable", "company": "FAB", "document": "VI-7"},
    "/v1/intercompany/pair": {"company": "FAB", "partner": "FABE"},
    "/v1/exports/pair": {"company": "FAB", "partner": "FABE"},
    "/v1/settlement": {"source": "/erp", "id": "VPAY-7"},
    "/v1/reference": {"type": "company.defined"},
    "/v1/reference/entity": {"key": "company/FAB"},
    "/v1/search": {"q": "VI-7"},
    "/v1/trace": {"event": "VPAY-7", "company": "FAB"},
    "/v1/event": {"source": "/erp", "id": "x"},
    "/v1/readiness/pair": {"payer": "FAB", "owner": "FABE", "ledger": "payable", "party": "P", "currency": "USD"},
    "/v1/flow/stream": {"messages": "1"},
}


def texts_of(path: str) -> list[str]:
    """The parameters of an operation that are text of any kind."""
    return [each["name"] for each in READING[path].get("parameters", ()) if each["in"] == "query"]


APP = app_of(made_up_ports())
"""One application for all: making it and its document takes longer than any request."""


async def asked(path: str, schemas: MadeUp | None = None, headers: dict[str, str] | None = None, /, **parameters: Any) -> Any:
    APP.state.ports = made_up_ports(schemas=schemas)
    async with asking(APP) as client:
        return await client.get(path, params={**NEEDED.get(path, {}), **parameters}, headers=headers)


def sealed(path: str, body: Any, **filters: str) -> str:
    """A cursor that was made by somebody else, with a right digest and seal."""
    text = orjson.dumps([path, sorted(filters.items()), ""])
    digest = hashlib.blake2b(text, digest_size=8).digest()
    content = orjson.dumps(body)
    seal = hashlib.blake2b(digest + content, digest_size=8).digest()
    return base64.urlsafe_b64encode(digest + seal + content).decode().rstrip("=")


@pytest.mark.parametrize(("path", "name"), [(path, name) for path in READING for name in texts_of(path)])
async def test_a_control_character_is_refused_in_every_parameter(path: str, name: str) -> None:
    for text in ("a\x00b", "\x1f", "\x7f"):
        answer = await asked(path, **{name: text})
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid"), answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}"]


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_that_was_not_given_here_is_refused(path: str) -> None:
    now = NOW.isoformat()
    filters = NEEDED.get(path, {})
    forged = [
        ["2026-03-12T12:00:00", [["s", "x"]]],  # a time without a zone
        [None, [["s", "x"]]],
        [now, [["s", None]]],
        [now, [["s", {"a": 1}]]],
        [now, [["d", "2026-03-12"]]],
        [now, [["s", "x"]] * 40],
        [now, []],
    ]
    for cursor in ("x", "eA", "A" * 64, *(sealed(path, body, **filters) for body in forged)):
        answer = await asked(path, cursor=cursor)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid"), (cursor, answer.text)


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_of_other_filters_is_refused(path: str) -> None:
    cursor = Pages(path, {**NEEDED.get(path, {}), "other": "filter"}).next(PageRequest(50, None, NOW), ("x",))
    answer = await asked(path, cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid")


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/vouchers", "min", "NaN"),
        ("/v1/vouchers", "min", "1e999999"),
        ("/v1/vouchers", "limit", "501"),
        ("/v1/vouchers", "known_at", "2026-03-12T12:00:00"),
        ("/v1/vouchers", "known_at", "0.5"),
        ("/v1/vouchers", "known_at", "1773316800"),
        ("/v1/vouchers", "from", "0"),
        ("/v1/documents", "as_of", "2026-02-30"),
        ("/v1/documents", "as_of", "1773316800"),
        ("/v1/documents", "due_to", "20260331"),
        ("/v1/aging", "buckets", "30,x"),
        ("/v1/aging", "buckets", "0"),
        ("/v1/reference", "type", "document.posted"),
        ("/v1/feed", "after", "9223372036854775808"),
        ("/v1/feed", "wait", "31"),
    ],
)
async def test_a_value_out_of_range_is_refused_by_name(path: str, name: str, value: str) -> None:
    answer = await asked(path, **{name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid"), answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}"]


@pytest.mark.parametrize(("path", "parameters"), [("/v1/trace", {}), ("/v1/trace", {"voucher": "A-1"}), ("/v1/reference", {"q": "x"})])
async def test_parameters_that_need_each_other_say_so(path: str, parameters: dict[str, str]) -> None:
    async with asking(APP) as client:
        answer = await client.get(path, params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid")


BOOKS = sorted(path for path, operation in READING.items() if operation["tags"] == ["books"] and path != "/v1/rules")


@pytest.mark.parametrize("path", BOOKS)
async def test_without_inquirys_tables_it_says_what_to_do(path: str) -> None:
    answer = await asked(path, MadeUp(failure=InquiryMissingError("no schema inquiry")))
    assert (answer.status_code, answer.json()["code"]) == (503, "inquiry-behind")
    assert "intercompany service inquiry" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "5"


def arguments_of(schemas: MadeUp, part: str) -> tuple[Any, ...]:
    return next(arguments for query, arguments in schemas.asked if part in query)


async def test_without_a_day_it_is_today() -> None:
    schemas = MadeUp()
    answer = await asked("/v1/documents", schemas)
    assert answer.json() == {"data": [], "next": None, "read_to": {"time": None, "lag_seconds": 0.0, "behind": None}}
    day, known_at = arguments_of(schemas, "open_then")[1:3]
    assert (day, known_at) == (NOW.date(), datetime.max)  # noqa: DTZ901 - as inquiry says "always"


async def test_a_later_page_is_of_the_moment_at_which_the_first_was_asked_for() -> None:
    first = datetime(2026, 3, 10, 12, tzinfo=UTC)
    cursor = Pages("/v1/documents", {}).next(PageRequest(50, None, first), ("2026-03-01", "payable", "VI-7", "FAB"))
    schemas = MadeUp()
    answer = await asked("/v1/documents", schemas, cursor=cursor)
    assert answer.status_code == 200
    arguments = arguments_of(schemas, "open_then")
    assert arguments[1:3] == (date(2026, 3, 10), first)
    assert arguments[-2:] == (["2026-03-01", "payable", "VI-7", "FAB"], 51)


@pytest.mark.parametrize("path", LISTS_OF_BOOKS)
@pytest.mark.parametrize(("there", "said"), [(0, 0), (10_000, 10_000), (10_001, "10000+")])
async def test_every_list_says_how_many_rows_it_has_if_it_is_asked_to(path: str, there: int, said: int | str) -> None:
    schemas = MadeUp({") as listed": there})
    assert (await asked(path, schemas, count="true", limit="1")).json()["count"] == said
    counting = [arguments for query, arguments in schemas.asked if query.endswith(") as listed")]
    assert [arguments[-1] for arguments in counting] == [10_001]
    assert "count" not in (await asked(path)).json()


async def test_what_is_counted_is_the_whole_list_on_a_later_page_too() -> None:
    cursor = Pages("/v1/documents", {}).next(PageRequest(50, None, NOW), ("2026-03-01", "payable", "VI-7", "FAB"))
    schemas = MadeUp({") as listed": 7})
    assert (await asked("/v1/documents", schemas, cursor=cursor, count="true")).json()["count"] == 7
    assert arguments_of(schemas, ") as listed")[-2:] == (None, 10_001)


async def test_a_report_can_be_given_again_as_it_was() -> None:
    schemas = MadeUp()
    await asked("/v1/documents", schemas, as_of="2026-01-31", known_at="2026-02-05T10:00:00+01:00")
    assert arguments_of(schemas, "open_then")[1:3] == (date(2026, 1, 31), datetime(2026, 2, 5, 9, tzinfo=UTC))


async def test_lists_are_of_the_companies_in_scope() -> None:
    who, headers = with_tokens(of_role(Role.READER, "FABE", "FAB"))
    app = app_of(made_up_ports(), who)
    for path in ("/v1/documents", "/v1/vouchers", "/v1/lines", "/v1/balances", "/v1/settlements", "/v1/journals", "/v1/feed", "/v1/aging"):
        schemas = MadeUp()
        app.state.ports = made_up_ports(schemas=schemas)
        async with asking(app) as client:
            answer = await client.get(path, headers=headers["reader"])
        assert answer.status_code == 200, answer.text
        assert any(arguments and arguments[0] == ["FAB", "FABE"] for _, arguments in schemas.asked), path


async def test_lines_are_selected_by_dimensions_of_any_name() -> None:
    schemas = MadeUp()
    answer = await asked("/v1/lines", schemas, **{"dimension.cost_center": "12", "dimension.project": "x"})
    assert answer.status_code == 200, answer.text
    assert '{"cost_center":"12","project":"x"}' in arguments_of(schemas, "from unnest")
    assert (await asked("/v1/lines", **{"dimensions.project": "x"})).json()["code"] == "parameter-invalid"
    assert (await asked("/v1/lines", **{"dimension.project": "\x1f"})).json()["code"] == "parameter-invalid"
    assert (await asked("/v1/lines", **{"dimension.project": "\U00071451"})).status_code == 200


VERSION: dict[str, Any] = {
    "key": "party/P", "position": 3, "type": "party.defined", "event_source": "/erp", "event_id": "e1", "from_time": NOW,
    "data": '{"party": "P", "customers": {"FAB": "1", "FABE": "2"}}',
}  # fmt: skip


async def test_one_thing_has_a_tag_and_is_not_sent_again_while_it_is_the_same() -> None:
    schemas = MadeUp({"from reference_taken": [VERSION]})
    first = await asked("/v1/reference/entity", schemas, key="party/P")
    again = await asked("/v1/reference/entity", schemas, {"if-none-match": first.headers["etag"]}, key="party/P")
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    changed = MadeUp({"from reference_taken": [{**VERSION, "position": 4}]})
    assert (await asked("/v1/reference/entity", changed, {"if-none-match": first.headers["etag"]}, key="party/P")).status_code == 200


def test_of_a_partys_accounts_those_in_scope_are_shown() -> None:
    row = {"data": orjson.loads(VERSION["data"])}
    shown = visible_version(row, of_role(Role.READER, "FAB"))
    assert shown["data"] == {"party": "P", "customers": {"FAB": "1"}}


def test_of_a_partys_groups_those_in_scope_are_shown() -> None:
    data = {"party": "P", "customer_groups": {"FAB": "A", "FABE": "B"}, "vendor_groups": {"FABE": "C"}}
    shown = visible_version({"data": data}, of_role(Role.READER, "FAB"))
    assert shown["data"] == {"party": "P", "customer_groups": {"FAB": "A"}, "vendor_groups": {}}


@pytest.mark.parametrize(("company", "seen"), [("FABW", True), ("FABE", True), ("FAB", False)])
def test_a_trading_relation_is_seen_by_its_two_companies_alone(company: str, seen: bool) -> None:  # noqa: FBT001 - the expected answer
    data = {"seller": {"company": "FABW", "customer": "C"}, "buyer": {"company": "FABE", "vendor": "V"}, "payment_journal": "J"}
    assert is_visible_entity(data, of_role(Role.READER, company)) is seen


async def test_what_is_not_there_is_not_found() -> None:
    for path in ("/v1/voucher", "/v1/document", "/v1/settlement", "/v1/reference/entity", "/v1/trace"):
        answer = await asked(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), path


async def test_the_feed_waits_for_as_long_as_it_is_asked_to_and_keeps_its_place() -> None:
    ports = APP.state.ports = made_up_ports(schemas=MadeUp({"from vouchers where position": True}))
    async with asking(APP) as client:
        answer = await client.get("/v1/feed", params={"after": 7, "wait": 10})
    assert (answer.json()["data"], answer.json()["after"]) == ([], 7)
    assert isinstance(ports.clock, StandingClock)
    assert 10 <= ports.clock.seconds - StandingClock().seconds < 11


async def test_a_place_in_the_feed_that_was_never_given_is_refused_and_it_says_where_to_begin() -> None:
    answer = await asked("/v1/feed", after=99999)
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid")
    assert answer.json()["detail"].startswith("No voucher has the place 99999: ")
    assert "begin at 0" in answer.json()["detail"]
    assert (await asked("/v1/feed", after=0)).status_code == 200


async def test_who_waits_is_answered_at_once_when_the_process_is_to_end() -> None:
    schemas = MadeUp({"from vouchers where position": True})
    ports = APP.state.ports = replace(made_up_ports(schemas=schemas), clock=SystemClock())
    async with asking(APP) as client:
        asked_for = asyncio.ensure_future(client.get("/v1/feed", params={"after": 7, "wait": 30}))
        await asyncio.sleep(0.1)
        assert not asked_for.done()
        ports.stopping.set()
        answer = await asyncio.wait_for(asked_for, 5)
    assert answer.status_code == 200


async def test_it_says_how_many_records_are_still_to_be_read() -> None:
    class Ends:
        async def ends(self) -> dict[Partition, int]:
            return {Partition("intercompany.vouchers", 0): 9}

        async def close(self) -> None:
            pass

    schemas = MadeUp({"from positions": [{"topic": "intercompany.vouchers", "partition": 0, "read": 6}], "as newest": NOW})
    APP.state.ports = replace(made_up_ports(schemas=schemas), ends=Ends())
    async with asking(APP) as client:
        answer = await client.get("/v1/companies")
    assert answer.json()["read_to"] == {"time": "2026-03-12T12:00:00Z", "lag_seconds": 0.0, "behind": {"intercompany.vouchers": 3}}


PLACE = (NOW.isoformat(), "00000000-0000-0000-0000-000000000001")


@pytest.mark.parametrize(
    "place",
    [
        *((PLACE[0], part) for part in ("x", "", 5, None, True, "\x00")),
        *((part, PLACE[1]) for part in ("x", "", 5, None, True, "2026-03-12", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")),
        (),
        PLACE[:1],
        (*PLACE, "x"),
    ],
)
async def test_a_place_in_the_audit_that_is_none_makes_no_failure(place: tuple[Any, ...]) -> None:
    pages = Pages("/v1/actions", {})
    cursor = pages.next(PageRequest(1, None, NOW), place)
    answer = await asked("/v1/actions", cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid"), answer.text
    assert (await asked("/v1/actions", cursor=pages.next(PageRequest(1, None, NOW), PLACE))).status_code == 200


LINE = {"posting_type": "due_to", "account": "2100", "partner": "FAB", "currency": "USD", "debit": "0.00", "credit": "5.00", "text": "x"}
WAITS = [{"key": {"event": "E-0"}}]
GRAPH = {
    "nodes": [
        {"id": "event/1", "kind": "event", "state": "posted", "company": "FABE", "document": "I-1", "waits": WAITS, "refusals": []},
        {"id": "document/1", "kind": "document", "state": "posted", "company": "FABE", "document": "I-1", "amount": "5.00"},
        {"id": "voucher/1", "kind": "voucher", "state": "posted", "company": "FABE", "lines": [LINE, {**LINE, "partner": "FABF"}]},
        {"id": "settlement/1", "kind": "settlement", "state": "posted", "records": [
            {"debit_company": "FAB", "credit_company": "FABE"}, {"debit_company": "FABF", "credit_company": "FABE"}]},
    ],
    "edges": [], "truncated": False,
}  # fmt: skip


def test_in_a_trace_other_companies_books_are_there_and_no_more() -> None:
    shown = visible_graph(GRAPH, of_role(Role.READER, "FAB"))
    assert shown is not None
    event, found, voucher, settlement = shown["nodes"]
    assert (event["waits"], found["amount"], found["document"]) == (None, None, "I-1")
    assert [(line["partner"], line["credit"], line["account"], line["text"]) for line in voucher["lines"]] == [("FAB", "5.00", None, None)]
    assert settlement["records"] == [{"debit_company": "FAB", "credit_company": "FABE"}]


def test_a_trace_of_nothing_in_scope_is_none() -> None:
    assert visible_graph(GRAPH, of_role(Role.READER, "OTHER")) is None
    assert visible_graph(GRAPH, of_role(Role.READER)) == GRAPH
    assert visible_graph({**GRAPH, "nodes": []}, of_role(Role.READER)) is None


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-31t12:00:00.5z"])
async def test_any_time_of_the_calendar_is_taken(time: str) -> None:
    assert (await asked("/v1/vouchers", known_at=time)).status_code == 200


async def test_buckets_are_taken_in_any_order() -> None:
    answer = await asked("/v1/aging", buckets="60,30,60")
    assert answer.json()["buckets"] == ["not_due", "1-30", "31-60", "over_60", "unapplied"]
