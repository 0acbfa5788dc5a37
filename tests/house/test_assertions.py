"""Every test can fail: it asserts something, and one outcome only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.house.sources import Finding, files, functions, keep, over, parsed

CHECKS: Final = {"raises", "fail", "warns", "keep", "until"}
"""Calls that fail like an assertion: pytest's, the lints', and waiting for something until a time is over."""
PREFIX: Final = "assert_"


def asserts_nothing(path: str, text: str) -> Iterator[Finding]:
    """Tests with neither an assertion nor a call that asserts, in themselves or in a function of the same file that they use."""
    helpers = {function.name: function for function in functions(parsed(text))}
    for name, function in helpers.items():
        if name.startswith("test_") and not _asserts(function, helpers, set()):
            yield Finding(path, function.lineno, f"{name} asserts nothing")


def _asserts(node: ast.AST, helpers: dict[str, ast.FunctionDef | ast.AsyncFunctionDef], seen: set[str]) -> bool:
    for each in ast.walk(node):
        if isinstance(each, ast.Assert):
            return True
        name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
        if name in CHECKS or name.startswith(PREFIX):
            return True
        if name in helpers and name not in seen and _asserts(helpers[name], helpers, seen | {name}):
            return True
    return False


def allows_two_outcomes(path: str, text: str) -> Iterator[Finding]:
    """`assert x == a or x == b`: whichever comes is right, so the test says nothing of which should."""
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or):
            compared = [ast.dump(value.left) for value in node.test.values if isinstance(value, ast.Compare)]
            if len(set(compared)) < len(compared):
                yield Finding(path, node.lineno, "an assertion that allows two outcomes")


def test_every_test_asserts_something() -> None:
    keep(over(asserts_nothing, files("tests")))


def test_no_assertion_allows_two_outcomes() -> None:
    keep(over(allows_two_outcomes, files("tests")))


def test_a_planted_test_that_cannot_fail_is_found() -> None:
    text = "def _f():\n    assert 1\ndef test_a():\n    _f()\ndef test_b():\n    print()\n"
    assert [str(found) for found in asserts_nothing("a.py", text)] == ["a.py:5: test_b asserts nothing"]
    text = "def test_a():\n    assert x == 1 or x == 2\n    assert x == 1 or y == 2\n"
    assert [str(found) for found in allows_two_outcomes("a.py", text)] == ["a.py:2: an assertion that allows two outcomes"]
