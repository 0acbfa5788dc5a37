"""Runs that wait for each other's documents go on one after the other, at a cost that grows with what goes on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from services.settlement.rules.fold import STAGES
from services.settlement.rules.run import pairing
from services.settlement.service import SERVICE
from services.settlement.stored_pages import WOKEN
from services.simulator.streams import scenario
from shared.working_set import MOST_WOKEN_BYTES, SLICE
from tests.builders.listening import delivered_to
from tests.builders.settlement import GROUP, Event, invoice, mark, paid, told, undone
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from shared.events.envelope import Record
    from shared.settings import Settings

pytestmark = pytest.mark.embedded

BATCH = 200


def _taken(*events: Event, **group: Any) -> list[Record]:
    """What comes to the settlement service of these events."""
    return [delivered.record for delivered in delivered_to(SERVICE, scenario({**GROUP, **group}, list(events)))]


def _chain(number: int) -> list[Event]:
    """Each payment marks an invoice and the next one; the first invoice comes last."""
    invoices = [invoice(f"I{each:04}") for each in range(1, number + 1)]
    payments = [paid(f"P{each}", "10.00", mark(f"I{each:04}"), mark(f"I{each + 1:04}")) for each in range(number)]
    return [*invoices, *payments, invoice("I0000")]


def _line(number: int) -> list[Event]:
    """All payments mark one invoice, the first of them another one as well, which comes last."""
    payments = [paid(f"P{each}", "10.00", mark("I")) for each in range(number)]
    return [invoice("I", f"{10 * number}.00"), paid("P", "10.00", mark("I"), mark("I0000")), *payments, invoice("I0000")]


class Counting:
    """Counts the runs that are tried, the transactions, and the statements that read what is missing."""

    def __init__(self, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        try_to_settle, store = STAGES["run"], type(running.service.store())
        load_missing, transact = store.load_missing, running.delivery.transact

        def tried(*arguments: Any) -> None:
            self.counts["runs"] += 1
            try_to_settle(*arguments)

        async def loaded(*arguments: Any) -> None:
            self.counts["loads"] += 1
            await load_missing(*arguments)

        async def transacted(*arguments: Any, **more: Any) -> None:
            self.counts["transactions"] += 1
            await transact(*arguments, **more)

        monkeypatch.setitem(STAGES, "run", tried)
        monkeypatch.setattr(store, "load_missing", loaded)
        monkeypatch.setattr(running.delivery, "transact", transacted)


async def _counted(running: Running, events: list[Event], monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What the last event and all that it lets go on take."""
    *before, last = _taken(*events)
    for start in range(0, len(before), BATCH):
        await running.deliver(*before[start : start + BATCH])
    assert await running.value("select count(*) from waiting") == sum(event["id"].startswith("P") for event in events)
    with monkeypatch.context() as patched:
        counting = Counting(running, patched)
        await running.deliver(last)
        await running.housekeeping.release()
    assert await running.value("select (select count(*) from waiting) + (select count(*) from released)") == 0
    assert await running.value("select count(*) from failed") == 0
    return counting.counts


@pytest.mark.parametrize("events", [_chain, _line])
async def test_twice_the_runs_take_no_more_than_twice_the_folds_loads_and_transactions(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, events: Any
) -> None:
    counts = []
    for number in (150, 300):
        running = Running(settings, SERVICE)
        await running.prepare()
        counts.append(await _counted(running, events(number), monkeypatch))
        records = await running.value("select count(*) from records")
        assert records >= number
        await running.value(f"drop schema {running.schema} cascade")
        await running.database.close()
    assert all(counts[1][name] <= 2.2 * counts[0][name] + 2 for name in counts[0]), counts


async def test_what_an_automatic_run_leaves_is_taken_up_in_transactions_of_their_own(
    settlement: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing, "MOST_AUTOMATIC", 5)
    automatic = {"FAB": {"receivable": {"automatic_settlement": True}}}
    *before, payment = _taken(*(invoice(f"I{each:02}") for each in range(30)), paid("P", "225.00"), settlement_parameters=automatic)
    await settlement.deliver(*before)
    await settlement.deliver(payment)
    assert await settlement.value("select count(*) from records") == 5
    assert await settlement.value("select count(*) from released") == 1
    await settlement.housekeeping.release()
    numbers = "select array_agg(number order by raising_document) from records"
    assert await settlement.value(numbers) == list(range(1, 24))
    assert await settlement.value("select array_agg(open order by document) from documents where open > 0") == [5, *[10] * 7]
    assert await settlement.value("select (select count(*) from waiting) + (select count(*) from released)") == 0
    assert await settlement.value("select count(*) from outbox where id > (select min(id) from outbox)") >= 5


PROFILES = {"FAB": {"GEN": {"receivable": {"all": "1200"}}}, "FABE": {"OLD": {"receivable": {"all": "1201"}}}}
"""FABE defines a posting profile, and not that of the payments of FAB."""


async def test_what_a_withdrawal_lets_go_resumes_in_slices_in_the_order_of_arrival(settlement: Running) -> None:
    number = SLICE + 30
    invoices = [invoice(f"I{each:04}", company="FABE") for each in range(number)]
    payments = [paid(f"P{each:04}", "10.00", mark(f"I{each:04}", "FABE"), posting_profile="GEN") for each in range(number)]
    withdrawn = {"id": "W", "type": "reference.withdrawn", "event": "posting-profile.defined", "company": "FABE", "posting_profile": "OLD"}
    *before, last = _taken(*invoices, *payments, withdrawn, posting_profiles=PROFILES)
    for start in range(0, len(before), BATCH):
        await settlement.deliver(*before[start : start + BATCH])
    assert await settlement.value("select count(*) from waiting") == number
    await settlement.deliver(last)
    settled = "select array_agg(lowering_document order by lowering_document) from records"
    assert await settlement.value(settled) == [f"P{each:04}" for each in range(SLICE)]
    assert await settlement.value("select wake_key from released where wake_key[1] = 'every'") == ["every", "posting-profile"]
    await settlement.housekeeping.release()
    assert await settlement.value(settled) == [f"P{each:04}" for each in range(number)]
    assert await settlement.value("select (select count(*) from waiting) + (select count(*) from released)") == 0
    assert len(list(told(*invoices, *payments, withdrawn, posting_profiles=PROFILES).books.settlement.records)) == number


async def test_what_waits_over_a_document_that_is_reversed_is_looked_at_again_in_slices(
    settlement: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = SLICE + 30
    payments = [paid(f"P{each:04}", "10.00", mark("I"), mark("LATER")) for each in range(number)]
    events = [invoice("I", "5000.00"), paid("Q", "10.00", mark("I")), *payments, undone("R", settlement="Q")]
    *before, last = _taken(*events)
    for start in range(0, len(before), BATCH):
        await settlement.deliver(*before[start : start + BATCH])
    assert await settlement.value("select count(*) from waiting") == number
    counting = Counting(settlement, monkeypatch)
    await settlement.deliver(last)
    assert await settlement.value("select array_agg(wake_key) from released") == [["over", "receivable", "FAB", "I"]]
    assert await settlement.value("select after < (select max(sequence) from waiting) from released")
    await settlement.housekeeping.release()
    assert await settlement.value("select count(*) from released") == 0
    assert await settlement.value("select count(*) from waiting") == number == len(list(told(*events).books.settlement.waiting))
    assert counting.counts["loads"] < 10
    assert number <= counting.counts["runs"] <= 3 * number  # each pass of a fold counts again


async def test_what_is_woken_as_one_is_found_by_an_index(settlement: Running) -> None:
    """The planner is told to read no table from end to end where an index helps."""
    async with settlement.database.transaction() as connection:
        await connection.execute("set local enable_seqscan = off")
        for index, found_by in {"every": "waiting_for_a_reason", "over": "waiting_reserves", "wakes": "waiting_for"}.items():
            plan = await connection.fetch(f"explain {WOKEN[index]}", ["X"], 0, SLICE, MOST_WOKEN_BYTES)
            text = "\n".join(row[0] for row in plan)
            assert f"{found_by} " in text, text
            assert "Seq Scan on waiting" not in text
