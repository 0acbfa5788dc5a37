"""The console as an application: which pages there are, what is around each, and what is said when one cannot be shown.

Pages are at the root; what no page answers to is the API's, unless a browser asks for a page.

Invariant: every answer forbids what comes from elsewhere (Content-Security-Policy); a page's failure is said in the reader's
language, with the id under which the log has it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles

from services.web.console.api import Api, AskedInVainError
from services.web.console.documentation import POLICY, Documentation
from services.web.console.forms import TOKEN, read_form
from services.web.console.pages import PAGES
from services.web.console.reader import CHOICES, COOKIE, Reader, kept, language_of, url
from services.web.console.rendering import know_companies, page_of
from services.web.console.session import SESSION, Signing
from services.web.console.ways import way_of
from services.web.frame import ASKED_AGAIN, REQUEST_ID, read_in_time, request_id
from services.web.languages import title, wrong
from services.web.parameters import wrong_parameters
from services.web.problems import RETRY_AFTER, Code, Fault, ProblemError
from shared.events.values import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from services.web.access.roles import Actor, Authentication
    from services.web.console.rendering import WebPage
    from services.web.ports import WebPorts

log = structlog.get_logger(__name__)

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DOCS: Final = "/docs"
"""Where the documentation is."""
_OF_OURS: Final = frozenset({"same-origin", "none"})
"""How a browser calls requests that a page of ours makes, or the reader by themselves (Sec-Fetch-Site)."""
_YEAR: Final = 365 * 24 * 3600
_NOT_FOUND: Final = 404
_COMPRESSION: Final = 4
"""A tenth of a page is left; more takes longer than it saves."""


class Console:
    """Stands before the API (ASGI): shows pages, and lets everything else through."""

    def __init__(self, app: ASGIApp, authentication: Authentication, ports: WebPorts) -> None:
        self._api = app
        self._authentication = authentication
        self._way = way_of(authentication, ports.settings)
        self._signing = Signing(ports.settings, ports.clock)
        self._ports = ports
        static = StaticFiles(directory=str(files("services.web.console").joinpath("static")))
        routes = [Route(path, self._shown(page), methods=["GET", "POST"] if page.takes_forms else ["GET"]) for path, page in PAGES.items()]
        documentation = [Route(DOCS, _to_documentation), Mount(DOCS, Documentation(ports.settings.site_dir))]
        pages = Starlette(routes=[*routes, Mount("/static", static), *documentation])
        self._routes = pages.routes
        # What a page repeats of its address does not tell a form's token by its size: a token is another in each answer.
        self._pages = GZipMiddleware(pages, compresslevel=_COMPRESSION)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._api(scope, receive, send)
        elif any(route.matches(scope)[0] is not Match.NONE for route in self._routes):
            scope.setdefault("state", {})["application"] = scope["app"]  # the pages' own application takes its place
            await self._framed(self._pages, scope, receive, send)
        elif _wants_a_page(scope):
            request = Request(scope, receive)
            problem = {"title": title(language_of(request), "not-found"), "detail": scope["path"], "code": "not-found"}

            async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
                await (await self._failed(self._reader_of(request, None), AskedInVainError(_NOT_FOUND, problem)))(scope, receive, send)

            await self._framed(nowhere, scope, receive, send)
        else:
            self._let_read(scope)
            await self._api(scope, receive, send)

    async def _framed(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with a page, which has the id of its request as every answer of the API has."""
        id_ = request_id(Headers(scope=scope), self._ports.new_id())
        scope.setdefault("state", {})["request_id"] = id_
        structlog.contextvars.bind_contextvars(request_id=id_)
        try:
            await app(scope, receive, _protected(send, id_, scope["path"]))
        finally:
            structlog.contextvars.unbind_contextvars("request_id")

    def _let_read(self, scope: Scope) -> None:
        """Whoever is signed in here may read the API too (a link to JSON, the live numbers); to write it needs a token of its own."""
        headers = Headers(scope=scope)
        if scope["method"] == "GET" and "authorization" not in headers:
            session = self._signing.read(SESSION, Request(scope).cookies.get(SESSION))
            with suppress(ProblemError):
                if session is not None:
                    state = scope.setdefault("state", {})
                    state["known_actor"] = self._way.actor_of(session)
                    state[ASKED_AGAIN] = partial(self._actor, Request(scope), None)

    def _shown(self, page: WebPage) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            reader = self._reader_of(request, None)
            try:
                refuse_foreign(request, self._ports.settings.http_public_url)
                reader = self._reader_of(request, await self._actor(request, page), page)
                answered = await self._answered(reader, page)
            except AskedInVainError as refused:
                answered = await self._failed(reader, refused)
            except ProblemError as problem:
                answered = await self._refused(reader, page, problem)
            except Exception as error:
                log.exception("a page failed", path=request.url.path, exc_info=error)
                said = {"title": title(language_of(request), "internal"), "code": "internal", "request_id": request.state.request_id}
                answered = await self._failed(reader, AskedInVainError(500, said))
            for name in reader.outworn:
                answered.delete_cookie(COOKIE + name)
            return answered

        return answer

    async def _answered(self, reader: Reader, page: WebPage) -> Response:
        """The page, or the way back to it once a choice of the reader's is kept; AskedInVainError, ProblemError."""
        request = reader.request
        await self._take_form(reader, page)  # before anything is asked: what was filled in is there whatever the API says
        if kept(request, "company") or "choose" in request.query_params:
            await know_companies(reader)
        if _is_choice(request) and (made := _chosen(reader)) is not None:
            return made
        if not reader.fits("as_of", request.query_params.get("as_of", "")):
            message = wrong(reader.language, "day").format(value=shown(request.query_params["as_of"]))
            raise wrong_parameters([Fault("/as_of", Code.PARAMETER_INVALID, message)])
        return await page_of(reader, page)

    async def _take_form(self, reader: Reader, page: WebPage) -> None:
        """Has the reader have the form that they sent; ProblemError where it is not of a page of ours."""
        if reader.request.method == "POST":
            async with read_in_time(self._ports.clock):
                sent = await read_form(reader.request, has_files=page.takes_files)
            self._signing.check_form(sent.get(TOKEN), reader.actor)
            reader.sent = sent

    def _reader_of(self, request: Request, actor: Actor | None, page: WebPage | None = None) -> Reader:
        api: Any = None
        if actor is not None:
            around = {"app": request.state.application, "host": request.headers.get("host", ""), "request_id": request.state.request_id}
            around[ASKED_AGAIN] = partial(self._actor, request, page)
            api = Api(self._api, actor, language_of(request), self._ports.clock, around)
        public = self._ports.settings.http_public_url
        today = self._ports.clock.now().date()
        return Reader(request, actor, api, today, self._signing, self._way, None if public is None else str(public))

    async def _actor(self, request: Request, page: WebPage | None) -> Actor | None:
        """By the session, else as the API does; None: nobody is signed in, and the page is open to everybody."""
        session = None if self._way.kind == "none" else self._signing.read(SESSION, request.cookies.get(SESSION))
        try:
            if session is not None and "authorization" not in request.headers:
                return self._way.actor_of(session)
            return await self._authentication.actor_of(request.headers)
        except ProblemError as problem:
            if page is not None and page.is_open and problem.code == Code.NOT_AUTHENTICATED:
                return None
            raise

    async def _refused(self, reader: Reader, page: WebPage, problem: ProblemError) -> Response:
        """What was wrong; where nobody is signed in the page leads to where they can, and from there back."""
        request = reader.request
        if problem.code == Code.NOT_AUTHENTICATED and self._way.kind != "none" and not page.is_open:
            here = f"{request.url.path}?{request.url.query}".rstrip("?")  # of a form too: without its query its page is not there
            return RedirectResponse(url("/sign-in", next=here), status_code=303)
        language = language_of(request)
        said = {"title": title(language, problem.code), "detail": problem.detail(language), "code": problem.code}
        return await self._failed(reader, AskedInVainError(problem.status, {**said, "request_id": request.state.request_id}))

    async def _failed(self, reader: Reader, refused: AskedInVainError) -> Response:
        """The page that says what was wrong, which asks nothing."""
        headers = {"Retry-After": str(RETRY_AFTER)} if refused.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return HTMLResponse(page_of.failed(reader, refused), status_code=refused.status, headers=headers)


async def _to_documentation(_: Request) -> Response:
    """To its first page, whose links begin where it is."""
    return RedirectResponse(f"{DOCS}/", status_code=308)


def refuse_foreign(request: Request, public: object) -> None:
    """ProblemError (not-allowed) for a form that another site's page has sent: by Sec-Fetch-Site, without it by Origin.

    `public`: the address by which others know us, where a proxy calls us by another one.
    """
    if request.method != "POST":
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is not None:
        ours = {request.headers.get("host", "").lower(), urlsplit(str(public or "")).netloc}
        site = "same-origin" if origin.lower().partition("://")[2] in ours - {""} else "cross-site"
    if site is not None and site not in _OF_OURS:
        raise ProblemError(Code.NOT_ALLOWED, "form-of-another-site")


def _is_choice(request: Request) -> bool:
    """Whether an address is of a link or form of ours that makes a choice: another site's does not make any for the reader."""
    is_ours = request.headers.get("sec-fetch-site", "same-origin") in _OF_OURS
    return is_ours and request.method == "GET" and any(name in request.query_params for name in ("language", "theme", "choose"))


def _chosen(reader: Reader) -> Response | None:
    """Keeps what was chosen in cookies, and leads back to the page; None where something that was chosen is not there."""
    request = reader.request
    made = {name: request.query_params[name] for name in CHOICES if name in request.query_params}
    if not all(reader.fits(name, value) for name, value in made.items()):
        return None
    made |= {"as_of": reader.as_of or ""} if "as_of" in made else {}
    answer = RedirectResponse(reader.same(**dict.fromkeys((*CHOICES, "choose"))), status_code=303)
    for name, value in made.items():
        secure = request.url.scheme == "https"
        keeps = _YEAR if value else 0
        answer.set_cookie(COOKIE + name, quote(value), max_age=keeps, httponly=True, samesite="lax", secure=secure)
    return answer


def _wants_a_page(scope: Scope) -> bool:
    if scope["method"] != "GET" or scope["path"].startswith("/v1") or scope["path"] == "/openapi.json":
        return False
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


def _protected(send: Send, request_id: str, path: str) -> Send:
    """Sends answers with the headers that protect the reader; what is the same for everybody the browser may keep."""
    is_documentation = path.startswith(f"{DOCS}/")

    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers[REQUEST_ID] = request_id
            if is_documentation:
                headers["Content-Security-Policy"] = POLICY
            if is_documentation or path.startswith("/static/"):
                headers["Cache-Control"] = "no-cache"
        await send(message)

    return protected
