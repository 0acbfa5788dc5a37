"""The API's own document: OpenAPI 3.1, said in full, and the file that is published is what the program says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.web.access.roles import Role
from services.web.app import document
from services.web.openapi import operations
from services.web.problems import STATUS, TYPE, Code
from services.web.routes import MEDIA, ROUTERS
from shared.settings import HttpAuth, Settings
from tests.builders.web import app_of, asking, made_up_ports, of_role, with_tokens
from tests.scenario_files import ROOT

DOCUMENT = document()


def test_the_published_document_is_what_the_program_says() -> None:
    written = (ROOT / "docs/contract/openapi.json").read_text(encoding="utf-8")
    assert written == json.dumps(DOCUMENT, indent=2, ensure_ascii=True) + "\n", "run: intercompany contract write"


def test_the_settings_of_a_machine_change_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PUBLIC_URL", "https://api.example.com")
    assert document() == DOCUMENT
    assert app_of(made_up_ports(Settings())).openapi()["servers"] == [{"url": "https://api.example.com"}]


async def test_it_is_served_to_everybody() -> None:
    who, _ = with_tokens(of_role(Role.READER))
    async with asking(app_of(made_up_ports(Settings(http_auth=HttpAuth.TOKENS)), who)) as client:
        answer = await client.get("/openapi.json", headers={"host": "attacker.example"})
    assert answer.json() == DOCUMENT
    assert answer.json()["openapi"].startswith("3.1")


def test_where_no_token_is_asked_for_the_document_says_so() -> None:
    said = app_of(made_up_ports()).openapi()
    assert "securitySchemes" not in said["components"]
    assert said["paths"].keys() == DOCUMENT["paths"].keys()
    assert not [operation for operation in operations(said) if "security" in operation]


def undescribed(value: Any, place: str = "") -> Iterator[str]:
    """Properties, parameters, operations and answers without a description."""
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from undescribed(part, f"{place}/{number}")
    if not isinstance(value, dict):
        return
    is_said = "description" in value or "$ref" in value
    if ("in" in value and "name" in value and not is_said) or ("operationId" in value and not {"summary", "description"} <= value.keys()):
        yield place
    for name, part in value.items():
        if name in {"properties", "responses", "headers"} and isinstance(part, dict):
            yield from (f"{place}/{name}/{each}" for each, said in part.items() if not {"description", "$ref"} & said.keys())
        yield from undescribed(part, f"{place}/{name}")


def test_everything_has_a_description() -> None:
    assert list(undescribed(DOCUMENT)) == []
    assert list(undescribed({"paths": {"/x": {"get": {"operationId": "x", "parameters": [{"in": "query", "name": "y"}]}}}}))


def test_every_code_of_a_problem_is_in_the_document_and_in_the_docs() -> None:
    said = json.dumps(DOCUMENT["components"]["responses"])
    page = (ROOT / "docs/http_api.md").read_text(encoding="utf-8")
    assert [code for code in Code if f"`{code}`" not in page] == []
    offered = {int(status) for status in DOCUMENT["components"]["responses"]}
    assert [code for code, status in STATUS.items() if status in offered and f"`{code}`" not in said] == []
    assert TYPE.removesuffix(":") in page


def test_every_operation_is_in_the_docs() -> None:
    page = (ROOT / "docs/http_api.md").read_text(encoding="utf-8")
    named = {
        f"`{'' if method == 'get' else method.upper() + ' '}{path}`" for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert {name for name in named if name not in page} == set()


def test_what_answers_with_something_else_than_json_is_an_operation() -> None:
    assert DOCUMENT["paths"].keys() >= MEDIA.keys()
    assert len(ROUTERS) == len(set(map(id, ROUTERS)))


@pytest.mark.parametrize("path", sorted(path for path in document()["paths"] if "{" not in path))
async def test_another_method_is_told_all_methods_that_there_are(path: str) -> None:
    async with asking(app_of(made_up_ports())) as client:
        answer = await client.request("TRACE", path)
    assert answer.status_code == 405
    assert answer.headers["allow"].split(", ") == sorted(method.upper() for method in document()["paths"][path])
