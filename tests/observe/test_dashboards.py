"""The dashboards that are checked in are those that the builders give, of metrics that there are."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml

from deploy.observe.dashboards import DASHBOARDS, FOLDER, expressions, json_of
from tests.observe.rules import OBSERVE, named_in, registered, run
from tests.unit.deploy.files import COMPOSE

PROCESSES = {"payment", "settlement", "posting", "inquiry", "web"}
PARTS = {
    "flow": ("Events taken", "From event to voucher", "Records still to be taken", "Time of a transaction", "Processor time", "Memory"),
    "work": ("What waits, by what it waits for", "Refused", "Proposals and decisions", "What people did"),
    "books": ("Differences that the last comparison found", "Vouchers a minute, by kind", "How old what is shown is at most", "Statements"),
}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_what_its_builder_gives(name: str) -> None:
    written = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert written == json_of(name), "python -m deploy.observe.dashboards"
    said = orjson.loads(written)
    assert "id" not in said
    assert [link["title"] for link in said["links"]] == ["Runbook", "Console"]
    assert [(each["name"], each["type"]) for each in said["templating"]["list"]] == [("datasource", "datasource")]
    assert {panel["datasource"]["uid"] for panel in said["panels"]} == {"${datasource}"}
    assert {panel["title"] for panel in said["panels"]} >= set(PARTS[name])
    targets = [target for panel in said["panels"] for target in panel["targets"]]
    assert all("rate(" not in each["expr"] or "[$__rate_interval]" in each["expr"] for each in targets)


def test_there_are_no_other_dashboards() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == DASHBOARDS.keys() == PARTS.keys()


def test_panels_ask_for_metrics_that_there_are_by_expressions_that_prometheus_reads(tmp_path: Path) -> None:
    asked = expressions()
    assert set().union(*map(named_in, asked.values())) <= registered().keys()
    rules = [
        {"record": f"panel:{place}", "expr": expression.replace("$__rate_interval", "1m")}
        for place, expression in enumerate(asked.values())
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(asked)} rules found" in run("promtool", "check", "rules", str(file))


def test_the_compose_profile_is_read_by_compose_and_mounts_what_is_there() -> None:
    said = yaml.safe_load(run("docker", "compose", "--file", str(COMPOSE), "--profile", "observe", "config"))["services"]
    watching = {name: service for name, service in said.items() if service.get("profiles") == ["observe"]}
    assert watching.keys() == {"prometheus", "alertmanager", "grafana", "jaeger"}
    assert all(Path(each["source"]).exists() for service in watching.values() for each in service.get("volumes", ()))
    scraped = yaml.safe_load((OBSERVE / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"][0]
    assert {address.partition(":")[0] for each in scraped["static_configs"] for address in each["targets"]} == PROCESSES
    assert said.keys() >= PROCESSES
