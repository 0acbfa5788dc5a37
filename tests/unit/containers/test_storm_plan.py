"""The plan of a storm: the same for the same seed, every kind of fault in it, every few seconds one."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tests.containers.storm.faults import KINDS, FrozenService, KilledBroker, KilledService, RestartedBroker
from tests.containers.storm.plan import AT_ONCE, LEAST_PAUSE, LONGEST_PAUSE, REST, Planned, Turns, plan
from tests.containers.storm.stage import SERVICES, SESSION


def test_the_same_seed_gives_the_same_plan_and_another_seed_another_one() -> None:
    assert plan(7, 600) == plan(7, 600)
    assert plan(7, 600) != plan(8, 600)
    assert plan(7, 1200)[: len(plan(7, 600))] == plan(7, 600)


@pytest.mark.parametrize("seed", range(20))
def test_every_few_seconds_one_begins_and_no_kind_is_rare(seed: int) -> None:
    planned = plan(seed, 600)
    assert all(LEAST_PAUSE <= later.at - earlier.at <= LONGEST_PAUSE for earlier, later in pairwise(planned))
    assert planned[-1].at <= 600 < planned[-1].at + LONGEST_PAUSE
    often = Counter(type(each.fault) for each in planned)
    assert often.keys() == set(KINDS)
    assert max(often.values()) - min(often.values()) <= 1


def test_a_short_storm_has_each_kind_once() -> None:
    assert Counter(type(each.fault) for each in plan(1, 1)) == Counter(KINDS)


def test_every_service_has_its_turn_and_a_frozen_one_loses_its_session() -> None:
    faults = [each.fault for each in plan(3, 3600)]
    assert {each.subject for each in faults} == {*SERVICES, "kafka", "database"}
    assert min(each.lasts for each in faults if isinstance(each, FrozenService)) > SESSION


BROKER, AGAIN, SERVICE = KilledBroker("kafka", 1), RestartedBroker("kafka", 1), KilledService("payment", 1)


def test_a_part_rests_as_long_as_its_fault_took_and_others_have_their_turn_meanwhile() -> None:
    turns = Turns([Planned(1, BROKER), Planned(2, AGAIN), Planned(3, SERVICE)])
    assert turns.begin(0.5) is None
    assert turns.begin(5) is BROKER
    assert turns.begin(5) is SERVICE
    assert turns.begin(20) is None
    turns.end(BROKER, 45)
    assert turns.begin(84) is None
    assert turns.begin(85) is AGAIN
    assert turns.left == []


def test_after_a_short_fault_a_part_rests_all_the_same() -> None:
    turns = Turns([Planned(1, BROKER), Planned(2, AGAIN)])
    assert turns.begin(1) is BROKER
    turns.end(BROKER, 2)
    assert turns.begin(2 + REST - 0.1) is None
    assert turns.begin(2 + REST) is AGAIN


def test_no_more_than_some_are_under_way_at_once() -> None:
    turns = Turns([Planned(0, KilledService(service, 1)) for service in SERVICES])
    begun = [turns.begin(1) for _ in SERVICES]
    assert begun.count(None) == len(SERVICES) - AT_ONCE
    first = begun[0]
    assert first is not None
    turns.end(first, 2)
    assert turns.begin(2) is not None
