"""Every test can fail: it asserts something, and one outcome only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

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
            if not _holds_anyway(each.test):
                return True
            continue
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


def _holds_anyway(test: ast.expr) -> bool:
    """Whether an assertion is true whatever the program does: a constant, one of several that is one, something equal to itself."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(map(_holds_anyway, test.values))
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is | ast.LtE | ast.GtE):
        return _is_constant(test) or (not _calls(test) and ast.dump(test.left) == ast.dump(test.comparators[0]))
    return _is_constant(test)


def _calls(test: ast.expr) -> bool:
    """Whether it asks something anew each time: two answers may differ."""
    return any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(test))


def _is_constant(test: ast.expr) -> bool:
    """Nothing in it comes from anywhere but the test's own text."""
    return not _calls(test) and not any(isinstance(node, ast.Name) for node in ast.walk(test))


def holds_anyway(path: str, text: str) -> Iterator[Finding]:
    """Assertions that nothing can break."""
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Assert) and _holds_anyway(node.test):
            yield Finding(path, node.lineno, f"an assertion that always holds: {ast.unparse(node.test)}")


def test_no_assertion_holds_anyway() -> None:
    keep(over(holds_anyway, files("tests")))


def test_every_test_asserts_something() -> None:
    keep(over(asserts_nothing, files("tests")))


def test_no_assertion_allows_two_outcomes() -> None:
    keep(over(allows_two_outcomes, files("tests")))


def test_a_planted_test_that_cannot_fail_is_found() -> None:
    text = "def _f():\n    assert x\ndef test_a():\n    _f()\ndef test_b():\n    print()\n"
    assert [str(found) for found in asserts_nothing("a.py", text)] == ["a.py:5: test_b asserts nothing"]
    text = "def test_a():\n    assert x == 1 or x == 2\n    assert x == 1 or y == 2\n"
    assert [str(found) for found in allows_two_outcomes("a.py", text)] == ["a.py:2: an assertion that allows two outcomes"]


@pytest.mark.parametrize(
    "planted", ["True", "1", "'text'", "(1, 2)", "1 == 1", "not False", "done or True", "x == x", "x.y is x.y", "[1] and 2"]
)
def test_a_planted_assertion_that_always_holds_is_found(planted: str) -> None:
    text = f"def test_a():\n    assert {planted}\n"
    assert [str(found) for found in holds_anyway("a.py", text)] == [f"a.py:2: an assertion that always holds: {planted}"]
    assert [str(found) for found in asserts_nothing("a.py", text)] == ["a.py:1: test_a asserts nothing"]


@pytest.mark.parametrize("usual", ["x", "x == 1", "f(1) == f(1)", "not x", "x or y", "x.y == x.z", "x != x"])
def test_a_usual_assertion_is_none_of_them(usual: str) -> None:
    assert not list(holds_anyway("a.py", f"assert {usual}\n"))
