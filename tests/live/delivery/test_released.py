"""What one event releases resumes in slices, with other work in between, and comes out as the simulation has it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.scenarios.simulation import Simulation
from services.settlement.service import SERVICE as SETTLEMENT
from services.settlement.store import Store
from shared.delivery.outbox import unpack
from shared.delivery.shell_tables import batch_lock, open_batch
from shared.working_set import SLICE, Released
from tests.builders.invoices import headers, invoice
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from shared.delivery.ports import Connection
    from shared.events.envelope import Record
    from shared.settings import Settings

import orjson

from shared.events.envelope import Record, Topic

pytestmark = pytest.mark.embedded


def _reference(identifier: str, name: str, offset: int, data: dict[str, Any]) -> Record:
    return Record(Topic.REFERENCE, identifier.encode(), orjson.dumps(data), headers(identifier, name), 0, offset, 1_767_225_600_000)


PARTY = _reference("NW", "party.defined", 0, {"party": "NW", "customers": {"FAB": "4000"}})
COMPANY = _reference("FAB", "company.defined", 1, {"company": "FAB", "name": "Fabrikam", "currency": "USD"})


async def _posted(running: Running) -> list[str]:
    """The documents posted, in order."""
    async with running.database.transaction() as connection:
        rows = await connection.fetch("select messages from outbox order by id")
    messages = [message for row in rows for message in unpack(row["messages"])]
    return [orjson.loads(message.value)["data"]["document"] for message in messages]


@pytest.mark.parametrize("slices", [2, 4])
async def test_as_many_as_waited_are_posted_in_order_and_no_transaction_takes_more_than_a_slice(
    settlement: Running, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    loaded: list[int] = []
    plain = Store.load_released

    async def load_released(self: Store, connection: Connection, released: Released) -> Any:
        books = await plain(self, connection, released)
        loaded.append(len(books.due))
        return books

    monkeypatch.setattr(Store, "load_released", load_released)
    invoices = [invoice(f"A{number}", number, document=f"D{number}") for number in range(slices * SLICE + 10)]
    await settlement.deliver(PARTY)
    for start in range(0, len(invoices), 500):
        await settlement.deliver(*invoices[start : start + 500])
    await settlement.deliver(COMPANY)
    assert len(await _posted(settlement)) == SLICE
    assert await settlement.value("select count(*) from released") == 1
    await settlement.housekeeping.release()
    assert await _posted(settlement) == [f"D{number}" for number in range(len(invoices))]
    assert await settlement.value("select (select count(*) from released) + (select count(*) from waiting)") == 0
    assert loaded == [SLICE] * (slices - 1) + [10]


async def test_what_comes_in_between_is_taken_before_all_is_resumed(settlement: Running) -> None:
    await settlement.deliver(PARTY, *(invoice(f"A{number}", number, document=f"D{number}") for number in range(499)))
    await settlement.deliver(COMPANY)
    await asyncio.gather(settlement.housekeeping.release(), settlement.deliver(invoice("NEW", 499, document="NEW")))
    assert (await _posted(settlement)).index("NEW") < 499


async def test_a_batch_reads_the_next_of_what_was_released_and_leaves_where_the_others_are(settlement: Running) -> None:
    number = SLICE + 10
    await settlement.deliver(PARTY, *(invoice(f"A{each}", each, document=f"D{each}") for each in range(number)))
    await settlement.value("insert into released select array['aside', n::text], 0 from generate_series(1, 500) n")
    await settlement.value("insert into released values (array['company', 'FAB'], 7)")
    await settlement.deliver(COMPANY)  # lets go the first slice, and would look at the others from behind it
    assert await settlement.value("select after from released where wake_key = array['company', 'FAB']") == 7
    async with settlement.database.transaction(batch_lock(settlement.schema)) as connection:
        state = await open_batch(connection)
    assert state.next_released == {("aside", "1"): Released(("aside", "1"), 0)}
    await settlement.housekeeping.release()
    assert len(await _posted(settlement)) == number
    assert await settlement.value("select count(*) from released") == 0


async def test_the_simulation_posts_the_same(settlement: Running) -> None:
    records = [PARTY, *(invoice(f"A{number}", number, document=f"D{number}") for number in range(SLICE * 2 + 5)), COMPANY]
    simulation = Simulation()
    for record in records:
        simulation.send(record)
    assert len(list(simulation.books.settlement.documents)) == SLICE * 2 + 5
    assert list(simulation.books.settlement.waiting) == []
    await settlement.deliver(*records)
    await settlement.housekeeping.release()
    assert await settlement.value("select count(*) from documents") == SLICE * 2 + 5


async def test_waiting_ends_by_when_it_came_in_slices_and_not_by_the_senders_clock(settings: Settings) -> None:
    running = Running(settings.model_copy(update={"wait_at_most": timedelta(hours=1)}), SETTLEMENT)
    await running.prepare()
    number = SLICE * 2 + 50
    for start in range(0, number, 450):  # their own time is years ago
        await running.deliver(*(invoice(f"A{each}", each, document=f"D{each}") for each in range(start, min(start + 450, number))))
    await running.housekeeping.once()
    assert await running.value("select count(*) from waiting") == number
    await running.value(
        "update waiting set since = since - interval '2 hours', body = replace(body::text, '\"arrived\":\"20', '\"arrived\":\"19')::json"
    )
    await running.housekeeping.once()
    assert await running.value("select count(*) from waiting") == 0
    assert await running.value("select count(*) from rejections where code = 'discarded'") == number
    assert await running.value("select count(*) from outbox") == 3
    await running.database.close()
