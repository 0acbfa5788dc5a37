"""The threat tables of docs/security.md: every threat names tests, and every test that is named is there."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest

from tests.scenario_files import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TABLES = re.findall(
    r"^\| what (?:it )?could (?:try|be tried) \| what stops it \| test \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE
)


@cache
def _tests() -> Counter[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return Counter(
        name for file in files for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize("row", [row for table in TABLES for row in table.splitlines()])
def test_every_threat_names_the_tests_that_show_what_stops_it(row: str) -> None:
    named = re.findall(r"`(test_\w+)`", row.rpartition(" | ")[2])
    assert named
    assert [name for name in named if not _tests()[name]] == []


def test_the_page_has_its_tables() -> None:
    assert [len(table.splitlines()) > 3 for table in TABLES] == [True] * 3
