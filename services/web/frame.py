"""What is around every request: its id, who asks, how much it may send, and that whatever happens is answered in one form.

Invariant: every answer has `X-Request-Id` and `Cache-Control: no-store`; who asks is known before the body is read; nothing that
a client sends makes a 500, and a failure of ours says no more than the id under which the log has it.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders

from services.web.access.roles import Actor
from services.web.languages import Language, negotiated, weight_of
from services.web.problems import MEDIA_TYPE, Code, ProblemError, answer
from shared.runtime.http_server import BODY_WITHIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from services.web.access.roles import Authentication
    from services.web.ports import WebPorts
    from shared.delivery.ports import Clock

log = structlog.get_logger(__name__)

LARGEST_BODY: Final = 4 * 1024 * 1024
REQUEST_ID: Final = "X-Request-Id"
ASKED_AGAIN: Final = "asked_again"
"""Under which name a request has what says once more who asks: ProblemError where that counts no longer."""
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
OPEN: Final = frozenset({"/openapi.json"})
"""What is answered to everybody: it says nothing of anybody's books."""
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Frame:
    """The outermost part of the application (ASGI)."""

    def __init__(self, app: ASGIApp, authentication: Authentication, ports: WebPorts, media_of: Callable[[str], str] | None = None) -> None:
        """`media_of`: with what a path answers where that is something else than JSON; several are separated by commas."""
        self._app = app
        self._authentication = authentication
        self._ports = ports
        self._media_of = media_of or (lambda _: JSON)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request = _Request(scope, headers, self._ports.new_id())
        structlog.contextvars.bind_contextvars(request_id=request.id)
        try:
            await self._answer(request, receive, send)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")

    async def _answer(self, request: _Request, receive: Receive, send: Send) -> None:
        started = False

        async def framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request.id
                headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            body = await self._let_in(request, receive)
            await self._app(request.scope, replayed(body, receive), framed)
        except ProblemError as problem:
            await request.answer(problem)(request.scope, receive, framed)
        except Exception as error:
            if started:
                raise
            found = self._ports.problem_of(error) or _failure_of_ours(error, request)
            await request.answer(found)(request.scope, receive, framed)

    async def _let_in(self, request: _Request, receive: Receive) -> bytes:
        """The request's body, once it is clear who asks and that an answer can be given."""
        path = request.scope["path"]
        if path not in OPEN:
            known = request.scope["state"].get("known_actor")
            request.scope["state"]["actor"] = known or await self._authentication.actor_of(request.headers)
            request.scope["state"].setdefault(ASKED_AGAIN, partial(self._authentication.actor_of, request.headers))
        offered = self._media_of(path)
        accepted = request.headers.get("accept", "*/*")
        if not any(accepts(accepted, each) for each in offered.split(", ")):
            raise ProblemError(Code.NOT_ACCEPTABLE, "no-media", offered=offered, accepted=accepted)
        async with read_in_time(self._ports.clock):
            return await _body(request.headers, receive)


@asynccontextmanager
async def read_in_time(clock: Clock) -> AsyncIterator[None]:
    """ProblemError (too-slow) where a body that is read in it takes longer than anybody's does."""
    try:
        async with clock.timeout(BODY_WITHIN):
            yield
    except TimeoutError as error:
        raise ProblemError(Code.TOO_SLOW, "body-too-slow", seconds=f"{BODY_WITHIN:g}", headers={"Connection": "close"}) from error


class _Request:
    """A request as far as the frame looks at it."""

    def __init__(self, scope: Scope, headers: Headers, new_id: str) -> None:
        self.scope = scope
        self.headers = headers
        self.id = request_id(headers, new_id)
        self.language = negotiated(", ".join(headers.getlist("accept-language")))
        context = headers.get("traceparent", "")
        traceparent = context if _TRACEPARENT.fullmatch(context) else None
        scope.setdefault("state", {}).update(request_id=self.id, language=self.language, traceparent=traceparent)

    def answer(self, problem: ProblemError) -> Any:
        """The problem as a response."""
        return answer(problem, self.language, self.id, self.scope["path"])


def request_id(headers: Headers, new_id: str) -> str:
    """The id of a request: the one that it was given, else a new one."""
    given = headers.get(REQUEST_ID, "")
    return given if _GIVEN_ID.fullmatch(given) else new_id


def _failure_of_ours(error: Exception, request: _Request) -> ProblemError:
    log.error("a request failed", method=request.scope["method"], path=request.scope["path"], exc_info=error)
    return ProblemError(Code.INTERNAL, "internal", request_id=request.id)


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The whole body; ProblemError (too-large) as soon as it is."""
    too_large = ProblemError(Code.TOO_LARGE, "body-too-large", limit=LARGEST_BODY)
    said = headers.get("content-length", "0")
    if said.isdigit() and int(said) > LARGEST_BODY:
        raise too_large
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise too_large
        if not message.get("more_body", False):
            return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, and then what comes: that the client has gone."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def accepts(header: str, offered: str) -> bool:
    """Whether a header Accept allows a media type, or a problem about it (RFC 9110, 12.5.1); the most specific range counts."""
    best = (-1, 0.0)
    for part in header.split(","):
        media, _, parameters = part.strip().partition(";")
        weights = [weight_of(each) for each in parameters.split(";") if each.strip().startswith("q")]
        rank = _specific(media.strip().lower(), offered)
        best = max(best, (rank, weights[0] if weights else 1.0)) if rank >= best[0] else best
    return best[0] >= 0 and best[1] > 0


def _specific(media: str, offered: str) -> int:
    """How specifically a range names what is offered; -1: not at all."""
    ranges = {"*/*": 0, f"{offered.partition('/')[0]}/*": 1, MEDIA_TYPE: 1, offered: 2}
    return ranges.get(media or "*/*", -1)


def actor_of(scope: Scope) -> Actor:
    """Who asks, as the frame found."""
    actor: Actor = scope["state"]["actor"]
    return actor


async def still_counts(scope: Scope) -> bool:
    """Whether who asked may still: an answer that continues ends with the token or the session that it was begun with."""
    try:
        return await scope["state"][ASKED_AGAIN]() is not None
    except ProblemError:
        return False


def language_of(scope: Scope) -> Language:
    """The reader's language."""
    language: Language = scope["state"]["language"]
    return language
