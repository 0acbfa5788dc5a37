"""What comes out of the scenarios that the documentation shows: each is simulated by the rules themselves, once.

Invariant: no figure of a scenario is typed into a page; whoever changes a rule changes the pages with it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from services.scenarios.scenario_file import EXAMPLES, Scenario, load_scenario
from services.scenarios.simulation import simulate_with_why

if TYPE_CHECKING:
    from services.desk.rows import Result

ROOT: Final = Path(__file__).parents[2]
SCENARIOS: Final = ROOT / "tests" / "scenarios"
COVERED: Final = ROOT / "tests" / "rules_covered.yaml"


class Outcome(NamedTuple):
    """A scenario and what came out of it; `name` is how pages and tests/rules_covered.yaml call it."""

    name: str
    scenario: Scenario
    result: Result


def file_of(name: str) -> Path:
    """The file of a scenario: `ic-4` is a documented example, `discounts/typed-amount` one under tests/scenarios."""
    return (SCENARIOS if "/" in name else EXAMPLES) / f"{name}.yaml"


def name_of(path: Path) -> str | None:
    """How pages call a scenario's file; None where it is not one."""
    if path.suffix != ".yaml":
        return None
    if path.parent == EXAMPLES:
        return path.stem
    return path.relative_to(SCENARIOS).with_suffix("").as_posix() if path.is_relative_to(SCENARIOS) else None


@cache
def outcome(name: str) -> Outcome:
    """The outcome of a scenario, with why each line is there; OSError where there is no such file."""
    path = file_of(name)
    path.stat()
    scenario = load_scenario(path)
    return Outcome(name, scenario, simulate_with_why(scenario))


@cache
def covers() -> dict[str, dict[str, Any]]:
    """tests/rules_covered.yaml: by what each rule is covered."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COVERED.read_text(encoding="utf-8"))
    return found
