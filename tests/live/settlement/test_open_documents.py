"""Automatic settlement reads the open documents in the order in which they settle, and no more of them than the money reaches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from services.settlement import store as store_module
from services.settlement.rules.fold import Books, fold
from services.settlement.rules.open_documents import open_items
from services.settlement.rules.values import DocumentKey, OpenPlace
from services.settlement.settling_order import PAGE
from services.settlement.store import Store
from services.simulator.streams import scenario
from shared.delivery.weight import TooHeavyError
from shared.events.envelope import Message
from shared.missing import NotLoadedError
from tests.builders.settlement import GROUP, Event, invoice, note, paid, told
from tests.live.delivering import deliver
from tests.live.schemas import empty_schema
from tests.live.settlement.test_settlement_store import taken

pytestmark = pytest.mark.embedded

SCHEMA = "settlement_open_documents_test"
PLACES = [OpenPlace("receivable", "FAB", "C", "USD", lowers=lowers) for lowers in (False, True)]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to an empty schema of the service."""
    async with empty_schema(database_url, SCHEMA, store_module) as opened:
        yield opened


class Reading(Store):
    """A store that counts the documents read and the loads beside the first."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: set[DocumentKey] = set()
        self.loads = 0

    async def load_missing(self, connection: Any, books: Books, missing: Any) -> None:
        self.loads += 1
        await super().load_missing(connection, books, missing)
        self.documents |= {document.key for document in books.documents}


# The order


def _tiers(random: Random) -> list[dict[str, Any]]:
    tiers = []
    percent, amount = ["2", "3.5", "100", "33.333"], ["0.05", "1.00"]
    for _ in range(random.choice([0, 0, 1, 2])):
        worth = random.choice([{"percent": random.choice(percent)}, {"amount": random.choice(amount)}])
        reach: dict[str, Any] = random.choice([{}, {"days": random.choice([0, 5, 40])}, {"until": "2026-01-12"}])
        tiers.append({**worth, **reach})
    return tiers


def _document(random: Random, number: int) -> Event:
    """Many are equal in most of what orders them."""
    amount = Decimal(random.choice(["10.00", "10.01", "0.99", "3333.33"]))
    kind = random.choice(["invoice", "invoice", "interest_note", "refund", "credit_note", "payment"])
    dates = {name: random.choice(["2026-01-10", "2026-01-11"]) for name in ("date", "due_date")}
    if kind == "payment":
        return paid(f"D{number}", str(amount), date=dates["date"])
    tax = (amount / 3).quantize(Decimal("0.01")) if random.random() < 0.4 else Decimal(0)
    lines = [{"account": "sales", "amount": str(amount - tax)}, {"account": "sales_tax", "amount": str(tax)}] if tax else []
    more = {"credits": f"D{random.randrange(number)}"} if kind == "credit_note" and number and random.random() < 0.5 else {}
    return invoice(f"D{number}", str(amount), kind=kind, cash_discounts=_tiers(random), lines=lines, **dates, **more)


def _priority(random: Random) -> list[dict[str, Any]]:
    if random.random() < 0.5:
        return []
    names = random.sample(["transaction_date", "due_date", "transaction_amount", "cash_discount_date", "voucher"], random.randint(1, 3))
    by_kind = [{"transaction_type": ["interest_note", "credit_note", "invoice"]}] if random.random() < 0.5 else []
    return [*by_kind, *({name: random.choice(["ascending", "descending"])} for name in names)]


def _group(random: Random) -> dict[str, Any]:
    parameters = {
        "settlement_priority": _priority(random),
        "cash_discount_base": random.choice(["gross", "net_of_sales_tax"]),
        "cash_discounts_for_credit_notes": random.random() < 0.5,
    }
    return {**GROUP, "settlement_parameters": {"FAB": {"receivable": parameters}}}


def _changed(random: Random, books: Books, documents: Iterable[Any]) -> None:
    """What a batch may have done before: parts settled, some closed, some left to be marked."""
    for document in documents:
        part = random.choice([document.open, Decimal("0.33"), Decimal(0)])
        books.documents.put(document.key, replace(document, open=part, manual_only=random.random() < 0.2))


async def _in_order(connection: Any, store: Store, books: Books, place: OpenPlace, on: date) -> list[DocumentKey]:
    while True:
        try:
            return [item.document.key for item in open_items(books, place, on)]
        except NotLoadedError as error:
            await store.load_missing(connection, books, [error.missing])


@pytest.mark.parametrize("seed", range(25))
async def test_the_database_gives_the_order_of_the_rules_and_what_has_changed_stands_where_it_belongs(connection: Any, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a drawn test, no secret
    events = [_document(random, number) for number in range(120)]
    pure = told(*events, **_group(random)).books.settlement
    async with connection.transaction():
        await Store().save(connection, _unsaved(pure))
    loaded, store = Books(pure.reference, complete=False), Store()
    changed = random.sample(sorted(pure.documents, key=lambda document: document.document), 12)
    for on in (date(2026, 1, 10), date(2026, 1, 20)):
        for place in PLACES:
            expected = [item.document.key for item in open_items(pure, place, on)]
            assert await _in_order(connection, store, loaded, place, on) == expected
            assert len(expected) > PAGE
        state = random.getstate()
        for books in (pure, loaded):
            random.setstate(state)
            for document in changed:
                books.documents.loaded(document.key, document)
            _changed(random, books, changed)


def _unsaved(books: Books) -> Books:
    """The same documents as changes that are to be saved."""
    copy = Books(books.reference, complete=True)
    for document in books.documents:
        copy.documents.put(document.key, document)
    return copy


# Growth


def _messages(*events: Event) -> list[Message]:
    automatic = {"FAB": {"receivable": {"automatic_settlement": True}}}
    return taken(scenario({**GROUP, "settlement_parameters": automatic}, list(events)))


async def _with_open_invoices(connection: Any, number: int, *events: Event) -> list[Message]:
    """Saves so many open invoices; gives the messages of these events, the reference data being known."""
    messages = _messages(*(invoice(f"I{each:05}") for each in range(number)), *events)
    books = Books(complete=True)
    for message in messages[: len(messages) - len(events)]:
        fold(books, message)
    async with connection.transaction():
        await Store().save(connection, books)
    return messages[len(messages) - len(events) :]


@pytest.mark.parametrize("number", [400, 800])
async def test_a_payment_loads_a_page_of_the_open_invoices_however_many_there_are(connection: Any, number: int) -> None:
    payment = await _with_open_invoices(connection, number, paid("P", "15.00"))
    store = Reading()
    books = (await deliver(connection, store, fold, payment)).books
    assert [record.raising.document for record in books.records] == ["I00000", "I00001"]
    assert len(store.documents) == PAGE
    assert store.loads <= 3


@pytest.mark.parametrize("number", [400, 800])
async def test_an_invoice_with_nothing_open_on_the_other_side_loads_nothing(connection: Any, number: int) -> None:
    store = Reading()
    await deliver(connection, store, fold, await _with_open_invoices(connection, number, invoice("NEW")))
    assert {key.document for key in store.documents} == set()
    assert store.loads == 1


async def test_a_payment_that_closes_half_loads_no_more_than_twice_what_it_closes(connection: Any) -> None:
    store = Reading()
    books = (await deliver(connection, store, fold, await _with_open_invoices(connection, 800, paid("P", "1000.00")))).books
    assert len(list(books.records)) == 100
    assert len(store.documents) <= 2 * 100


async def test_payments_of_one_batch_take_the_pages_one_after_the_other(connection: Any) -> None:
    payments = [paid(f"P{each:02}", "10.00") for each in range(70)]
    store = Reading()
    books = (await deliver(connection, store, fold, await _with_open_invoices(connection, 200, *payments))).books
    assert sorted(record.raising.document for record in books.records) == [f"I{each:05}" for each in range(70)]
    assert store.loads <= 6


async def test_payments_that_would_close_more_than_one_transaction_takes_are_taken_one_by_one(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = await _with_open_invoices(connection, 200, *(paid(f"P{each}", "500.00") for each in range(2)))
    monkeypatch.setattr(store_module, "MOST_ENTRIES", 3 * PAGE)
    with pytest.raises(TooHeavyError, match="more than 60"):
        await deliver(connection, Store(), fold, payments)
    for payment in payments:
        await deliver(connection, Store(), fold, [payment])
    assert await connection.fetchval("select count(*) from documents where open = 0 and side = 0") == 100


async def test_what_a_batch_has_posted_itself_stands_among_the_pages(connection: Any) -> None:
    events = [invoice("EARLY", due_date="2026-01-01"), note("N", "5.00"), paid("P", "7.00"), invoice("LATE"), paid("Q", "20.00")]
    books = (await deliver(connection, Store(), fold, await _with_open_invoices(connection, 2 * PAGE, *events))).books
    settled = [(record.lowering.document, record.raising.document) for record in sorted(books.records, key=lambda each: each.run.id)]
    assert settled[:3] == [("N", "EARLY"), ("P", "EARLY"), ("P", "I00000")]
    assert settled[3:] == [("Q", "I00000"), ("Q", "I00001"), ("Q", "I00002")]
