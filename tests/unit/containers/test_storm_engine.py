"""The container engine as a storm uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers.storm import engine
from tests.containers.storm.engine import Engine, EngineError

if TYPE_CHECKING:
    from pathlib import Path


class Stubborn(Engine):
    """Its containers fail to stand still, with these words, so often."""

    def __init__(self, logs: Path, *failures: str) -> None:
        super().__init__(logs)
        self.failures = list(failures)
        self.asked = 0

    async def docker(self, *words: str, within: float = 60, given: str = "") -> str:
        """Counts."""
        self.asked += 1
        if self.failures:
            raise EngineError(self.failures.pop(0))
        return " ".join(words) + given + str(within)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_AGAIN_AFTER", 0.0)


async def test_a_container_that_the_kernel_does_not_freeze_at_once_is_paused_again(tmp_path: Path) -> None:
    stubborn = Stubborn(tmp_path, *["OCI runtime pause failed: unable to freeze: unknown"] * 3)
    await stubborn.pause("db2")
    assert stubborn.asked == 4


async def test_any_other_failure_of_the_engine_is_one(tmp_path: Path) -> None:
    stubborn = Stubborn(tmp_path, "No such container: db2")
    with pytest.raises(EngineError, match="No such container"):
        await stubborn.pause("db2")
    assert stubborn.asked == 1
