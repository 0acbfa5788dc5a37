"""Every body is read as the services read events: JSON that can be written again, and nothing a key of which stands twice.

Invariant: what reaches a route is JSON that the API can keep and answer; what is none is `malformed`, an empty body is said to be
empty, and a body of another media type or encoding is `unsupported-media-type`, whatever the operation.
"""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from services.web.frame import JSON, replayed
from services.web.problems import Code, ProblemError
from shared.events.bindings import canonical, parsed
from shared.events.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Receive, Scope, Send

UNREADABLE: Final = "unreadable"
"""Where a request keeps what is wrong with its body until it is clear that whoever asks has the role (services/web/access/may.py)."""
_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_PLACEHOLDER: Final = re.compile(r"\\\{\w+\\\}")


class ReadableBodies:
    """Stands before the routes (ASGI); `document` gives the OpenAPI document, which says the operations that have a body of JSON."""

    def __init__(self, app: ASGIApp, document: Callable[[], Mapping[str, Any]]) -> None:
        self._app = app
        self._document = document
        self._operations: list[tuple[str, re.Pattern[str]]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through with its body as it was read; what is wrong with it is said after whether its sender may ask at all."""
        if scope["type"] == "http" and self._has_json(scope["method"], scope["path"]):
            request = Request(scope, receive)
            body = b"{}"
            try:
                body = _read(request.headers, await request.body())
            except ProblemError as problem:
                scope["state"][UNREADABLE] = problem
            receive = replayed(body, receive)
        await self._app(scope, receive, send)

    def _has_json(self, method: str, path: str) -> bool:
        if self._operations is None:
            self._operations = list(_with_json(self._document()))
        return any(each == method and pattern.fullmatch(path) for each, pattern in self._operations)


def _with_json(document: Mapping[str, Any]) -> list[tuple[str, re.Pattern[str]]]:
    """The operations whose body is JSON and nothing else: what takes events reads them itself."""
    return [
        (method.upper(), re.compile(_PLACEHOLDER.sub("[^/]+", re.escape(path))))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation.get("requestBody", {}).get("content", {}).keys() == {JSON}
    ]


def _read(headers: Headers, body: bytes) -> bytes:
    refuse_empty(body, JSON)
    media = media_of(headers)
    if media != JSON and not media.endswith("+json"):
        raise ProblemError(Code.UNSUPPORTED_MEDIA_TYPE, "media-not-read", given=media or "-", wanted=JSON)
    check_encoding(headers)
    try:
        return canonical(parsed(body), sort=False)
    except RefusedError as refused:
        raise ProblemError(Code.MALFORMED, "body-not-json", reason=refused.message) from refused


def media_of(headers: Headers) -> str:
    """The media type of a body, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def check_encoding(headers: Headers) -> None:
    """ProblemError (unsupported-media-type) for a body that says it is in another encoding than UTF-8."""
    said = EmailMessage()
    said["content-type"] = headers.get("content-type", "")
    if said.get_content_charset("utf-8") not in _UTF_8:
        raise ProblemError(Code.UNSUPPORTED_MEDIA_TYPE, "media-not-read", given=headers["content-type"][:100], wanted="UTF-8")


def refuse_empty(body: bytes, wanted: str) -> None:
    """ProblemError (malformed) for a body in which nothing stands; `wanted`: what is to be sent."""
    if not body.strip():
        raise ProblemError(Code.MALFORMED, "body-empty", wanted=wanted)
