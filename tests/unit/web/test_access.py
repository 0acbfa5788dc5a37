"""Who may: every operation names a role and holds it, whoever asks proves who they are, and nothing is open to everybody by mistake."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.web.access.chosen import authentication, check_address
from services.web.access.roles import Actor, Role
from services.web.access.tokens import TokenAuthentication, read_tokens
from services.web.app import document
from services.web.frame import OPEN
from services.web.openapi import operations
from services.web.problems import ProblemError
from shared.settings import HttpAuth, Settings, SettingsError
from tests.builders.web import NOW, StandingClock, app_of, asking, made_up_ports, of_role, token_for, with_tokens

DOCUMENT = document()
OPERATIONS = [(path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()]
IDS = [f"{method} {path}" for path, method, _ in OPERATIONS]


def role_of(operation: dict[str, Any]) -> Role:
    (needed,) = operation["security"]
    (role,) = needed["bearer"]
    return Role(role)


def example(schema: dict[str, Any]) -> str:
    """A value that a parameter takes."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for each in schema.get("anyOf", ()):
        if each.get("type") != "null":
            return example(each)
    if "enum" in schema:
        return str(schema["enum"][0])
    made = {"integer": "1", "number": "1", "boolean": "false"}.get(str(schema.get("type")))
    formats = {"date": "2026-03-12", "date-time": "2026-03-12T12:00:00Z"}
    return made or formats.get(str(schema.get("format")), "x")


def parameters(operation: dict[str, Any], **more: str) -> dict[str, str]:
    """The parameters that an operation must have."""
    needed = [each for each in operation.get("parameters", ()) if each["in"] == "query" and each.get("required")]
    return {**{each["name"]: example(each["schema"]) for each in needed}, **more}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)
async def test_each_operation_is_for_its_role_alone(path: str, method: str, operation: dict[str, Any]) -> None:
    who, headers = with_tokens(*map(of_role, Role))
    async with asking(app_of(made_up_ports(), who)) as client:
        for role in Role:
            answer = await client.request(method, path, params=parameters(operation), headers=headers[role])
            if role is role_of(operation):
                assert answer.status_code not in {401, 403}, answer.text
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
                assert role_of(operation) in answer.json()["detail"]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)
async def test_each_operation_asks_who_it_is_before_it_reads_anything(path: str, method: str, operation: dict[str, Any]) -> None:
    who, _ = with_tokens(of_role(Role.READER))
    async with asking(app_of(made_up_ports(), who)) as client:
        for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer not-a-token"}):
            answer = await client.request(method, path, params=parameters(operation), headers=headers, content=b"{not json")
            assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)
async def test_a_foreign_company_looks_like_one_that_is_not_there(path: str, method: str, operation: dict[str, Any]) -> None:
    if not any(each["name"] == "company" and each["in"] == "query" for each in operation.get("parameters", ())):
        return
    actor = replace(of_role(role_of(operation), "FAB"), name="of FAB")
    who, headers = with_tokens(actor)
    async with asking(app_of(made_up_ports(), who)) as client:
        answer = await client.request(method, path, params=parameters(operation, company="FOREIGN"), headers=headers["of FAB"])
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_nothing_is_open_to_everybody_but_what_says_nothing_of_the_books() -> None:
    assert frozenset({"/openapi.json"}) == OPEN
    assert all(path.startswith("/v1/") for path in DOCUMENT["paths"])
    assert [role_of(operation) for operation in operations(DOCUMENT)]


async def test_without_authentication_this_machines_user_may_do_everything() -> None:
    who = authentication(Settings(), StandingClock())
    actor = await who.actor_of({"host": "localhost:8088"})
    assert actor.name.startswith("local:")
    assert (actor.roles, actor.companies, actor.sources) == (frozenset(Role), None, None)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8088", "[::1]:8088", "LOCALHOST:1"])
async def test_without_authentication_this_machine_is_answered_by_its_names(host: str) -> None:
    assert await authentication(Settings(), StandingClock()).actor_of({"host": host})


NO_HOSTS = (
    "evil.example@127.0.0.1",
    "127.0.0.1:abc",
    "127.0.0.1:",
    "127.0.0.1:1:2",
    "127.0.0.1/x",
    "localhost?x",
    "localhost#",
    "localhost ",
    "::1",
)


@pytest.mark.parametrize(
    "host", ["", "localhost.attacker.example", "127.0.0.1.attacker.example:8088", "10.0.0.1", "[::1", "a@b:localhost", *NO_HOSTS]
)
async def test_without_authentication_no_other_host_is_answered(host: str) -> None:
    with pytest.raises(ProblemError) as caught:
        await authentication(Settings(), StandingClock()).actor_of({"host": host})
    assert caught.value.code == "not-allowed"


@pytest.mark.parametrize("host", ["192.0.2.1", "::", "10.1.2.3", "api.example.com", "", "127.0.0.1.attacker.example"])
def test_without_authentication_nothing_listens_on_the_network(host: str) -> None:
    with pytest.raises(SettingsError, match=r"HTTP_HOST.*HTTP_AUTH"):
        check_address(Settings(http_host=host))
    check_address(Settings(http_host=host, http_auth=HttpAuth.TOKENS))


@pytest.mark.parametrize(("auth", "named"), [(HttpAuth.TOKENS, "HTTP_TOKENS_FILE"), (HttpAuth.OIDC, "OIDC_ISSUER and OIDC_AUDIENCE")])
def test_what_a_way_needs_is_named_at_the_start(auth: HttpAuth, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        authentication(Settings(http_auth=auth), StandingClock())


# Tokens


async def test_a_token_is_its_bearers_until_it_expires() -> None:
    clock = StandingClock()
    token, entry = token_for(Actor("ci", frozenset({Role.SENDER})), NOW + timedelta(minutes=1))
    who = TokenAuthentication([entry], clock)
    headers = {"authorization": f"bearer  {token} "}
    assert (await who.actor_of(headers)).name == "ci"
    clock.time += timedelta(minutes=1)
    with pytest.raises(ProblemError) as caught:
        await who.actor_of(headers)
    assert (caught.value.code, caught.value.key) == ("not-authenticated", "token-expired")


def test_the_tokens_file_says_whose_what_and_how_long(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    file = tmp_path / "tokens.yaml"
    file.write_text(
        f"- {{name: erp, sha256: {digest}, roles: [sender], companies: [FAB], sources: [/erp/fab], expires: 2026-12-31}}\n"
        f"- {{name: all, sha256: {digest[::-1]}, roles: [reader, operator]}}\n",
        encoding="utf-8",
    )
    erp, everything = read_tokens(file)
    assert erp.actor == Actor("erp", frozenset({Role.SENDER}), frozenset({"FAB"}), ("/erp/fab",))
    assert erp.expires is not None
    assert erp.expires.tzinfo is not None
    assert (everything.actor.companies, everything.actor.sources, everything.expires) == (None, None, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not YAML"),
        ("name: erp", "list"),
        ("- {name: erp, sha256: ABC, roles: [sender]}", r"\[0\]\.sha256"),
        ("- {name: erp, sha256: DIGEST, roles: [king]}", r"\[0\]\.roles\[0\]"),
        ("- {name: erp, sha256: DIGEST, roles: [sender], sorces: []}", r"\[0\]\.sorces"),
        ("[{name: a, sha256: DIGEST, roles: []}, {name: b, sha256: DIGEST, roles: []}]", "a, b have one token"),
    ],
)
def test_what_is_wrong_in_the_tokens_file_is_said_with_its_place_and_no_digest(content: str, said: str, tmp_path: Path) -> None:
    digest = "ab" * 32
    file = tmp_path / "tokens.yaml"
    file.write_text(content.replace("DIGEST", digest), encoding="utf-8")
    with pytest.raises(SettingsError, match=said) as caught:
        read_tokens(file)
    assert digest not in str(caught.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_tokens(tmp_path / "nothing.yaml")


# Scope


def test_a_scope_is_over_companies_and_sources() -> None:
    actor = Actor("clerk", frozenset({Role.SENDER}), frozenset({"FAB", "FABE"}), ("/erp/fab",))
    assert actor.sees("FAB")
    assert actor.sees("OTHER", "FABE")
    assert not actor.sees("OTHER", None)
    assert actor.reads_of(None) == frozenset({"FAB", "FABE"})
    assert actor.reads_of("FAB") == frozenset({"FAB"})
    actor.acts_for(["FAB", "FABE"])
    actor.sends_for("/erp/fab/1")
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: actor.reads_of("OTHER"), "not-found"),
        (lambda: actor.acts_for(["FAB", "OTHER"]), "company-out-of-scope"),
        (lambda: actor.sends_for("/erp/other"), "source-not-allowed"),
        (lambda: actor.needs(Role.MASTER), "not-allowed"),
    ]
    for refused, code in refusals:
        with pytest.raises(ProblemError) as caught:
            refused()
        assert caught.value.code == code


def test_an_empty_scope_is_no_company_and_no_scope_is_all() -> None:
    assert not Actor("nobody", frozenset(), frozenset()).sees("FAB")
    assert Actor("everybody", frozenset()).sees("FAB")
