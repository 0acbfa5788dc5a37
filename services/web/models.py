"""What the API answers, as models: the OpenAPI document is made from them. Answers themselves are rows (services/desk/rows.py).

Invariant: every field has a description (a test), amounts are decimal strings, dates and times ISO 8601.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.web.cursors import DEFAULT_LIMIT, MOST

T = TypeVar("T")

MOST_CHARACTERS = 512
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
"""What a key may be made of: no id and no number of a document has a control character."""

AN_ID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
CURSOR: Final = r"^[A-Za-z0-9_-]+$"
KEY: Final = r"^[\x21-\x7e]+$"
VERSION_READ: Final = r'^(W/)?"?[0-9]{1,18}"?$'
DURATION: Final = "^[0-9]{1,5}[smhd]$"
DAYS: Final = r"^[1-9][0-9]{0,4}(,[1-9][0-9]{0,4}){0,9}$"
"""What ids, cursors, keys, versions, durations and buckets look like; services/web/wordings.py says it in words."""

Key = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS, pattern=PRINTABLE)]
Company = Annotated[str, Query(description="A company's code.", min_length=1, max_length=MOST_CHARACTERS, pattern=PRINTABLE)]
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_UNESCAPED: Final = re.compile(r" ([0-9]{2}:[0-9]{2})$")
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def mistake(*, kind: str, **words: object) -> PydanticCustomError:
    """What is wrong with a value, said by services/web/wordings.py: `kind`, and the words of its sentence."""
    return PydanticCustomError(kind, kind, words)


def _written_as_a_day(value: Any) -> Any:
    """A number would else be taken for the seconds since 1970."""
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise mistake(kind="a-day")
    return value


def _written_as_a_time(value: Any) -> Any:
    """A number would else be taken for the seconds since 1970. A space before the offset is a plus that was not escaped (%2B)."""
    given = _UNESCAPED.sub(r"+\1", value) if isinstance(value, str) else value
    if not isinstance(given, datetime) and not (isinstance(given, str) and _TIME.fullmatch(given)):
        raise mistake(kind="a-time")
    return given


def _of_our_time(time: datetime) -> datetime:
    """In UTC. Nothing was posted in far-off years, so the nearest time that every part can hold says the same of the books."""
    if time.year <= _EARLIEST.year:
        return _EARLIEST
    return _LATEST if time.year >= _LATEST.year else time.astimezone(UTC)


ADay = Annotated[date, BeforeValidator(_written_as_a_day)]
"""A day, written by ISO 8601 and no other way."""
ATime = Annotated[AwareDatetime, BeforeValidator(_written_as_a_time), AfterValidator(_of_our_time)]
"""A time, written by RFC 3339 and no other way, in UTC."""

_AMOUNT: Final = r"^-?[0-9]{1,28}(\.[0-9]{1,10})?$"


def _written_as_an_amount(value: Any) -> Any:
    """Neither an exponent nor a word such as NaN."""
    if isinstance(value, str) and not re.fullmatch(_AMOUNT, value, re.ASCII):
        raise mistake(kind="an-amount")
    return value


AnAmount = Annotated[Decimal, BeforeValidator(_written_as_an_amount), WithJsonSchema({"type": "string", "pattern": _AMOUNT})]
"""An amount, written as a decimal number."""

Limit = Annotated[int, Query(description="So many rows at most.", ge=1, le=MOST)]
Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before, with the same filters.", min_length=1, max_length=4096, pattern=CURSOR),
]
Count = Annotated[bool, Query(description="Whether to say how many rows the list has, whatever the page.")]

__all__ = ["DEFAULT_LIMIT", "Company", "Count", "Cursor", "Key", "Limit", "ListOf", "ProblemModel", "ReadTo"]


class FaultModel(BaseModel):
    """One thing that is wrong."""

    pointer: str = Field(description="Where: a JSON pointer into the body of the request, or `/NAME` of a parameter or header.")
    code: str = Field(description="What, as a code that never changes.")
    message: str = Field(description="What is wrong and what would be right.")
    index: int | None = Field(default=None, description="In which event of a batch, from 0.")


class ProblemModel(BaseModel):
    """A problem (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="`urn:intercompany:problem:` and the code.", examples=["urn:intercompany:problem:parameter-invalid"])
    title: str = Field(description="What kind of problem, in the reader's language.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what would be right, in the reader's language.")
    instance: str = Field(description="The path that was asked for.")
    code: str = Field(description="The kind of problem as a code that never changes (docs/http_api.md lists them).")
    request_id: str = Field(description="The id under which the log has the request; also the header `X-Request-Id`.")
    errors: list[FaultModel] = Field(description="Each thing that is wrong, where it can be said.")


class ReadTo(BaseModel):
    """How far the read side has read."""

    time: str | None = Field(description="Up to when everything is in the answer (RFC 3339); null: nothing was read yet.")
    lag_seconds: float = Field(description="By how many seconds the read side is behind.")
    behind: dict[str, int] | None = Field(description="Records of each topic that were not read yet; null while the broker is away.")


class ListOf(BaseModel, Generic[T]):
    """A page of a list."""

    data: list[T] = Field(description="The rows.")
    next: str | None = Field(description="The `cursor` of the next page; null: this is the last one.")
    read_to: ReadTo = Field(description="How far the read side had read.")
    count: int | Literal["10000+"] | None = Field(
        default=None, description="With `count=true`: how many rows the list has, exact up to 10,000; without it, it is not there."
    )


Row = dict[str, Any]
