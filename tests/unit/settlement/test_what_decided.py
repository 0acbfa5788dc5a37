"""A settlement record says what decided its amounts, and says little."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from msgspec.structs import replace

from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from services.settlement.rules.values import RecordInForce
from services.settlement.stored_tables import TABLES
from shared.events.codec import as_json
from tests.scenario_files import EXAMPLES, FILES, ROOT

TYPICAL_BYTES = 120


def records(name: str) -> list[RecordInForce]:
    simulation = Simulation()
    path = (ROOT / "tests" / "scenarios" if "/" in name else EXAMPLES) / f"{name}.yaml"
    for arrival in arrivals(load_scenario(path)):
        simulation.send(arrival.record)
    return list(simulation.books.settlement.records)


def decided(name: str) -> list[dict[str, Any]]:
    return [orjson.loads(as_json(record.why)) for record in records(name)]


def test_a_full_discount_says_its_tier_its_last_day_and_what_it_is_of() -> None:
    vendor, mirror = decided("ic-4")
    assert vendor == {"discount": {"percent": "2", "until": "2026-03-16", "of": "1000.00"}, "rules": ["F-D02", "F-D05"]}
    assert mirror == {"discount": {"how": "mirrored"}}


def test_a_base_net_of_sales_tax_is_said_with_the_gross() -> None:
    (why,) = decided("cp-ar-4")
    assert why["discount"] == {"percent": "2", "net": "600.00", "gross": "638.22", "of": "638.22"}
    assert why["gain"] == {"received": "768.81", "settled": "755.35", "discount": "14.47", "discount_before": "14.47"}


def test_a_partial_discount_says_what_was_open_offered_and_let_through() -> None:
    partial = decided("mi-3")[1]
    assert partial["discount"] == {"percent": "2", "until": "2015-06-30", "how": "partial", "of": "490.00"}
    assert (partial["open_before"], partial["money"], partial["let_through"]) == ("1000.00", "985.00", "490.00")


def test_always_after_the_date_names_the_rule_that_gives_the_first_tier() -> None:
    assert decided("tco-1")[0]["rules"] == ["F-D08", "C37", "F-D05"]


def test_unspecific_administration_says_what_the_discount_lost_and_the_record_gained() -> None:
    (why,) = decided("ovp-4")
    assert (why["discount"]["lost"], why["moved"], why["discount"]["of"]) == ("1.00", "1.00", "100.00")


def test_a_difference_says_the_limit_and_whose_it_is() -> None:
    (why,) = decided("ovp-1")
    assert why["remainder"] == {"limit": "1", "company": "FAB", "value": "0.50"}


def test_published_rates_are_said_as_they_were_published() -> None:
    first = decided("currencies/four-currencies")[0]
    assert [(rate["from"], rate["to"], rate["rate"], rate["company"]) for rate in first["rates"]] == [
        ("USD", "EUR", "0.8137", "EU"),
        ("CHF", "EUR", "1.0734", "EU"),
    ]


def test_what_decided_is_kept_with_the_record_and_records_of_before_have_none() -> None:
    stored = TABLES["records"]
    record = records("ic-4")[0]
    assert stored.read(stored.row(record)[-1])[1] == record
    before = orjson.dumps(orjson.loads(stored.row(record)[-1])[:-1]).decode()
    assert stored.read(before)[1] == replace(record, why=None)


def test_over_all_scenarios_it_is_short() -> None:
    sizes = []
    for path in FILES:
        simulation = Simulation()
        for arrival in arrivals(load_scenario(path)):
            simulation.send(arrival.record)
        sizes += [len(as_json(record.why)) for record in simulation.books.settlement.records]
    assert Decimal(sum(sizes)) / len(sizes) < TYPICAL_BYTES
