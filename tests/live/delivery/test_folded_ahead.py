"""Two instances of a service: batches are folded before their turn, and come out as if they had followed one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.registry import SETTLEMENT
from services.scenarios.scenario_file import arrivals
from services.simulator.streams import scenario
from shared.delivery.batch import Batch, Delivery
from shared.delivery.changes_table import MOST_NOTES
from shared.events.envelope import Topic
from shared.metrics import FOLDED_AHEAD
from tests.builders.settlement import GROUP, Event, asked, invoice, mark, note
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.delivery.ahead import Ahead
    from shared.events.envelope import Record
    from shared.settings import Settings

pytestmark = pytest.mark.embedded

_LATE_PARTY = {**GROUP, "parties": {**GROUP["parties"], "LATE": {"customers": {"FAB": "C-3"}}}}


def _records(*events: Event, group: Event = GROUP) -> tuple[list[Record], list[Record]]:
    """The reference data, and the events."""
    records = [arrival.record for arrival in arrivals(scenario(group, list(events)))]
    known = [each for each in records if each.topic == Topic.REFERENCE]
    return known, records[len(known) :]


def _events(*events: Event) -> list[Record]:
    return _records(*events)[1]


@pytest.fixture
async def two(settings: Settings) -> AsyncIterator[tuple[Running, Running]]:
    """Two instances of the settlement service that have seen each other, with the reference data."""
    first, second = Running(settings, SETTLEMENT), Running(settings, SETTLEMENT)
    await first.prepare()
    await first.deliver(*_records()[0])
    for each, event in zip((second, first, second, first), (invoice("D1"), note("N1"), note("N2"), note("N3", account="C-2")), strict=True):
        await each.deliver(*_events(event))
    yield first, second
    await first.database.close()
    await second.database.close()


def _counted(outcome: str) -> float:
    return float(FOLDED_AHEAD.labels("settlement", outcome)._value.get())  # noqa: SLF001 - the metric has no other reader


def _meanwhile(monkeypatch: pytest.MonkeyPatch, instance: Running, other: Running, records: Sequence[Record]) -> None:
    """Once an instance has folded a batch ahead, another one delivers these."""
    plain = Delivery._fold_ahead  # noqa: SLF001 - the place between the two transactions has no other door
    left = list(records)

    async def fold_ahead(self: Delivery, batch: Batch) -> Ahead | None:
        found = await plain(self, batch)
        if self is instance.delivery and left:
            taken = left[:]
            left.clear()
            await other.deliver(*taken)
        return found

    monkeypatch.setattr(Delivery, "_fold_ahead", fold_ahead)


async def test_what_nobody_has_touched_meanwhile_is_written_as_it_was_folded(
    two: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    held, again = _counted("held"), _counted("again")
    _meanwhile(monkeypatch, first, second, _events(invoice("OTHER", account="C-2")))
    await first.deliver(*_events(asked("S1", mark("D1"), mark("N1"))))
    assert (_counted("held") - held, _counted("again") - again) == (2.0, 0.0)
    assert await first.value("select count(*) from records") == 1
    assert await first.value("select count(*) from documents where document = 'OTHER'") == 1


async def test_a_document_that_arrives_while_a_run_finds_it_missing_does_not_leave_it_waiting(
    two: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    again = _counted("again")
    _meanwhile(monkeypatch, first, second, _events(invoice("LATE", account="C-2")))
    await first.deliver(*_events(asked("S9", mark("LATE"), mark("N3"))))
    assert _counted("again") - again == 1.0
    assert await first.value("select count(*) from waiting") == 0
    assert await first.value("select count(*) from records") == 1


async def test_a_document_is_not_settled_twice_by_two_instances(two: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    _meanwhile(monkeypatch, first, second, _events(asked("S1", mark("D1"), mark("N1"))))
    await first.deliver(*_events(asked("S2", mark("D1"), mark("N2"))))
    assert await first.value("select count(*) from records") == 1


async def test_an_event_that_two_instances_get_is_taken_once(two: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    _meanwhile(monkeypatch, first, second, _events(invoice("TWICE")))
    await first.deliver(*_events(invoice("TWICE")))
    assert await first.value("select count(*) from documents where document = 'TWICE'") == 1
    assert await first.value("select count(*) from rejections") == 0


async def test_reference_data_that_change_meanwhile_count(two: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    again = _counted("again")
    _meanwhile(monkeypatch, first, second, [_records(group=_LATE_PARTY)[0][-1]])
    await first.deliver(*_events(invoice("D9")))
    assert _counted("again") - again == 1.0
    assert await first.value("select count(*) from documents where document = 'D9'") == 1


async def test_an_instance_that_is_alone_folds_nothing_ahead(settings: Settings) -> None:
    running = Running(settings, SETTLEMENT)
    await running.prepare()
    before = _counted("held") + _counted("again")
    await running.deliver(*_records()[0])
    await running.deliver(*_events(invoice("D1")))
    await running.deliver(*_events(invoice("D2")))
    assert _counted("held") + _counted("again") == before
    assert await running.value("select count(*) from changes where places is not null") == 0
    await running.database.close()


async def test_only_the_latest_notes_are_kept(two: tuple[Running, Running]) -> None:
    first, _ = two
    await first.value("insert into changes (writer) select 1 from generate_series(1, 600) returning 1")
    await first.housekeeping.once()
    assert await first.value("select count(*) from changes") == MOST_NOTES
