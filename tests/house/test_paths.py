"""What a text says of the tree is true: a file, folder or module that it names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.house.sources import Finding, files, keep, over, read, spoken
from tests.scenario_files import ROOT

ROOMS: Final = ("services", "shared", "tests", "docs", "deploy")
FILE: Final = re.compile(rf"(?<![\w/.\-@{{])(?:\.\./)*(?P<path>(?:{'|'.join(ROOMS)})/[\w./*\-]*[\w*/])(?![\w<{{])")
MODULE: Final = re.compile(r"(?<![\w/.\-])(?:services|shared|tests)(?:\.[A-Za-z_]\w*)+\b(?!\()")
NAME: Final = re.compile(r"(?<![\w/*.\-])[a-z_]\w*\.py\b")
SUFFIXES: Final = (".py", ".md", ".yaml", ".yml")
PLACEHOLDER: Final = "NAME"
PLANTED: Final = "tests/house/"
"""The lints plant names of what is not there."""

STILL_PACKAGES: Final = frozenset({"tests/oracle/__init__.py"})


def texts() -> dict[str, str]:
    """Every text that may speak of the tree. Migrations are left out: an applied one stays as it was."""
    at_the_root = [ROOT / name for name in ("Makefile", "pyproject.toml", ".dockerignore", "docker-compose.yml", "deploy/Dockerfile")]
    single = {path.relative_to(ROOT).as_posix(): read(path) for path in (*at_the_root, *ROOT.glob("*.md"))}
    found = {path: text for suffix in SUFFIXES for path, text in files(*ROOMS, suffix=suffix).items()}
    return {path: text for path, text in {**single, **found}.items() if not path.startswith(PLANTED)}


def missing_files(path: str, text: str) -> Iterator[Finding]:
    """Paths from the root, with or without `*`, that lead nowhere."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in FILE.finditer(line):
            if PLACEHOLDER not in match["path"] and next(ROOT.glob(match["path"]), None) is None:
                yield Finding(path, number, f"{match['path']} is not there")


def missing_names(path: str, text: str) -> Iterator[Finding]:
    """Names of Python files without their folder that no file has."""
    for number, line in enumerate(text.splitlines(), 1):
        yield from (Finding(path, number, f"{name} is not there") for name in NAME.findall(line) if name not in _python_files())


@cache
def _python_files() -> frozenset[str]:
    return frozenset(path.rsplit("/", 1)[-1] for path in files(*ROOMS))


def missing_modules(path: str, text: str) -> Iterator[Finding]:
    """Modules, and names in packages, that lead nowhere; what a module defines is for mypy."""
    for first, piece in spoken(text) if path.endswith(".py") else [(1, text)]:
        for number, line in enumerate(piece.splitlines(), first):
            yield from (Finding(path, number, f"{name} is not there") for name in MODULE.findall(line) if not _is_module(name))


def _is_module(name: str) -> bool:
    folder: Path = ROOT
    for part in name.split("."):
        if (folder / f"{part}.py").is_file():
            return True
        if not (folder / part).is_dir():
            package = folder / "__init__.py"
            return package.is_file() and f'"{part}"' in read(package)
        folder /= part
    return True


def test_every_file_that_is_named_is_there() -> None:
    keep(over(missing_files, texts()))
    keep(over(missing_names, texts()))


def test_every_module_that_is_named_is_there() -> None:
    keep(over(missing_modules, texts()))


def test_no_folder_of_tests_is_a_package() -> None:
    """Pytest imports by path, so that two tests may have one name; nothing has to be a package for that."""
    packages = [path for path in files("tests") if path.endswith("/__init__.py")]
    keep([Finding(path, 1, "a package") for path in packages], STILL_PACKAGES)


@pytest.mark.parametrize("name", ["shared/parts/child.py", "tests/delivery/", "services/*/wishes.py", "docs/none.md"])
def test_a_planted_path_is_found(name: str) -> None:
    assert [str(found) for found in missing_files("README.md", f"\nsee `{name}`.")] == [f"README.md:2: {name} is not there"]


@pytest.mark.parametrize(
    "name", ["services/*/rules", "../shared/money.py", "tests/house/", "https://example.org/docs/none", "services/<name>/x"]
)
def test_what_is_there_or_elsewhere_is_not(name: str) -> None:
    assert not list(missing_files("README.md", f"see `{name}`."))


def test_a_planted_name_is_found() -> None:
    text = "store.py (was wishes.py), docs/none.py"
    assert [str(found) for found in missing_names("README.md", text)] == ["README.md:1: wishes.py is not there"]


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("shared.money", True),
        ("shared.working_set.Table.put", True),
        ("services.posting.rules.fold", True),
        ("shared.parts.child", False),
        ("services.settlement.rules.wishes", False),
        ("tests.payment.said", False),
    ],
)
def test_a_planted_module_is_found(name: str, there: bool) -> None:  # noqa: FBT001 - a test parameter
    assert [str(found) for found in missing_modules("README.md", f"see `{name}`.")] == (
        [] if there else [f"README.md:1: {name} is not there"]
    )
