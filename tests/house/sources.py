"""What the lints of the house read and how they answer: every file once, every finding as `file:line: what`.

Invariant: a lint is a function of a file's path and text alone, so that each is shown to fail on a planted break; what the tree
does not keep yet is named in the lint's test, and a name that is no longer needed fails it too.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.scenario_files import ROOT

PRODUCT: Final = ("services", "shared")
PYTHON: Final = (*PRODUCT, "tests")
_STRINGS: Final = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


class Finding(NamedTuple):
    """One place that breaks a rule of the house."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


Lint = Callable[[str, str], Iterator[Finding]]
Key = Callable[[Finding], str]


def path_of(finding: Finding) -> str:
    """What an exception names unless a lint says otherwise: the file."""
    return finding.path


@cache
def read(path: Path) -> str:
    """A file's text."""
    return path.read_text(encoding="utf-8")


def files(*rooms: str, suffix: str = ".py") -> dict[str, str]:
    """The text of every file in the rooms, by its path from the root."""
    found = (path for room in rooms for path in sorted((ROOT / room).rglob(f"*{suffix}")) if "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix(): read(path) for path in found}


@cache
def parsed(text: str) -> ast.Module:
    """The syntax tree of a file's text."""
    return ast.parse(text)


def docstrings(tree: ast.Module) -> set[int]:
    """The ids of the nodes that are docstrings, also of constants."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every string of a file: constants, docstrings, the fixed parts of f-strings."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def put_together(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text that a file puts together from pieces, with its line: by `+`, `+=`, `join` or an f-string; what varies stands as `{}`."""
    grown: dict[str, str] = {}
    for node in sorted(ast.walk(tree), key=lambda node: getattr(node, "lineno", 0)):
        if isinstance(node, ast.BinOp | ast.JoinedStr | ast.Call) and (whole := _text(node)) is not None:
            yield node.lineno, whole
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            grown[node.targets[0].id] = _text(node.value) or ""
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and isinstance(node.op, ast.Add):
            grown[node.target.id] = grown.get(node.target.id, "") + (_text(node.value) or "{}")
            yield node.lineno, grown[node.target.id]


def _text(node: ast.AST) -> str | None:
    """The text that an expression gives; None: it gives none that stands in the file."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or "{}" for value in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [_text(left), _text(right)]
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"), args=[ast.List(elts=each) | ast.Tuple(elts=each)]
        ):
            parts = [_text(part) for part in each]
            return between.join(part or "{}" for part in parts)
        case _:
            return None
    return None if parts == [None, None] else "".join(part or "{}" for part in parts)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def spoken(text: str) -> Iterator[tuple[int, str]]:
    """The strings and comments of a Python file, each with its first line; neighbouring comment lines are one piece."""
    comment: list[str] = []
    started = last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if comment and token.start[0] != last + 1:
                yield started, "\n".join(comment)
                comment = []
            started, last = (token.start[0] if not comment else started), token.start[0]
            comment.append(token.string.lstrip("# "))
        elif token.type in _STRINGS:
            yield token.start[0], token.string
    if comment:
        yield started, "\n".join(comment)


def over(lint: Lint, read_files: dict[str, str]) -> list[Finding]:
    """What a lint finds in the files."""
    return [finding for path, text in read_files.items() for finding in lint(path, text)]


def unexpected(findings: Iterable[Finding], known: Iterable[str] = (), key: Key = path_of) -> list[str]:
    """What is found and not known, and what is known and no longer found."""
    findings, known = list(findings), set(known)
    found = {key(finding) for finding in findings}
    new = [str(finding) for finding in findings if key(finding) not in known]
    return new + [f"no longer needed as an exception: {each}" for each in sorted(known - found)]


def keep(findings: Iterable[Finding], known: Iterable[str] = (), key: Key = path_of) -> None:
    """Fails with every place at once, one a line, so that an editor jumps there."""
    broken = unexpected(findings, known, key)
    assert not broken, "\n".join(["", *broken])
