"""The sample producers as files: their events are those of ic-4, they stay short, and nothing in them says where packages come from."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.builders.producer_events import FILE, text

_PROGRAMS: Final = {
    "python": ("exchange.py", "requirements.lock", "--hash=sha256:"),
    "java": ("Exchange.java", "jars.sha256", "  kafka-clients-4.3.1.jar"),
    "go": ("exchange.go", "go.sum", " h1:"),
    "node": ("exchange.js", "package-lock.json", '"integrity": "sha512-'),
}
_LONGEST: Final = 60
_SUFFIXES: Final = {".py", ".java", ".go", ".js", ".sh"}
_NO_PROGRAM: Final = re.compile(r'^\s*(?://.*|#.*|/\*\*.*|import .*|from \S+ import .*|package \w+|"[\w./-]+"|\)?)$', re.MULTILINE)
_HOSTS: Final = re.compile(r"registry\.|pypi|pythonhosted|repo1?\.maven|proxy\.golang|sum\.golang|npmjs|deb\.debian", re.IGNORECASE)


def program_lines(content: str) -> int:
    """Lines that are neither blank, comment nor import."""
    return len([line for line in content.splitlines() if not _NO_PROGRAM.match(line)])


def test_the_events_are_those_of_the_scenario() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "write it again: .venv/bin/python -m tests.builders.producer_events"


_SOURCES: Final = sorted(str(path.relative_to(FILE.parent)) for path in FILE.parent.glob("*/*") if path.suffix in _SUFFIXES)


@pytest.mark.parametrize("name", _SOURCES)
def test_a_program_can_be_read_at_a_glance(name: str) -> None:
    assert 10 < program_lines((FILE.parent / name).read_text(encoding="utf-8")) <= _LONGEST


def test_only_imports_comments_and_blank_lines_are_not_counted() -> None:
    go = 'package main\n\nimport (\n\t"fmt"\n)\n// why\nfunc main() {\n\tf("a")\n}\n'
    assert program_lines(go) == 3
    assert program_lines("# why\nimport os\nfrom a import b\n\nf(b)\n") == 1


@pytest.mark.parametrize("language", _PROGRAMS)
def test_every_package_is_locked_by_its_hash(language: str) -> None:
    program, lock, hashed = _PROGRAMS[language]
    assert (FILE.parent / language / program).is_file()
    assert hashed in (FILE.parent / language / lock).read_text(encoding="utf-8")


def test_no_file_says_where_packages_come_from() -> None:
    found = [
        f"{path.name}: {match[0]}"
        for path in FILE.parent.rglob("*")
        if path.is_file()
        for match in _HOSTS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
