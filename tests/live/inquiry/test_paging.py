"""A page stays what it was, whatever is posted before the next one is asked for."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from services.inquiry.queries.pages import PageWanted
from services.inquiry.queries.vouchers import VoucherSelection, vouchers
from tests.builders.inquiry import listening
from tests.live.inquiry.asking import Asked, drawn

pytestmark = pytest.mark.embedded


def test_what_is_posted_between_two_pages_shifts_nothing(books: Asked) -> None:
    records = listening(drawn(Random(5))).records  # noqa: S311 - no secret
    books.fill(records)
    whole = books.all(vouchers, VoucherSelection())
    later = {row["company"] + row["voucher"] for row in whole[::2]}
    books.run(hide(books.connection, later))
    first = books.run(vouchers(books.connection, VoucherSelection(), PageWanted(limit=3)))
    books.run(show(books.connection))
    rest = books.run(vouchers(books.connection, VoucherSelection(), PageWanted(first.after, 1000)))
    shown = [row["company"] + row["voucher"] for row in [*first.rows, *rest.rows]]
    assert len(set(shown)) == len(shown)
    place = [row["company"] + row["voucher"] for row in whole].index(shown[2])
    assert shown[3:] == [row["company"] + row["voucher"] for row in whole][place + 1 :]


async def hide(connection: Any, names: set[str]) -> None:
    await connection.execute("create temp table hidden as select * from vouchers where false")
    await connection.execute(
        "with gone as (delete from vouchers where company || series || '-' || lpad(number::text, 6, '0') = any($1) returning *) "
        "insert into hidden select * from gone",
        list(names),
    )


async def show(connection: Any) -> None:
    await connection.execute("insert into vouchers overriding system value select * from hidden; drop table hidden")
