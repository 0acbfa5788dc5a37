"""A message waits for the reference data that its sender had; logs that began anew are noticed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from shared.delivery.outbox import unpack
from shared.delivery.ports import Partition
from shared.delivery.positions_table import rebase
from shared.delivery.shell_tables import REFERENCE
from shared.events.envelope import Record, Topic
from tests.builders.invoices import headers, invoice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.delivery.service import AnyService
    from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded


def _company(offset: int) -> Record:
    data = {"company": f"C{offset}", "name": "x", "currency": "USD"}
    return Record(Topic.REFERENCE, b"company", orjson.dumps(data), headers(f"C{offset}", "company.defined"), 0, offset)


def _later(monkeypatch: pytest.MonkeyPatch, needed: int) -> None:
    """Has every message from now on say how far its sender had read (only our own events carry it)."""
    from shared.delivery import folding  # noqa: PLC0415

    plain = folding.decoded

    def decoded(service: AnyService, record: Record) -> object:
        message = plain(service, record)
        if record.topic != Topic.REFERENCE:
            message.reference_offset = needed  # type: ignore[union-attr]
        return message

    monkeypatch.setattr(folding, "decoded", decoded)


async def test_a_message_waits_until_as_much_reference_data_is_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    running.ends.ends[REFERENCE] = 100
    _later(monkeypatch, 3)
    waiting = asyncio.create_task(running.deliver(invoice("A", 0)))
    await running.deliver(_company(0), _company(1))
    await asyncio.sleep(1.5)
    assert not waiting.done()
    assert await running.counts() == {}
    await running.deliver(_company(2))
    await asyncio.wait_for(waiting, 5)
    assert await running.counts() == {"FAB": 1}
    messages = unpack(await running.value("select messages from outbox"))
    assert [dict(message.headers)["ce_reference"] for message in messages] == [b"3"]


async def test_what_the_broker_does_not_have_is_not_waited_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await running.deliver(_company(0))
    running.ends.ends[REFERENCE] = 1
    _later(monkeypatch, 30)
    await running.deliver(invoice("A", 0))
    assert await running.counts() == {"FAB": 1}


async def test_a_log_that_began_anew_is_counted_on(running: Running) -> None:
    await running.deliver(_company(0), _company(1), _company(2))
    async with running.database.transaction() as connection:
        assert await rebase(connection, {REFERENCE: 3}) == {}
        assert await rebase(connection, {REFERENCE: 1, Partition("other", 0): 0}) == {REFERENCE: 3}
    assert await running.value("select next_offset - base from positions") == 0
    await running.deliver(_company(3))  # the first record of the new log, as the shell counts it
    assert await running.value("select next_offset - base from positions") == 1
    await running.deliver(invoice("A", 0))
    messages = unpack(await running.value("select messages from outbox"))
    assert dict(messages[0].headers)["ce_reference"] == b"1", "other services count the broker's own offsets"


async def test_what_another_instance_reads_of_a_log_that_began_anew_is_waited_for(
    instance: Callable[[], Awaitable[Running]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, running = await instance(), await instance()
    running.ends.ends[REFERENCE] = 100
    await reader.deliver(_company(0), _company(1), _company(2))
    _later(monkeypatch, 3)
    await running.deliver(invoice("A", 0))
    async with reader.database.transaction() as connection:
        await rebase(connection, {REFERENCE: 0})
    _later(monkeypatch, 2)
    waiting = asyncio.create_task(running.deliver(invoice("B", 1)))
    await reader.deliver(_company(3))
    await asyncio.sleep(1.5)
    assert await running.counts() == {"FAB": 1}
    await reader.deliver(_company(4))
    await asyncio.wait_for(waiting, 20)
    assert await running.counts() == {"FAB": 2}


async def test_a_message_that_fails_is_put_aside_only_once_a_log_that_began_anew_is_read(running: Running) -> None:
    await running.deliver(_company(0), _company(1), _company(2))
    running.ends.ends[REFERENCE] = 2
    waiting = asyncio.create_task(running.deliver(invoice("A", 0, company="BUG")))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    assert await running.value("select count(*) from failed") == 0
    async with running.database.transaction() as connection:
        await rebase(connection, {REFERENCE: 0})
    await running.deliver(_company(3), _company(4))
    await asyncio.wait_for(waiting, 20)
    assert await running.value("select count(*) from failed") == 1


async def test_a_late_batch_never_moves_a_position_back(running: Running) -> None:
    await running.deliver(invoice("A", 7))
    await running.deliver(invoice("B", 3))
    assert await running.value("select next_offset from positions") == 8


async def test_a_trace_goes_on_in_what_a_message_causes(running: Running) -> None:
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    record = invoice("A", 0)
    record.headers += (("ce_traceparent", parent),)
    await running.deliver(record)
    messages = unpack(await running.value("select messages from outbox"))
    assert dict(messages[0].headers)["ce_traceparent"] == parent
