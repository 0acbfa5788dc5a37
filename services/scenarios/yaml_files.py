"""YAML files as people write them: scenarios, group files, lists of events.

Invariant: a bare date becomes its ISO text, a key is the text as it stands (`4050:` is "4050"), every other
value keeps the type YAML gives it, so that a number where an amount belongs reaches the services as a number and is
refused there, with what stands in the file; the same key twice is an error, never a silent choice; every error names the file and
the place in it; aliases cannot make a small file large.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT: Final = "tag:yaml.org,2002:str"
MERGE: Final = "tag:yaml.org,2002:merge"
TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
_STEP: Final = re.compile(r"[^.\[\]]+")


class FileError(Exception):
    """A file that cannot be used: `place` is where in it (`events[2].settle`), the message says what belongs there."""

    def __init__(self, path: Path, place: str, message: str) -> None:
        super().__init__(f"{path}: {place}: {message}" if place else f"{path}: {message}")
        self.path = path
        self.place = place
        self.message = message


class _Loader(yaml.SafeLoader):
    """The safe loader of YAML with text keys, ISO dates and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        _refuse_double_keys(node)
        self.flatten_mapping(node)
        return {_key_text(key): self.construct_object(value, deep=deep) for key, value in node.value}

    def construct_date(self, node: yaml.ScalarNode) -> str:
        """The ISO text of a date; one that no calendar has stays as written, the services refuse it by name."""
        try:
            return str(self.construct_yaml_timestamp(node).isoformat())
        except ValueError:
            return str(node.value)


_Loader.add_constructor(TIMESTAMP, _Loader.construct_date)


def _key_text(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        problem = "a key must be text"
        raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
    return str(key.value)


def _refuse_double_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        text = "<<" if key.tag == MERGE else _key_text(key)
        if text in seen:
            problem = f"the key {text!r} stands here twice; the first would be lost"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        seen.add(text)


MOST_REPEATED: Final = 1_000_000
"""Characters that a file's aliases may repeat: a few hundred bytes of nested aliases would fill any memory."""


def _refuse_endless_aliases(root: yaml.Node | None) -> None:
    sizes: dict[int, int] = {}
    under: set[int] = set()

    def size(node: yaml.Node) -> int:
        """What a node has when each of its aliases is written out; a node that was seen before is an alias."""
        if id(node) in under:
            problem = "this refers to itself"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        if id(node) not in sizes:
            under.add(id(node))
            sizes[id(node)] = (len(node.value) if isinstance(node, yaml.ScalarNode) else 0) + 1 + sum(map(size, _children(node)))
            under.remove(id(node))
        return sizes[id(node)]

    written_out = size(root) if root is not None else 0
    if written_out > MOST_REPEATED and written_out - _once(root) > MOST_REPEATED:
        problem = f"with its aliases written out the file has {written_out} characters; aliases may repeat {MOST_REPEATED}"
        raise yaml.constructor.ConstructorError(None, None, problem)


def _once(root: yaml.Node | None) -> int:
    """What the nodes have when each is counted once."""
    seen: dict[int, yaml.Node] = {}
    queue = [root] if root is not None else []
    for node in queue:
        if id(node) not in seen:
            seen[id(node)] = node
            queue += _children(node)
    return sum(1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0) for node in seen.values())


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; FileError if there is no such file or it is not YAML (with line and column)."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(path, "", f"cannot be read: {error.strerror}") from error
    return yaml_of(path, content)


def yaml_of(path: Path, content: bytes | str) -> Any:
    """What YAML says; `path`: of which file errors are. FileError if it is not YAML (with line and column)."""
    with _loader(path, content) as loader:
        root = loader.get_single_node()
        _refuse_endless_aliases(root)
        return None if root is None else loader.construct_document(root)


@contextmanager
def _loader(path: Path, content: bytes | str) -> Iterator[_Loader]:
    """The loader of what a file says; FileError for what it cannot read."""
    try:
        loader = _Loader(content)
        try:
            yield loader
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FileError(path, place, error.problem or "is not YAML") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FileError(path, "", f"is not YAML: {error}") from error


class Unquoted(NamedTuple):
    """A value that stands in a file without quotes, so that YAML reads it as something else than text."""

    line: int
    text: str


def unquoted(path: Path, place: str) -> Unquoted | None:
    """The value at a place of the file (`events[2].settle[0].company`, or `.settle.0.company`), if it is one of these."""
    node = _nodes(path, path.stat().st_mtime_ns)
    for step in _STEP.findall(place):
        node = _at(node, step)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None or node.tag in {TEXT, TIMESTAMP} or not node.value:
        return None
    return Unquoted(node.start_mark.line + 1, node.value)


@lru_cache(maxsize=1)
def _nodes(path: Path, changed: int) -> yaml.Node | None:
    """What stands in a file, as it was written; read once although many of its values may be asked for."""
    del changed  # the key of the cache alone
    with _loader(path, path.read_bytes()) as loader:
        return loader.get_single_node()


def _at(node: yaml.Node | None, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode):
        return node.value[int(step)] if step.isdigit() and int(step) < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
