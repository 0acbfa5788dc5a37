"""A stop is heard, whatever gets lost of it, and takes the time that it needs."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from shared.delivery.housekeeping import Housekeeping
from shared.delivery.relay import Relay
from shared.runtime import process as process_module
from tests.live.delivery.backing_services import free_port
from tests.live.delivery.running import is_ready, until
from tests.live.delivery.toy.service import SERVICE

if TYPE_CHECKING:
    from shared.settings import Settings

pytestmark = pytest.mark.embedded


async def test_a_stop_is_heard_also_where_a_cancellation_is_lost(live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    over = asyncio.Event()

    async def losing(*_arguments: object) -> None:
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await over.wait()
        await over.wait()

    monkeypatch.setattr(process_module, "_SAID_AGAIN", 0.05)
    monkeypatch.setattr(Housekeeping, "once", losing)
    monkeypatch.setattr(Housekeeping, "release", losing)
    monkeypatch.setattr(Relay, "run", losing)
    port = free_port()
    serves = asyncio.create_task(process_module.serve(SERVICE, live.model_copy(update={"health_host": "127.0.0.1", "health_port": port})))
    try:
        await until(lambda: is_ready(port))
        serves.cancel()
        ended, _ = await asyncio.wait([serves], timeout=20)
        assert ended == {serves}
    finally:
        over.set()  # what has not heard of it ends too, instead of holding up all tests
        serves.cancel()
        await asyncio.wait([serves], timeout=20)


async def test_a_second_signal_does_not_cut_a_stop_short(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = asyncio.Event()

    async def serve_and_be_signalled_twice(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            finished.set()

    monkeypatch.setattr(process_module, "serve", serve_and_be_signalled_twice)
    await asyncio.wait_for(process_module._until_signalled(SERVICE, settings), 30)  # noqa: SLF001 - main() would need a process
    assert finished.is_set()
