"""The store on a real PostgreSQL: what batches leave in the tables is what the same messages leave in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from services.payment import store as store_module
from services.payment.rules import Books, discard, expire, fold, resume_released
from services.payment.store import Store
from shared import working_set
from shared.events.emitting import REJECTED, Cause
from shared.events.envelope import EventRef, Message, Outgoing
from shared.missing import NotLoadedError
from shared.waiting import Need, for_trading_relation
from shared.working_set import MOST_WOKEN_BYTES, SLICE
from tests.builders.payment import EAST, FABW, IC_4, JOURNAL, NUMBER, Payment, invoice, payment, record, relation, run
from tests.builders.payment_streams import stream
from tests.builders.records import PAYMENT, binary, taken
from tests.live.delivering import deliver
from tests.live.schemas import empty_schema

pytestmark = pytest.mark.embedded

SCHEMA = "payment_store_test"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to an empty schema of the service."""
    async with empty_schema(database_url, SCHEMA, store_module) as opened:
        yield opened


class Counted:
    """A connection that counts its statements."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        self.statements += name in {"execute", "fetch", "fetchrow", "fetchval"}
        return getattr(self._connection, name)


def content(books: Books) -> dict[str, Any]:
    """All that the books hold, but for the sequence, which only orders."""
    return {
        "journals": sorted(map(repr, books.journals)),
        "numbers": {each.data.mirrors: books.numbers.get("-".join(each.data.mirrors)) for each in books.journals},
        "waiting": books.list_waiting(),
        "drafts": sorted((each._replace(sequence=0) for each in books.waiting), key=lambda each: each.draft.key),
    }


@pytest.mark.parametrize("seed", range(15))
async def test_tables_hold_what_the_rules_made_of_a_random_stream(connection: Any, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a drawn test, no secret
    pure, store = Payment(), Store()
    messages = [pure.message(data) for data in stream(random, 120)]
    size = random.choice([1, 3, 20])
    for start in range(0, len(messages), size):
        batch = messages[start : start + size]
        said = (await deliver(connection, store, fold, batch)).said
        assert said == [each for message in batch for each in fold(pure.books, message)]
        pure.books.commit()
    assert content(await Store().load_all(connection)) == content(pure.books)


def _runs(pure: Payment, count: int) -> list[Message]:
    names = [f"V-{number}" for number in range(count)]
    return [
        pure.message(run([payment(name), invoice(f"VI-{name}")], record(0, 1, "980.00"), ref=EventRef("scenario", name))) for name in names
    ]


async def test_the_number_of_statements_does_not_grow_with_the_batch(connection: Any) -> None:
    pure, store = Payment(), Store()
    await deliver(connection, store, fold, [pure.message(data) for data in (relation(), JOURNAL, FABW)])
    counts = []
    for count in (1, 100):
        counted = Counted(connection)
        said, passes, _ = await deliver(counted, store, fold, _runs(pure, count))
        assert (len(said), passes) == (count, 1)
        counts.append(counted.statements)
    assert counts[1] <= counts[0] <= 6


async def test_inbound_payments_cost_one_statement(connection: Any) -> None:
    counted = Counted(connection)
    said = (await deliver(counted, Store(), fold, [taken(binary("vendor-payment.posted", PAYMENT, id_=f"P-{n}")) for n in range(100)])).said
    assert (len(said), counted.statements) == (100, 1)


async def test_many_journals_that_wait_go_on_in_one_pass(connection: Any) -> None:
    pure, store = Payment(), Store()
    await deliver(connection, store, fold, [pure.message(data) for data in (JOURNAL, FABW, EAST)])
    await deliver(connection, store, fold, _runs(pure, 50))
    said, passes, _ = await deliver(connection, store, fold, [pure.message(relation())])
    assert ([each.data.mirrors[1] for each in said], passes) == ([f"V-{number}" for number in range(50)], 1)


async def test_a_restart_knows_the_reference_data_and_what_was_rolled_back_is_forgotten(connection: Any) -> None:
    pure = Payment()
    await deliver(connection, Store(), fold, [pure.message(data) for data in (relation(), JOURNAL, EAST)])
    store = Store()
    transaction = connection.transaction()
    await transaction.start()
    await deliver(connection, store, fold, [pure.message(FABW)])
    await transaction.rollback()
    said = (await deliver(connection, store, fold, [pure.message(IC_4)])).said
    assert [each.type for each in said] == ["sales-payment-journal.waiting"]
    said = (await deliver(connection, store, fold, [pure.message(FABW)])).said
    assert [each.data.document for each in said] == [NUMBER]


async def test_what_waits_is_found_to_be_given_up(connection: Any) -> None:
    pure, store = Payment(), Store()
    await deliver(connection, store, fold, _runs(pure, 2))
    books = await store.load_waiting(connection, [EventRef("scenario", "V-1"), EventRef("scenario", "UNKNOWN")], None)
    assert [each.data.event for each in discard(books, [EventRef("scenario", "V-1")])] == ["V-1"]
    await store.save(connection, books)
    assert [each.event.id for each in (await store.load_all(connection)).list_waiting()] == ["V-0"]
    books = await store.load_waiting(connection, None, NOW)
    assert [each.data.event for each in expire(books, NOW)] == ["V-0"]
    await store.save(connection, books)
    assert (await store.load_all(connection)).list_waiting() == []


async def test_journals_that_waited_before_the_place_stood_apart_still_wait(connection: Any) -> None:
    """The tables as the first migration made them, with a row as it was written then."""
    migrations = Path(store_module.__file__).parent / "migrations"
    await connection.execute("drop table journals, numbers, waiting, approvals, reference")
    await connection.execute("drop sequence arrivals")
    await connection.execute((migrations / "0001_sales_payment_journals.sql").read_text())
    payer = ["FABE", "VPAY-7", "2026-02-15", "USD", "1", "USD", ["erp", "P"]]
    mark = {"company": "FABW", "document": "IC-4", "amount_to_settle": "980.00", "cash_discount_to_take": "20.00"}
    origin = [["s", "S"], ["erp", "P"], "2026-02-15T10:00:00Z", None, 3]
    draft = ["FABW", "FABE", "IC-WEST", payer, 1, "980.00", [mark], ["erp", "P"], origin]
    row = [draft, ["trading-relation", {"seller": "FABW", "buyer": "FABE", "vendor": "IC-WEST"}], 5]
    key = orjson.dumps(["trading-relation", "FABW", "FABE", "IC-WEST"]).decode()
    values = ("FABW", "VPAY-7", 1, 5, "erp", "P", NOW, key, key, orjson.dumps(row).decode())
    await connection.execute("insert into waiting values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", *values)
    approval_row = [["erp", "A"], ["erp", "A"], "FABW", "ARPAY-IC", NUMBER, "2026-02-15T10:00:00Z", None, {"id": "A"}, 6]
    waits_row = ("erp", "A", "A", 6, NOW, "FABW", "FABE-VPAY-7", orjson.dumps(approval_row).decode())
    await connection.execute("insert into approvals values ($1, $2, $3, $4, $5, $6, $7, $8)", *waits_row)
    for migration in sorted(migrations.glob("00*.sql"))[1:]:
        await connection.execute(migration.read_text())
    (waiting,) = list((await Store().load_all(connection)).waiting)
    assert waiting.draft.place == 3
    assert waiting.draft.cause == Cause(EventRef("s", "S"), EventRef("erp", "P"), datetime(2026, 2, 15, 10, tzinfo=UTC))
    assert waiting.need == for_trading_relation("FABW", "FABE", "IC-WEST")
    assert [row["wakes"] for row in await connection.fetch("select wakes from waiting")] == [key]
    assert [tuple(row) for row in await connection.fetch("select source, event from discards")] == [("erp", "A")]
    books = await Store().load_waiting(connection, [EventRef("erp", "A")], None)
    (waited,) = list(books.approvals)
    shown = {"company": "FABW", "journal": "ARPAY-IC", "document": NUMBER}
    assert waited.need == Need("document", shown, ("journal", "FABW", NUMBER))
    (refused,) = discard(books, [waited.event])
    assert (refused.type, refused.data.event, refused.data.code, refused.data.original) == (REJECTED, "A", "discarded", {"id": "A"})
    await Store().save(connection, books)
    assert await connection.fetchval("select count(*) from approvals") == 0


async def _resumed(connection: Any, store: Store, last: Message) -> list[list[Outgoing]]:
    """What a message says, and what is said transaction after transaction by what it has released."""
    parts: list[list[Outgoing]] = []
    books, act = await store.load(connection, [last]), partial(fold, message=last)
    while True:
        try:
            parts.append(act(books))
        except NotLoadedError as error:
            books.rollback()
            await store.load_missing(connection, books, [error.missing])
            continue
        await store.save(connection, books)
        released = next(iter(books.released.changed.values()), None)
        if released is None:
            return parts
        books, act = await store.load_released(connection, released), partial(resume_released, released=released)


@pytest.mark.parametrize("room", [MOST_WOKEN_BYTES, 40_000])
async def test_more_than_a_slice_resumes_in_order_and_no_transaction_takes_more_than_its_bytes(
    connection: Any, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(working_set, "MOST_WOKEN_BYTES", room)
    pure, store, number = Payment(), Store(), SLICE * 2 + 10
    runs, last = _runs(pure, number), pure.message(relation())
    await deliver(connection, store, fold, [pure.message(data) for data in (JOURNAL, FABW, EAST)])
    await deliver(connection, store, fold, runs)
    parts = await _resumed(connection, store, last)
    assert [each.data.mirrors[1] for part in parts for each in part] == [f"V-{each}" for each in range(number)]
    sizes = [len(part) for part in parts]
    assert sizes == [SLICE, SLICE, 10] if room == MOST_WOKEN_BYTES else max(sizes) < SLICE / 2
    assert [{each.data.batch_size for each in part} for part in parts if len(part) > 1] == [{size} for size in sizes if size > 1]
    assert (await store.load_all(connection)).list_waiting() == []
