"""Rows as COPY takes them as text: cheaper for the database than an insert, and for Python than values or arrays.

Invariant: what is read back equals what was written; None is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_NULL: Final = "\\N"
_ESCAPED: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def copied_text(rows: Sequence[tuple[Any, ...]]) -> str:
    """The rows, one at least, a line each, all of the same width; values as the database reads them from text."""
    line = "\t".join(["%s"] * len(rows[0])) + "\n"
    text = (line * len(rows)) % tuple([_NULL if value is None else value for row in rows for value in row])
    # What would end a value or begin an escape is nearly never there: without any the values are not gone through one by one.
    ends, nulls = len(rows) * len(rows[0]), sum([row.count(None) for row in rows])
    if text.count("\t") + text.count("\n") > ends or text.count("\\") > nulls or "\r" in text:
        text = (line * len(rows)) % tuple([_NULL if value is None else _escaped(str(value)) for row in rows for value in row])
    return text


async def as_it_is(text: str) -> AsyncIterator[bytes]:
    """Lines that are written as COPY takes them."""
    yield text.encode()


def _escaped(text: str) -> str:
    for raw, escaped in _ESCAPED:
        text = text.replace(raw, escaped)
    return text
