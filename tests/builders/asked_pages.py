"""Pages as a browser asks for them, over an API of which a test says what it answers: no broker, no database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx
from starlette.responses import JSONResponse

from services.web.access.none import NoAuthentication
from services.web.console.app import Console
from tests.builders.web import made_up_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from services.web.access.roles import Authentication

Row = dict[str, Any]


class NoError(Exception):
    """What the API refuses: a status and its problem."""

    def __init__(self, status: int, code: str, **more: Any) -> None:
        super().__init__(status, code)
        self.status, self.problem = status, {"title": code, "code": code, **more}


@dataclass
class SaidApi:
    """An API (ASGI) that answers a path with what the test says: a body, or what makes one of the parameters or the body sent."""

    answers: Mapping[str, Any]
    asked: list[tuple[str, Row]] = field(default_factory=list)
    ordered: list[tuple[str, Row, Mapping[str, str]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path, pairs = scope["path"], parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        given: Row = dict(pairs)
        assert len(given) == len(pairs), f"a parameter stands twice: {pairs}"
        if scope["method"] == "GET":
            self.asked.append((path, given))
        else:
            given = json.loads((await receive())["body"])
            self.ordered.append((path, given, {name.decode(): value.decode() for name, value in scope["headers"]}))
        await self._answer(scope["method"], path, given)(scope, receive, send)

    def _answer(self, method: str, path: str, given: Row) -> JSONResponse:
        said = self.answers.get(f"{method} {path}", self.answers.get(path))
        if said is None:
            return JSONResponse({"title": "not-found", "code": "not-found"}, status_code=404)
        try:
            return JSONResponse(said(given) if callable(said) else said)
        except NoError as refused:
            return JSONResponse(refused.problem, status_code=refused.status)


def listed(*rows: Row, following: str | None = None) -> Row:
    """A list as the API gives it."""
    return {"data": list(rows), "next": following, "read_to": {"time": "2026-03-12T12:00:00Z", "lag_seconds": 0.1, "behind": None}}


def one(row: Row) -> Row:
    """One thing as the API gives it."""
    return {"data": row, "read_to": listed()["read_to"]}


def company(code: str) -> Row:
    """A company as `/v1/companies` has it."""
    return {"company": code, "name": code, "currency": "USD", "periods": [], "open": 0}


@asynccontextmanager
async def pages_on(api: SaidApi, authentication: Authentication | None = None, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the console over this API; a failure of ours is an answer."""
    console = Console(api, authentication or NoAuthentication(), made_up_ports())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await console({**scope, "app": None, "state": {}}, receive, send)

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8088", **more) as client:
        yield client
