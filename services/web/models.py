"""What the API answers, as models: the OpenAPI document is made from them. Answers themselves are rows (services/desk/rows.py).

Invariant: every field has a description (a test), amounts are decimal strings, dates and times ISO 8601.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.web.cursors import DEFAULT_LIMIT, MOST

T = TypeVar("T")

MOST_CHARACTERS = 512
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
"""What a key may be made of: no id and no number of a document has a control character."""

Key = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS, pattern=PRINTABLE)]
Company = Annotated[str, Query(description="A company's code.", min_length=1, max_length=MOST_CHARACTERS, pattern=PRINTABLE)]
Limit = Annotated[int, Query(description="So many rows at most.", ge=1, le=MOST)]
Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before, with the same filters.", min_length=1, max_length=4096, pattern=r"^[A-Za-z0-9_-]+$"),
]
Count = Annotated[bool, Query(description="Whether to say how many rows the list has, whatever the page.")]

__all__ = ["DEFAULT_LIMIT", "Company", "Count", "Cursor", "Key", "Limit", "ListOf", "ProblemModel", "ReadTo"]


class FaultModel(BaseModel):
    """One thing that is wrong."""

    pointer: str = Field(description="Where: a JSON pointer into the event or body, or `/NAME` of a parameter.")
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
