"""Rows as COPY takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.delivery.copying import as_it_is, copied_text


async def _whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain text", b"plain text"),
        ("", b""),
        (None, b"\\N"),
        ("\\N", b"\\\\N"),
        ("a\tb\nc\rd", b"a\\tb\\nc\\rd"),
        ("\u00a0é\\", "\u00a0é\\\\".encode()),
        (12, b"12"),
    ],
)
def test_what_would_end_a_value_or_begin_an_escape_is_escaped(value: Any, written: bytes) -> None:
    assert asyncio.run(_whole(as_it_is(copied_text([(value, 1), ("x", value)])))) == written + b"\t1\nx\t" + written + b"\n"
