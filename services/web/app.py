"""The application: the frame, the routes, the OpenAPI document, and one form for everything that goes wrong.

Invariant: the same settings and ports give the same application; it opens nothing before it is asked.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.web.access.chosen import authentication
from services.web.bodies import ReadableBodies
from services.web.console.app import Console
from services.web.frame import Frame, language_of
from services.web.observed import Observed
from services.web.openapi import DESCRIPTION, TITLE, parameters_of, published
from services.web.parameters import KnownParameters
from services.web.problems import Code, ProblemError, answer
from services.web.routes import ROUTERS, media_of
from services.web.routes.flow import close_checks
from services.web.validation import of_errors
from shared.settings import HttpAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from services.web.access.roles import Authentication
    from services.web.ports import WebPorts
    from shared.settings import Settings

VERSION: Final = "1.0.0"
"""The version of the API: the middle number rises with what is added; under /v1 nothing goes or changes."""


def create_app(settings: Settings, ports: WebPorts, authenticated: Authentication | None = None) -> FastAPI:
    """The application. SettingsError where HTTP_AUTH lacks something; `authenticated`: in place of what the settings say."""
    who = authenticated or authentication(settings, ports.clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await close_checks(ports)
            await who.close()
            await ports.sender.close()
            await ports.ends.close()
            await ports.schemas.close()

    app = _routed(lifespan=lifespan)
    app.state.ports = ports
    _publish(app, settings)
    app.add_middleware(ReadableBodies, document=_said)
    app.add_middleware(KnownParameters, known=_known_parameters)
    app.add_middleware(Frame, authentication=who, ports=ports, media_of=media_of)
    app.add_middleware(Console, authentication=who, ports=ports)
    app.add_middleware(Observed)
    _answer_problems(app)
    return app


def document() -> dict[str, Any]:
    """The OpenAPI document of this version, wherever it runs."""
    return published(_routed(), [])


@cache
def _said() -> dict[str, Any]:
    """The document, made once."""
    return document()


@cache
def _known_parameters() -> dict[tuple[str, str], frozenset[str]]:
    """The parameters that each operation has."""
    return parameters_of(_said())


def _routed(**more: Any) -> FastAPI:
    """The routes alone."""
    app = FastAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
        generate_unique_id_function=lambda route: route.name,
        **more,
    )
    for router in ROUTERS:
        app.include_router(router)
    return app


def _publish(app: FastAPI, settings: Settings) -> None:
    """The OpenAPI document, made once; it names the server under which others reach it."""
    servers = [{"url": str(settings.http_public_url).rstrip("/")}] if settings.http_public_url is not None else []

    def here() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = published(app, servers, is_open=settings.http_auth is HttpAuth.NONE)
        return app.openapi_schema

    app.openapi = here  # type: ignore[method-assign] # FastAPI's own way to change the document


# Problems


def _answer_problems(app: FastAPI) -> None:
    async def of_problem(request: Request, error: Exception) -> Response:
        return _answered(request, error if isinstance(error, ProblemError) else ProblemError(Code.INTERNAL))

    async def of_validation(request: Request, error: Exception) -> Response:
        return _answered(request, of_errors(request, error) if isinstance(error, RequestValidationError) else ProblemError(Code.INTERNAL))

    async def of_http(request: Request, error: Exception) -> Response:
        return _answered(request, _of_http(request, error))

    app.add_exception_handler(ProblemError, of_problem)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)


def _answered(request: Request, problem: ProblemError) -> Response:
    return answer(problem, language_of(request.scope), request.scope["state"]["request_id"], request.url.path)


def _of_http(request: Request, error: Exception) -> ProblemError:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.url.path
    if status == 405:  # noqa: PLR2004 - method not allowed
        # The framework names the methods of the first route with this path alone.
        of_path = ", ".join(sorted(method for known, method in _known_parameters() if known == path))
        allowed = of_path or (getattr(error, "headers", None) or {}).get("Allow", "")
        said = {"Allow": allowed}
        return ProblemError(Code.METHOD_NOT_ALLOWED, "wrong-method", path=path, method=request.method, allowed=allowed, headers=said)
    if status == 404:  # noqa: PLR2004 - not found
        return ProblemError(Code.NOT_FOUND, "no-address", path=path)
    return ProblemError(Code.MALFORMED, "body-not-json", reason=str(getattr(error, "detail", "")))
