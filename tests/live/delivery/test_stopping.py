"""A stop is heard, whatever gets lost of it, and takes the time that it needs."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import structlog.testing

from shared.delivery.housekeeping import Housekeeping
from shared.delivery.relay import Relay
from shared.kafka.subscription import KafkaConsumers
from shared.runtime import process as process_module
from shared.runtime.process import EndedByItselfError
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


async def test_a_service_of_which_a_part_has_ended_by_itself_says_so_and_stops(live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled_by_nobody(_: Relay) -> None:
        raise asyncio.CancelledError

    said = structlog.testing.LogCapture()
    monkeypatch.setattr(process_module, "log", structlog.wrap_logger(None, [said], wrapper_class=structlog.stdlib.BoundLogger))
    monkeypatch.setattr(Relay, "run", cancelled_by_nobody)
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(process_module.serve(SERVICE, live.model_copy(update={"health_port": 0})), 60)
    assert [str(each) for each in raised.value.exceptions if isinstance(each, EndedByItselfError)] == ["relay"]
    named = [each["part"] for each in said.entries if each["event"] == "a part of the service has ended by itself"]
    assert named == ["relay"]


async def test_consumers_that_do_not_stop_hold_up_no_stop(live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(_: KafkaConsumers) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(process_module, "_LEAVE_WITHIN", 0.2)
    monkeypatch.setattr(KafkaConsumers, "stop", for_ever)
    port = free_port()
    serves = asyncio.create_task(process_module.serve(SERVICE, live.model_copy(update={"health_host": "127.0.0.1", "health_port": port})))
    await until(lambda: is_ready(port))
    serves.cancel()
    ended, _ = await asyncio.wait([serves], timeout=30)
    assert ended == {serves}
