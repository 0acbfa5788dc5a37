"""The ways to sign in to the console, one for each HTTP_AUTH: what is asked of the reader, and whose session it then is.

With `none` there is nothing to sign in to. With `tokens` a reader gives a token of the file. With `oidc` the identity provider says who
it is: authorization code flow with PKCE (RFC 7636), its ID token checked as every other token is (access/oidc.py).

Invariant: a session of a token ends with the token; of the provider's nothing is kept but who it was, in which roles, for which companies.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from services.web.access.oidc import DISCOVERY, OidcAuthentication
from services.web.access.roles import Actor, Role
from services.web.access.tokens import TokenAuthentication, digest_of
from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from services.web.access.roles import Authentication
    from shared.settings import Settings

log = structlog.get_logger(__name__)

_ANSWERS_WITHIN: Final = 10.0
_VERIFIER_BYTES: Final = 48
_RANDOM_BYTES: Final = 24


class Way(Protocol):
    """A way to sign in."""

    kind: str

    def actor_of(self, session: Any) -> Actor:
        """Whose session it is; ProblemError (not-authenticated) where it does not count any more."""


class NoWay:
    """There is nothing to sign in to."""

    kind = "none"

    def actor_of(self, session: Any) -> Actor:  # noqa: ARG002 - as the other ways have it
        """ProblemError: there are no sessions."""
        raise ProblemError(Code.NOT_AUTHENTICATED, "no-token")


class TokenWay:
    """By a token of the file, of which the session has the digest."""

    kind = "tokens"

    def __init__(self, authentication: TokenAuthentication) -> None:
        self._authentication = authentication

    def session_of(self, token: str) -> Any:
        """The session of a token's bearer; ProblemError (not-authenticated) where it is unknown or expired."""
        digest = digest_of(token)
        self._authentication.actor_of_digest(digest)
        return digest.hex()

    def actor_of(self, session: Any) -> Actor:
        """The bearer of the token, as the file has it now."""
        return self._authentication.actor_of_digest(bytes.fromhex(str(session)))


class ProviderWay:
    """By the identity provider."""

    kind = "oidc"

    def __init__(self, authentication: OidcAuthentication, settings: Settings, client: httpx.AsyncClient | None = None) -> None:
        self._authentication = authentication
        self._issuer = str(settings.oidc_issuer).rstrip("/")
        self._client_id = settings.oidc_client_id or str(settings.oidc_audience)
        self._secret = settings.oidc_client_secret
        self._client = client

    async def begun(self, back: str) -> tuple[str, dict[str, str]]:
        """Where the reader signs in, and what is to be kept until they come `back`. ProblemError while the provider is away."""
        endpoint = str((await self._asked("GET", f"{self._issuer}{DISCOVERY}"))["authorization_endpoint"])
        kept = {name: secrets.token_urlsafe(_RANDOM_BYTES) for name in ("state", "nonce")}
        kept["verifier"] = secrets.token_urlsafe(_VERIFIER_BYTES)
        asked = {"code_challenge": create_s256_code_challenge(kept["verifier"]), "code_challenge_method": "S256", "nonce": kept["nonce"]}
        there = prepare_grant_uri(endpoint, self._client_id, "code", back, "openid", kept["state"], **asked)
        return str(there), kept

    async def ended(self, answer: dict[str, str], kept: dict[str, str], back: str) -> Any:
        """The session of whoever comes back with the provider's answer; ProblemError (not-authenticated) otherwise."""
        code = answer.get("code")
        if not code or not secrets.compare_digest(answer.get("state", ""), kept["state"]):
            raise ProblemError(
                Code.NOT_AUTHENTICATED, "sign-in-refused", reason=answer.get("error_description") or answer.get("error") or "-"
            )
        endpoint = str((await self._asked("GET", f"{self._issuer}{DISCOVERY}"))["token_endpoint"])
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": kept["verifier"]}
        secret = None if self._secret is None else (self._client_id, self._secret.get_secret_value())
        given = await self._asked("POST", endpoint, data={**grant, "client_id": self._client_id}, auth=secret)
        actor = await self._authentication.actor_of_sign_in(str(given.get("id_token", "")), self._client_id, kept["nonce"])
        companies = None if actor.companies is None else sorted(actor.companies)
        return {"name": actor.name, "roles": sorted(actor.roles), "companies": companies, "sources": actor.sources}

    def actor_of(self, session: Any) -> Actor:
        """Who signed in, as the provider said then."""
        companies, sources = session["companies"], session["sources"]
        return Actor(
            session["name"],
            frozenset(Role(each) for each in session["roles"]),
            None if companies is None else frozenset(companies),
            None if sources is None else tuple(sources),
        )

    async def _asked(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """The provider's answer; ProblemError (not-authenticated) where there is none that can be used."""
        client = self._client or httpx.AsyncClient(timeout=_ANSWERS_WITHIN)
        try:
            answer = await client.request(method, url, **more)
            found = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            log.warning("the identity provider does not let anybody sign in", url=url, error=repr(error))
            raise ProblemError(Code.NOT_AUTHENTICATED, "provider-away") from error
        finally:
            if self._client is None:
                await client.aclose()
        if not isinstance(found, dict):
            raise ProblemError(Code.NOT_AUTHENTICATED, "provider-away")
        return found


def way_of(authentication: Authentication, settings: Settings) -> Way:
    """The way that belongs to how those who ask prove who they are."""
    if isinstance(authentication, TokenAuthentication):
        return TokenWay(authentication)
    return ProviderWay(authentication, settings) if isinstance(authentication, OidcAuthentication) else NoWay()
