"""However much is in the tables, a question finds its rows by an index, and asks as many statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest

from services.inquiry.queries import companies as named
from services.inquiry.queries.aging import AgingSelection, aging
from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.balances import BalanceSelection, balances
from services.inquiry.queries.documents import DocumentName, DocumentSelection, Sort, State, document, documents
from services.inquiry.queries.events import receipts
from services.inquiry.queries.feed import feed, is_place
from services.inquiry.queries.intercompany import MatrixSelection, PairSelection, matrix, pair
from services.inquiry.queries.journals import JournalSelection, journals
from services.inquiry.queries.lines import LineSelection, lines
from services.inquiry.queries.minutes import posted_by_minute, posted_last
from services.inquiry.queries.pages import PageWanted, Place
from services.inquiry.queries.read_to import read_to
from services.inquiry.queries.reference import ReferenceSelection, entity, reference
from services.inquiry.queries.search import search
from services.inquiry.queries.settlements import SettlementSelection, settlement, settlements
from services.inquiry.queries.trace import TraceStart, trace
from services.inquiry.queries.vouchers import VoucherSelection, voucher, vouchers
from shared.events.envelope import EventRef
from tests.live.inquiry.asking import Asked, asked
from tests.live.inquiry.explaining import Explaining
from tests.live.inquiry.many import fill

pytestmark = pytest.mark.embedded

MANY = 6_000
"""Payments with their invoices, settled between companies; the last few are open."""
DAY = dt.date(2026, 3, 1)
LATE = AsOf(DAY - dt.timedelta(days=3), dt.datetime(2026, 3, 2, tzinfo=dt.UTC))
DOCUMENT_SORTS: tuple[Sort, ...] = ("due_date", "-date")
STATES: tuple[State | None, ...] = ("open", "closed", "reversed", None)
VOUCHER_SORTS: tuple[Literal["date", "-date"], ...] = ("date", "-date")
IMPORTED: tuple[Literal["no", "failed", "yes"], ...] = ("no", "failed", "yes")
PAGE = PageWanted(limit=20)
AFTER: dict[Any, Place] = {
    documents: ("2026-02-01", "receivable", "", ""),
    vouchers: ("2026-02-01", "AR-SET", 1, "C3"),
    lines: ("2026-02-01", "AR-SET", 1, 1, "C3"),
    settlements: ("2026-02-01", "P3000", "erp", "receivable", 1),
}


@pytest.fixture(scope="module")
def large(database_url: str) -> Iterator[Asked]:
    """Tables with a few thousand rows each, on ten companies and many days."""
    with asked(database_url, "inquiry_plans_test") as opened:
        opened.run(fill(opened.connection, MANY))
        yield opened


def lists() -> Iterator[tuple[Any, Any]]:
    """Lists, with all kinds of selections."""
    one, two = ("C3",), ("C3", "C4")
    for sort in DOCUMENT_SORTS:
        for state in STATES:
            yield documents, DocumentSelection(state=state, sort=sort)
            yield documents, DocumentSelection(one, "payable", state=state, sort=sort, as_of=LATE)
    yield documents, DocumentSelection(party="P7", state="open", as_of=AsOf(DAY))
    yield documents, DocumentSelection(two, party="P7")
    yield documents, DocumentSelection(document="I77")
    for way in VOUCHER_SORTS:
        yield vouchers, VoucherSelection(sort=way)
        yield vouchers, VoucherSelection(one, "receivable", "settlement_reversal", sort=way)
        yield vouchers, VoucherSelection(two, party="P7", sort=way)
        yield vouchers, VoucherSelection(account="1000", from_=DAY, sort=way)
        for imported in IMPORTED:
            yield vouchers, VoucherSelection(sort=way, imported=imported)
            yield vouchers, VoucherSelection(one, "receivable", "settlement", sort=way, imported=imported)
            yield vouchers, VoucherSelection(two, party="P7", sort=way, imported=imported)
    yield vouchers, VoucherSelection(document="I77")
    yield vouchers, VoucherSelection(settlement="P77")
    yield vouchers, VoucherSelection(one, known_at=LATE.known_at, from_=DAY)
    yield lines, LineSelection()
    yield lines, LineSelection(one, "1000", currency="EUR", from_=DAY, as_of=AsOf(None, LATE.known_at))
    yield lines, LineSelection(one, partner="C4")
    yield lines, LineSelection(partner="C4", currency="EUR")
    yield lines, LineSelection(party="P7", dimensions=(("centre", "A"),))
    yield balances, BalanceSelection(one)
    yield balances, BalanceSelection(one, "1000", as_of=LATE)
    yield balances, BalanceSelection(one, "1000", by="day", from_=DAY)
    yield settlements, SettlementSelection()
    yield settlements, SettlementSelection(one, "P7")
    yield settlements, SettlementSelection(document="I77")
    yield settlements, SettlementSelection(from_=DAY, state="reversed")
    yield journals, JournalSelection()
    yield journals, JournalSelection(one, "created")
    yield pair, PairSelection("C3", "C4")
    yield pair, PairSelection("C3", "C4", "EUR", DAY, AsOf(None, LATE.known_at))
    yield reference, ReferenceSelection(type="exchange-rate.published", q="/EUR")
    yield reference, ReferenceSelection(at=LATE.known_at)
    yield named.companies, named.NamedSelection()
    yield named.parties, named.NamedSelection(one, "P7")


@pytest.mark.parametrize(("ask", "selection"), list(lists()), ids=lambda each: getattr(each, "__name__", ""))
def test_no_list_reads_a_growing_table_from_end_to_end(large: Asked, ask: Any, selection: Any) -> None:
    counts = set()
    for page in (PAGE, PageWanted(AFTER.get(ask), 40)):
        connection = Explaining(large.connection)
        found = large.run(ask(connection, selection, page))
        assert len(found.rows) <= page.limit
        assert connection.scans == []
        counts.add(connection.statements)
    assert max(counts) <= 6


async def _posted_last(connection: Any, companies: tuple[str, ...] | None) -> Any:
    return await posted_last(connection, companies)


async def _is_first_place(connection: Any) -> bool:
    return await is_place(connection, (await feed(connection, None, 0, 1)).after)


SINGLE: dict[str, Callable[[Any], Any]] = {
    "matrix": lambda connection: matrix(connection, MatrixSelection(("C3",))),
    "matrix of all": lambda connection: matrix(connection, MatrixSelection(as_of=LATE)),
    "aging": lambda connection: aging(connection, AgingSelection(as_of=AsOf(DAY))),
    "aging as known": lambda connection: aging(connection, AgingSelection(("C3",), by="party", as_of=LATE)),
    "document": lambda connection: document(connection, DocumentName("receivable", "C8", "I77"), LATE),
    "voucher": lambda connection: voucher(connection, "C3", "AR-SET-000073"),
    "settlement": lambda connection: settlement(connection, "P77"),
    "event": lambda connection: receipts(connection, [EventRef("erp", "P77")]),
    "feed": lambda connection: feed(connection, ("C3",), 5_000, 20),
    "feed of all": lambda connection: feed(connection, None, 5_000, 20),
    "place in the feed": _is_first_place,
    "minutes": lambda connection: posted_by_minute(connection, None, dt.datetime(2026, 4, 1, tzinfo=dt.UTC)),
    "posted last": lambda connection: _posted_last(connection, None),
    "posted last of a company": lambda connection: _posted_last(connection, ("C3",)),
    "entity": lambda connection: entity(connection, "exchange-rate//EUR/USD/2026-01-07"),
    "search": lambda connection: search(connection, "P77"),
    "search of any case": lambda connection: search(connection, "p77"),
    "search of words": lambda connection: search(connection, "party 7"),
    "search of a number": lambda connection: search(connection, "AR-SET-000073"),
    "trace of an event": lambda connection: trace(connection, TraceStart(event="P77", document="P77", settlement="P77")),
    "trace of a voucher": lambda connection: trace(connection, TraceStart(voucher="AR-SET-000073", company="C3")),
    "trace of a number": lambda connection: trace(connection, TraceStart(voucher="AR-SET-000073")),
    "read to": lambda connection: read_to(connection, None, dt.datetime(2026, 4, 1, tzinfo=dt.UTC)),
}


@pytest.mark.parametrize("name", SINGLE)
def test_no_question_reads_a_growing_table_from_end_to_end(large: Asked, name: str) -> None:
    connection = Explaining(large.connection)
    assert large.run(SINGLE[name](connection))
    assert connection.scans == []
    assert connection.statements <= 6


def test_what_reads_a_table_from_end_to_end_would_be_seen(large: Asked) -> None:
    connection = Explaining(large.connection)
    large.run(connection.fetch("select * from lines where text = 'nothing'"))
    assert [table for table, _ in connection.scans] == ["lines"]
