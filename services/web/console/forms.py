"""What a reader has filled in: a form's fields, and what was wrong with them, by field.

Invariant: a form is read whole or not at all; nothing is done with one whose token is not of a page of ours (session.py).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from services.web.console import formats
from services.web.console.api import AskedInVainError
from services.web.console.uploads import MEDIA_TYPE, read_upload
from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from services.web.console.reader import Reader
    from services.web.console.uploads import SentFile

Row = dict[str, Any]

LARGEST: Final = 1024 * 1024
_MOST_FIELDS: Final = 2000
_OF_OURS: Final = 500
TOKEN: Final = "token"  # noqa: S105 - a field's name
KEY: Final = "key"
"""The field with the key under which the same form is carried out once, however often it is sent."""


@dataclass(slots=True)
class Form:
    """A form as it is shown: its values, what was wrong by field, what was wrong with all of it, and what came of it."""

    values: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    problem: Mapping[str, Any] | None = None
    done: Any = None
    key: str = field(default_factory=lambda: secrets.token_hex(16))

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.values.get(name, "")

    def fill_day(self, reader: Reader, name: str) -> None:
        """Has a date that was entered in the reader's form as the contract writes it; what is none is wrong at its field."""
        day = formats.plain_day(reader.language, self.values[name])
        if day is None:
            self.wrong[f"/{name}"] = reader.no_day(self.values[name])
        self.values[name] = day or self.values[name]

    @property
    def others(self) -> list[str]:
        """What was wrong with no field that the form shows."""
        return [message for name, message in self.wrong.items() if name not in self.values]


class Submitted:
    """The fields that were sent, in their order."""

    def __init__(self, pairs: list[tuple[str, str]], files: Mapping[str, SentFile] | None = None) -> None:
        self.pairs = pairs
        self.files = files or {}
        self.is_upload = files is not None

    def keep(self, **values: str) -> None:
        """Puts these in place of what was sent under their names, so that they are there if all of it is sent again."""
        self.pairs = [*(pair for pair in self.pairs if pair[0] not in values), *values.items()]

    def get(self, name: str) -> str | None:
        """A field, without blanks around; None where it is empty."""
        return next((value.strip() or None for given, value in self.pairs if given == name), None)

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for given, value in self.pairs if given == name and value]


async def read_form(request: Request, *, has_files: bool = False) -> Submitted:
    """The form that was sent, on some pages with files; ProblemError (too-large, malformed)."""
    if has_files and request.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return _submitted(*await read_upload(request))
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise ProblemError(Code.TOO_LARGE, "body-too-large", limit=LARGEST)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise ProblemError(Code.MALFORMED, "body-not-json", reason=str(error)) from error
    return _submitted(pairs)


def _submitted(pairs: list[tuple[str, str]], files: Mapping[str, SentFile] | None = None) -> Submitted:
    return Submitted([(name, value.replace("\r\n", "\n")) for name, value in pairs], files)


def held_back(reader: Reader, seen: str | None) -> Row | None:
    """Why an order is not given yet, as the page says it; None: it is to be given.

    `seen`: the digest of what its preview shows now, None where it would be refused. Who may give the order gives none but the one that
    was previewed (`is_new`: it shows something else by now); who has to propose it proposes it in any case.
    """
    if reader.sent is None or reader.sent.get("do") != "send":
        return {}
    if reader.lacks("operator"):
        return None
    if seen is None:
        return {}
    return None if reader.sent.get("previewed") == seen else {"is_new": True}


async def carry_out(reader: Reader, form: Form, order: Callable[[str], Awaitable[Any]]) -> bool:
    """Has the API do what a form asks for, under the form's key; whether it was done. What was wrong then stands in the form.

    What failed on our side may be sent again as it is, under the same key; what was wrong is another order once it is right.
    """
    form.key = (reader.sent.get(KEY) if reader.sent else None) or form.key
    try:
        form.done = await order(form.key)
    except AskedInVainError as refused:
        note_wrong(form, refused)
        if refused.status < _OF_OURS:
            form.key = secrets.token_hex(16)
        return False
    return True


def note_wrong(form: Form, refused: AskedInVainError) -> None:
    """Puts what the API says is wrong to the fields it is about (`/data/amount` is the field `/amount`)."""
    form.problem = refused.problem
    for fault in refused.problem.get("errors", []):
        pointer = str(fault["pointer"])
        form.wrong.setdefault(pointer.removeprefix("/data") or "/", str(fault["message"]))
