"""The OpenAPI document: made from the routes and models, with what every operation has in common added in one place.

Invariant: every operation says its role, and every problem it can answer with; every parameter and field has a description (a
test); the same program gives the same document (docs/contract/openapi.json is held equal to it).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from services.web.models import ProblemModel
from services.web.problems import MEDIA_TYPE, STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

TITLE: Final = "Intercompany settlement"
DESCRIPTION: Final = """\
Systems without Kafka send their events here and look at what came of them.

Amounts are decimal strings, dates and times ISO 8601. Natural keys go in the query string, since an id may hold any printable
character. Texts (`title`, `detail`, `message`) follow `Accept-Language` (en, fr, nl, de); codes stay English. Every answer has
`X-Request-Id`. Whatever goes wrong is `application/problem+json` (RFC 9457).
"""
_PROBLEM: Final = "#/components/schemas/Problem"
_RESPONSES: Final = "#/components/responses/"
_EVERYWHERE: Final = (400, 401, 403, 404, 405, 406, 408, 413, 500, 503)
_WITH_BODY: Final = (409, 415, 422)
_WITH_VERSION: Final = (412,)
_REQUEST_ID: Final = "#/components/headers/X-Request-Id"
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"description": "How to prove who asks.", "schema": {"type": "string"}}},
    405: {"Allow": {"description": "The methods that there are.", "schema": {"type": "string"}}},
    503: {"Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}},
}


def published(app: FastAPI, servers: list[dict[str, str]], *, is_open: bool = False) -> dict[str, Any]:
    """The document of an application; `is_open`: no token is asked for (HTTP_AUTH=none)."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[dict(each) for each in servers] or None,
    )
    components = document.setdefault("components", {})
    components["headers"] = {"X-Request-Id": {"description": "The request's id, as given or made.", "schema": {"type": "string"}}}
    components["responses"] = {str(status): _problem_response(status) for status in sorted((*_EVERYWHERE, *_WITH_BODY, *_WITH_VERSION))}
    schemas = components.setdefault("schemas", {})
    problem = ProblemModel.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for operation in operations(document):
        _complete(operation)
        if is_open:
            operation.pop("security", None)
    if is_open:
        components.pop("securitySchemes", None)
    _without_titles(document)
    return document


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a document."""
    for methods in document["paths"].values():
        yield from methods.values()


def parameters_of(document: dict[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    """The names of the query parameters of each operation, by path and method."""
    return {
        (path, method.upper()): frozenset(each["name"] for each in operation.get("parameters", ()) if each["in"] == "query")
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def _complete(operation: dict[str, Any]) -> None:
    """Adds the problems that every operation can answer with, and the header that every answer has."""
    responses = operation["responses"]
    for response in responses.values():
        response.setdefault("headers", {}).setdefault("X-Request-Id", {"$ref": _REQUEST_ID})
    statuses = (*_EVERYWHERE, *_WITH_BODY) if "requestBody" in operation else _EVERYWHERE
    if any(each["name"] == "If-Match" for each in operation.get("parameters", ())):
        statuses = (*statuses, *_WITH_VERSION)
    responses.pop("422", None)  # FastAPI's own; what does not validate is a problem as all others are
    responses.update({str(status): {"$ref": f"{_RESPONSES}{status}"} for status in statuses})
    operation["responses"] = dict(sorted(responses.items()))


def _problem_response(status: int) -> dict[str, Any]:
    codes = ", ".join(f"`{code}`" for code, each in STATUS.items() if each == status)
    more = ", or another code of docs/events.md" if status == HTTPStatus.UNPROCESSABLE_ENTITY else ""
    headers = {"X-Request-Id": {"$ref": _REQUEST_ID}, **_HEADERS.get(status, {})}
    content = {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}}}
    return {"description": f"A problem: {codes}{more}", "headers": headers, "content": content}


def _without_titles(value: Any) -> None:
    """Takes off the titles that pydantic makes of field names: they say nothing that the name does not."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "properties":
                for each in part.values():
                    each.pop("title", None)
            elif name == "schema" and isinstance(part, dict):
                part.pop("title", None)
            _without_titles(part)
    elif isinstance(value, list):
        for part in value:
            _without_titles(part)
