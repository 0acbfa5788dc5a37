"""One batch, one transaction: duplicates, conflicts, poison, defects, what was not loaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from services.local.reset import NotEmptiedError, reset
from shared.delivery import shell_tables as tables
from shared.delivery.folding import fold_batch
from shared.delivery.inbox import Inbox
from shared.delivery.outbox import unpack
from shared.events.codec import decode
from shared.events.envelope import Topic
from shared.metrics import MESSAGES, QUERIES, REFUSALS
from tests.builders.invoices import invoice, poison
from tests.live.delivery.toy.service import SERVICE
from tests.live.delivery.toy.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncpg

    from shared.delivery.service import Service
    from shared.events.envelope import Message, Outgoing
    from shared.settings import Settings
    from tests.live.delivery.running import Running
    from tests.live.delivery.toy.rules import Books

pytestmark = pytest.mark.embedded


async def _refusals(running: Running) -> dict[str, str]:
    async with running.database.transaction() as connection:
        return {row["event"]: row["code"] for row in await connection.fetch("select event, code from rejections")}


async def test_duplicates_change_nothing(running: Running) -> None:
    await running.deliver(invoice("A", 0), invoice("A", 1), invoice("B", 2))
    await running.deliver(invoice("A", 3), invoice("B", 4))
    assert await running.counts() == {"FAB": 2}
    assert await running.value("select count(*) from inbox") == 2
    assert await running.value("select next_offset from positions") == 5
    assert await running.value("select count(*) from outbox") == 1


async def test_the_same_id_with_other_data_is_refused_in_the_same_batch_and_later(running: Running) -> None:
    await running.deliver(invoice("A", 0), invoice("A", 1, amount="11.00"))
    await running.deliver(invoice("A", 2, amount="12.00"), invoice("A", 3))
    assert await running.counts() == {"FAB": 1}
    rows = "select count(*) from rejections where event = 'A' and source = 'erp' and code = 'conflicting-duplicate'"
    assert await running.value(rows) == 2


async def test_an_id_that_was_given_back_can_be_taken_corrected(running: Running) -> None:
    await running.deliver(invoice("A", 0, company="FREE"))
    assert await running.value("select count(*) from inbox") == 0
    await running.deliver(invoice("A", 1, company="FREE"), invoice("A", 2), invoice("A", 3, company="FREE"))
    assert await running.counts() == {"FAB": 1}
    # The same refusal of the same event is one row, whoever says it again; the third record met an id that was taken by then.
    codes = "select array_agg(code order by code) from rejections where event = 'A'"
    assert await running.value(codes) == ["conflicting-duplicate", "not-a-member"]
    await running.deliver(invoice("A", 4))
    assert await running.counts() == {"FAB": 1}


async def test_what_an_invalid_event_says_is_kept_and_replayable(running: Running) -> None:
    record = invoice("A", 0, amount="-1.00")
    await running.deliver(record, invoice("B", 1))
    async with running.database.transaction() as connection:
        row = await connection.fetchrow("select * from rejections")
    assert (row["event"], row["source"], row["scope"], row["code"], row["field"]) == ("A", "erp", "event", "invalid", "/amount")
    assert (row["topic"], row["key"], row["value"]) == (record.topic, record.key, record.value)
    assert orjson.loads(row["original"])["data"]["amount"] == "-1.00"
    assert await running.counts() == {"FAB": 1}
    await running.deliver(invoice("A", 2))  # its id stayed free
    assert await running.counts() == {"FAB": 2}


@pytest.mark.parametrize("kind", poison())
async def test_poison_is_refused_and_stops_nothing(running: Running, kind: str) -> None:
    record = poison()[kind]
    record.offset = 1
    await running.deliver(invoice("A", 0), record, invoice("B", 2))
    assert await running.counts() == {"FAB": 2}
    assert await running.value("select count(*) from failed") == 0
    assert await running.value("select count(*) from rejections") == 1
    assert await running.value("select value from rejections") == record.value
    await running.deliver(record)
    assert await running.value("select count(*) from rejections") == 1, "the same record again is the same refusal"
    async with running.relaying():
        pass
    said = [orjson.loads(message.value) for message in running.sent.messages if message.topic == Topic.REJECTIONS]
    assert len(said) == 2
    for each in said:
        assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(each["at"]) < timedelta(minutes=5)
    assert max(len(message.value) for message in running.sent.messages) < 1_000_000


async def test_what_was_rolled_back_and_tried_again_is_counted_once(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, failures = tables.finish, iter([ConnectionResetError(), ConnectionResetError()])

    async def lost_twice(*arguments: Any) -> Any:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await finish(*arguments)

    counted = {outcome: MESSAGES.labels(SERVICE.name, outcome)._value for outcome in ("seen", "taken", "refused")}  # noqa: SLF001
    refused = REFUSALS.labels(SERVICE.name, "invalid", "event")._value  # noqa: SLF001
    before = {outcome: value.get() for outcome, value in counted.items()}, refused.get()
    monkeypatch.setattr(tables, "finish", lost_twice)
    await running.deliver(invoice("A", 0, amount="-1.00"), invoice("B", 1))
    assert next(failures, None) is None
    assert {outcome: value.get() - before[0][outcome] for outcome, value in counted.items()} == {"seen": 2, "taken": 1, "refused": 1}
    assert refused.get() - before[1] == 1


async def test_the_same_refusal_twice_in_one_batch_is_one_row(running: Running) -> None:
    record = poison()["NUL in the id"]
    await running.deliver(record, replace(record, offset=1), invoice("A", 2))
    assert await running.value("select count(*) from rejections") == 1
    assert await running.counts() == {"FAB": 1}, "and the batch goes on"


async def test_all_poison_at_once(running: Running) -> None:
    records = list(poison().values())
    await running.deliver(*records, invoice("A", len(records)))
    assert await running.value("select count(*) from rejections") == len(records)
    assert await running.counts() == {"FAB": 1}


async def test_a_defect_of_the_core_is_kept_the_rest_goes_on_and_it_can_be_tried_again(running: Running) -> None:
    await running.deliver(invoice("A", 0), invoice("X", 1, company="BUG"), invoice("B", 2), invoice("Y", 3, company="BUG"))
    assert await running.counts() == {"FAB": 2}
    assert await running.value("select array_agg(error) from failed") == ["RuntimeError: a defect of the core"] * 2
    assert await running.value("select count(*) from inbox") == 2, "a failed message's id is free: it was not taken"
    await running.value("update failed set retry = true")
    await running.housekeeping.once()
    assert await running.value("select array_agg(attempts) from failed where not retry") == [2, 2]
    await running.housekeeping.once()
    assert running.housekeeping.failed == 2
    running.delivery.service = _mended()
    await running.value("update failed set retry = true")
    await running.housekeeping.once()
    assert await running.counts() == {"FAB": 2, "MENDED": 2}
    assert await running.value("select count(*) from failed") == 0


def _mended() -> Service[Books]:
    """The toy after its defect was mended."""

    def fold(books: Books, message: Message) -> list[Outgoing]:
        message.data.company = "MENDED"
        return SERVICE.fold(books, message)

    return replace(SERVICE, fold=fold)


async def test_what_the_database_refuses_is_found_and_kept(running: Running) -> None:
    records = [invoice(f"A{number}", number) for number in range(20)]
    records[7] = invoice("BAD", 7, company="NEVER")  # the toy's table has a check
    await running.deliver(*records)
    assert await running.counts() == {"FAB": 19}
    assert "counts_company_check" in await running.value("select error from failed")
    assert await running.value("select next_offset from positions") == 20


async def test_what_was_not_loaded_is_loaded_and_folded_again(running: Running) -> None:
    await running.deliver(invoice("A", 0, company="OTHER"))
    await running.deliver(invoice("B", 1, document="LINK-OTHER"), invoice("C", 2, document="LINK-OTHER"), invoice("D", 3))
    assert await running.counts() == {"FAB": 3, "OTHER": 3}


async def test_what_a_store_never_loads_is_a_defect_of_that_message_alone(running: Running) -> None:
    await running.deliver(invoice("A", 0), invoice("B", 1, document="LINK-LOST"), invoice("C", 2, document="LINK-OTHER"))
    assert await running.counts() == {"FAB": 2, "OTHER": 1}
    assert "NotLoadedError" in await running.value("select error from failed")


async def test_a_message_of_another_type_or_topic_is_not_ours(running: Running) -> None:
    foreign = invoice("A", 0, topic=Topic.REQUESTS)
    await running.deliver(foreign)
    assert await running.value("select count(*) from rejections") == 0
    assert await running.value("select next_offset from positions where topic = 'intercompany.requests'") == 1


async def test_a_batch_costs_a_constant_number_of_statements(running: Running) -> None:
    statements: list[int] = []
    counter = QUERIES.labels(running.schema)
    await running.deliver(invoice("S", 0))  # the first use of a connection asks for types
    for size in (1, 50, 500):
        before = counter._value.get()  # noqa: SLF001
        await running.deliver(*(invoice(f"S{size}-{number}", number) for number in range(size)))
        statements.append(int(counter._value.get() - before))  # noqa: SLF001
    # Begin and lock, what is there (of the inbox, too), load, save, inbox with outbox and positions, commit.
    assert statements == [6, 6, 6]


async def test_the_outbox_row_holds_what_goes_out_in_order(running: Running) -> None:
    await running.deliver(*(invoice(f"A{number}", number) for number in range(5)))
    messages = unpack(await running.value("select messages from outbox"))
    assert [orjson.loads(message.value)["voucher"] for message in messages] == ["1", "2", "3", "4", "5"]
    assert {message.topic for message in messages} == {Topic.VOUCHERS}


async def test_the_simulation_gives_the_same_ids(running: Running) -> None:
    records = [invoice("A", 0), invoice("A", 1), invoice("B", 2, amount="x"), invoice("A", 3, amount="3.00"), invoice("C", 4)]
    await running.deliver(*records)
    real = unpack(await running.value("select messages from outbox"))
    books, inbox, simulated = SERVICE.new_books(), Inbox(), []
    for record in records:
        simulated += fold_batch(SERVICE, books, inbox, [decode(record)]).outgoing
        books.commit()
    assert [dict(message.headers)["ce_id"].decode() for message in real] == [each.ref.id for each in simulated]


async def test_reset_forgets_all_but_positions_and_voids_what_is_in_memory(
    running: Running, settings: Settings, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    await running.deliver(invoice("A", 0), invoice("B", 1, amount="x"))
    made = Store.made
    async with connection.transaction():
        await reset(connection, [SERVICE], settings)
    assert await running.counts() == {}
    for table in ("inbox", "outbox", "rejections"):
        assert await running.value(f"select count(*) from {table}") == 0  # noqa: S608
    assert await running.value("select next_offset from positions") == 2
    await running.deliver(invoice("A", 2))
    assert Store.made == made + 1
    assert await running.counts() == {"FAB": 1}
    with pytest.raises(NotEmptiedError, match="NAMESPACE"):
        await reset(connection, [SERVICE], settings.model_copy(update={"namespace": ""}))


async def test_waiting_ends_after_wait_at_most(settings: Settings, instance: Callable[[Settings], Awaitable[Running]]) -> None:
    running = await instance(settings.model_copy(update={"wait_at_most": timedelta(seconds=1)}))
    await running.deliver(invoice("A", 0))
    await running.housekeeping.once()
    assert await running.counts() == {"FAB": 0}
