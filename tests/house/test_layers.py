"""Who may import whom, where import-linter's contracts in pyproject.toml do not reach, and that each of those contracts can fail."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import pytest

from tests.house.sources import PRODUCT, Finding, files, keep, over, parsed, read
from tests.scenario_files import ROOT

RUN: Final = "services.settlement.rules.run"
RUN_SEES: Final = (RUN, "services.settlement.rules.values")
"""What a run of settlement knows of the services: itself, and the values that it computes with. No turn, no wait list, no message."""
CARRIES_OUT: Final = "services/settlement/rules/run/carry_out.py"
"""The one door between a run and what its results do to the books."""
STILL_OPEN: Final = frozenset(
    {
        "services/settlement/rules/run/gather.py: services.settlement.rules.incoming",
    }
)

BY_NAME: Final = {"import_module", "__import__", "sys.modules", "runpy", "spec_from_file_location", "SourceFileLoader"}
COMMANDS_WHEN_NEEDED: Final = "services/command_line/lazy.py"
"""The one place that imports by name: a command's own module, from the table of commands beside it."""

PLANTS: Final = {
    "services/payment/rules/planted.py": "import asyncpg",
    "services/posting/rules/planted.py": "import services.posting.store",
    "services/payment/planted.py": "import services.posting.service",
    "services/desk/planted.py": "import services.command_line.main",
    "services/command_line/planted.py": "import services.payment.store",
    "shared/planted.py": "import services.registry",
    "shared/delivery/planted.py": "import shared.postgresql.database",
    "shared/events/planted.py": "import shared.delivery.batch",
    "shared/kafka/planted.py": "import shared.postgresql.database",
    "services/bench/planted.py": "import services.bench.planted_too",
    "services/bench/planted_too.py": "import services.bench.planted",
}
"""An import for each contract of import-linter, which breaks it; two for a circle."""


def imports(text: str) -> Iterator[tuple[int, str]]:
    """The modules that a file imports, with the line; of `from package import name`, the package and the name."""
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def out_of_the_run(path: str, text: str) -> Iterator[Finding]:
    """What a file of the run imports of the services beyond the run."""
    if not path.startswith(f"{RUN.replace('.', '/')}/") or path == CARRIES_OUT:
        return
    for line, module in imports(text):
        if _within(module, ("services",)) and not _within(module, RUN_SEES):
            yield Finding(path, line, module)


def values_that_know_rules(path: str, text: str) -> Iterator[Finding]:
    """What a core's values import of its service: nothing, everything else stands on them."""
    if PurePosixPath(path).match("services/*/rules/values.py"):
        yield from (Finding(path, line, module) for line, module in imports(text) if _within(module, ("services",)))


def imports_by_name(path: str, text: str) -> Iterator[Finding]:
    """Ways to a module that no contract of import-linter sees."""
    for node in ast.walk(parsed(text)):
        match node:
            case ast.Import(names=imported) | ast.ImportFrom(names=imported):
                names = {part for alias in imported for part in alias.name.split(".")}
            case ast.Attribute() | ast.Name():
                names = {ast.unparse(node), ast.unparse(node).rpartition(".")[2]}
            case _:
                continue
        yield from (Finding(path, node.lineno, name) for name in sorted(names & BY_NAME))


def test_modules_are_imported_where_import_linter_sees_it() -> None:
    keep(over(imports_by_name, files(*PRODUCT)), {COMMANDS_WHEN_NEEDED})


@pytest.mark.parametrize(
    "planted",
    [
        "from importlib import import_module\n",
        'import importlib\n\nimportlib.import_module("services.payment.store")\n',
        '__import__("services.payment.store")\n',
        'import sys\n\nsys.modules["services.payment.store"]\n',
        'import builtins\n\nbuiltins.__import__("services.payment.store")\n',
        "import runpy\n",
        "from importlib.util import spec_from_file_location as load\n",
    ],
)
def test_a_planted_import_by_name_is_found(planted: str) -> None:
    assert list(imports_by_name("services/command_line/planted.py", planted))


def test_a_run_of_settlement_is_a_closed_world() -> None:
    keep(over(out_of_the_run, files(*PRODUCT)), STILL_OPEN, lambda finding: f"{finding.path}: {finding.what}")


def test_values_stand_below_all_rules() -> None:
    keep(over(values_that_know_rules, files(*PRODUCT)))


def test_a_planted_import_is_found() -> None:
    text = f"import decimal\n\nfrom services.settlement.rules.turn import Turn\nfrom {RUN}.state import Run\n"
    in_the_run, values = f"{RUN.replace('.', '/')}/state.py", "services/settlement/rules/values.py"
    assert [str(found) for found in out_of_the_run(in_the_run, text)] == [f"{in_the_run}:3: services.settlement.rules.turn"]
    assert not list(out_of_the_run(CARRIES_OUT, text))
    assert [found.line for found in values_that_know_rules(values, text)] == [3, 4]


def test_every_contract_of_import_linter_can_fail(tmp_path: Path) -> None:
    for package in PRODUCT:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path, line in PLANTS.items():
        (tmp_path / path).write_text(f"{line}\n", encoding="utf-8")
    config = read(ROOT / "pyproject.toml")
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "500", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - a locked tool
    broken = set(re.findall(r"^(.+?) BROKEN", done.stdout, re.MULTILINE))
    assert broken == {contract["name"] for contract in tomllib.loads(config)["tool"]["importlinter"]["contracts"]}, done.stdout[-3000:]
