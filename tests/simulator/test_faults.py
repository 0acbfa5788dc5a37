"""The services under faults drawn from a seed: nothing is lost, nothing is there twice, and everything comes to rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.simulator.checking import check_in_parts, own_arena, shortened
from services.simulator.seeds import Arena, faults_of_seed, run_seed
from tests.simulator.mutants import SEEDS, first_found, going_on_after_a_failed_send, without_duplicates_seen, without_the_watermark

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def on() -> Iterator[Arena]:
    with own_arena() as made:
        yield made


def test_in_no_seed_an_event_is_lost_or_counts_twice() -> None:
    summary = check_in_parts(range(SEEDS))
    assert summary.failed is None, "\n".join([*summary.failed.problems, *map(str, summary.failed.faults), *summary.failed.tail])
    assert summary.seeds == SEEDS


def test_a_seed_replays_exactly_whatever_ran_before_it(on: Arena) -> None:
    first = [run_seed(on, seed) for seed in (3, 4, 5)]
    again = [run_seed(on, seed) for seed in (5, 4, 3)]
    assert [each.digest for each in first] == [each.digest for each in reversed(again)]
    assert len({each.digest for each in first}) == len(first)


def test_without_faults_everything_comes_to_rest_and_is_as_simulated(on: Arena) -> None:
    for seed in range(10):
        assert run_seed(on, seed, faults=[]).problems == ()


@pytest.mark.parametrize("mutant", [without_duplicates_seen, going_on_after_a_failed_send, without_the_watermark])
def test_a_shell_without_one_of_its_safeguards_is_found_out(on: Arena, mutant: object) -> None:
    assert callable(mutant)
    assert first_found(on, mutant) is not None


def test_of_a_seed_that_fails_the_faults_that_matter_are_found(on: Arena) -> None:
    with going_on_after_a_failed_send():
        failed = next(outcome for seed in range(SEEDS) if (outcome := run_seed(on, seed)).problems)
        shortest = shortened(on, failed)
        assert shortest.problems
        assert set(shortest.faults) < set(faults_of_seed(failed.seed))
        assert any(fault.kind.name.startswith("SEND_") for fault in shortest.faults)
        assert run_seed(on, failed.seed, shortest.faults[:-1]).problems == ()
        assert run_seed(on, failed.seed, shortest.faults).digest == shortest.digest
