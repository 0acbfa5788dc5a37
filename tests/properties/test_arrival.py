"""Events come in any order and more than once: where events.md promises it, the result is the same."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.rows import Result
from services.scenarios.simulation import simulate
from services.simulator import streams
from services.simulator.balances import balances

RANDOM = st.randoms(use_true_random=False)
Stream = tuple[dict[str, Any], list[dict[str, Any]]]


def _marks(random: Random) -> Stream:
    """No document is wished for by two events."""
    events = streams.events(random, across_currencies=True, reversals=False)
    return streams.group(random, automatic=False, across_currencies=True), [*events, *streams.requests(random, events)]


def _records(result: Result) -> list[dict[str, Any]]:
    """The records in force; a sales payment's run has an id that follows from the time at which it was caused."""
    rows = [{name: value for name, value in record.items() if name != "settlement"} for record in result.settlements]
    return sorted(rows, key=repr)


@pytest.mark.parametrize("draw", [_marks, streams.trade])
@given(random=RANDOM)
def test_order_of_arrival_changes_nothing_where_no_document_is_wished_for_twice(random: Random, draw: Any) -> None:
    group, events = draw(random)
    shuffled = list(events)
    random.shuffle(shuffled)
    first, second = simulate(streams.scenario(group, events)), simulate(streams.scenario(group, shuffled))
    assert first.open == second.open
    assert _records(first) == _records(second)
    assert first.journals == second.journals
    assert balances(first.vouchers) == balances(second.vouchers)


@pytest.mark.parametrize("automatic", [False, True])
@given(random=RANDOM)
def test_an_event_that_comes_again_changes_nothing(random: Random, automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    group = streams.group(random, automatic=automatic, across_currencies=True)
    events = streams.events(random, across_currencies=True, reversals=True)
    once = simulate(streams.scenario(group, events))
    free = {refusal["event"] for refusal in once.rejected}  # the same event again is another try
    doubled = list(events)
    for event in events:
        if event["id"] not in free:
            doubled.insert(random.randint(doubled.index(event) + 1, len(doubled)), event)
    assert simulate(streams.scenario(group, doubled)) == once


@given(random=RANDOM)
def test_other_data_under_an_id_that_is_taken_is_refused_and_changes_nothing(random: Random) -> None:
    group, events = streams.trade(random)
    once = simulate(streams.scenario(group, events))
    forged = {**random.choice(events), "amount": "123456.00"}
    result = simulate(streams.scenario(group, [*events, forged]))
    assert [(refusal["event"], refusal["code"]) for refusal in result.rejected] == [(forged["id"], "conflicting-duplicate")]
    assert (result.vouchers, result.open, result.settlements, result.journals) == (
        once.vouchers,
        once.open,
        once.settlements,
        once.journals,
    )
