"""Oracle and product agree on scenarios that are the same in each run: a change that makes a figure wrong is seen each time.

Invariant: what the oracle says is worked out once in a process, however often the tests run (`make mutants` runs them for
every mutant, and changes the product alone).
"""

from collections import Counter
from functools import cache

import pytest

from tests.oracle.compare import Key, comparable, product
from tests.oracle.generate import generate
from tests.oracle.scenario_form import simulate

_FIRST, _COUNT, _EACH = 1_000_000, 480, 40


@cache
def _said(seed: int) -> dict[str, Counter[Key]]:
    return comparable(simulate(generate(seed)))


@pytest.mark.parametrize("start", range(_FIRST, _FIRST + _COUNT, _EACH))
def test_oracle_and_product_agree_on_random_scenarios_drawn_once_for_all(start: int) -> None:
    differing = [seed for seed in range(start, start + _EACH) if comparable(product(generate(seed))) != _said(seed)]
    assert not differing, f"make oracle COUNT=1 SEED={differing[0]} shows and shrinks what differs"
