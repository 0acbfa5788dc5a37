"""rules_covered.yaml tells the truth: every rule has a cover, every cover is there and posts what it is said to post."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from shared.rulebook import rule_book
from tests.scenario_files import EXAMPLES

TESTS = Path(__file__).parent
CORES = sorted((TESTS.parent / "services").glob("*/rules/**/*.py"))
TABLE: dict[str, dict[str, Any]] = yaml.safe_load((TESTS / "rules_covered.yaml").read_text(encoding="utf-8"))
RULE = re.compile(r"\b(?:F-[A-G]\d{2}|C\d{1,2})\b")
ASKS_NOTHING: frozenset[str] = frozenset({"F-D16"})
"""Rules that ask for nothing of the program; the table says why."""


OF_AMOUNTS = "decided.py"
"""The module that says which rules decided the amounts of a record: no line is made by them."""


class Named(NamedTuple):
    """The rules that a module names: in its code, where lines take them from, and in its words."""

    in_code: set[str]
    in_words: set[str]


@cache
def _named() -> Named:
    code, words = set(), set()
    for path in CORES:
        text = path.read_text(encoding="utf-8")
        words |= set(RULE.findall(text))
        constants = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        if path.name != OF_AMOUNTS:
            code |= {value for value in constants if RULE.fullmatch(value)}
    return Named(code, words)


def _file(cover: str) -> Path:
    return (TESTS / "scenarios" if "/" in cover else EXAMPLES) / f"{cover}.yaml"


@cache
def _posted(scenario: str) -> frozenset[str]:
    """The rules that the lines of a scenario name."""
    result = simulate(load_scenario(_file(scenario)))
    return frozenset(line["rule"] for voucher in result.vouchers for line in voucher["lines"])


@cache
def _tests(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def _is_there(cover: str) -> bool:
    path, _, test = cover.partition("::")
    if test:
        return (TESTS / path).is_file() and test in _tests(TESTS / path)
    return _file(cover).is_file()


def _covers(entry: dict[str, Any]) -> Iterator[str]:
    yield from entry.get("covered_by", ())


@pytest.mark.parametrize("rule", TABLE)
def test_every_rule_is_covered_by_what_is_there(rule: str) -> None:
    entry = TABLE[rule]
    assert entry["says"]
    assert set(entry) <= {"says", "posts", "covered_by", "why_none", "example"}
    covers = list(_covers(entry))
    assert "example" not in entry or entry["example"] in covers
    assert bool(covers) != ("why_none" in entry), "a rule has a cover, or it asks for nothing and says why"
    assert [cover for cover in covers if not _is_there(cover)] == []


def test_only_what_asks_for_nothing_has_no_cover() -> None:
    assert {rule for rule, entry in TABLE.items() if "why_none" in entry} == ASKS_NOTHING


def test_the_table_has_every_rule_that_the_cores_name() -> None:
    assert _named().in_words - set(TABLE) == set()


def test_the_rules_that_make_lines_are_those_that_the_cores_give_to_lines() -> None:
    assert {rule for rule, entry in TABLE.items() if entry.get("posts")} == _named().in_code


def test_the_rule_book_has_every_rule_that_the_cores_name() -> None:
    assert (_named().in_code | _named().in_words) - rule_book().keys() == set()


@pytest.mark.parametrize("rule", [rule for rule, entry in TABLE.items() if entry.get("posts")])
def test_a_rule_that_makes_lines_makes_one_in_its_scenarios(rule: str) -> None:
    scenarios = [cover for cover in _covers(TABLE[rule]) if "::" not in cover]
    assert scenarios
    assert [scenario for scenario in scenarios if rule not in _posted(scenario)] == []
