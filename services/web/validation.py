"""What FastAPI finds wrong, as problems: a parameter is 400, a field of a body 422, each with its place and what would be right.

Invariant: what the fields of a body are is read in the OpenAPI document, so that what is named is what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from services.web.frame import language_of
from services.web.parameters import wrong_parameters
from services.web.problems import Code, Fault, ProblemError
from services.web.wordings import worded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request
    from fastapi.exceptions import RequestValidationError

    from services.web.languages import Language

_PARAMETERS: Final = frozenset({"query", "header", "path", "cookie"})
_SCHEMAS: Final = "#/components/schemas/"
_OF_AN_EVENT: Final = "specversion"


def of_errors(request: Request, found: RequestValidationError) -> ProblemError:
    """The problem of what does not validate: all parameters that are wrong, or all fields of the body."""
    language = language_of(request.scope)
    errors = [_told(error, found.body) for error in found.errors()]
    errors = [each for each in errors if each["type"] == "bare-event"] or errors
    if errors and all(error["loc"][0] in _PARAMETERS for error in errors):
        return wrong_parameters([_fault(error, (), language) for error in errors])
    body = _body(request)
    faults = [_fault(error, _fields(request, body, error["loc"][1:]), language) for error in errors]
    if len(faults) == 1:
        fault = faults[0]
        return ProblemError(Code.INVALID, "body-field", faults=faults, place=fault.pointer or "body", message=fault.message)
    return ProblemError(Code.INVALID, "body-wrong", faults=faults)


def _told(error: Any, body: Any) -> Mapping[str, Any]:
    """An event in place of a list of events is told what the body is, not which fields it has too many."""
    of_body = error["loc"] in {("body",), ("body", "events")}
    is_event = isinstance(body, dict) and _OF_AN_EVENT in body
    are_events = isinstance(body, list) and any(isinstance(each, dict) and _OF_AN_EVENT in each for each in body)
    if of_body and (is_event or are_events) and error["type"] in {"missing", "model_attributes_type"}:
        return {**error, "type": "bare-event", "loc": ("body", "events")}
    told: Mapping[str, Any] = error
    return told


def _fault(error: Mapping[str, Any], fields: Sequence[str], language: Language) -> Fault:
    kind, *place = error["loc"]
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)
    return Fault(pointer, "parameter-invalid" if kind in _PARAMETERS else "invalid", worded(error, fields, language))


def _body(request: Request) -> Mapping[str, Any]:
    """The schema of the body of the operation that was asked for."""
    path = getattr(request.scope.get("route"), "path", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    schema: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(request: Request, schema: Mapping[str, Any], place: Sequence[str | int]) -> list[str]:
    """The fields of the object that a place is in, or is itself where there is no such place in it."""
    schemas = request.app.openapi()["components"]["schemas"]
    here = _resolved(schemas, schema)
    for step in place:
        inner = here.get("items") if isinstance(step, int) else here.get("properties", {}).get(step)
        inner = None if inner is None else _resolved(schemas, inner)
        if inner is None or not ({"properties", "items"} & inner.keys()):
            break
        here = inner
    return list(here.get("properties", ()))


def _resolved(schemas: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].removeprefix(_SCHEMAS)]
        elif "anyOf" in schema:
            schema = next((each for each in schema["anyOf"] if each.get("type") != "null"), {})
        else:
            return schema
