"""The load of the storm: what it comes to is known beforehand, whatever the order of arrival and however often an event comes."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

from services.scenarios.simulation import Simulation
from tests.containers.storm.load import COMPANIES, KINDS, SHAPES, VARIANTS, Load, roles
from tests.containers.storm.outcome import Expected, of_simulation, simulated

OF_EACH_SHAPE = range(len(SHAPES))
DEPENDS_ON_ORDER = "_reversed_mirrored"


@pytest.fixture(scope="module")
def load() -> Load:
    load = Load(24)
    load.reference()
    return load


@pytest.mark.parametrize("number", OF_EACH_SHAPE, ids=lambda number: SHAPES[number].__name__)
def test_a_unit_comes_to_the_same_in_whatever_order_its_events_arrive_and_if_each_comes_twice(load: Load, number: int) -> None:
    reference, records = load.reference([load.pair(number)]), load.unit(number).records
    allowed = Expected(load).in_any_order(number)
    assert len(allowed) == (2 if SHAPES[number].__name__ == DEPENDS_ON_ORDER else 1)
    for order in permutations(records):
        assert simulated(reference, (*order, *reversed(order))) in allowed


@pytest.mark.parametrize("number", OF_EACH_SHAPE, ids=lambda number: SHAPES[number].__name__)
def test_a_unit_comes_to_the_same_among_others_as_alone(load: Load, number: int) -> None:
    simulation, expected = Simulation(), Expected(load)
    units = [number, number + 1, number + KINDS, number + KINDS * len(COMPANIES)]
    for record in load.reference():
        simulation.send(record)
    for unit in units:
        for record in load.unit(unit).records:
            simulation.send(record)
    found: dict[int, Counter[str]] = {}
    for unit, text in of_simulation(simulation):
        found.setdefault(unit, Counter())[text] += 1
    assert found == {unit: expected.in_order(unit) for unit in units}


def test_what_is_lost_or_posted_twice_is_another_outcome(load: Load) -> None:
    outcome = Expected(load).in_order(0)
    lost, twice = Counter(outcome), Counter(outcome)
    lost.subtract([next(iter(outcome))])
    twice.update([next(iter(outcome))])
    assert +lost != outcome
    assert twice != outcome


def test_the_shapes_are_posted_settled_reversed_refused_and_wait(load: Load) -> None:
    texts = [text for number in OF_EACH_SHAPE for text in Expected(load).in_order(number)]
    for sign in ("voucher: ", "document: ", "record: ", "refused: ", "waits: ", "'_reversal'"):
        assert any(sign.strip("'") in text for text in texts), sign
    assert all(sum(text.startswith("voucher") for text in Expected(load).in_order(number)) for number in OF_EACH_SHAPE)


def test_neighbouring_units_have_other_parties_and_all_companies_and_amounts_come_up(load: Load) -> None:
    numbers = range(KINDS * load.pairs)
    assert len({load.pair(number) for number in range(load.pairs)}) == load.pairs
    assert {load.kind(number) for number in numbers} == {(kind, roles(pair)) for kind in range(KINDS) for pair in range(len(COMPANIES))}
    assert len(SHAPES) * VARIANTS == KINDS
