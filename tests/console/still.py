"""The console at a moment that does not pass, for pictures: the same data give the same bytes.

Between console and API every time at which the product did something is the same one, and what is counted from it too; days of the
books, amounts and names are as they are.

Invariant: only pictures are made of this; what is tested is the product as it runs.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from tests.builders.web import StandingClock

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOW: Final = datetime(2026, 3, 31, 12, 4, 31, tzinfo=UTC)
CLOCK: Final = StandingClock(time=NOW)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_THE_TIME: Final = "2026-03-31T12:04:31Z"
_IN_A_SENTENCE: Final = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d UTC")
_SAID_SO: Final = "31 Mar 2026 12:04 UTC"
_POSTED: Final = "2026-03-31T12:04:31.061Z"
_SAID: Final[dict[str, Any]] = {"lag_seconds": 0.1, "age_seconds": 7300, "posted_at": _POSTED, "seconds": 0.1, "per_second": 12.0}


class Still:
    """Stands before the API (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the API, at the one moment."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [each for each in message["headers"] if each[0] != b"content-length"]
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    await send({"type": "http.response.body", "body": _still(b"".join(parts))})

        await self._app(scope, receive, kept)


def _still(body: bytes) -> bytes:
    try:
        return orjson.dumps(_of(orjson.loads(body)))
    except orjson.JSONDecodeError:
        return body


def _of(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {each: _of(inner, each) for each, inner in value.items()}
    if isinstance(value, list):
        return [_of(each) for each in value]
    if name in _SAID and value is not None:
        return _SAID[name]
    if isinstance(value, str):
        return _AGE.sub(r"\g<1>2 h", _IN_A_SENTENCE.sub(_SAID_SO, _TIME.sub(_THE_TIME, value)))
    return value


_AGE: Final = re.compile(r"(oldest |since )\d+ (?:s|min)")
