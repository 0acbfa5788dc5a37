"""On which event loop a service runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import uvloop

from services.payment.service import SERVICE
from shared.runtime import process
from shared.settings import load_settings

if TYPE_CHECKING:
    import pytest


def test_a_service_runs_on_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[Any] = []

    async def until_signalled(*_: Any) -> None:
        loops.append(asyncio.get_running_loop())

    monkeypatch.setattr(process, "_until_signalled", until_signalled)
    monkeypatch.setattr(process, "set_up_logs", lambda _: None)
    monkeypatch.setattr(process, "set_up_traces", lambda *_: None)
    process.main(SERVICE, load_settings())
    assert [type(loop) for loop in loops] == [uvloop.Loop]
