"""What every route that reads the books has in common: the moment, the page, the scope, and the form of the answer.

All questions of a request are asked in one transaction of inquiry's schema; how far that has read stands in the answer. A list continues
on where its last row was; its later pages know only what was posted when the first one was read.

Invariant: nothing that a client sends makes a failure of ours: what a cursor holds is tried as one that was given here, and what
turns out not to be a place in the list is `cursor-invalid`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, NoReturn

import asyncpg
import orjson
from fastapi import Depends, Query, Request
from starlette.responses import Response

from services.desk.posting_stand import posting_stand
from services.files.exports.pages import with_rule_titles
from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.companies import scope
from services.inquiry.queries.pages import PageWanted
from services.inquiry.queries.read_to import read_to
from services.web.cursors import MOST_COUNTED, Envelope, PageRequest, Pages, counted, etag, is_unchanged
from services.web.frame import language_of
from services.web.known import refuse_unknown_companies, refuse_unknown_values
from services.web.models import DEFAULT_LIMIT, ADay, ATime, Count, Cursor, Limit
from services.web.problems import Code, ProblemError
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from services.inquiry.queries.pages import PageOfRows, Place
    from services.web.access.roles import Actor
    from services.web.ports import WebPorts
    from shared.delivery.ports import Connection

Row = dict[str, Any]

ALL_COUNTED: Final = PageWanted(None, MOST_COUNTED, counts=True)
"""How many rows a list has, one more than is counted exactly at most."""
COMPANY_FILTERS: Final = frozenset({"company", "partner"})
_OF_PAGES: Final = frozenset({"limit", "cursor", "count"})

Day = Annotated[
    ADay | None, Query(alias="as_of", description="As of the end of this day: what is dated later is left out. Default: today.")
]
KnownAt = Annotated[
    ATime | None,
    Query(description="Only what was posted by this time (RFC 3339), so that a report can be given again as it was. Default: now."),
]


class Paging(NamedTuple):
    """Which page of a list, and which moment it is of. `asked_at`: when the first page was asked for; `counts`: with how many rows."""

    pages: Pages
    wanted: PageWanted
    asked_at: datetime
    continues: bool
    counts: bool = False

    def known_at(self, given: datetime | None) -> datetime | None:
        """By when something was posted that is on the page: by what was given, on later pages by when the first one was asked for."""
        return given or (self.asked_at if self.continues else None)

    def as_of(self, day: date | None, known_at: datetime | None) -> AsOf:
        """The day and the time that the page is of."""
        return AsOf(day or self.asked_at.date(), self.known_at(known_at))

    def following(self, after: Place | None) -> str | None:
        """The cursor of the next page, which begins after a place; None: there is none."""
        return None if after is None else self.pages.next(PageRequest(self.wanted.limit, None, self.asked_at), after)


async def _paging(request: Request, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, count: Count = False) -> Paging:  # noqa: FBT002
    """The page that is asked for; ProblemError (cursor-invalid) for a cursor of other filters, or one that is none."""
    filters = {name: value for name, value in request.query_params.items() if name not in _OF_PAGES}
    pages = Pages(request.url.path, filters)
    page = pages.page(cursor, limit, _ports(request).clock.now())
    if page.known_at is None or page.known_at.tzinfo is None or not all(isinstance(part, str | int) for part in page.after or ()):
        raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable")
    return Paging(pages, PageWanted(page.after, limit), page.known_at, cursor is not None, count)


Page = Annotated[Paging, Depends(_paging)]


class Books(NamedTuple):
    """Inquiry's books at one moment, and how far they had been read."""

    connection: Connection
    read_to: Row


@asynccontextmanager
async def books(request: Request, *, for_long: bool = False) -> AsyncIterator[Books]:
    """The books, for all questions of a request; ProblemError (inquiry-behind, database-away) by way of the frame.

    `for_long`: as long as a file takes, on a connection of its own.
    """
    ports = _ports(request)
    now = ports.clock.now()
    posting = await posting_stand(ports.schemas)
    ends = await ports.ends.ends()
    async with ports.schemas.books_for_long() if for_long else ports.schemas.books() as connection:
        yield Books(connection, (await read_to(connection, ends, now, posting)).as_row())


async def listed(
    request: Request,
    page: Paging,
    question: Callable[[Connection, PageWanted], Awaitable[PageOfRows]],
    shown: Callable[[Row], Row] | None = None,
) -> Response:
    """A page of a list, with how many rows the list has where that is asked for; `shown`: a row as this reader sees it."""
    refuse_unknown_values(request)
    async with books(request) as found:
        try:
            rows, after, _ = await question(found.connection, page.wanted)
            total = (await question(found.connection, ALL_COUNTED)).total if page.counts else None
        except (ValueError, asyncpg.DataError) as error:
            if not page.continues:
                raise
            raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable") from error
        if not rows and not page.continues:
            await refuse_unknown(request, found.connection)
    data = rows if shown is None else [shown(row) for row in rows]
    return answered(Envelope(data, page.following(after), found.read_to, None if total is None else counted(total)).as_row())


async def refuse_unknown(request: Request, connection: Connection) -> None:
    """Where nothing was found: ProblemError (parameter-invalid) if the company that is asked for is none."""
    if not COMPANY_FILTERS.isdisjoint(request.query_params):
        refuse_unknown_companies(request, await scope(connection, None))


def single(request: Request, row: Row, read_to: Row) -> Response:
    """One thing, with its entity tag: 304 where the client has it as it is."""
    tag = f"W/{etag(orjson.dumps(row))}"
    headers = {"ETag": tag}
    if is_unchanged(request.headers.get("if-none-match"), tag.removeprefix("W/")):
        return Response(status_code=304, headers=headers)
    return answered({"data": row, "read_to": read_to}, headers)


def answered(row: Row, headers: dict[str, str] | None = None) -> Response:
    """An answer; rows have been spelled already."""
    return Response(orjson.dumps(row), headers=headers, media_type="application/json")


def scope_of(actor: Actor, company: str | None) -> tuple[str, ...] | None:
    """The companies that a question is about, None: all; ProblemError (not-found) for one outside of the scope."""
    companies = actor.reads_of(company)
    return None if companies is None else tuple(sorted(companies))


def today(request: Request) -> date:
    """The day on which is asked, in UTC."""
    return _ports(request).clock.now().date()


def as_of_now(request: Request) -> Row:
    """How far was read of what is read where it is kept: it is as of now."""
    return {"time": instant(_ports(request).clock.now()), "lag_seconds": 0.0, "behind": None}


def missing(what: str) -> NoReturn:
    """ProblemError (not-found): what is asked for is not there, or outside of the scope."""
    raise ProblemError(Code.NOT_FOUND, "no-record", what=what)


def _ports(request: Request) -> WebPorts:
    ports: WebPorts = request.app.state.ports
    return ports


def titled(request: Request) -> Callable[[Row], Row]:
    """Says beside each line of a voucher what its rule is called, in the reader's language."""
    return with_rule_titles(language_of(request.scope))
