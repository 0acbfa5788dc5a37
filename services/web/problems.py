"""What goes wrong, as `application/problem+json` (RFC 9457): one form for every status, one table of every code.

Invariant: a code has one status for ever; codes are English, titles and details come in the reader's language; an answer to
a failure of ours says no more than the id under which the log has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.responses import Response

from services.web.languages import Language, text, thing, title

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:intercompany:problem:"
RETRY_AFTER: Final = 5
"""Seconds after which it makes sense to try again what was away."""


class Code(StrEnum):
    """The codes of the API's own problems; `STATUS` has the status of each."""

    MALFORMED = "malformed"
    PARAMETER_INVALID = "parameter-invalid"
    CURSOR_INVALID = "cursor-invalid"
    NOT_AUTHENTICATED = "not-authenticated"
    NOT_ALLOWED = "not-allowed"
    COMPANY_OUT_OF_SCOPE = "company-out-of-scope"
    SOURCE_NOT_ALLOWED = "source-not-allowed"
    OWN_PROPOSAL = "own-proposal"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOO_SLOW = "too-slow"
    NOT_ACCEPTABLE = "not-acceptable"
    CONFLICTING_DUPLICATE = "conflicting-duplicate"
    ALREADY_DECIDED = "already-decided"
    NOT_OPEN = "not-open"
    UNDER_WAY = "under-way"
    VERSION_CHANGED = "version-changed"
    TOO_LARGE = "too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    INVALID = "invalid"
    UNKNOWN_TYPE = "unknown-type"
    TOO_MANY_REQUESTS = "too-many-requests"
    INTERNAL = "internal"
    BROKER_AWAY = "broker-away"
    DATABASE_AWAY = "database-away"
    INQUIRY_BEHIND = "inquiry-behind"


STATUS: Final[Mapping[str, HTTPStatus]] = {
    Code.MALFORMED: HTTPStatus.BAD_REQUEST,
    Code.PARAMETER_INVALID: HTTPStatus.BAD_REQUEST,
    Code.CURSOR_INVALID: HTTPStatus.BAD_REQUEST,
    Code.NOT_AUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Code.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    Code.COMPANY_OUT_OF_SCOPE: HTTPStatus.FORBIDDEN,
    Code.SOURCE_NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    Code.OWN_PROPOSAL: HTTPStatus.FORBIDDEN,
    Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    Code.NOT_ACCEPTABLE: HTTPStatus.NOT_ACCEPTABLE,
    Code.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    Code.CONFLICTING_DUPLICATE: HTTPStatus.CONFLICT,
    Code.ALREADY_DECIDED: HTTPStatus.CONFLICT,
    Code.NOT_OPEN: HTTPStatus.CONFLICT,
    Code.UNDER_WAY: HTTPStatus.CONFLICT,
    Code.VERSION_CHANGED: HTTPStatus.PRECONDITION_FAILED,
    Code.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Code.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.UNKNOWN_TYPE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    Code.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Code.BROKER_AWAY: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.DATABASE_AWAY: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.INQUIRY_BEHIND: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of every code of the API's own. Any other code is one of docs/events.md, with which an event is refused: 422."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where (a JSON pointer, or `/NAME` of a parameter), the code, what would be right, and in which event."""

    pointer: str
    code: str
    message: str
    index: int | None = None

    def as_row(self) -> dict[str, Any]:
        """The fault as an object; `index` only where there are several events."""
        row: dict[str, Any] = {"pointer": self.pointer, "code": self.code, "message": self.message}
        return row if self.index is None else {**row, "index": self.index}


class ProblemError(Exception):
    """A request that is not carried out: its code and what is wrong.

    `key`: the text of the detail (texts/*.yaml), with its `words`; without a key `words["detail"]` is the detail itself, for what
    the services say of events, which is English.
    """

    def __init__(
        self, code: str, key: str | None = None, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None, **words: object
    ) -> None:
        super().__init__(code, key, words)
        self.code = code
        self.key = key
        self.words = words
        self.faults = list(faults)
        self.headers = dict(headers or {})

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status."""
        return STATUS.get(self.code, HTTPStatus.UNPROCESSABLE_ENTITY)

    def detail(self, language: Language) -> str:
        """What is wrong and what would be right."""
        if self.key is None:
            return str(self.words.get("detail", ""))
        words = {**self.words, "what": thing(language, str(self.words["what"]))} if "what" in self.words else self.words
        return text(language, self.key).format(**words)


def answer(problem: ProblemError, language: Language, request_id: str, instance: str) -> Response:
    """The problem as a response; `instance`: the path that was asked for."""
    body: dict[str, Any] = {
        "type": f"{TYPE}{problem.code}",
        "title": title(language, problem.code),
        "status": int(problem.status),
        "detail": problem.detail(language),
        "instance": instance,
        "code": problem.code,
        "request_id": request_id,
        "errors": [fault.as_row() for fault in problem.faults],
    }
    headers = {**_usual_headers(problem.status), "Content-Language": language.value, **problem.headers}
    return Response(orjson.dumps(body), status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)


def _usual_headers(status: HTTPStatus) -> dict[str, str]:
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER)}
    return {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
