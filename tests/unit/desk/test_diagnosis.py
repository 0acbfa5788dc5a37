"""What support is sent of a product that is half away: each part says so by itself, and all together take as long as one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from services.desk import diagnosis as diagnosis_module
from services.desk.diagnosis import diagnosis
from services.desk.schemas import Schemas
from shared.settings import Settings
from tests.builders.web import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

PARTS = ("database", "services", "waiting", "refusals", "failed", "gaps", "last_comparison")
SETTINGS = Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1:9/books"))


class Silent(Schemas):
    """A database that does not answer; once so many have asked, the connections are refused."""

    def __init__(self, refused_at: int) -> None:
        super().__init__(SETTINGS)
        self._asked = 0
        self._refused_at = refused_at
        self._refused = asyncio.Event()

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[Any]:
        """Nobody gets a connection."""
        self._asked += 1
        if self._asked == self._refused_at:
            self._refused.set()
        await self._refused.wait()
        raise OSError(service)
        yield


async def test_all_parts_are_asked_at_the_same_time() -> None:
    found = await diagnosis(Silent(len(PARTS)), NOW)
    assert {found[part]["error"].partition(":")[0] for part in PARTS} == {"OSError"}


async def test_what_does_not_answer_is_named_and_keeps_nothing_else_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis_module, "ANSWERED_WITHIN", 0.01)
    found = await diagnosis(Silent(1000), NOW)
    assert {found[part]["error"] for part in PARTS} == {"no answer in time"}
    assert found["broker"] == {"error": "the broker does not answer"}
    assert found["settings"]["DATABASE_URL"] == "(set, not shown)"
