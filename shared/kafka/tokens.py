"""OAuth tokens for the broker (SASL OAUTHBEARER): read from a file, or asked for at a token endpoint.

Invariant: a token is got when a connection is made, so one that has ended is never sent by intention; what goes
wrong is an OSError without a secret in its text, which the client tries again as it does any other.

The request is the client credentials grant (RFC 6749, 4.4), one form in, one JSON object out; by urllib, since no client
library for it is among the dependencies.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from aiokafka.abc import AbstractTokenProvider

if TYPE_CHECKING:
    from pathlib import Path

    from shared.settings import Settings

_ANSWER_WITHIN: Final = 10.0
_OLDEST: Final = 0.8
"""A token is used for this part of its life, so that none ends on its way."""


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an error: urllib would send the client's secret wherever it points."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follows none."""


_OPENER: Final = build_opener(_NoRedirect)


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """Reads the token again for each connection: whoever mounts the file keeps it fresh."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def token(self) -> str:
        """The token."""
        text = await asyncio.to_thread(self._file.read_text, encoding="utf-8")
        return text.strip()


class TokenEndpoint(AbstractTokenProvider):  # type: ignore[misc]
    """Asks for a token with a client's id and secret, and uses it for most of its life."""

    def __init__(self, url: str, client: str, secret: str, scope: str | None) -> None:
        self._url = url
        self._client = client
        self._secret = secret
        self._scope = scope
        self._token = ""
        self._until = 0.0

    async def token(self) -> str:
        """The token; OSError if the endpoint does not give one."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            answer = await asyncio.to_thread(self._ask)
            self._token, self._until = str(answer["access_token"]), now + _OLDEST * float(answer.get("expires_in", 0))
        return self._token

    def _ask(self) -> dict[str, Any]:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        basic = base64.b64encode(f"{quote(self._client, safe='')}:{quote(self._secret, safe='')}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        request = Request(self._url, urlencode(form).encode(), headers)  # noqa: S310 - the settings allow http and https alone
        try:
            with _OPENER.open(request, timeout=_ANSWER_WITHIN) as response:
                return _with_token(response.read())
        except HTTPError as error:
            with error:
                msg = f"the token endpoint (KAFKA_SECURITY_TOKEN_URL) answered {error.code} {error.reason}"
                raise OSError(msg) from None


def _with_token(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "access_token" not in answer:
        msg = "the token endpoint (KAFKA_SECURITY_TOKEN_URL) gave no access_token"
        raise OSError(msg)
    return answer


def token_provider(settings: Settings) -> AbstractTokenProvider | None:
    """Where the broker's client gets its tokens from; None where it needs none."""
    if settings.kafka_security_token_file is not None:
        return TokenFile(settings.kafka_security_token_file)
    if settings.kafka_security_token_url is None or settings.kafka_security_password is None:
        return None
    client, secret = settings.kafka_security_username or "", settings.kafka_security_password.get_secret_value()
    return TokenEndpoint(str(settings.kafka_security_token_url), client, secret, settings.kafka_security_token_scope)
