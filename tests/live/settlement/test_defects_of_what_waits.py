"""What fails when it resumes waits on; what woke it, and what else it woke, is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from services.scenarios.scenario_file import arrivals
from services.settlement.rules import fold as fold_module
from services.settlement.service import SERVICE
from services.simulator.streams import scenario
from shared import working_set
from shared.metrics import RESUME_DEFECTS
from shared.settings import Settings
from tests.builders.settlement import GROUP, invoice
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.settlement.rules.turn import Turn
    from services.settlement.rules.values import Parked

pytestmark = pytest.mark.embedded

RATE = {"id": "R", "type": "exchange-rate.published", "from": "GBP", "to": "USD", "date": "2026-01-01", "rate": "1.25"}


@pytest.fixture
async def running(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """The settlement service, which fails on the document BAD when that resumes."""
    resume = fold_module.STAGES["document"]

    def failing(turn: Turn, parked: Parked) -> None:
        if parked.event.id == "BAD":
            msg = "a defect"
            raise TypeError(msg)
        resume(turn, parked)

    monkeypatch.setitem(fold_module.STAGES, "document", failing)
    opened = Running(Settings(database_url=SecretStr(database_url), namespace="resuming"), SERVICE)
    await opened.prepare()
    yield opened
    async with opened.database.transaction() as connection:
        await connection.execute(f"drop schema {opened.schema} cascade")
    await opened.database.close()


async def _send(running: Running, *events: dict[str, Any]) -> None:
    for arrival in arrivals(scenario(GROUP, list(events))):
        await running.deliver(arrival.record)


async def test_a_defect_of_what_waited_is_its_own_and_not_that_of_the_rate_that_woke_it(running: Running) -> None:
    before = RESUME_DEFECTS.labels("settlement")._value.get()  # noqa: SLF001
    await _send(running, *(invoice(name, currency="GBP") for name in ("ONE", "BAD", "TWO")))
    assert await running.value("select count(*) from waiting") == 3
    await _send(running, RATE)
    assert await running.value("select array_agg(document order by document) from documents") == ["ONE", "TWO"]
    assert await running.value("select array_agg(event_id) from waiting") == ["BAD"]
    assert await running.value("select count(*) from failed") == 0
    await _send(running, invoice("NEXT", currency="GBP"))
    assert await running.value("select count(*) from documents") == 3
    assert RESUME_DEFECTS.labels("settlement")._value.get() - before == 1  # noqa: SLF001


async def test_a_defect_in_a_slice_that_was_released_holds_nothing_else_of_it_back(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_set, "SLICE", 1)
    await _send(running, *(invoice(name, currency="GBP") for name in ("ONE", "BAD", "TWO")))
    await _send(running, RATE)
    assert await running.value("select array_agg(document) from documents") == ["ONE"]
    await running.housekeeping.release()
    assert await running.value("select array_agg(document order by document) from documents") == ["ONE", "TWO"]
    assert await running.value("select array_agg(event_id) from waiting") == ["BAD"]
    assert await running.value("select count(*) from released") == 0
