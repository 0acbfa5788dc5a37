"""A running stack for all tests of a file that look at it: even idle it takes half a processor, so it stops with the file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.scenarios.scenario_file import EXAMPLES, MAIN_EXAMPLE
from tests.observe.stack import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product with ic-4 in its books."""
    running = Stack(tmp_path_factory.mktemp("observed"))
    try:
        running.start()
        example = str(EXAMPLES / f"{MAIN_EXAMPLE}.yaml")
        for command in ("apply", "publish"):
            result = running.command(command, example)
            assert result.exit_code == 0, result.output
        running.until(lambda: len(running.query("intercompany_pair_difference == 0")) == 2)
        yield running
    finally:
        running.close()
