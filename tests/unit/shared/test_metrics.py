"""Metrics whose labels are companies are bounded, and what is gone has none."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from shared.metrics import OTHERS, of_companies


def _shown(gauge: Gauge) -> dict[str, float]:
    return {sample.labels["company"]: sample.value for family in gauge.collect() for sample in family.samples}


def test_the_companies_with_the_greatest_values_have_their_own_and_all_others_one() -> None:
    gauge = Gauge("of_companies", "", ["company"], registry=CollectorRegistry())
    of_companies(gauge, {"A": 0, "B": 3, "C": 1, "D": 1, "E": 2}, 3)
    assert _shown(gauge) == {"B": 3, "E": 2, "C": 1, OTHERS: 1}
    of_companies(gauge, {"A": 1}, 3)
    assert _shown(gauge) == {"A": 1}
    of_companies(gauge, {"A": 1, "B": 1}, 0)
    assert _shown(gauge) == {OTHERS: 2}
