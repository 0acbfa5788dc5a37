"""Every scenario file through the pure rules, and some through the embedded broker, services and database: the two must agree.

Others go through Apache Kafka and PostgreSQL in `tests/containers/test_compose.py`; `make long` runs all of them on both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.scenarios.expectations import differences
from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from tests.scenario_files import FILES

COMMAND = (sys.executable, "-m", "services.command_line.main")

_read = cache(load_scenario)
"""Read once, however often the tests run in one process (`make mutants` runs them for every mutant)."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_rules_give_every_figure_of_the_scenario(path: Path) -> None:
    scenario = _read(path)
    assert list(differences(scenario, simulate(scenario))) == []


def _lines(*arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=900, check=False)  # noqa: S603 - our own command
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.embedded
@pytest.mark.parametrize("chosen", [pytest.param(FILES[5::10], id="a tenth"), pytest.param(FILES, id="all", marks=pytest.mark.long)])
def test_the_services_on_broker_and_database_give_what_the_simulation_gives(chosen: Sequence[Path]) -> None:
    files = [str(path) for path in chosen]
    simulated, run = _lines("simulate", "--json", *files), _lines("run", "--json", *files)
    assert [each["id"] for each in run] == [each["id"] for each in simulated]
    for live, pure in zip(run, simulated, strict=True):
        assert live == pure, live["id"]
