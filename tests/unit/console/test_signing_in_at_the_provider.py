"""Signing in at an OpenID Connect provider: there with PKCE, back with a code, and only by whoever set out from here."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import HttpUrl

from services.web.console.session import SESSION, SIGN_IN, Signing
from shared.delivery.ports import SystemClock
from shared.settings import HttpAuth, Settings
from tests.builders.web import app_of, made_up_ports

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what its own libraries call outdated
    import oidc_provider_mock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.web.ports import WebPorts

SECRET: Final = "a secret of at least thirty-two characters"  # noqa: S105 - of a test
DORA: Final = oidc_provider_mock.User(sub="dora", claims={"roles": ["Leitung"], "companies": ["FAB"]})
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the stand-in for a provider


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider."""
    with oidc_provider_mock.run_server_in_thread(user_claims=[DORA]) as server:
        yield f"http://localhost:{server.server_port}"


def ports_of(issuer: str) -> WebPorts:
    settings = Settings(
        http_auth=HttpAuth.OIDC,
        oidc_issuer=HttpUrl(issuer),
        oidc_audience="console",
        oidc_client_secret=SECRET,  # type: ignore[arg-type] # pydantic makes it a secret
        oidc_role_map={"Leitung": "reader"},
        http_session_secret=SECRET,  # type: ignore[arg-type] # pydantic makes it a secret
    )
    return replace(made_up_ports(settings), clock=SystemClock())


def browser(ports: WebPorts) -> httpx.AsyncClient:
    """A browser that follows nothing by itself."""
    transport = httpx.ASGITransport(app_of(ports), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="https://console.example", headers={"accept": "text/html"})


async def at_the_provider(there: str, **form: str) -> str:
    """Where the provider leads whoever gives it their name."""
    async with httpx.AsyncClient() as client:
        return (await client.post(there, data=form)).headers["location"]


async def test_a_page_leads_to_the_provider_and_back_and_its_claims_say_who_may_what(provider: str) -> None:
    async with browser(ports_of(provider)) as client:
        page = await client.get("/rules?x=1")
        assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=%2Frules%3Fx%3D1")
        assert "/sign-in/provider?next=%2Frules%3Fx%3D1" in (await client.get(page.headers["location"])).text
        there = (await client.get("/sign-in/provider", params={"next": "/rules?x=1"})).headers["location"]
        back = await at_the_provider(there, sub="dora")
        assert back.startswith("https://console.example/sign-in/back?")
        signed_in = await client.get(back)
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/rules?x=1")
        said = [each for each in signed_in.headers.get_list("set-cookie") if each.startswith(f"{SESSION}=")]
        assert {each.strip().lower() for each in said[0].split(";")[1:]} >= {
            "httponly",
            "secure",
            "samesite=lax",
            "path=/",
            "max-age=28800",
        }
        assert (await client.get("/v1/rules", headers={"accept": "application/json"})).status_code == 200
        refused = await client.post("/v1/refusals/dismiss", json={})
        assert refused.status_code == 401
        assert SIGN_IN not in client.cookies


async def test_the_provider_is_asked_with_a_challenge_whose_verifier_never_leaves_before_the_code_is_there(provider: str) -> None:
    ports = ports_of(provider)
    async with browser(ports) as client:
        there = (await client.get("/sign-in/provider")).headers["location"]
        asked = {name: value for name, (value,) in parse_qs(urlsplit(there).query).items()}
        kept: dict[str, Any] = Signing(ports.settings, ports.clock).read(SIGN_IN, client.cookies[SIGN_IN])
        assert (asked["code_challenge_method"], asked["code_challenge"]) == ("S256", create_s256_code_challenge(kept["verifier"]))
        assert (asked["state"], asked["nonce"], asked["client_id"], asked["response_type"]) == (
            kept["state"],
            kept["nonce"],
            "console",
            "code",
        )
        assert kept["verifier"] not in there


@pytest.mark.parametrize("wrong", ["state", "code", "cookie", "denied"])
async def test_whoever_does_not_come_back_as_they_went_is_not_signed_in(provider: str, wrong: str) -> None:
    async with browser(ports_of(provider)) as client:
        there = (await client.get("/sign-in/provider")).headers["location"]
        form = {"action": "deny"} if wrong == "denied" else {"sub": "dora"}
        back = await at_the_provider(there, **form)
        if wrong == "cookie":
            client.cookies.clear()
        elif wrong != "denied":
            back = back.replace(f"{wrong}=", f"{wrong}=x")
        answer = await client.get(back)
        assert answer.status_code == 401
        assert SESSION not in client.cookies
        assert 'class="failed"' in answer.text


async def test_while_the_provider_is_away_it_is_said_and_nobody_is_signed_in() -> None:
    async with browser(ports_of("http://127.0.0.1:9")) as client:
        answer = await client.get("/sign-in/provider")
        assert answer.status_code == 401
        assert "does not answer" in answer.text
        assert SIGN_IN not in client.cookies
