"""Rows that are copied as text come back as they were written, whatever stands in them."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.copying import as_it_is, copied_text

pytestmark = pytest.mark.embedded

Row = tuple[Any, ...]

NASTY = ("", "\\N", "\\", "\\.", "\t", "\n", "\r", "\r\n", "a\\tb", "100 %s %", '{"text": "a\\"b\\\\n"}', "é\u2028\U0001f600", " x ")
TEXT = st.none() | st.sampled_from(NASTY) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ROWS = st.lists(st.tuples(TEXT, TEXT, st.none() | st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=20)


async def back(database_url: str, rows: list[Row]) -> list[Row]:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("create temporary table copied (place serial, one text, other text, number int)")
        await connection.copy_to_table("copied", source=as_it_is(copied_text(rows)), columns=("one", "other", "number"))
        return [tuple(row) for row in await connection.fetch("select one, other, number from copied order by place")]
    finally:
        await connection.close()


async def test_values_that_would_end_a_row_or_begin_an_escape_come_back(database_url: str) -> None:
    rows = [(each, None, place) for place, each in enumerate(NASTY)] + [(None, each, None) for each in NASTY]
    assert await back(database_url, rows) == rows
    for row in rows:
        assert await back(database_url, [row]) == [row]


def test_any_rows_come_back(database_url: str) -> None:
    @given(ROWS)
    def come_back(rows: list[Row]) -> None:
        assert asyncio.run(back(database_url, rows)) == rows

    come_back()
