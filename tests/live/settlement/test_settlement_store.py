"""The store on a real PostgreSQL: what batches leave in the tables is what the same messages leave in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.scenarios.scenario_file import Scenario, load_scenario
from services.settlement import store as store_module
from services.settlement.rules.fold import Books, fold, resume_released
from services.settlement.service import SERVICE
from services.settlement.store import Store
from services.simulator import streams
from shared import working_set
from shared.delivery.weight import TooHeavyError
from shared.events.envelope import EventRef, Message, Outgoing
from shared.events.inbound import JournalApprovalRequested
from shared.missing import NotLoadedError
from shared.working_set import MOST_WOKEN_BYTES, SLICE, Released
from tests.builders.listening import delivered_to
from tests.builders.payment import EAST, FABW, IC_4, NUMBER, ready
from tests.builders.records import binary
from tests.builders.records import taken as as_taken
from tests.builders.senders import ASKED, SENDER, sent
from tests.builders.settlement import GROUP, invoice, mark, paid, undone
from tests.live.delivering import deliver
from tests.live.schemas import empty_schema
from tests.scenario_files import FILES, shared_out

pytestmark = pytest.mark.embedded

SCHEMA = "settlement_store_test"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to an empty schema of the service."""
    async with empty_schema(database_url, SCHEMA, store_module) as opened:
        yield opened


def taken(scenario: Scenario) -> list[Message]:
    """What the settlement service takes in of a scenario, each id once."""
    messages = [delivered.message for delivered in delivered_to(SERVICE, scenario)]
    unique = {SERVICE.identity(message): message for message in reversed(messages)}
    return list(reversed(unique.values()))


def content(books: Books) -> dict[str, Any]:
    """All rows of the books, messages by what names them; of places in the order of arrival only the order."""
    tables = {table.name: sorted(map(repr, map(_without_place, table))) for table in books.tables if table.name != "waiting"}
    waiting = sorted(books.waiting, key=lambda entry: entry.sequence)
    return {**tables, "waiting": [(each.stage, each.event, each.need, each.reserves, each.message.ref) for each in waiting]}


def _without_place(row: Any) -> Any:
    return row._replace(sequence=0) if hasattr(row, "sequence") else row


async def contents(connection: Any, scenario: Scenario, size: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the tables hold and what the rules made in memory, after the same messages in batches of a size."""
    store, pure = Store(), Books(complete=True)
    messages = taken(scenario)
    for start in range(0, len(messages), size):
        batch = messages[start : start + size]
        said = (await deliver(connection, store, fold, batch)).said
        expected = [each for message in batch for each in fold(pure, message)]
        assert [each.ref for each in said] == [each.ref for each in expected]
        pure.commit()
    return content(await Store().load_all(connection)), content(pure)


@pytest.mark.parametrize("path", shared_out(FILES))
async def test_tables_hold_what_the_rules_made_of_a_scenario_one_by_one(connection: Any, path: Path) -> None:
    stored, pure = await contents(connection, load_scenario(path), size=1)
    assert stored == pure


@pytest.mark.parametrize("seed", range(20))
async def test_tables_hold_what_the_rules_made_of_a_random_stream_in_batches(connection: Any, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a drawn test, no secret
    group = streams.group(random, automatic=True, across_currencies=True)
    events = streams.events(random, across_currencies=True, reversals=True)
    random.shuffle(events)
    stored, pure = await contents(connection, streams.scenario(group, events), size=random.choice([3, 7, 50]))
    assert stored == pure


class Counting(Store):
    """A store that counts how often it is asked for more."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def load_missing(self, connection: Any, books: Books, missing: Any) -> None:
        self.asked += 1
        await super().load_missing(connection, books, missing)


async def test_what_one_event_lets_go_on_is_loaded_at_once_however_much_it_is(connection: Any) -> None:
    invoice = {"company": "FAB", "account": "C", "date": "2026-03-01", "currency": "USD", "amount": "10.00"}
    payment = {**invoice, "date": "2026-03-02"}
    events: list[dict[str, Any]] = []
    for number in range(200):
        paid = {"settle": [{"company": "FAB", "document": f"I{number}"}]}
        events += [
            {"id": f"I{number}", "type": "customer-invoice.posted", "document": f"I{number}", **invoice},
            {"id": f"P{number}", "type": "customer-payment.posted", "document": f"P{number}", **payment, **paid},
        ]
    events.append({"id": "FAB", "type": "company.defined", "company": "FAB", "name": "Fabrikam", "currency": "USD"})
    messages = taken(streams.scenario({"parties": {"NW": {"customers": {"FAB": "C"}}}}, events))
    store = Counting()
    await deliver(connection, store, fold, [message for message in messages if message.type != "company.defined"])
    store.asked = 0
    await deliver(connection, store, fold, [message for message in messages if message.type == "company.defined"])
    assert store.asked < 10
    released: Released | None = Released(("company", "FAB"), (await _waiting(connection))[0] - 1)
    while released is not None:  # as the shell does, in transactions of their own
        store.asked = 0
        released = await _resume(connection, store, released)
        assert store.asked < 10
    books = await store.load_all(connection)
    assert [books.waiting.complete, list(books.waiting), sum(document.open for document in books.documents)] == [True, [], 0]


async def _waiting(connection: Any) -> list[int]:
    return [row["sequence"] for row in await connection.fetch("select sequence from waiting order by sequence")]


async def _resume(connection: Any, store: Store, released: Released) -> Released | None:
    books = await store.load_released(connection, released)
    while True:
        try:
            resume_released(books, released)
        except NotLoadedError as error:
            books.rollback()
            await store.load_missing(connection, books, [error.missing])
        else:
            await store.save(connection, books)
            return books.released.get(released.wake_key)


async def test_what_is_given_up_is_loaded_by_its_event_or_by_its_age_and_nothing_else(connection: Any) -> None:
    group = {"companies": {"FAB": {"currency": "USD"}}, "parties": {"NW": {"customers": {"FAB": "C"}}}}
    payment = {"type": "customer-payment.posted", "company": "FAB", "account": "C", "date": "2026-03-02", "currency": "USD", "amount": "1"}
    marks = [{"settle": [{"company": "FAB", "document": f"I{n}"}]} for n in range(3)]
    messages = taken(streams.scenario(group, [{**payment, **marks[n], "id": f"P{n}", "document": f"P{n}"} for n in range(3)]))
    await deliver(connection, Store(), fold, messages)
    first, second, _ = [message for message in messages if message.type == "payment-journal.posted"]

    async def waiting(events: list[EventRef] | None, older_than: datetime | None) -> list[str]:
        books = await Store().load_waiting(connection, events, older_than)
        return sorted(parked.event.id for parked in books.waiting)

    assert await waiting([second.data.event], None) == ["P1"]
    assert await waiting([], None) == []
    await connection.execute("update waiting set since = since - interval '1 day' where event_id = 'P0'")
    assert await waiting(None, first.time) == ["P0"]


async def test_what_waits_keeps_its_sender_and_what_senders_may_is_there_after_a_restart(connection: Any) -> None:
    allowed = binary("sender.defined", {"sender": "erp-eu", **SENDER}, id_="S")
    await deliver(connection, Store(), fold, [as_taken(allowed)])
    await deliver(connection, Store(), fold, [as_taken(sent("settlement.requested", ASKED))])
    books = await Store().load_all(connection)
    assert [(entry.message.ref.id, entry.message.sender) for entry in books.waiting] == [("E-1", "erp-eu")]


async def test_reversals_of_more_records_than_one_transaction_takes_are_loaded_one_by_one(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoices = [invoice(f"I{number}") for number in range(6)]
    payments = [paid(f"P{run}", "30.00", *(mark(f"I{number}") for number in range(run, 6, 2))) for run in range(2)]
    reversals = [undone(f"R{run}", payment=mark(f"P{run}")) for run in range(2)]
    messages = taken(streams.scenario(GROUP, [*invoices, *payments, *reversals]))
    await deliver(connection, Store(), fold, messages[:-2])
    assert await connection.fetchval("select count(*) from records") == 6
    monkeypatch.setattr(store_module, "MOST_ENTRIES", 5)
    with pytest.raises(TooHeavyError, match="more than 5"):
        await deliver(connection, Store(), fold, messages[-2:])
    for message in messages[-2:]:
        await deliver(connection, Store(), fold, [message])
    assert await connection.fetchval("select count(*) from documents where open = amount") == 8


@pytest.mark.parametrize("room", [MOST_WOKEN_BYTES, 1])
async def test_of_many_approvals_of_one_journal_the_oldest_posts_it_whatever_a_transaction_takes(
    connection: Any, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    store, payment, number = Store(), ready(automatic=False), SLICE + 20
    created, asked = payment.hear(IC_4)[0].data, JournalApprovalRequested("FABW", "ARPAY-IC", NUMBER)
    await deliver(connection, store, fold, [payment.message(data) for data in (FABW, EAST)])
    await deliver(connection, store, fold, [payment.message(asked, id_=f"A-{each}") for each in range(number)])
    monkeypatch.setattr(working_set, "MOST_WOKEN_BYTES", room)
    made = await deliver(connection, store, fold, [payment.message(created, name="sales-payment-journal.created")])
    later = await deliver(connection, store, fold, [payment.message(asked, id_="LATER")])
    said = [*made.said, *later.said, *await _released(connection, store, made.books), *await _released(connection, store, later.books)]
    (approved,) = [each.data for each in said if each.type == "sales-payment-journal.approved"]
    assert (approved.document, approved.approval.id) == (NUMBER, "A-0")
    posted = payment.message(replace(created, approval=approved.approval), name="sales-payment-journal.posted")
    last = await deliver(connection, store, fold, [posted])
    said += last.said + await _released(connection, store, last.books)
    refused = [each.data.event for each in said if each.type == "event.rejected"]
    assert sorted(refused) == sorted([*(f"A-{each}" for each in range(1, number)), "LATER"])
    assert [each.stage for each in (await store.load_all(connection)).waiting] == ["run"], "the sales payment waits for its invoice"


async def _released(connection: Any, store: Store, books: Books) -> list[Outgoing]:
    """What is said by what a batch has released, transaction after transaction, until nothing is left."""
    said: list[Outgoing] = []
    left = dict(books.released.changed)
    while released := next(filter(None, left.values()), None):
        books = await store.load_released(connection, released)
        while True:
            try:
                said += resume_released(books, released)
                break
            except NotLoadedError as error:
                books.rollback()
                await store.load_missing(connection, books, [error.missing])
        await store.save(connection, books)
        left |= books.released.changed
    return said
