"""Whether container tests can run here: they need an engine that answers and the plugin `docker compose`.

Invariant: where either is missing each test is skipped with the reason, or fails with it when
INTERCOMPANY_REQUIRE_CONTAINERS=1 (as `.ci/run` sets it: skipping there would hide that nothing was tested).
"""

from __future__ import annotations

import os
import subprocess
from functools import cache
from typing import Final

import pytest

_NEEDED: Final = (
    (("docker", "info"), "no container engine answers: start Docker, or set DOCKER_HOST"),
    (("docker", "compose", "version"), "the command `docker compose` (version 2) is missing"),
)
_ANSWER_WITHIN: Final = 20


@cache
def missing() -> str | None:
    """What is missing for container tests; None: nothing."""
    for command, reason in _NEEDED:
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_ANSWER_WITHIN)  # noqa: S603 - the commands above
        except (OSError, subprocess.SubprocessError):
            return reason
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture of a test in this folder."""
    if item.get_closest_marker("containers") is None:
        pytest.fail("a test in tests/containers has no marker: pytestmark = pytest.mark.containers")
    if (reason := missing()) is None:
        return
    if os.environ.get("INTERCOMPANY_REQUIRE_CONTAINERS") == "1":
        pytest.fail(f"container tests are required here: {reason}")
    pytest.skip(reason)
