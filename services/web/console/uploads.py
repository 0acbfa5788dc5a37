"""A form with files, as a browser sends it (multipart/form-data), read whole and kept in memory alone.

Invariant: nothing of it is written to a disk; what is too large is read to its end all the same, as far as anybody's files go, since a
browser that is still sending shows no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.files.imports.bounds import OF_A_REQUEST
from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

LARGEST: Final = 4 * (OF_A_REQUEST.size // 3) + 512 * 1024
"""Bytes of such a form: a file that was seen is sent back in Base64, and beside it what its rows mean."""
MEDIA_TYPE: Final = "multipart/form-data"
_READ_ON: Final = 64 * 1024 * 1024
_MOST_FIELDS: Final = 50
_MOST_FILES: Final = 2


class SentFile(NamedTuple):
    """A file that was chosen: its name and content."""

    name: str
    content: bytes


class _InMemory(MultiPartParser):
    """Keeps every file in memory: a form has LARGEST bytes at most."""

    spool_max_size = LARGEST + 1


async def read_upload(request: Request) -> tuple[list[tuple[str, str]], dict[str, SentFile]]:
    """The fields that were sent, in their order, and the files by the names of their fields; ProblemError (too-large, malformed)."""
    body = await _whole(request)

    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _InMemory(request.headers, once(), max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=LARGEST)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise ProblemError(Code.MALFORMED, "body-not-json", reason=error.message) from error
    files = {name: value for name, value in form.multi_items() if isinstance(value, UploadFile)}
    sent = {name: SentFile(value.filename or "", await value.read()) for name, value in files.items()}
    await form.close()
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return fields, {name: file for name, file in sent.items() if file.name or file.content}


async def _whole(request: Request) -> bytes:
    body, left = bytearray(), _READ_ON
    async for part in request.stream():
        left -= len(part)
        if left < 0:
            break
        if len(body) <= LARGEST:
            body += part
    if len(body) > LARGEST:
        raise ProblemError(Code.TOO_LARGE, "file-too-large", limit=f"{OF_A_REQUEST.size:,}")
    return bytes(body)
