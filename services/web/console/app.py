"""The console as an application: which pages there are, what is around each, and what is said when one cannot be shown.

Pages are at the root; what no page answers to is the API's, unless a browser asks for a page.

Invariant: every answer forbids what comes from elsewhere (Content-Security-Policy); a page's failure is said in the reader's
language, with the id under which the log has it.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles

from services.web.console.api import Api, AskedInVainError
from services.web.console.pages import PAGES
from services.web.console.reader import CHOICES, COOKIE, Reader, language_of
from services.web.console.rendering import page_of
from services.web.languages import title
from services.web.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from services.web.access.roles import Authentication
    from services.web.console.rendering import WebPage
    from services.web.ports import WebPorts

log = structlog.get_logger(__name__)

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_YEAR: Final = 365 * 24 * 3600
_NOT_FOUND: Final = 404


class Console:
    """Stands before the API (ASGI): shows pages, and lets everything else through."""

    def __init__(self, app: ASGIApp, authentication: Authentication, ports: WebPorts) -> None:
        self._api = app
        self._authentication = authentication
        self._ports = ports
        static = StaticFiles(directory=str(files("services.web.console").joinpath("static")))
        routes = [Route(path, self._shown(page), methods=["GET", "POST"] if page.takes_forms else ["GET"]) for path, page in PAGES.items()]
        self._pages = Starlette(routes=[*routes, Mount("/static", static)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._api(scope, receive, send)
        elif any(route.matches(scope)[0] is not Match.NONE for route in self._pages.routes):
            scope.setdefault("state", {})["application"] = scope["app"]  # the pages' own application takes its place
            await self._pages(scope, receive, _protected(send, keeps=scope["path"].startswith("/static/")))
        elif _wants_a_page(scope):
            request = Request(scope, receive)
            problem = {"title": title(language_of(request), "not-found"), "detail": scope["path"], "code": "not-found"}
            await (await self._failed(request, AskedInVainError(_NOT_FOUND, problem)))(scope, receive, _protected(send))
        else:
            await self._api(scope, receive, send)

    def _shown(self, page: WebPage) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if any(name in request.query_params for name in ("language", "theme", "choose")):
                return _chosen(request)
            try:
                reader = await self._reader(request)
                return await page_of(reader, page)
            except AskedInVainError as refused:
                return await self._failed(request, refused)
            except ProblemError as problem:
                language = language_of(request)
                said = {"title": title(language, problem.code), "detail": problem.detail(language), "code": problem.code}
                return await self._failed(request, AskedInVainError(problem.status, said))
            except Exception as error:
                log.exception("a page failed", path=request.url.path, exc_info=error)
                said = {"title": title(language_of(request), "internal"), "code": "internal"}
                return await self._failed(request, AskedInVainError(500, said))

        return answer

    async def _reader(self, request: Request) -> Reader:
        """Who reads; ProblemError where nobody is signed in."""
        actor = await self._authentication.actor_of(request.headers)
        around = {"app": request.scope["state"]["application"], "host": request.headers.get("host", "")}
        api = Api(self._api, actor, language_of(request), around)
        return Reader(request, actor, api, self._ports.clock.now().date())

    async def _failed(self, request: Request, refused: AskedInVainError) -> Response:
        """The page that says what was wrong, which asks nothing."""
        api: Any = None
        actor: Any = None
        reader = Reader(request, actor, api, self._ports.clock.now().date())
        return HTMLResponse(page_of.failed(reader, refused), status_code=refused.status)


def _chosen(request: Request) -> Response:
    """Keeps what was chosen in cookies, and leads back to the page."""
    rest = {name: value for name, value in request.query_params.items() if name not in {*CHOICES, "choose"} and value}
    query = str(request.url.replace(query="").include_query_params(**rest).query)
    path = request.url.path
    answer = RedirectResponse(f"{path}?{query}" if query else path, status_code=303)
    for name in CHOICES:
        if name in request.query_params:
            value = request.query_params[name]
            secure = request.url.scheme == "https"
            answer.set_cookie(COOKIE + name, value, max_age=_YEAR if value else 0, httponly=True, samesite="lax", secure=secure)
    return answer


def _wants_a_page(scope: Scope) -> bool:
    if scope["method"] != "GET" or scope["path"].startswith("/v1") or scope["path"] == "/openapi.json":
        return False
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


def _protected(send: Send, *, keeps: bool = False) -> Send:
    """Sends answers with the headers that protect the reader; `keeps`: the browser may keep it."""

    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if keeps:
                headers["Cache-Control"] = "no-cache"
        await send(message)

    return protected
