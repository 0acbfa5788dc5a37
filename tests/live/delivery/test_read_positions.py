"""Where a service reads on is what its database says; what is gone before it was read is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.delivery.ports import Partition
from shared.delivery.read_positions import ReadPositions
from shared.events.envelope import Topic
from shared.runtime.health import Readiness
from tests.builders.invoices import invoice
from tests.live.delivery.test_readiness import Consumer, Consumers

if TYPE_CHECKING:
    from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded

PLACE = Partition(Topic.INVOICES, 0)
NEVER_READ = Partition(Topic.INVOICES, 1)


async def _read(running: Running, positions: ReadPositions, *offsets: int) -> None:
    records = await positions.rebased([invoice(f"A{offset}", offset) for offset in offsets])
    await running.deliver(*records)


async def test_an_assigned_partition_is_read_from_where_the_database_says_and_one_never_read_from_its_beginning(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends.update({PLACE: 9, NEVER_READ: 20})
    running.ends.begins[NEVER_READ] = 7
    await _read(running, positions, 0, 1, 2)
    assert await positions.read_on([PLACE, NEVER_READ]) == {PLACE: 3, NEVER_READ: 7}
    assert await running.value("select count(*) from gaps") == 0


async def test_a_database_that_was_set_back_has_its_events_read_again_and_nothing_counted_twice(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends[PLACE] = 5
    await _read(running, positions, 0, 1, 2, 3, 4)
    # A replica that had seen the first two of five transactions takes over.
    await running.value("with a as (update positions set next_offset = 2), b as (delete from inbox) update counts set number = 2")
    assert await positions.read_on([PLACE]) == {PLACE: 2}
    await _read(running, positions, 2, 3, 4)
    await _read(running, positions, 3, 4)
    assert await running.counts() == {"FAB": 5}


async def test_records_gone_before_they_were_read_turn_readiness_red_until_acknowledged(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends[PLACE] = 30
    await _read(running, positions, 0, 1, 2)
    running.ends.begins[PLACE] = 10
    assert await positions.read_on([PLACE]) == {PLACE: 10}
    readiness = Readiness(running.delivery, running.housekeeping, Consumers(Consumer()))
    readiness.started = True
    await running.housekeeping.once()
    assert await readiness.reasons() == [f"{Topic.INVOICES}/0: the records 3 to 9 were gone before they were read"]
    await running.value("update gaps set acknowledged = true")
    await running.housekeeping.once()
    assert await readiness.reasons() == []


async def test_a_gap_while_reading_is_noticed_and_one_that_holds_no_records_is_none(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends[PLACE] = 30
    await _read(running, positions, 0, 1)
    await _read(running, positions, 4)  # two control records of a transaction lie before it
    assert await running.value("select count(*) from gaps") == 0
    running.ends.begins[PLACE] = 20
    await _read(running, positions, 20)
    assert await running.value("select first || '-' || last from gaps") == "5-19"


async def test_a_log_that_was_reset_without_a_new_assignment_is_rebased(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends[PLACE] = 5
    await _read(running, positions, 0, 1, 2, 3, 4)
    running.ends.ends[PLACE] = 2
    await running.deliver(*await positions.rebased([invoice("B0", 0), invoice("B1", 1)]))
    assert await running.value("select next_offset || ' ' || base from positions") == "7 5"
    assert await running.counts() == {"FAB": 7}


async def test_a_log_that_was_reset_and_has_grown_past_where_it_was_read_to_is_rebased(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends[PLACE] = 3
    await _read(running, positions, 0, 1, 2)
    running.ends.ends[PLACE] = 8
    await running.deliver(*await positions.rebased([invoice(f"B{number}", number) for number in range(8)]))
    assert await running.value("select next_offset || ' ' || base from positions") == "11 3"
    assert await running.counts() == {"FAB": 11}


async def test_a_log_that_was_reset_and_is_still_empty_is_noticed_by_a_read_that_finds_nothing(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends[PLACE] = 5
    await _read(running, positions, 0, 1, 2, 3, 4)
    await positions.pass_over({PLACE: 2})  # passed before the last batch: the log is as it was
    assert await running.value("select base from positions") == 0
    running.ends.ends[PLACE] = 0
    await positions.pass_over({PLACE: 0})
    assert await running.value("select next_offset || ' ' || base from positions") == "5 5"
    assert await positions.read_on([PLACE]) == {PLACE: 0}


async def test_offsets_without_a_record_count_as_read_once_a_read_has_passed_them(running: Running) -> None:
    positions = ReadPositions(running.delivery, running.ends)
    running.ends.ends[PLACE] = 5
    await _read(running, positions, 0, 1)
    await positions.pass_over({PLACE: 5})
    assert await running.value("select next_offset from positions") == 5
    await positions.pass_over({PLACE: 3})
    assert await running.value("select next_offset from positions") == 5
