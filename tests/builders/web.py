"""The API in this process, without broker and database: what was sent is kept, and what is in the schemas is made up by the test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from services.registry import PROCESSES
from services.web.access.roles import Actor, Role
from services.web.access.tokens import Token, TokenAuthentication
from services.web.app import create_app
from services.web.ports import WebPorts
from shared.delivery.ports import SystemClock
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from fastapi import FastAPI

    from services.web.access.roles import Authentication
    from services.web.problems import ProblemError
    from shared.events.envelope import Record

NOW: Final = datetime(2026, 3, 12, 12, tzinfo=UTC)


@dataclass
class StandingClock(SystemClock):
    """A clock that a test moves."""

    time: datetime = NOW
    seconds: float = 1000.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Kept:
    """A sender that keeps what is sent; `failure`: what it raises in place of it."""

    records: list[Record] = field(default_factory=list)
    failure: ProblemError | None = None

    async def send(self, records: Sequence[Record]) -> None:
        if self.failure is not None:
            raise self.failure
        self.records += records

    async def close(self) -> None:
        pass


@dataclass
class MadeUp:
    """Schemas whose connections answer every query with what the test says, by a part of its text."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    failure: Exception | None = None
    asked: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[MadeUp]:
        del service
        if self.failure is not None:
            raise self.failure
        yield self

    def at_one_moment(self) -> Any:
        return self.of("any")

    @asynccontextmanager
    async def books(self) -> AsyncIterator[MadeUp]:
        if self.failure is not None:
            raise self.failure
        yield self

    def books_for_long(self) -> Any:
        return self.books()

    def desk(self) -> Any:
        return self.of("desk")

    async def names(self) -> list[str]:
        return [service.name for service in PROCESSES]

    async def fetch(self, query: str, *arguments: Any) -> Any:
        self.asked.append((query, arguments))
        return next((answer for part, answer in self.answers.items() if part in query), [])

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        self.asked.append((query, arguments))
        nothing = None if "as newest" in query else 0
        return next((answer for part, answer in self.answers.items() if part in query), nothing)

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        self.asked.append((query, arguments))
        return next((answer for part, answer in self.answers.items() if part in query), None)

    async def close(self) -> None:
        pass


def made_up_ports(settings: Settings | None = None, schemas: MadeUp | None = None, sender: Kept | None = None) -> WebPorts:
    stand_in: Any = schemas or MadeUp()
    return WebPorts(settings or Settings(), stand_in, sender or Kept(), StandingClock())


def app_of(ports: WebPorts, authentication: Authentication | None = None) -> FastAPI:
    return create_app(ports.settings, ports, authentication)


def asking(app: FastAPI, **more: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client of the application; failures of ours come as answers, as they do over the network."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8088", **more)


def token_for(actor: Actor, expires: datetime | None = None) -> tuple[str, Token]:
    """A token for somebody, and the entry that knows it."""
    token = f"token-of-{actor.name}"
    return token, Token(hashlib.sha256(token.encode()).digest(), actor, expires)


def with_tokens(*actors: Actor) -> tuple[TokenAuthentication, dict[str, dict[str, str]]]:
    """Authentication by a token for each of these, and the header that each sends, by name."""
    made = {actor.name: token_for(actor) for actor in actors}
    headers = {name: {"Authorization": f"Bearer {token}"} for name, (token, _) in made.items()}
    return TokenAuthentication([entry for _, entry in made.values()], StandingClock()), headers


def of_role(role: Role, *companies: str) -> Actor:
    """Somebody with one role and these companies, by the role's name."""
    return Actor(role.value, frozenset({role}), frozenset(companies) if companies else None)
