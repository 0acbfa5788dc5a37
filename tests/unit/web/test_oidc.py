"""Bearer tokens of an OpenID Connect provider: what counts, what does not, and how often the provider is asked for its keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from pydantic import HttpUrl

from services.web.access.oidc import OidcAuthentication, ProviderKeys
from services.web.access.roles import Actor, Role
from services.web.problems import ProblemError
from shared.settings import HttpAuth, Settings, SettingsError
from tests.builders.web import NOW, StandingClock

ISSUER: Final = "https://login.example.com/group"
AUDIENCE: Final = "intercompany"
KEYS: Final[dict[str, Any]] = {
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}
CLAIMS: Final = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "anna",
    "exp": int((NOW + timedelta(minutes=5)).timestamp()),
    "roles": ["reader", "Kreditoren"],
    "companies": ["FAB", "FABE"],
}
SETTINGS: Final = Settings(
    http_auth=HttpAuth.OIDC,
    oidc_issuer=HttpUrl(ISSUER),
    oidc_audience=AUDIENCE,
    oidc_role_map={"Kreditoren": "sender", "Leitung": "approver"},
)


class Provider:
    """A provider in memory that counts how often it is asked."""

    def __init__(self, *keys: Any) -> None:
        self.known = list(keys or KEYS.values())
        self.asked = 0
        self.is_away = False

    async def keys(self) -> Mapping[str, Any]:
        self.asked += 1
        if self.is_away:
            msg = "no route"
            raise httpx.ConnectError(msg)
        return KeySet(self.known).as_dict(private=False)

    async def close(self) -> None:
        pass


def token(claims: Mapping[str, Any], algorithm: str = "RS256", key: Any = None, **header: Any) -> str:
    signing = key or KEYS[algorithm]
    return jwt.encode({"alg": algorithm, "kid": signing.kid, **header}, dict(claims), signing, algorithms=[algorithm])


async def asked(who: OidcAuthentication, given: str) -> Actor:
    return await who.actor_of({"authorization": f"Bearer {given}"})


async def refused(who: OidcAuthentication, given: str) -> str:
    with pytest.raises(ProblemError) as caught:
        await asked(who, given)
    assert caught.value.code == "not-authenticated"
    return f"{caught.value.key} {caught.value.words.get('reason', '')}"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # the test signs by the old name of Ed25519 too
@pytest.mark.parametrize("algorithm", list(KEYS))
async def test_a_token_that_a_key_of_the_provider_has_signed_says_who_asks(algorithm: str) -> None:
    who = OidcAuthentication(SETTINGS, StandingClock(), Provider())
    actor = await asked(who, token(CLAIMS, algorithm))
    assert actor == Actor("anna", frozenset({Role.READER, Role.SENDER}), frozenset({"FAB", "FABE"}))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://other.example.com"}, "iss"),
        ({"aud": "another-api"}, "aud"),
        ({"exp": int((NOW - timedelta(seconds=61)).timestamp())}, "expired"),
        ({"nbf": int((NOW + timedelta(seconds=61)).timestamp())}, "not yet valid"),
        ({"sub": None}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
    ],
)
async def test_a_token_of_another_time_place_or_purpose_is_refused(changed: dict[str, Any], said: str) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    assert said in await refused(OidcAuthentication(SETTINGS, StandingClock(), Provider()), token(claims))


async def test_clocks_may_differ_by_a_minute() -> None:
    who = OidcAuthentication(SETTINGS, StandingClock(), Provider())
    late = {"exp": int((NOW - timedelta(seconds=59)).timestamp()), "nbf": int((NOW + timedelta(seconds=59)).timestamp())}
    assert await asked(who, token({**CLAIMS, **late}))


async def test_a_token_that_nobody_or_somebody_else_has_signed_is_refused() -> None:
    who = OidcAuthentication(SETTINGS, StandingClock(), Provider())
    header, body, _ = token(CLAIMS).split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    public = KEYS["RS256"].as_pem(private=False)
    forged = jwt.encode({"alg": "HS256", "kid": "rsa"}, CLAIMS, OctKey.import_key(base64.b64encode(public)), algorithms=["HS256"])
    other = RSAKey.generate_key(2048, {"kid": "rsa"})
    for given in (f"{header}.{body}.", f"{unsigned}.{body}.", forged, token(CLAIMS, key=other), "x.y.z", "x", "ä"):
        assert await refused(who, given)


async def test_keys_are_fetched_again_for_an_unknown_key_at_most_once_a_minute() -> None:
    clock, provider = StandingClock(), Provider(KEYS["ES256"])
    who = OidcAuthentication(SETTINGS, clock, provider)
    assert await asked(who, token(CLAIMS, "ES256"))
    assert provider.asked == 1
    provider.known.append(KEYS["RS256"])
    for _ in range(5):
        assert await refused(who, token(CLAIMS))
    assert provider.asked == 1
    clock.seconds += 60
    assert await asked(who, token(CLAIMS))
    assert await asked(who, token(CLAIMS, "ES256"))
    assert provider.asked == 2


async def test_while_the_provider_is_away_the_keys_from_before_stand() -> None:
    clock, provider = StandingClock(), Provider(KEYS["ES256"])
    provider.is_away = True
    who = OidcAuthentication(SETTINGS, clock, provider)
    for _ in range(3):
        assert "keys-away" in await refused(who, token(CLAIMS, "ES256"))
    assert provider.asked == 1
    provider.is_away = False
    clock.seconds += 5
    assert await asked(who, token(CLAIMS, "ES256"))
    provider.is_away = True
    clock.seconds += 600
    assert await refused(who, token(CLAIMS))
    assert await asked(who, token(CLAIMS, "ES256"))


@pytest.mark.parametrize(
    ("claims", "roles", "companies"),
    [
        ({"realm_access": {"roles": ["Leitung"]}, "companies": "*"}, {Role.APPROVER}, None),
        ({"realm_access": {"roles": "reader operator"}, "companies": "FAB FABE"}, {Role.READER, Role.OPERATOR}, {"FAB", "FABE"}),
        ({"realm_access": {"roles": ["king"]}, "companies": []}, set(), set()),
        ({}, set(), set()),
    ],
)
async def test_roles_and_companies_come_from_the_claims_that_are_set(
    claims: dict[str, Any], roles: set[Role], companies: set[str] | None
) -> None:
    settings = SETTINGS.model_copy(update={"oidc_roles_claim": "realm_access.roles"})
    plain = {name: value for name, value in CLAIMS.items() if name not in {"roles", "companies"}}
    actor = await asked(OidcAuthentication(settings, StandingClock(), Provider()), token({**plain, **claims}))
    assert (set(actor.roles), None if actor.companies is None else set(actor.companies)) == (roles, companies)


def test_a_role_that_is_not_ours_is_named_at_the_start() -> None:
    with pytest.raises(SettingsError, match="OIDC_ROLE_MAP"):
        OidcAuthentication(SETTINGS.model_copy(update={"oidc_role_map": {"a": "king"}}), StandingClock(), Provider())


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"/group/.well-known/openid-configuration": {"issuer": "https://other.example.com", "jwks_uri": f"{ISSUER}/keys"}}, ValueError),
        ({"/group/.well-known/openid-configuration": ["issuer"]}, ValueError),
        ({}, httpx.HTTPStatusError),
    ],
)
async def test_a_provider_that_is_another_one_gives_no_keys(answers: dict[str, Any], error: type[Exception]) -> None:
    keys = ProviderKeys(ISSUER, httpx.AsyncClient(transport=httpx.MockTransport(lambda request: _answer(request, answers))))
    with pytest.raises(error):
        await keys.keys()
    await keys.close()


async def test_keys_are_found_by_discovery() -> None:
    found = {"keys": [KEYS["ES256"].as_dict(private=False)]}
    answers = {"/group/.well-known/openid-configuration": {"issuer": f"{ISSUER}/", "jwks_uri": f"{ISSUER}/keys"}, "/group/keys": found}
    keys = ProviderKeys(ISSUER, httpx.AsyncClient(transport=httpx.MockTransport(lambda request: _answer(request, answers))))
    assert await keys.keys() == found
    await keys.close()


def _answer(request: httpx.Request, answers: Mapping[str, Any]) -> httpx.Response:
    answer = answers.get(request.url.path)
    return httpx.Response(404) if answer is None else httpx.Response(200, json=answer)
