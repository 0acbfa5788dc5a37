"""Lists as files: all their rows, of one moment, as the list itself would show them to this reader.

CSV goes out page by page while the books are read, in one transaction on a connection of its own; a workbook is written to a file
first, and is bounded.

Invariant: memory and connections stay the same however long a file is; what stands in the way of the first page is a problem, what
comes later breaks the answer off, so that no client takes a part for the whole.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from fastapi import Depends, Query, Request
from starlette.responses import StreamingResponse

from services.files.exports.csv_file import csv_parts, form_of
from services.files.exports.pages import pages_of
from services.files.exports.workbook import ExportedWorkbook, TooManyRowsError
from services.web.frame import actor_of, language_of
from services.web.known import refuse_unknown_values
from services.web.languages import wrong
from services.web.parameters import wrong_parameters
from services.web.problems import RETRY_AFTER, Code, Fault, ProblemError
from services.web.reading import books, refuse_unknown
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from starlette.types import Message, Receive, Scope, Send

    from services.files.exports.columns import Listing
    from services.files.exports.pages import Question
    from services.web.ports import WebPorts
    from services.web.reading import Books

Row = dict[str, Any]

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_EXPORTS: Final = 4
"""Files that a process makes at once: each has a connection of its own."""
MOST_OF_A_READER: Final = 2
MOST_ROWS: Final = 50_000
"""Rows of a workbook that is asked for over HTTP: it is written to a disk that is small, and whoever asks waits for the first byte."""
_TAKEN_WITHIN: Final = 60.0
"""Seconds in which a client has to take a part: the books are held open for it."""
_CHUNK: Final = 256 * 1024

EXPORTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}},
        "description": "The file.",
        "headers": {"Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}}},
    },
    429: {
        "description": f"As many files are being made as may be: {MOST_OF_A_READER} of a reader, {MOST_EXPORTS} of a process.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}
_FORMAT: Final = f"CSV, or a workbook (at most {MOST_ROWS:,} rows) with the lines, their totals, and what was asked."
_LOCALE: Final = (
    "CSV as a spreadsheet in this language reads it: with a decimal comma, cells are separated by `;`. Without it, for programs: RFC 4180, "
    "decimal points."
)


class FileWanted(NamedTuple):
    """Which file: its format, and of CSV the language of the spreadsheet."""

    format: Literal["csv", "xlsx"]
    locale: str | None


def _file_wanted(
    request: Request,
    format_: Annotated[Literal["csv", "xlsx"], Query(alias="format", description=_FORMAT)] = "csv",
    locale: Annotated[Literal["en", "fr", "nl", "de"] | None, Query(description=_LOCALE)] = None,
) -> FileWanted:
    """The file that is asked for; ProblemError (parameter-invalid) for a workbook in the form of a language."""
    if format_ == "xlsx" and locale is not None:
        said = wrong(language_of(request.scope), "locale-of-csv")
        raise wrong_parameters([Fault("/locale", "parameter-invalid", said)])
    return FileWanted(format_, locale)


File = Annotated[FileWanted, Depends(_file_wanted)]


async def exported(
    request: Request, file: FileWanted, listing: Listing, question: Question, shown: Callable[[Row], Row] | None = None
) -> StreamingResponse:
    """All rows of a list as a file. `shown`: a row as this reader sees it.

    ProblemError (too-many-requests, parameter-invalid, and those of the books) before anything is sent.
    """
    refuse_unknown_values(request)
    async with AsyncExitStack() as stack:
        stack.callback(_place(request))
        held = await stack.enter_async_context(AsyncExitStack())
        found = await held.enter_async_context(books(request, for_long=True))
        pages = pages_of(question, found.connection, listing.at_once, shown)
        first = await anext(pages)
        if not first:
            await refuse_unknown(request, found.connection)
        every = _again(first, pages)
        if file.format == "xlsx":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="export-")))
            parts = await _workbook(request, folder / "export.xlsx", listing, every, found)
            await held.aclose()
        else:
            parts = (text.encode() async for text in csv_parts(listing, every, form_of(file.locale)))
        return _Download(parts, f"{listing.name}.{file.format}", request, stack.pop_all())


def _place(request: Request) -> Callable[[], None]:
    """Takes a place among the files that are made at once; what is given frees it. ProblemError (too-many-requests)."""
    under_way: Counter[str] = _ports(request).cache.setdefault("exports", Counter())
    reader = actor_of(request.scope).name
    if under_way.total() >= MOST_EXPORTS or under_way[reader] >= MOST_OF_A_READER:
        again = {"Retry-After": str(RETRY_AFTER)}
        raise ProblemError(Code.TOO_MANY_REQUESTS, "too-many-exports", limit=MOST_OF_A_READER, all=MOST_EXPORTS, headers=again)
    under_way[reader] += 1
    return partial(under_way.subtract, [reader])


async def _again(first: list[Row], pages: AsyncIterator[list[Row]]) -> AsyncIterator[list[Row]]:
    yield first
    async for page in pages:
        yield page


async def _workbook(request: Request, path: Path, listing: Listing, pages: AsyncIterator[list[Row]], found: Books) -> AsyncIterator[bytes]:
    """The file's parts, once it is written: one after the other, since each takes room on the disk. ProblemError if it is too long."""
    turn: asyncio.Lock = _ports(request).cache.setdefault("workbook", asyncio.Lock())
    async with turn:
        book = await asyncio.to_thread(ExportedWorkbook, path, listing, MOST_ROWS)
        try:
            async for page in pages:
                await asyncio.to_thread(book.write, page)
        except TooManyRowsError as error:
            said = wrong(language_of(request.scope), "workbook-too-long").format(limit=error.most)
            raise wrong_parameters([Fault("/format", "parameter-invalid", said)]) from error
        finally:
            await asyncio.to_thread(book.close, asked(request, found.read_to))
    return _read(path)


def asked(request: Request, read_to: Row) -> Row:
    """What was asked, when, by whom, and how far the books had been read."""
    behind = read_to["behind"]
    return {
        **dict(request.query_params),
        "companies in scope": _in_words(actor_of(request.scope).companies),
        "asked by": actor_of(request.scope).name,
        "asked at": instant(_ports(request).clock.now()),
        "read to": read_to["time"] or "nothing was read yet",
        "messages still to be read": "not known" if behind is None else sum(behind.values()),
    }


def _in_words(companies: Iterable[str] | None) -> str:
    return "all" if companies is None else ", ".join(sorted(companies))


async def _read(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while part := await asyncio.to_thread(file.read, _CHUNK):
            yield part


class _Download(StreamingResponse):
    """A file on its way: what it holds open is closed however it ends, and a client that takes nothing is left."""

    def __init__(self, parts: AsyncIterator[bytes], name: str, request: Request, held: AsyncExitStack) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__(parts, media_type=CSV if name.endswith(".csv") else XLSX, headers=headers)
        self._clock = _ports(request).clock
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file."""

        async def in_time(message: Message) -> None:
            async with self._clock.timeout(_TAKEN_WITHIN):
                await send(message)

        async with self._held:
            await super().__call__(scope, receive, in_time)


def _ports(request: Request) -> WebPorts:
    ports: WebPorts = request.app.state.ports
    return ports
