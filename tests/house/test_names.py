"""One word for one thing: a class name is defined once in the product, private names too."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import Final

from tests.house.sources import PRODUCT, Finding, files, keep, parsed

SAME_IN_EVERY_SERVICE: Final = {"Books", "Store"}
"""What each service has under the same name, because it is the same there."""

STILL_TWICE: Final[frozenset[str]] = frozenset()
"""Class names that still have more than one meaning."""


def defined_twice(sources: dict[str, str]) -> list[Finding]:
    """Every definition of a class name that has more than one."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, text in sources.items():
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.ClassDef) and node.name not in SAME_IN_EVERY_SERVICE:
                places[node.name].append((path, node.lineno))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    return [Finding(path, line, name) for name, found in sorted(twice.items()) for path, line in found]


def test_a_class_name_is_defined_once() -> None:
    keep(defined_twice(files(*PRODUCT)), STILL_TWICE, key=lambda finding: finding.what)


def test_a_planted_second_definition_is_found_at_both_places() -> None:
    sources = {"a.py": "class _Draft:\n    pass\nclass Books:\n    pass\n", "b.py": "\nclass _Draft:\n    pass\nclass Books:\n    pass\n"}
    assert [str(found) for found in defined_twice(sources)] == ["a.py:1: _Draft", "b.py:2: _Draft"]
