"""Text without quotes in a YAML file: what is said shows what stands in the file. Aliases cannot make a small file large."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.command_line.main import app
from services.operations.reference_changes import changes
from services.scenarios.event_files import Sending, read_event_file
from services.scenarios.group_file import read_group_file
from services.scenarios.yaml_files import MOST_REPEATED, FileError, read_yaml, unquoted
from shared.events.producing import PartyBook

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = 'type: customer-invoice.posted, company: FAB, document: I1, date: 2026-01-10, currency: USD, amount: "1.00"'
GROUP = 'group: {companies: {FAB: {currency: USD}}, parties: {NW: {customers: {FAB: "4000"}}}}'


def _file(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


def _problems(path: Path) -> list[str]:
    return [entry.problem for entry in read_event_file(path, Sending("s", NOW, PartyBook()))]


@pytest.mark.parametrize("written", ["0042", "NO", "2026:03", "1.50", "~"])
def test_a_value_without_quotes_is_shown_as_it_stands_with_its_line(tmp_path: Path, written: str) -> None:
    path = _file(tmp_path, f"events:\n- {{id: I1, {HEAD}, account: {written}}}\n")
    (problem,) = _problems(path)
    assert problem.endswith(f'; line 2 has {written} without quotes: put it in quotes ("{written}")')


@pytest.mark.parametrize(
    "fields",
    ['account: "4000", cash_discounts: [{percent: "2", days: -3}]', 'account: "4000", curency: 12', "", 'account: ""'],
    ids=["a number that is wrong as a number", "a field that does not exist", "a field that is missing", "text that is empty"],
)
def test_quotes_are_not_advised_where_they_would_not_help(tmp_path: Path, fields: str) -> None:
    (problem,) = _problems(_file(tmp_path, f"- {{id: I1, {HEAD}, {fields}}}\n"))
    assert problem
    assert "quotes" not in problem


def test_a_mark_is_found_in_its_list(tmp_path: Path) -> None:
    marks = "settle: [{company: FAB, document: A}, {company: FAB, document: 17}]"
    mark = f'- {{id: P1, {HEAD.replace("invoice", "payment")}, account: "4000",\n   {marks}}}'
    (problem,) = _problems(_file(tmp_path, mark))
    assert "/settle/1/document" in problem
    assert problem.endswith('line 2 has 17 without quotes: put it in quotes ("17")')


def test_a_group_file_says_it_where_it_is_simulated_and_where_it_is_applied(tmp_path: Path) -> None:
    advice = 'line 1 has 0042 without quotes: put it in quotes ("0042")'
    path = _file(tmp_path, "companies: {FAB: {currency: USD, name: 0042}}")
    with pytest.raises(FileError, match=r"companies\.FAB\.name") as refused:
        changes(path, read_group_file(path), {}, NOW)
    assert str(refused.value).endswith(advice)
    scenario = _file(tmp_path, "group: {companies: {FAB: {currency: USD, name: 0042}}}")
    assert advice in CliRunner().invoke(app, ["simulate", str(scenario)]).stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_scenario_says_it_beside_its_refusals_on_standard_error(tmp_path: Path, options: list[str]) -> None:
    path = _file(tmp_path, f"{GROUP}\nevents:\n- {{id: I1, {HEAD}, account: 0042}}\n")
    result = CliRunner().invoke(app, ["simulate", str(path), *options])
    assert result.exit_code == 0
    assert 'events[0].account: line 3 has 0042 without quotes: put it in quotes ("0042")' in result.stderr
    assert "without quotes" not in result.stdout


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("a: [{b: 7}]", "a[0].b", (1, "7")),
        ("a: [{b: 7}]", "a.0.b", (1, "7")),
        ('a: [{b: "7"}]', "a[0].b", None),
        ("a: 2026-01-01", "a", None),
        ("a: [x]", "a[3]", None),
        ("a: {b: 1}", "a.c", None),
        ("a:", "a", None),
        ("", "a", None),
    ],
)
def test_a_place_is_found_in_a_file(tmp_path: Path, text: str, place: str, found: Any) -> None:
    assert unquoted(_file(tmp_path, text), place) == found


def _doubling(levels: int) -> str:
    lines = [f"a0: &a0 {'x' * 100}"] + [f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]" for level in range(1, levels)]
    return "\n".join(lines)


def test_aliases_that_would_fill_the_memory_are_refused_and_others_are_not(tmp_path: Path) -> None:
    content = read_yaml(_file(tmp_path, _doubling(8)))
    assert content["a1"] == ["x" * 100] * 2
    with pytest.raises(FileError, match=f"aliases may repeat {MOST_REPEATED}"):
        read_yaml(_file(tmp_path, _doubling(40)))


def test_a_large_file_without_aliases_is_read(tmp_path: Path) -> None:
    large = "x" * (MOST_REPEATED + 100)
    assert read_yaml(_file(tmp_path, f"a: &a {large}")) == {"a": large}


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: [*a]}"])
def test_what_refers_to_itself_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError, match=r"line 1, column 4: this refers to itself"):
        read_yaml(_file(tmp_path, text))


def test_one_cloudevent_alone_is_a_file_of_events(tmp_path: Path) -> None:
    data = '{"company": "FAB", "account": "C", "document": "I1", "date": "2026-01-10", "currency": "USD", "amount": "1.00"}'
    head = '"specversion": "1.0", "type": "intercompany.customer-invoice.posted.v1", "source": "/erp", "id": "I1"'
    assert _problems(_file(tmp_path, f'{{{head}, "data": {data}}}')) == [""]
    with pytest.raises(FileError, match="must be a list of events, a scenario with events, or one CloudEvents document"):
        _problems(_file(tmp_path, GROUP))
