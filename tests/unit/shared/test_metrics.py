"""Metrics whose labels are companies are bounded, and what is gone has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry, Gauge

from shared.metrics import OTHERS, of_companies
from shared.postgresql import database

if TYPE_CHECKING:
    import pytest


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


def test_a_company_that_is_called_as_all_others_hides_none_of_them() -> None:
    gauge = Gauge("called_others", "", ["company"], registry=CollectorRegistry())
    of_companies(gauge, {OTHERS: 5, "A": 3, "B": 1}, 1)
    assert _shown(gauge) == {"A": 3, OTHERS: 6}


def test_of_two_pools_of_a_schema_the_one_that_is_used_up_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    used = [Pool("inquiry", 0), Pool("inquiry", 3), Pool("web", 1)]
    monkeypatch.setattr(database, "_OPENED", used)
    [gauge] = database.PoolConnections().collect()
    shown = {(sample.labels["service"], sample.labels["state"]): sample.value for sample in gauge.samples}
    assert (shown["inquiry", "busy"], shown["inquiry", "limit"], shown["web", "busy"]) == (3, 3, 1)


class Pool(NamedTuple):
    """A pool of three connections, so many of which are in use."""

    schema: str
    busy: int

    def connections(self) -> dict[str, int]:
        """As Postgres has them."""
        return {"busy": self.busy, "idle": 3 - self.busy, "limit": 3}
