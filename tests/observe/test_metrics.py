"""Each metric has samples while the product runs and has something to do, and Prometheus takes what each process shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from deploy.observe.dashboards import expressions
from tests.observe.rules import registered, run
from tests.observe.stack import NAMES

if TYPE_CHECKING:
    from tests.observe.stack import Stack

pytestmark = pytest.mark.embedded

TABLE: Final = {
    **{f"{each}_total": ("service",) for each in ("outgoing", "fold_passes", "relay_sent")},
    **dict.fromkeys(("batch_records_count", "batch_seconds_count", "relay_seconds_count", "inquiry_behind_seconds"), ("service",)),
    **dict.fromkeys(("outbox_rows", "outbox_age_seconds", "failed_messages", "ready"), ("service",)),
    **dict.fromkeys(("consumer_lag_records", "consumer_lag_seconds"), ("service", "topic")),
    **dict.fromkeys(("waiting_events", "waiting_oldest_seconds"), ("service", "for")),
    **dict.fromkeys(("check_problems", "check_seconds", "check_last_success_timestamp_seconds", "check_failing_runs"), ("check",)),
    **dict.fromkeys(("pair_difference", "periods_holding_events"), ("company",)),
    **dict.fromkeys(("http_requests_total", "http_seconds_count"), ("route", "status")),
    "messages_total": ("service", "outcome"),
    "queries_total": ("schema",),
    "refusals_total": ("service", "code", "scope"),
    "refusals_open": ("code",),
    "end_to_end_seconds_count": ("kind",),
    "pool_connections": ("service", "state"),
    "actions_total": ("verb", "outcome"),
    "build_info": ("version",),
    "away": ("service", "part"),
}
"""The metrics that have samples once something was posted, waits, was refused and was sent again, with their labels."""
HELD: Final = {"type": "customer-invoice.posted", "company": "FABW", "account": "IC-EAST", "date": "2026-01-15", "currency": "USD"}


@pytest.fixture(scope="module")
def loaded(stack: Stack) -> Stack:
    """Something waits for a period, something was refused and an operator has sent it again, somebody has looked."""
    stack.close_period("C-1", "2026-01-01", "2026-01-31")
    stack.publish({**HELD, "id": "H-1", "document": "H-1", "amount": "1.00"})
    twice = {"type": "customer-invoice.posted", "company": "FABW", "account": "IC-EAST", "document": "T-1", "currency": "USD"}
    for amount in ("1.00", "2.00"):
        stack.publish({**twice, "id": "T-1", "date": "2026-03-01", "amount": amount})
    api = f"http://127.0.0.1:{stack.ports['http']}"

    def refusals() -> list[dict[str, Any]]:
        """Those of the event; other tests of the same stack have theirs."""
        data = httpx.get(f"{api}/v1/refusals", timeout=10).json()["data"]
        return [each for each in data if each["event"]["id"] == "T-1"]

    stack.until(refusals)
    [refused] = refusals()
    answer = httpx.post(f"{api}/v1/refusals/dismiss", json={"ids": [refused["id"]], "reason": "a test"}, timeout=20)
    assert answer.status_code < 300, answer.text
    for path in ("/", "/vouchers", "/nowhere"):
        httpx.get(f"{api}{path}", headers={"accept": "text/html"}, timeout=20)
    return stack


def test_the_table_is_in_the_registry() -> None:
    known = registered()
    for name, labels in TABLE.items():
        bare = f"intercompany_{name}".removesuffix("_total").removesuffix("_count")
        assert known[bare] == labels, name


def test_every_metric_of_the_table_has_samples_with_its_labels(loaded: Stack) -> None:
    for name, labels in TABLE.items():
        if name == "refusals_open":
            continue  # the only one was dismissed
        loaded.until_shown(f"intercompany_{name}")
        found = loaded.query(f"intercompany_{name}")
        assert all(set(each["metric"]) - {"__name__", "instance", "job"} == set(labels) for each in found), name
    routes = {each["metric"]["route"] for each in loaded.query("intercompany_http_requests_total")}
    assert {"/", "/vouchers", "/v1/refusals", "/v1/refusals/dismiss"} <= routes
    assert not [route for route in routes if "nowhere" in route and route != "nowhere"]


@pytest.mark.parametrize("name", NAMES)
def test_prometheus_takes_what_each_process_shows(loaded: Stack, name: str) -> None:
    run("promtool", "check", "metrics", given=loaded.get(name, "metrics").text)


def test_every_panel_shows_something(loaded: Stack) -> None:
    for name, expression in expressions().items():
        asked = expression.replace("$__rate_interval", "2m")
        if "refusals_open" in asked or "work: Proposals and decisions" in name:
            continue
        loaded.until_shown(asked)
