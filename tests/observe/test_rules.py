"""Alerts: each is right by Prometheus' own tools, names what is there, and has a page that says what to do by commands that are real."""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

import pytest
import typer
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from services.command_line.main import app
from services.web.console.pages import PAGES
from tests.observe.rules import OBSERVE, RULES, alerts, commands, named_in, registered, run, sections
from tests.scenario_files import ROOT

ALERTS: Final = (
    *("ServiceNotReady", "ConsumerLagGrowing", "OutboxStuck", "MessagesPutAside", "WaitingTooLong", "RefusalsRising", "BatchSlow"),
    *("EndToEndSlow", "BooksDisagree", "CheckNotRun", "PairDiffers", "PoolExhausted", "InquiryBehind", "DatabaseAway", "BrokerAway"),
    "PeriodHolds",
)
PAGED: Final = {"ServiceNotReady", "OutboxStuck", "MessagesPutAside", "BooksDisagree", "DatabaseAway", "BrokerAway"}
PARTS: Final = ("**For** ", "Page: ", "\n1. ", "**Over** ")


def test_prometheus_reads_the_alerts_and_each_fires_and_clears_in_its_unit_test() -> None:
    assert "16 rules found" in run("promtool", "check", "rules", str(RULES))
    run("promtool", "test", "rules", str(OBSERVE / "alerts_test.yml"))
    tested = yaml.safe_load((OBSERVE / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    expected = [(each["alertname"], bool(each["exp_alerts"])) for test in tested for each in test["alert_rule_test"]]
    assert {name for name, fires in expected if fires} == {name for name, fires in expected if not fires} == set(ALERTS)


def test_each_alert_says_how_grave_it_is_in_plain_words_and_where_to_read_on() -> None:
    assert tuple(each["alert"] for each in alerts()) == ALERTS
    assert {each["alert"] for each in alerts() if each["labels"]["severity"] == "page"} == PAGED
    for each in alerts():
        assert each["labels"]["severity"] in {"page", "ticket"}
        assert each["annotations"]["summary"].endswith(".")
        assert each["annotations"]["runbook_url"] == f"docs/runbook.md#{each['alert'].lower()}"


def test_rules_name_metrics_that_there_are() -> None:
    named = named_in(RULES.read_text(encoding="utf-8"))
    assert len(named) > 14
    assert named <= registered().keys()


def test_the_page_of_metrics_has_every_metric_with_its_labels() -> None:
    text = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| `intercompany_")]
    written = {name: tuple(label.strip() for label in labels.split(",")) for names, _, labels in rows for name in named_in(names)}
    assert written == dict(registered())


def test_every_alert_has_its_section_and_no_section_is_of_none() -> None:
    assert tuple(sections()) == ALERTS
    for name, text in sections().items():
        assert [part for part in PARTS if part not in text] == [], name
        assert commands(text), name
        pages = re.findall(r"\(`(/[a-z/]*)`\)", text)
        assert [page for page in pages if page not in PAGES] == [], name


@pytest.mark.parametrize("name", ALERTS)
def test_the_commands_of_the_runbook_are_the_products(name: str) -> None:
    for line in commands(sections()[name]):
        check_command(line)


def test_a_command_that_is_not_there_is_found() -> None:
    for wrong in ("intercompany reconsile", "intercompany reconcile --jsn", "intercompany failed", "rm -rf /"):
        with pytest.raises(Exception, match=r"reconsile|jsn|runs nothing|rm"):
            check_command(wrong)


def check_command(line: str) -> None:
    """Reads a command as the product would, and runs nothing; raises where there is none, or it takes no such options."""
    program, *rest = shlex.split(line)
    assert program == "intercompany"
    command: Any = get_command(app)
    context = typer.Context(command, info_name=program)
    while isinstance(command, TyperGroup):
        assert rest, f"{line} runs nothing"
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, line
        command, context = found, typer.Context(found, info_name=name, parent=context)
    if "--help" not in rest:
        command.parse_args(context, rest)


def test_where_alerts_go_is_by_how_grave_they_are() -> None:
    file = str(OBSERVE / "alertmanager.yml")
    run("amtool", "check-config", file)
    for severity, receiver in (("page", "pager"), ("ticket", "tickets")):
        said = run("amtool", "config", "routes", "test", f"--config.file={file}", f"severity={severity}", "alertname=BatchSlow")
        assert said.split()[-1] == receiver or said.split()[0] == receiver
