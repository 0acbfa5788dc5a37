"""What is counted and traced of each request: outermost, so that pages and API are seen alike, and what is refused too.

Invariant: the label of an address is the form of its route, so there are as many as routes; an answer that is a stream is counted and
not timed. Where traces go somewhere the request's span is the root of what it causes, or hangs below the caller's: the events that it
sends bear it, unless they bear one of their own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog
from starlette.datastructures import MutableHeaders

from shared.events.bindings import trace_context
from shared.metrics import HTTP_REQUESTS, HTTP_SECONDS
from shared.telemetry import TRACEPARENT, server_span, trace_id_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOWHERE: Final = "nowhere"
"""The route of what no route answers to."""
_STREAM: Final = b"text/event-stream"


class Observed:
    """Stands before pages and API (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        seen = _Seen(send)
        begun = time.perf_counter()
        with server_span(scope["method"], trace_context(headers.get(TRACEPARENT))) as span:
            if span.traceparent is not None:
                headers[TRACEPARENT] = span.traceparent
            with structlog.contextvars.bound_contextvars(**trace_id_of(span.traceparent)):
                try:
                    await self._app(scope, receive, seen.send)
                finally:
                    route = getattr(scope.get("route"), "path", NOWHERE)
                    span.ended(f"{scope['method']} {route}", {"http.route": route, "http.response.status_code": seen.status})
                    HTTP_REQUESTS.labels(route, str(seen.status)).inc()
                    if not seen.is_stream:
                        HTTP_SECONDS.labels(route, str(seen.status)).observe(time.perf_counter() - begun)


class _Seen:
    """What an answer begins with. Without one its status is 500: the server says so in our place."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 500
        self.is_stream = False

    async def send(self, message: Message) -> None:
        """Lets a part of the answer through."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.is_stream = any(name == b"content-type" and value.startswith(_STREAM) for name, value in message.get("headers", []))
        await self._send(message)
