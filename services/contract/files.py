"""The files of the published contract: documents, schemas, examples and pages, as text by their path below docs/contract.

Invariant: the same program gives the same bytes, so that a test can hold the committed files equal to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from services.contract.asyncapi import asyncapi
from services.contract.examples import examples
from services.contract.pages import index, page
from services.contract.places import EXAMPLES, PAGES, SCHEMAS
from shared.events.contract import CONTRACT, full_type
from shared.events.schemas import json_schemas

VERSION: Final = "1.0.0"
"""The version of the contract: the middle number rises with what is added, the first never does in the same topics."""

NOTHING_MORE: Final[Mapping[str, Any]] = MappingProxyType({})
_GENERATED: Final = (SCHEMAS, EXAMPLES, PAGES)


@cache
def files() -> dict[str, str]:
    """Every generated file of the contract."""
    found = {"asyncapi.json": _json(asyncapi(VERSION))}
    found |= {f"{SCHEMAS}/{type_}.json": _json(schema) for type_, schema in json_schemas().items()}
    found |= {f"{EXAMPLES}/{each.file}": _json(each.event) for each in examples()}
    found |= {f"{PAGES}/{full_type(name)}.md": page(name) for name in CONTRACT}
    return {**found, f"{PAGES}/README.md": index()}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def write(folder: Path, more: Mapping[str, Any] = NOTHING_MORE) -> int:
    """Writes all files below a folder, and removes generated ones that are no longer there; how many it wrote.

    `more`: documents of others (the API's), as values by their path.
    """
    written = _with(more)
    for path, text in written.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for stray in _strays(folder):
        (folder / stray).unlink()
    return len(written)


def _with(more: Mapping[str, Any]) -> dict[str, str]:
    return {**files(), **{path: _json(value) for path, value in more.items()}}


def outdated(folder: Path, more: Mapping[str, Any] = NOTHING_MORE) -> list[str]:
    """The files below a folder that are not what the program says, in words."""
    found = [f"{stray}: the contract has no such file" for stray in _strays(folder)]
    for path, text in _with(more).items():
        written = folder / path
        if not written.is_file():
            found.append(f"{path}: is missing")
        elif written.read_bytes() != text.encode():
            found.append(f"{path}: is not what the program says")
    return sorted(found)


def _strays(folder: Path) -> list[str]:
    there = (path.relative_to(folder).as_posix() for name in _GENERATED for path in (folder / name).glob("*"))
    return sorted(set(there) - set(files()))
