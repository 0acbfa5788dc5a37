"""No file over 400 lines, no function over 60, half of the functions at most 10: what is larger is two things."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

from tests.house.sources import PRODUCT, PYTHON, Finding, files, functions, keep, over, parsed

LONGEST_FILE: Final = 400
LONGEST_FUNCTION: Final = 60
HIGHEST_MEDIAN: Final = 10

LONG: Final[frozenset[str]] = frozenset()
"""Files that are still too long or have a function that is."""


def long_file(path: str, text: str) -> Iterator[Finding]:
    lines = len(text.splitlines())
    if lines > LONGEST_FILE:
        yield Finding(path, LONGEST_FILE + 1, f"{lines} lines, not more than {LONGEST_FILE}")


def long_functions(path: str, text: str) -> Iterator[Finding]:
    for function in functions(parsed(text)):
        lines = _length(function.lineno, function.end_lineno)
        if lines > LONGEST_FUNCTION:
            yield Finding(path, function.lineno, f"{function.name} has {lines} lines, not more than {LONGEST_FUNCTION}")


def _length(first: int, last: int | None) -> int:
    return (last or first) - first + 1


def test_no_file_is_too_long() -> None:
    sources = {**files(*PYTHON), **files(*PRODUCT, suffix=".sql")}
    keep(over(long_file, sources), LONG)


def test_no_function_is_too_long() -> None:
    keep(over(long_functions, files(*PYTHON)))


def test_half_of_the_functions_are_short() -> None:
    lengths = [_length(each.lineno, each.end_lineno) for text in files(*PRODUCT).values() for each in functions(parsed(text))]
    assert statistics.median(lengths) <= HIGHEST_MEDIAN


def test_a_planted_file_and_a_planted_function_are_found() -> None:
    body = "def f() -> None:\n" + "    print()\n" * 60
    assert [str(found) for found in long_functions("a.py", body)] == ["a.py:1: f has 61 lines, not more than 60"]
    assert not list(long_functions("a.py", body.removesuffix("    print()\n")))
    assert [str(found) for found in long_file("a.py", "\n" * 401)] == ["a.py:401: 401 lines, not more than 400"]
    assert not list(long_file("a.py", "\n" * 400))
