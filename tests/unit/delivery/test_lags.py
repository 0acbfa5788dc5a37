"""How far a service is behind: by the log's end, not by what was handed to it; and how old what comes next can be at most."""

from __future__ import annotations

from typing import Any

from shared.delivery.ports import Partition
from shared.delivery.read_positions import Lag, ReadPositions
from shared.events.envelope import Record

TOPIC = "intercompany.invoices"
FIRST, SECOND = Partition(TOPIC, 0), Partition(TOPIC, 1)


def _positions() -> ReadPositions:
    nothing: Any = None
    return ReadPositions(nothing, nothing)


def _record(offset: int, at: int, partition: int = 0) -> Record:
    return Record(TOPIC, None, b"", partition=partition, offset=offset, timestamp_ms=at)


def test_what_is_not_taken_counts_over_all_partitions_and_the_oldest_next_one_says_the_age() -> None:
    positions = _positions()
    positions.note_taken([_record(0, 1_000), _record(1, 5_000), _record(0, 9_000, partition=1)])
    assert positions.lags({FIRST: 4, SECOND: 2}, 20_000) == {TOPIC: Lag(3, 15.0)}


def test_with_nothing_left_there_is_no_age_and_what_comes_then_is_younger_than_that_look() -> None:
    positions = _positions()
    positions.note_taken([_record(0, 1_000)])
    assert positions.lags({FIRST: 1}, 100_000) == {TOPIC: Lag(0, 0.0)}
    assert positions.lags({FIRST: 2}, 103_000) == {TOPIC: Lag(1, 3.0)}
    positions.note_taken([_record(1, 102_500)])
    assert positions.lags({FIRST: 2}, 104_000) == {TOPIC: Lag(0, 0.0)}


def test_a_partition_of_which_nothing_is_known_is_not_behind_and_a_clock_that_is_behind_gives_no_negative_age() -> None:
    positions = _positions()
    assert positions.lags({FIRST: 7}, 1_000) == {TOPIC: Lag(0, 0.0)}
    positions.note_taken([_record(0, 50_000)])
    assert positions.lags({FIRST: 2}, 20_000) == {TOPIC: Lag(1, 0.0)}
