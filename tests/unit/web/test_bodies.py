"""Every body is read as `/v1/events` reads it, and what is wrong with it is said in the reader's language, with what would be right."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Final

import pytest

from services.web.access.roles import Actor, Role
from services.web.app import document
from services.web.languages import Language, texts
from tests.builders.web import app_of, asking, made_up_ports, with_tokens

ACTOR: Final = Actor("ann", frozenset(Role))
JSON: Final = "application/json"
ID: Final = "00000000-0000-0000-0000-000000000001"
DOCUMENT: Final = document()
OPERATIONS: Final = [
    (method.upper(), path.replace("{id}", ID), operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if "requestBody" in operation
]
OPERATIONS_READ: Final = {path: methods["get"] for path, methods in DOCUMENT["paths"].items() if "get" in methods and "stream" not in path}
PATHS: Final = [path for _, path, _ in OPERATIONS]
NO_JSON: Final = [b'{"x":"\\ud800"}', b'{"x":NaN}', b"{", b'{"x":1,"x":2}', b'{"x":' * 300 + b"1" + b"}" * 300]
FULL: Final[dict[str, Any]] = {
    "/v1/refusals/resend": {"id": ID},
    "/v1/reference/entity": {"type": "company.defined"},
    "/v1/reference/apply": {},
}


@cache
def _app() -> tuple[Any, dict[str, str]]:
    """One application for all requests: making its document takes longer than answering."""
    who, headers = with_tokens(ACTOR)
    return app_of(made_up_ports(), who), headers["ann"]


async def _answer(method: str, path: str, content: bytes, media: str = JSON, language: str = "en") -> Any:
    app, headers = _app()
    more = {"content-type": media, "if-match": "0", "accept-language": language}
    params = {"key": "company/FAB"} if path.endswith("/entity") else {}
    async with asking(app) as client:
        return await client.request(method, path, content=content, params=params, headers={**headers, **more})


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=PATHS)
async def test_a_body_that_events_could_not_have_is_malformed_everywhere(method: str, path: str, operation: Any) -> None:
    del operation
    for content in NO_JSON:
        answer = await _answer(method, path, content)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), (path, content[:20], answer.text)
    for empty in (b"", b" \n"):
        answer = await _answer(method, path, empty)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), (path, answer.text)
        assert "empty" in answer.json()["detail"]
    assert (await _answer(method, path, b"{}", "text/plain")).status_code == 415


@pytest.mark.parametrize(("path", "more"), FULL.items())
async def test_a_number_that_no_integer_can_hold_makes_no_failure_of_ours(path: str, more: dict[str, Any]) -> None:
    [(method, _, _)] = [each for each in OPERATIONS if each[1] == path]
    data = {"x": 18446744073709551616, "y": -9223372036854775809}
    body = {**more, "data" if more else "group": data, "reason": "because"}
    assert (await _answer(method, path, json.dumps(body).encode())).status_code in {404, 422}, path


ENGLISH: Final = re.compile(r"\b(Input|Field|should|required|permitted|String|List|Value error)\b")
WRONG: Final[list[Any]] = [None, 7, -1, 1.5, True, "", "x" * 600, "\x07", "2026-02-30", [], ["x"] * 501, {}, {"z": 1}]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=PATHS)
async def test_what_is_wrong_in_a_body_is_said_in_the_readers_language(method: str, path: str, operation: Any) -> None:
    if JSON not in operation["requestBody"]["content"] or path == "/v1/events":
        return
    schema = operation["requestBody"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
    names = DOCUMENT["components"]["schemas"][schema]["properties"]
    bodies: list[Any] = [[], 7, {}, {"surplus": 1}, *({name: value} for name in names for value in WRONG)]
    for body in bodies:
        answer = await _answer(method, path, json.dumps(body).encode(), language="de")
        assert answer.status_code == 422 or (answer.status_code, "id}" in path.replace(ID, "{id}")) == (404, True), (
            path,
            body,
            answer.text,
        )
        _are_ours(answer.json())


@pytest.mark.parametrize("path", OPERATIONS_READ)
async def test_what_is_wrong_with_a_parameter_is_said_in_the_readers_language(path: str) -> None:
    app, headers = _app()
    async with asking(app) as client:
        for parameter in OPERATIONS_READ[path].get("parameters", []):
            for value in ("", "x" * 5000, "\x07", "2026-02-30", "-7", "1e5", "ÄÖ", "99999999999999999999999"):
                answer = await client.get(path, params={parameter["name"]: value}, headers={**headers, "accept-language": "de"})
                if answer.status_code == 400:
                    _are_ours(answer.json())


def _are_ours(problem: dict[str, Any]) -> None:
    otherwise = texts(Language.GERMAN)["wrong"]["otherwise"].replace("{value}", "")
    for fault in problem["errors"]:
        assert not ENGLISH.search(fault["message"]), fault
        assert otherwise not in fault["message"], fault
    assert not ENGLISH.search(problem["detail"]), problem["detail"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "has to be 500 or less"),
        ("fr", "il faut 500 ou moins"),
        ("nl", "moet 500 of minder zijn"),
        ("de", "muss 500 oder weniger sein"),
    ],
)
async def test_a_parameter_hears_what_would_be_right(language: str, said: str) -> None:
    app, headers = _app()
    async with asking(app) as client:
        answer = await client.get("/v1/vouchers", params={"limit": "600"}, headers={**headers, "accept-language": language})
    assert (answer.status_code, said in answer.json()["detail"]) == (400, True), answer.text


@pytest.mark.parametrize("body", [{"specversion": "1.0", "id": "x", "source": "s", "type": "t", "data": {}}, [{"specversion": "1.0"}]])
async def test_an_event_in_place_of_a_list_of_events_hears_what_the_body_is(body: Any) -> None:
    answer = await _answer("POST", "/v1/simulate", json.dumps(body).encode())
    [fault] = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"]) == (422, "/events")
    assert '{"events": […]}' in fault["message"]
    assert fault["message"] in answer.json()["detail"]


async def test_a_field_that_is_misspelt_hears_which_was_meant() -> None:
    content = json.dumps({"ids": [ID], "reasn": "because"}).encode()
    said = {fault["pointer"]: fault["message"] for fault in (await _answer("POST", "/v1/refusals/dismiss", content)).json()["errors"]}
    assert said == {"/reason": "it is missing", "/reasn": "there is no such field: did you mean reason?"}
    filter_ = json.dumps({"filter": {"kode": "x"}, "reason": "because"}).encode()
    [fault] = (await _answer("POST", "/v1/refusals/replay", filter_)).json()["errors"]
    assert (fault["pointer"], fault["message"]) == ("/filter/kode", "there is no such field: did you mean code?")


@pytest.mark.parametrize("known_at", ["2026-03-12T13:00:00+01:00", "2026-03-12T13:00:00 01:00", "2026-03-12T12:00:00Z"])
async def test_a_plus_that_was_not_escaped_is_an_offset(known_at: str) -> None:
    app, headers = _app()
    async with asking(app) as client:
        answer = await client.get("/v1/actions", params={"since": known_at}, headers=headers)
    assert answer.status_code == 200, answer.text
