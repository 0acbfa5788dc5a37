"""The shell blocks of the documentation: which are run, in which order, and what their page says that comes out.

Invariant: a block is either run by tests/docs/test_blocks.py, or says on its fence why it is not, or stands on a page whose blocks
another test runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_BY: Final = {
    "docs/runbook.md": "tests/observe/test_alerts.py",
    **{f"deploy/producers/{each}/README.md": "tests/containers/test_producers.py" for each in ("python", "java", "go", "node", "kcat")},
}
"""Pages whose blocks are run by a test that needs more than the embedded parts."""
_FENCE: Final = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN: Final = re.compile(r'\{\.sh \.not-run reason="(?P<reason>[^"]+)"\}')
_IN_THE_CLONE: Final = ("deploy", "docs", "services", "shared", "tests", "pyproject.toml")
_WITHIN: Final = 240


class Block(NamedTuple):
    """A block: its commands, why it is not run (None: it is), and what comes out (None: the page does not say)."""

    commands: str
    reason: str | None
    output: str | None


def pages() -> list[str]:
    """Every page of the documentation, by its path from the root."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks(page: str) -> list[Block]:
    """The shell blocks of a page in their order."""
    return blocks_of((ROOT / page).read_text(encoding="utf-8"))


def blocks_of(text: str) -> list[Block]:
    """The shell blocks of a text; ValueError for a fence that says neither."""
    fences = list(_FENCE.finditer(text))
    found = []
    for fence, after in zip(fences, [*fences[1:], None], strict=False):
        info = fence["info"].strip()
        if info == "sh" or ".sh" in info:
            skipped = _NOT_RUN.fullmatch(info)
            if info != "sh" and skipped is None:
                msg = f"{info} is neither sh nor a block that says why it is not run"
                raise ValueError(msg)
            follows = after is not None and after["info"] == "text" and not text[fence.end() : after.start()].strip()
            found.append(Block(fence["text"], skipped["reason"] if skipped else None, after["text"] if after and follows else None))
    return found


def fits(said: str, came: str) -> bool:
    """Whether an output is what a page says: `…` matches anything."""
    parts = [re.escape(part) for part in "\n".join(line.rstrip() for line in said.strip().splitlines()).split("…")]
    return re.fullmatch(".*".join(parts), "\n".join(line.rstrip() for line in came.strip().splitlines()), re.DOTALL) is not None


def run(page: list[Block], folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Runs a page's blocks one after the other in one shell; gives what each has said. AssertionError where one fails.

    The folder holds what a clone does, and nothing else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _IN_THE_CLONE:
        (folder / name).symlink_to(ROOT / name)
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n", encoding="utf-8")
    mark = "-- end of a block --"
    script = "set -e -o pipefail\n" + "".join(f"{block.commands}\necho '{mark}'\n" for block in page if block.reason is None)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    given = {"HOME": str(folder), "CURL_HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "140", **variables, "PATH": path}
    done = subprocess.run(  # noqa: S603 - the documentation's own
        ["/bin/bash", "-c", script], cwd=folder, env=given, capture_output=True, text=True, timeout=_WITHIN, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout.split(f"{mark}\n")[:-1]
