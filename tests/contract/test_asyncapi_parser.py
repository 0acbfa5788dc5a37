"""AsyncAPI's own parser reads the published document and finds nothing wrong with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from services.contract.asyncapi import asyncapi
from services.contract.files import VERSION
from services.contract.places import FOLDER
from shared.events.contract import CONTRACT, full_type
from tests.scenario_files import ROOT

NODE: Final = ROOT / "tests" / "contract" / "node"
DOCUMENT: Final = ROOT / FOLDER / "asyncapi.json"
needs_node = pytest.mark.skipif(not (shutil.which("npm") or os.environ.get("CI")), reason="needs node and npm; CI has them")


@pytest.fixture(scope="module")
def parser() -> Path:
    """The parser as the lock file says it; installed once, hashes compared."""
    installed = NODE / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (NODE / "package-lock.json").stat().st_mtime:
        install = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        subprocess.run(install, cwd=NODE, check=True, capture_output=True, timeout=600)  # noqa: S603 - our own command
    return NODE / "parse.js"


def parse(parser: Path, document: Path) -> list[dict[str, Any]]:
    """What the parser finds wrong, and at last what it has read."""
    done = subprocess.run(["node", parser, document], check=True, capture_output=True, timeout=300)  # noqa: S603, S607 - our own script
    return [json.loads(line) for line in done.stdout.splitlines()]


@needs_node
def test_the_document_is_one_for_asyncapis_own_parser(parser: Path) -> None:
    *wrong, read = parse(parser, DOCUMENT)
    assert wrong == []
    assert read["version"] == "3.1.0"
    assert set(read["channels"]) == {entry.topic for entry in CONTRACT.values()}
    assert set(read["messages"]) == {full_type(name) for name in CONTRACT}
    assert read["payloads"] == len(CONTRACT)


@needs_node
def test_the_parser_sees_what_is_wrong(parser: Path, tmp_path: Path) -> None:
    broken = tmp_path / "asyncapi.json"
    broken.write_text(json.dumps({**asyncapi(VERSION), "channels": {"invoices": {"messages": {"x": {"$ref": "#/components/messages/x"}}}}}))
    *wrong, _ = parse(parser, broken)
    assert wrong


def test_the_lock_file_has_hashes_and_names_no_index() -> None:
    packages = json.loads((NODE / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/@asyncapi/parser"]["version"] == "3.6.3"
    assert all("integrity" in each for place, each in packages.items() if place)
    assert not any("resolved" in each for each in packages.values())
