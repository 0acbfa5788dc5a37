"""The plan of a storm: the same for the same seed, every kind of fault in it, every few seconds one."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tests.containers.storm.faults import KINDS, FrozenService
from tests.containers.storm.plan import LEAST_PAUSE, LONGEST_PAUSE, plan
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
