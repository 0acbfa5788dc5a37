"""Whatever goes wrong is answered in one form, with what would be right, in the reader's language."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from fastapi import APIRouter

from services.web import frame
from services.web.frame import LARGEST_BODY, accepts
from services.web.languages import Language, negotiated, texts
from services.web.problems import STATUS, Code
from tests.builders.web import MadeUp, app_of, asking, made_up_ports

PARTS = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


def failing(error: Exception) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/failing")
    async def fail() -> None:
        raise error

    return router


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "code", "said"),
    [
        ("GET /v1/rule", {}, 404, "not-found", "/openapi.json"),
        ("GET /nowhere", {}, 404, "not-found", "/openapi.json"),
        ("DELETE /v1/rules", {}, 405, "method-not-allowed", "GET"),
        ("GET /v1/rules", {"accept": "text/html"}, 406, "not-acceptable", "application/json"),
        ("GET /v1/rules?rul=F-C04", {}, 400, "parameter-invalid", "there are none"),
        ("POST /v1/rules", {"content-length": str(LARGEST_BODY + 1)}, 413, "too-large", str(LARGEST_BODY)),
        ("GET /v1/rules", {"host": "attacker.example"}, 403, "not-allowed", "attacker.example"),
        ("GET /v1/rules", {"origin": "https://attacker.example"}, 403, "not-allowed", "attacker.example"),
        ("GET /v1/rules", {"sec-fetch-site": "cross-site"}, 403, "not-allowed", "without authentication"),
        ("GET /openapi.json", {"accept": "application/xml"}, 406, "not-acceptable", "application/xml"),
    ],
)
async def test_every_problem_has_one_form(request_line: str, headers: dict[str, str], status: int, code: str, said: str) -> None:
    method, path = request_line.split(" ")
    async with asking(app_of(made_up_ports())) as client:
        answer = await client.request(method, path, headers=headers)
    problem = answer.json()
    assert answer.status_code == status == problem["status"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.keys() == PARTS
    assert (problem["code"], problem["type"]) == (code, f"urn:intercompany:problem:{code}")
    assert said in problem["detail"]
    assert problem["instance"] == path.partition("?")[0]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_body_that_grows_beyond_the_limit_is_not_read_on() -> None:
    given = 0

    async def endless() -> Any:
        nonlocal given
        while True:
            given += 1
            yield b" " * (1 << 20)

    async with asking(app_of(made_up_ports())) as client:
        answer = await client.post("/v1/rules", content=endless())
    assert answer.status_code == 413
    assert given <= 6


async def test_a_failure_of_ours_says_no_more_than_its_id() -> None:
    app = app_of(made_up_ports())
    app.include_router(failing(RuntimeError("the secret of the machine")))
    async with asking(app) as client:
        answer = await client.get("/v1/failing", headers={"X-Request-Id": "what-i-gave"})
    assert answer.status_code == 500
    assert answer.json()["detail"] == "It is in the log under what-i-gave."
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == "what-i-gave"


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("5432"), TimeoutError(), asyncpg.CannotConnectNowError(), asyncpg.InterfaceError("closed")]
)
async def test_a_database_that_is_away_is_said_with_when_to_try_again(error: Exception) -> None:
    app = app_of(made_up_ports(schemas=MadeUp(failure=error)))
    app.include_router(failing(error))
    async with asking(app) as client:
        answer = await client.get("/v1/failing")
    assert (answer.status_code, answer.json()["code"]) == (503, "database-away")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("given", ["", "has spaces", "x" * 65, "über"])
async def test_a_request_id_that_no_log_should_hold_is_replaced(given: str) -> None:
    async with asking(app_of(made_up_ports())) as client:
        answer = await client.get("/v1/rules", headers=[(b"X-Request-Id", given.encode())])
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("nl-BE, fr;q=0.8", "nl"),
        ("da, de;q=0.5, fr;q=0.7", "fr"),
        ("fr;q=0, de", "de"),
        ("*", "en"),
        ("xx;q=nonsense, de;q=much", "en"),
    ],
)
async def test_titles_and_details_come_in_the_readers_language(header: str, language: str) -> None:
    assert negotiated(header) == language
    async with asking(app_of(made_up_ports())) as client:
        answer = await client.get("/v1/nothing", headers={"accept-language": header})
    assert answer.headers["content-language"] == language
    assert answer.json()["title"] == texts(Language(language))["titles"]["not-found"]
    assert answer.json()["code"] == "not-found"


def words_in(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def every_text() -> Iterator[tuple[str, str]]:
    yield from ((part, key) for part, entries in texts(Language.ENGLISH).items() for key in entries)


@pytest.mark.parametrize("language", list(Language))
def test_every_text_is_there_in_every_language_with_the_same_words(language: Language) -> None:
    english = texts(Language.ENGLISH)
    assert {part: list(entries) for part, entries in texts(language).items()} == {part: list(entries) for part, entries in english.items()}
    for part, key in every_text():
        assert words_in(texts(language)[part][key]) == words_in(english[part][key]), key
    assert set(Code) == set(STATUS) == set(english["titles"])


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("*/*", True),
        ("application/*;q=0.1", True),
        ("application/json, text/html", True),
        ("text/html, */*;q=0.1", True),
        ("application/problem+json", True),
        ("application/json;q=0, */*", False),
        ("text/html", False),
        ("", True),
        ("nonsense", False),
    ],
)
def test_what_accept_allows(header: str, allowed: bool) -> None:  # noqa: FBT001 - a case of the table
    assert accepts(header, "application/json") is allowed


WRITERS = ["/v1/simulate", "/v1/refusals/dismiss", "/v1/actions/00000000-0000-0000-0000-000000000001/approve"]
OTHERS = ["text/plain", "application/xml", "application/json; charset=utf-16", 'application/json;charset="latin-1"', "json", ""]


@pytest.mark.parametrize("path", WRITERS)
async def test_content_of_another_kind_or_encoding_than_json_in_utf_8_is_not_read(path: str) -> None:
    async with asking(app_of(made_up_ports())) as client:
        for kind in OTHERS:
            answer = await client.post(path, content=b"{}", headers={"content-type": kind})
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type"), kind
        for kind in ("application/json", "Application/JSON; charset=UTF-8", "application/merge-patch+json"):
            assert (await client.post(path, content=b"{}", headers={"content-type": kind})).status_code == 422, kind


async def test_events_in_another_encoding_than_utf_8_are_not_read() -> None:
    async with asking(app_of(made_up_ports())) as client:
        for kind in ("application/cloudevents+json; charset=utf-16", "application/json; charset=iso-8859-1"):
            answer = await client.post("/v1/events", content=b"{}", headers={"content-type": kind})
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type"), kind


@pytest.mark.parametrize(("path", "kind"), [("/v1/simulate", "application/json"), ("/simulate", "application/x-www-form-urlencoded")])
async def test_a_body_that_does_not_come_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, path: str, kind: str) -> None:
    monkeypatch.setattr(frame, "BODY_WITHIN", 0.05)

    async def half() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    async with asking(app_of(made_up_ports())) as client:
        answer = await asyncio.wait_for(client.post(path, content=half(), headers={"content-type": kind}), 10)
    assert answer.status_code == 408
    assert path == "/simulate" or (answer.json()["code"], answer.headers["connection"]) == ("too-slow", "close")
