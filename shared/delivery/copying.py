"""Rows as COPY takes them as text: cheaper for the database than an insert, and for Python than values or arrays.

Invariant: what is read back equals what was written; None is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_NULL: Final = "\\N"
_ESCAPED: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


async def as_copied(rows: Sequence[tuple[Any, ...]]) -> AsyncIterator[bytes]:
    """The rows, one at least, a line each, all of the same width; values as the database reads them from text."""
    text = "\n".join(["\t".join([_NULL if value is None else str(value) for value in row]) for row in rows])
    # What would end a value or begin an escape is nearly never there: without any the values are not gone through one by one.
    ends, nulls = len(rows) * len(rows[0]) - 1, sum([row.count(None) for row in rows])
    if text.count("\t") + text.count("\n") > ends or text.count("\\") > nulls or "\r" in text:
        text = "\n".join(["\t".join([_NULL if value is None else _escaped(str(value)) for value in row]) for row in rows])
    yield text.encode() + b"\n"


async def as_it_is(text: str) -> AsyncIterator[bytes]:
    """Lines that are written as COPY takes them."""
    yield text.encode()


def _escaped(text: str) -> str:
    for raw, escaped in _ESCAPED:
        text = text.replace(raw, escaped)
    return text
