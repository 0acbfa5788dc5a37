"""Vouchers of an earlier version, whose lines stood in a table, are read by this one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.posting import store as store_module
from services.posting.queries import voucher_pages
from shared.events.vouchers import Voucher, VoucherLine
from tests.live.schemas import empty_schema

pytestmark = pytest.mark.embedded

SCHEMA = "posting_migrations_test"
MIGRATION = Path(store_module.__file__).parent / "migrations" / "0005_lines_with_their_voucher.sql"
BEFORE = """
drop view lines;
alter table vouchers drop column lines;
create table lines (
    company text collate "C" not null, series text collate "C" not null, number bigint not null, line integer not null,
    posting_type text not null, account text not null, partner text, party text, party_account text, settles text, currency text not null,
    debit numeric, credit numeric, accounting_debit numeric, accounting_credit numeric, dimensions json,
    text text not null, rule text not null,
    primary key (company, series, number, line));
insert into reference (key, position, type, data) values ('FAB', 1, 'company.defined', '{"company": "FAB", "currency": "USD"}');
insert into vouchers (company, series, number, ledger, kind, date, document) values
    ('FAB', 'AR-INV', 1, 'receivable', 'invoice', '2026-03-01', 'I-1'), ('FAB', 'AR-INV', 2, 'receivable', 'invoice', '2026-03-02', 'I-2');
insert into lines values
    ('FAB', 'AR-INV', 1, 2, 'sales', '4000', null, null, null, null, 'JPY', null, 1205, null, 10.00, null, E'a "tab"\\t\\\\', 'R-2'),
    ('FAB', 'AR-INV', 1, 1, 'receivable', '1300', 'FABE', 'P', 'C-1', 'I-1', 'JPY', 1205, null, 10.00, null,
        '{"centre": "é"}', 'one', 'R-1');
"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to an empty schema of the service."""
    async with empty_schema(database_url, SCHEMA, store_module) as opened:
        yield opened


def line(place: tuple[Any, ...], sides: tuple[str, str, str, str], *about: Any) -> VoucherLine:
    return VoucherLine(*place, *map(Decimal, sides), *about)


async def test_lines_that_stood_in_rows_of_their_own_are_their_vouchers(connection: Any) -> None:
    await connection.execute(BEFORE)
    stood = await connection.fetch("select * from lines order by company, series, number, line")
    await connection.execute(MIGRATION.read_text(encoding="utf-8"))
    [vouchers] = [page async for page in voucher_pages(connection)]
    named: Voucher = vouchers[0]
    assert named.lines == [
        line(("receivable", "1300", "FABE", "P", "C-1", "I-1", "JPY"), ("1205", "0", "10.00", "0.00"), {"centre": "é"}, "one", "R-1"),
        line(("sales", "4000", None, None, None, None, "JPY"), ("0", "1205", "0.00", "10.00"), {}, 'a "tab"\t\\', "R-2"),
    ]
    assert vouchers[1].lines == []
    shown = await connection.fetch("select * from lines order by company, series, number, line")
    assert list(map(tuple, shown)) == list(map(tuple, stood))
