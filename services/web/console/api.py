"""How a page asks: the API's own operations, in this process, as the reader.

Invariant: a page learns nothing that the API would not answer to the same reader; what the API refuses is a `AskedInVainError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import orjson

from services.web.frame import ASKED_AGAIN
from services.web.languages import title
from services.web.problems import STATUS, Code, ProblemError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

    from services.web.access.roles import Actor
    from services.web.languages import Language
    from shared.delivery.ports import Clock

_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = 400
_MISSING: Final = 404
READ_WITHIN: Final = 8.0
"""Seconds in which the books answer a question, or count as away: nobody looks at an empty window for longer."""
DONE_WITHIN: Final = 20.0
"""Seconds in which an order is taken: it is asked for again under its key."""
FILE_WITHIN: Final = 120.0
"""Seconds in which a workbook is begun to be sent: it is written first."""
_READS: Final = "/v1/simulate"


class AskedInVainError(Exception):
    """The API has refused: its status, and its problem (services/web/problems.py)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(status, problem)
        self.status = status
        self.problem = problem

    @property
    def is_missing(self) -> bool:
        """Whether what was asked for is not there, or not in the reader's scope."""
        return self.status == _MISSING


class Api:
    """Asks the application in this process, as one reader."""

    def __init__(self, app: ASGIApp, actor: Actor, language: Language, clock: Clock, around: Mapping[str, Any]) -> None:
        """`around`: the `app` that a scope names, the `host` that the reader asked, and the `request_id` of all that the page asks."""
        self._app = app
        self._actor = actor
        self._language = language
        self._clock = clock
        self._around = around

    async def ask(self, path: str, /, **parameters: object) -> Any:
        """The answer of GET; parameters that are None or empty are left out. AskedInVainError."""
        waits = float(str(parameters.get("wait") or 0))
        return await self._in_time(READ_WITHIN + waits, self._answer("GET", path, _query(parameters), b"", ()))

    async def order(self, path: str, body: Mapping[str, Any], /, key: str | None = None, **parameters: object) -> Any:
        """The answer of POST; `key`: under which the same order again is answered as the first one was. AskedInVainError."""
        within = READ_WITHIN if path == _READS else DONE_WITHIN
        return await self._in_time(within, self._answer("POST", path, _query(parameters), orjson.dumps(body), (_JSON, *_under(key))))

    async def put(self, path: str, body: Mapping[str, Any], /, under: str, position: int, **parameters: object) -> Any:
        """The answer of PUT over the version at a position (0: there is none), once `under` a key. AskedInVainError."""
        headers = (_JSON, *_under(under), (b"if-match", f'"{position}"'.encode()))
        return await self._in_time(DONE_WITHIN, self._answer("PUT", path, _query(parameters), orjson.dumps(body), headers))

    async def _in_time(self, seconds: float, answer: Awaitable[Any]) -> Any:
        """An answer, or that the database gives none: one that takes connections and says nothing would be waited for without end."""
        try:
            async with self._clock.timeout(seconds):
                return await answer
        except TimeoutError as error:
            problem = ProblemError(Code.DATABASE_AWAY, "database")
            said = {"title": title(self._language, problem.code), "detail": problem.detail(self._language), "code": problem.code}
            raise AskedInVainError(STATUS[Code.DATABASE_AWAY], {**said, "request_id": self._around["request_id"]}) from error

    async def _answer(self, method: str, path: str, query: bytes, body: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> Any:
        status, parts = 500, list[bytes]()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self._app(self._scope(method, path, query, headers), receive, send)
        said = orjson.loads(b"".join(parts) or b"{}")
        if status >= _PROBLEM:
            raise AskedInVainError(status, said)
        return said

    async def stream(self, path: str) -> AsyncIterator[bytes]:
        """The messages of a stream of events as they come, whole, until whoever listens is gone. AskedInVainError before the first."""
        kept = b""
        async with aclosing(self.download(path, READ_WITHIN)) as parts:
            async for part in parts:
                *messages, kept = (kept + part).split(b"\n\n")
                for message in messages:
                    yield message

    async def download(self, path: str, seconds: float, /, **parameters: object) -> AsyncGenerator[bytes, None]:
        """The parts of an answer to GET as they come, until whoever takes them is gone. AskedInVainError before the first.

        No more than a part waits to be taken. `seconds`: within which the answer has to begin.
        """
        parts: asyncio.Queue[Message] = asyncio.Queue(1)
        gone = asyncio.Event()

        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            if (request := next(asked, None)) is not None:
                return request
            await gone.wait()
            return {"type": "http.disconnect"}

        answering = asyncio.ensure_future(self._app(self._scope("GET", path, _query(parameters), ()), receive, parts.put))
        try:
            status = (await self._in_time(seconds, _next(parts, answering)))["status"]
            while (part := await _next(parts, answering)) and (part.get("body") or part.get("more_body")):
                if status >= _PROBLEM:
                    raise AskedInVainError(status, orjson.loads(part["body"]))
                yield part.get("body", b"")
        finally:
            gone.set()
            answering.cancel()

    def _scope(self, method: str, path: str, query: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> dict[str, Any]:
        usual = (
            (b"host", self._around["host"].encode("latin-1")),
            (b"accept-language", self._language.value.encode()),
            (b"x-request-id", self._around["request_id"].encode("latin-1")),
        )
        return {
            "type": "http",
            "app": self._around["app"],
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query,
            "headers": [*usual, *headers],
            "client": None,
            "server": None,
            "state": {"known_actor": self._actor, **{name: self._around[name] for name in (ASKED_AGAIN,) if name in self._around}},
        }


async def _next(parts: asyncio.Queue[Message], answering: asyncio.Future[None]) -> Message:
    """The next part of an answer; one that is empty where it has ended."""
    waiting = asyncio.ensure_future(parts.get())
    either: set[asyncio.Future[Any]] = {waiting, answering}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
    finally:
        waiting.cancel()  # whoever listens may have gone meanwhile: nothing is left behind
    answering.result()
    return {"type": "http.response.body", "status": 500}


def _under(key: str | None) -> tuple[tuple[bytes, bytes], ...]:
    return () if key is None else ((b"idempotency-key", key.encode("latin-1", "replace")),)


def _query(parameters: Mapping[str, object]) -> bytes:
    given = {name.removesuffix("_"): str(value) for name, value in parameters.items() if value not in {None, ""}}
    return urlencode(given).encode()
