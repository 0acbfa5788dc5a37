"""YAML files as people write them: scenarios, group files, lists of events.

Invariant: a bare date becomes its ISO text, a key is the text as it stands (`4050:` is "4050"), every other
value keeps the type YAML gives it, so that a number where an amount belongs reaches the services as a number and is
refused there; the same key twice is an error, never a silent choice; every error names the file and the place in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

MERGE = "tag:yaml.org,2002:merge"
TIMESTAMP = "tag:yaml.org,2002:timestamp"


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


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; FileError if there is no such file or it is not YAML (with line and column)."""
    try:
        return yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise FileError(path, "", f"cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FileError(path, place, error.problem or "is not YAML") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise FileError(path, "", f"is not YAML: {error}") from error
