"""A reader of the console whose API is made up by the test: what each path answers, and what was asked and ordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from services.web.access.roles import Actor, Role
from services.web.console.api import AskedInVainError
from services.web.console.forms import Submitted
from services.web.console.reader import Reader
from services.web.languages import Language
from tests.builders.web import NOW

Answer = Any | Callable[[dict[str, Any]], Any]


@dataclass
class MadeUpApi:
    """Answers each path with what the test says; what is not said is not there."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ordered: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def ask(self, path: str, /, **parameters: Any) -> Any:
        given = {name.removesuffix("_"): value for name, value in parameters.items() if value not in {None, ""}}
        self.asked.append((path, given))
        found = self.answers.get(path)
        said = found(given) if callable(found) else found
        if said is None:
            raise AskedInVainError(404, {"title": path, "code": "not-found"})
        return said

    async def order(self, path: str, body: Mapping[str, Any], /, key: str | None = None) -> Any:
        del key
        self.ordered.append((path, body))
        return await self.ask(path)

    async def put(self, path: str, body: Mapping[str, Any], /, under: str, position: int, **parameters: Any) -> Any:
        del under, position
        self.ordered.append((path, body))
        return await self.ask(f"PUT {path}", **parameters)


class _Alone:
    """Signing where nobody signs in."""

    kind = "none"

    def form_token(self, actor: Actor | None) -> str:
        return "token" if actor is None else f"token of {actor.name}"


def made_up_reader(  # noqa: PLR0913 - what makes readers different
    answers: Mapping[str, Answer],
    *,
    path: str = "/",
    language: Language = Language.ENGLISH,
    sent: list[tuple[str, str]] | None = None,
    actor: Actor | None = None,
    address: Mapping[str, str] | None = None,
) -> Reader:
    """A reader of a page; `address`: its parameters; `sent`: the form."""
    query = urlencode(address or {}).encode()
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": [(b"accept-language", language.encode())]}
    api: Any = MadeUpApi(answers)
    alone: Any = _Alone()
    who = actor or Actor("all", frozenset(Role))
    return Reader(Request(scope), who, api, NOW.date(), alone, alone, sent=None if sent is None else Submitted(sent))
