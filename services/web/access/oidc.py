"""Bearer tokens of an OpenID Connect provider (HTTP_AUTH=oidc): JSON Web Tokens, checked with the provider's own keys.

Invariant: a token counts only if a key of the provider has signed it by an asymmetric algorithm of the list, if it was issued by
the provider for this API, and if it is valid now (60 seconds of skew); keys are fetched again for an unknown key id, at most once
a minute, so that nobody makes this process ask the provider for every token.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import KeySet

from services.web.access.roles import EVERYTHING, Actor, Role, bearer_token
from services.web.problems import Code, ProblemError
from shared.settings import SettingsError

if TYPE_CHECKING:
    from shared.delivery.ports import Clock
    from shared.settings import Settings

log = structlog.get_logger(__name__)

ALGORITHMS: Final = ["RS256", "ES256", "EdDSA", "Ed25519"]
SKEW: Final = 60
"""Seconds by which the provider's clock and ours may differ."""
REFRESHED_EVERY: Final = 60.0
TRIED_AGAIN_AFTER: Final = 5.0
"""Seconds after which a provider that has not given any keys yet is asked again."""
_FETCH_WITHIN: Final = 5.0
DISCOVERY: Final = "/.well-known/openid-configuration"


class KeySource(Protocol):
    """Where the provider's keys come from."""

    async def keys(self) -> Mapping[str, Any]:
        """The JSON Web Key Set; httpx.HTTPError or ValueError if it cannot be had."""

    async def close(self) -> None:
        """Closes what is open."""


class ProviderKeys:
    """The keys by OpenID Connect discovery."""

    def __init__(self, issuer: str, client: httpx.AsyncClient | None = None) -> None:
        self._issuer = issuer.rstrip("/")
        self._client = client or httpx.AsyncClient(timeout=_FETCH_WITHIN)

    async def keys(self) -> Mapping[str, Any]:
        """The keys as the provider has them now."""
        found = await self._get(f"{self._issuer}{DISCOVERY}")
        if str(found.get("issuer", "")).rstrip("/") != self._issuer:
            msg = f"the provider calls itself {found.get('issuer')}, not {self._issuer}"
            raise ValueError(msg)
        return await self._get(str(found.get("jwks_uri", "")))

    async def _get(self, url: str) -> Mapping[str, Any]:
        answer = (await self._client.get(url)).raise_for_status().json()
        if not isinstance(answer, Mapping):
            msg = f"{url} does not answer with a JSON object"
            raise ValueError(msg)  # noqa: TRY004 - what the provider sends is a value
        return answer

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


class OidcAuthentication:
    """Knows who asks by a token of the provider."""

    def __init__(self, settings: Settings, clock: Clock, source: KeySource | None = None) -> None:
        if settings.oidc_issuer is None or not settings.oidc_audience:
            msg = "OIDC_ISSUER and OIDC_AUDIENCE are needed with HTTP_AUTH=oidc"
            raise SettingsError(msg)
        self._issuer = str(settings.oidc_issuer).rstrip("/")
        self._source = source or ProviderKeys(self._issuer)
        self._clock = clock
        self._roles_claim, self._companies_claim = settings.oidc_roles_claim, settings.oidc_companies_claim
        self._role_map = _role_map(settings.oidc_role_map)
        # A provider may write its own name with a slash at the end or without.
        issuers: list[str | int | bool] = [self._issuer, f"{self._issuer}/"]
        self._options: dict[str, Any] = {
            "iss": {"essential": True, "values": issuers},
            "aud": {"essential": True, "value": settings.oidc_audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        self._claims = self._registry(self._options)
        self._keys: KeySet | None = None
        self._asked: float | None = None
        self._fetching = asyncio.Lock()

    async def actor_of(self, headers: Mapping[str, str]) -> Actor:
        """The subject of the token; ProblemError (not-authenticated) if the token is not accepted."""
        return self._actor(await self._checked(bearer_token(headers), self._claims))

    async def actor_of_sign_in(self, id_token: str, client: str, nonce: str) -> Actor:
        """Who has signed in, by the ID token that the provider has given to this client for this nonce; ProblemError otherwise."""
        wanted = {**self._options, "aud": {"essential": True, "value": client}, "nonce": {"essential": True, "value": nonce}}
        return self._actor(await self._checked(id_token, self._registry(wanted)))

    def _registry(self, options: Mapping[str, Any]) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(now=lambda: int(self._clock.now().timestamp()), leeway=SKEW, **options)

    async def _checked(self, token: str, claims: jwt.JWTClaimsRegistry) -> Mapping[str, Any]:
        """The claims of a token that counts; ProblemError (not-authenticated) otherwise."""
        keys = self._keys or await self._refreshed(None)
        try:
            try:
                read = _decoded(token, keys)
            except InvalidKeyIdError:
                read = _decoded(token, await self._refreshed(keys))
            claims.validate(read.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise ProblemError(Code.NOT_AUTHENTICATED, "token-refused", reason=_reason(error)) from error
        return read.claims

    async def _refreshed(self, seen: KeySet | None) -> KeySet:
        """The keys, fetched again if that was not done within a minute; `seen`: those that did not suffice."""
        async with self._fetching:
            if self._keys is not None and self._keys is not seen:
                return self._keys
            now = self._clock.monotonic()
            rest = TRIED_AGAIN_AFTER if self._keys is None else REFRESHED_EVERY
            if self._asked is None or now - self._asked >= rest:
                self._asked = now
                await self._fetch()
            if self._keys is None:
                raise ProblemError(Code.NOT_AUTHENTICATED, "keys-away", headers={"Retry-After": str(int(TRIED_AGAIN_AFTER))})
            return self._keys

    async def _fetch(self) -> None:
        """Takes the provider's keys; where it does not answer those from before stand."""
        try:
            found: Any = await self._source.keys()
            self._keys = KeySet.import_key_set(found)
        except (httpx.HTTPError, httpx.InvalidURL, JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("the identity provider's keys cannot be had", issuer=self._issuer, error=repr(error))

    def _actor(self, claims: Mapping[str, Any]) -> Actor:
        given = (self._role_map.get(name, name) for name in _names(_claim(claims, self._roles_claim)))
        roles = frozenset(Role(name) for name in given if name in frozenset(Role))
        companies = _names(_claim(claims, self._companies_claim))
        scope = None if EVERYTHING in companies else frozenset(companies)
        sources = _names(claims.get("sources"))
        return Actor(str(claims["sub"]), roles, scope, tuple(sources) if sources and EVERYTHING not in sources else None)

    async def close(self) -> None:
        """Closes the connections to the provider."""
        await self._source.close()


def _decoded(token: str, keys: KeySet) -> jwt.Token:
    """The token, its signature checked. RFC 9864 calls EdDSA Ed25519; providers still send the old name, which is as safe."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(token, keys, algorithms=ALGORITHMS)


def _role_map(given: Mapping[str, str]) -> dict[str, Role]:
    try:
        return {name: Role(role) for name, role in given.items()}
    except ValueError as error:
        msg = f"OIDC_ROLE_MAP: the roles are {', '.join(Role)}"
        raise SettingsError(msg) from error


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the path to it (`realm_access.roles`)."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _names(value: Any) -> list[str]:
    """What a claim lists: an array, or one text with spaces or commas between."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return [str(each) for each in value] if isinstance(value, list) else []


def _reason(error: Exception) -> str:
    description = getattr(error, "description", "") or str(error) or type(error).__name__
    return str(description).rstrip(".")
