"""Pages of a list: opaque cursors, the envelope, counts, entity tags. What every reading route uses.

A cursor holds the sort key of the last row, a digest of the filters and the order it was given for, and the time as of which the
first page was read (`known_at`), so that later pages never shift by what is posted in between.

Invariant: a cursor is taken only with the filters and the order that it was given for (`cursor-invalid`); one that was changed is
not taken; it holds nothing that the page itself did not show.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import orjson

from services.web.problems import Code, ProblemError

T = TypeVar("T")

DEFAULT_LIMIT: Final = 50
MOST: Final = 500
MOST_COUNTED: Final = 10_000
_DIGEST: Final = 8


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a query is asked for: the rows after this sort key (None: from the first), so many, as known at a time (None: now)."""

    limit: int
    after: tuple[Any, ...] | None = None
    known_at: datetime | None = None

    @property
    def fetched(self) -> int:
        """How many rows to fetch: one more than are shown says whether there is a next page."""
        return self.limit + 1


class Pages:
    """The pages of one question: `name` of the operation, its `filters` (without `limit`, `cursor`, `count`) and its order."""

    def __init__(self, name: str, filters: Mapping[str, Any], sort: str = "") -> None:
        text = orjson.dumps([name, sorted((key, _plain(value)) for key, value in filters.items() if value is not None), sort])
        self._digest = hashlib.blake2b(text, digest_size=_DIGEST).digest()

    def page(self, cursor: str | None, limit: int = DEFAULT_LIMIT, known_at: datetime | None = None) -> PageRequest:
        """The page that a cursor asks for, without one the first; `known_at`: as of when the first page is read.

        ProblemError (cursor-invalid) for a cursor of other filters or another order, or one that was not given here.
        """
        if cursor is None:
            return PageRequest(limit, None, known_at)
        digest, moment, after = _read(cursor)
        if digest != self._digest:
            raise ProblemError(Code.CURSOR_INVALID, "cursor-of-other-filters")
        return PageRequest(limit, after, moment)

    def next(self, page: PageRequest, key: Sequence[Any]) -> str:
        """The cursor to what comes after the row with this sort key."""
        moment = None if page.known_at is None else page.known_at.isoformat()
        body = orjson.dumps([moment, [_tagged(value) for value in key]])
        seal = hashlib.blake2b(self._digest + body, digest_size=_DIGEST).digest()
        return base64.urlsafe_b64encode(self._digest + seal + body).decode().rstrip("=")

    def envelope(self, page: PageRequest, rows: Sequence[T], key: Callable[[T], Sequence[Any]], read_to: Mapping[str, Any]) -> Envelope[T]:
        """The rows of a page, of which one more was fetched than is shown (`PageRequest.fetched`), with the cursor to the next."""
        shown = list(rows[: page.limit])
        more = len(rows) > page.limit
        return Envelope(shown, self.next(page, key(shown[-1])) if more else None, dict(read_to))


@dataclass(frozen=True, slots=True)
class Envelope(Generic[T]):
    """A list as it is answered: `{"data": …, "next": …, "read_to": …}`, with `count` where that was asked for."""

    data: list[T]
    next: str | None
    read_to: dict[str, Any]
    count: int | str | None = None

    def as_row(self) -> dict[str, Any]:
        """The envelope as an object."""
        row: dict[str, Any] = {"data": self.data, "next": self.next, "read_to": self.read_to}
        return row if self.count is None else {**row, "count": self.count}


def counted(number: int) -> int | str:
    """A count as it is answered: exact up to 10,000, then `10000+`; a query need not count further than MOST_COUNTED + 1."""
    return number if number <= MOST_COUNTED else f"{MOST_COUNTED}+"


def etag(content: bytes) -> str:
    """The entity tag of a single resource, by its bytes."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def is_unchanged(if_none_match: str | None, tag: str) -> bool:
    """Whether a header If-None-Match has this tag: then the answer is 304 without a body."""
    if if_none_match is None:
        return False
    given = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in given or tag in given


# What a cursor holds

_WRITERS: Final[tuple[tuple[type, str, Callable[[Any], Any]], ...]] = (
    (datetime, "t", lambda value: value.isoformat()),
    (date, "d", lambda value: value.isoformat()),
    (Decimal, "n", lambda value: format(value, "f")),
)
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "n": Decimal,
    "s": lambda value: value,
}


def _tagged(value: Any) -> list[Any]:
    for kind, tag, write in _WRITERS:
        if isinstance(value, kind):
            return [tag, write(value)]
    return ["s", value]


def _read(cursor: str) -> tuple[bytes, datetime | None, tuple[Any, ...]]:
    """The digest of the filters, the time as of which the first page was read, and the sort key."""
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, seal, body = content[:_DIGEST], content[_DIGEST : 2 * _DIGEST], content[2 * _DIGEST :]
        moment, key = orjson.loads(body)
        after = tuple(_READERS[tag](value) for tag, value in key)
        known_at = None if moment is None else datetime.fromisoformat(moment)
    except (ValueError, TypeError, KeyError, ArithmeticError, binascii.Error) as error:
        raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable") from error
    if hashlib.blake2b(digest + body, digest_size=_DIGEST).digest() != seal:
        raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable")
    return digest, known_at, after


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, frozenset | set | list | tuple) else str(value)
