"""The relay: sent in order, again after a failure, never lost, never passed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.delivery import relay as relay_module
from tests.builders.invoices import invoice
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.delivery.ports import Encoded
    from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded


def _in_order(ids: list[str]) -> list[str]:
    """Without repetitions: what the receivers' inboxes make of it."""
    return list(dict.fromkeys(ids))


async def _decided(running: Running, start: int, batches: int) -> None:
    for number in range(start, start + batches):
        await running.deliver(invoice(f"A{number}", number))


async def test_batches_go_out_in_the_order_of_their_commits(running: Running) -> None:
    async with running.relaying():
        await asyncio.gather(*(running.deliver(invoice(f"A{number}", number)) for number in range(40)))
    numbers = [message.value for message in running.sent.messages]
    assert len(numbers) == len(set(running.sent.ids)) == 40
    assert [int(value.split(b'"voucher":"')[1].split(b'"')[0]) for value in numbers] == list(range(1, 41))


async def test_what_was_committed_before_a_crash_is_sent_at_the_next_start(
    running: Running, instance: Callable[[], Awaitable[Running]]
) -> None:
    await _decided(running, 0, 5)  # no relay runs: as if the process had died after each commit
    assert running.sent.messages == []
    successor = await instance()
    async with successor.relaying():
        await _decided(successor, 5, 3)
    assert len(_in_order(successor.sent.ids)) == 8
    assert [message.value.split(b'"voucher":"')[1][:1] for message in successor.sent.messages] == [b"%d" % n for n in range(1, 9)]


async def test_after_a_failure_all_is_sent_again_in_order(running: Running) -> None:
    async with running.relaying():
        await _decided(running, 0, 2)
        await running.until_sent()
        before = list(running.sent.ids)
        running.sent.fails = 2
        await running.deliver(*(invoice(f"B{number}", 10 + number) for number in range(4)))
        await _decided(running, 20, 3)
    assert running.sent.restarts >= 3
    assert running.sent.ids[:2] == before
    last = running.sent.ids[-7:]
    assert len(set(last)) == 7
    # Half of what failed had arrived, twice; whether the later batch was already with it is a matter of time.
    arrived = running.sent.ids[2:-7]
    assert len(arrived) >= 2 + 2
    assert set(arrived) <= set(last)
    assert running.runtime.troubles.open == {}


async def test_a_message_that_the_broker_never_takes_is_kept_and_the_others_pass(running: Running) -> None:
    await _decided(running, 0, 1)
    async with running.relaying():
        await running.until_sent()
        await running.value("delete from inbox")
        running.sent.refuses = {running.sent.ids[0].encode()}
        await running.deliver(invoice("A0", 0), invoice("C", 1))
    assert len(set(running.sent.ids)) == 2
    assert await running.value("select direction || ' ' || error from failed") == "out ValueError: too large"
    running.sent.refuses = set()
    await running.value("update failed set retry = true")
    async with running.relaying():
        await running.housekeeping.once()
    assert await running.value("select count(*) from failed") == 0
    assert len(running.sent.ids) == 3


async def test_a_row_that_cannot_be_unpacked_is_put_aside_and_the_others_go_out(running: Running) -> None:
    await _decided(running, 0, 3)
    second = "(select id from outbox order by id offset 1 limit 1)"
    whole = await running.value(f"select messages from outbox where id = {second}")  # noqa: S608
    await running.value(f"update outbox set messages = '\\x00' where id = {second}")  # noqa: S608
    async with running.relaying():
        pass
    assert len(running.sent.ids) == len(set(running.sent.ids)) == 2
    await running.housekeeping.once()
    assert running.housekeeping.failed_lately == 1  # readiness names them
    kept = "select direction || ' ' || topic || ' ' || attempts from failed where value = '\\x00' and not retry and error like '%outbox%'"
    assert await running.value(kept) == "out outbox 1"
    await running.value("update failed set retry = true")
    await running.housekeeping.once()
    assert await running.value(kept) == "out outbox 2"
    await running.value(f"update failed set value = '\\x{whole.hex()}', retry = true")  # noqa: S608
    async with running.relaying():
        await running.housekeeping.once()
    assert len(set(running.sent.ids)) == 3
    assert await running.value("select count(*) from failed") == 0


async def test_one_instance_relays_for_all_and_another_takes_over(running: Running, instance: Callable[[], Awaitable[Running]]) -> None:
    other = await instance()
    async with running.relaying():
        await _decided(running, 0, 1)
        await running.until_sent()
        async with other.relaying():
            for number in range(1, 30, 2):
                await _decided(running, number, 1)
                await _decided(other, number + 1, 1)
            await running.until_sent()
            assert other.sent.messages == []
            assert [int(m.value.split(b'"voucher":"')[1].split(b'"')[0]) for m in running.sent.messages] == list(range(1, 32))
    async with other.relaying():
        await _decided(other, 50, 1)
    assert len(other.sent.messages) == 1


async def test_a_row_that_nobody_handed_over_is_found(running: Running, instance: Callable[[], Awaitable[Running]]) -> None:
    async with running.relaying():
        await _decided(running, 0, 1)
        await running.until_sent()
        passing = await instance()  # an instance that dies after its commit, before its relay ever waited
        await _decided(passing, 1, 1)
        await until(lambda: running.value("select not exists (select from outbox)"), 5)
    assert len(running.sent.ids) == 2


async def test_the_consumer_waits_while_too_much_is_in_memory(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()
    send = running.sent.send_all

    async def held(messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        await gate.wait()
        return await send(messages)

    monkeypatch.setattr(running.sent, "send_all", held)
    async with running.relaying():
        await until(_leading(running))
        delivering = asyncio.create_task(_decided(running, 0, 50))
        await asyncio.sleep(1)
        assert not delivering.done()
        gate.set()
        await delivering
    assert len(running.sent.ids) == 50


async def test_an_instance_that_loses_the_lead_while_it_waits_for_room_goes_on_with_its_batches(
    running: Running, instance: Callable[[], Awaitable[Running]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = asyncio.Event()

    async def never_sent(_: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        await lost.wait()
        msg = "the session with the lock is gone"
        raise ConnectionError(msg)

    monkeypatch.setattr(running.sent, "send_all", never_sent)
    relaying = asyncio.create_task(running.relay.run())
    await until(_leading(running))
    delivering = asyncio.create_task(_decided(running, 0, 50))
    await until(lambda: running.value("select count(*) >= 32 from outbox"))
    other = await instance()
    taking_over = asyncio.create_task(other.relay.run())
    await asyncio.sleep(0.2)
    relaying.cancel()
    lost.set()
    await asyncio.wait_for(delivering, 20)
    await other.until_sent()
    assert len(set(other.sent.ids)) == 50
    taking_over.cancel()
    await asyncio.wait([relaying, taking_over])


async def test_the_table_is_read_by_bytes_too(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await _decided(running, 0, 9)
    largest = await running.value("select max(octet_length(messages)) from outbox")
    monkeypatch.setattr(relay_module, "MOST_ROW_BYTES", 3 * largest)
    calls: list[int] = []
    send = running.sent.send_all

    async def counted(messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        calls.append(len(messages))
        return await send(messages)

    monkeypatch.setattr(running.sent, "send_all", counted)
    async with running.relaying():
        pass
    assert max(calls) <= 3
    assert sum(calls) == 9
    monkeypatch.setattr(relay_module, "MOST_ROW_BYTES", 1)
    await _decided(running, 20, 2)
    async with running.relaying():
        pass
    assert calls[-2:] == [1, 1]


def _leading(running: Running) -> Callable[[], Awaitable[bool]]:
    async def leading() -> bool:
        return running.relay._leads  # noqa: SLF001 - nothing outside needs to know

    return leading


async def test_what_is_sent_in_quick_succession_is_noted_together(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "NOTE_WITHIN", 0.5)
    async with running.relaying():
        await _decided(running, 0, 10)
    noted = await running.value("select count(distinct xmin::text) from outgoing where sent_at is not null")
    assert noted < 10


async def test_no_more_than_a_few_wait_to_be_noted(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "MOST_UNNOTED", 3)
    async with running.relaying():
        await _first(running)
        monkeypatch.setattr(relay_module, "NOTE_WITHIN", 60.0)
        await _decided(running, 1, 6)
        await running.until_sent()
    assert len(running.sent.ids) == len(set(running.sent.ids)) == 7


async def test_what_the_broker_refused_is_noted_at_once(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running.relaying():
        await _first(running)
        monkeypatch.setattr(relay_module, "NOTE_WITHIN", 60.0)
        await running.value("delete from inbox")
        running.sent.refuses = {running.sent.ids[0].encode()}
        await _decided(running, 0, 1)
        await running.until_sent()
    assert await running.value("select count(*) from failed") == 1


async def test_what_waits_to_be_noted_is_not_taken_for_a_row_that_nobody_handed_over(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    relaying = asyncio.create_task(running.relay.run())
    await _first(running)
    monkeypatch.setattr(relay_module, "NOTE_WITHIN", 60.0)
    monkeypatch.setattr(relay_module, "_LOOK_EVERY", 0.0)
    await _decided(running, 1, 1)
    await until(lambda: _has_sent(running, 2))
    await asyncio.sleep(1.1)  # so that the next look is due
    await _decided(running, 2, 1)
    await until(lambda: _has_sent(running, 3))
    relaying.cancel()
    await asyncio.wait([relaying])
    assert await running.value("select count(*) from outbox") == 2


async def test_what_was_sent_and_not_noted_is_sent_again_after_a_crash(
    running: Running, instance: Callable[[], Awaitable[Running]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_LOOK_EVERY", 60.0)
    relaying = asyncio.create_task(running.relay.run())
    await _first(running)
    monkeypatch.setattr(relay_module, "NOTE_WITHIN", 60.0)
    await _decided(running, 1, 2)
    await until(lambda: _has_sent(running, 3))
    relaying.cancel()
    await asyncio.wait([relaying])
    assert await running.value("select count(*) from outbox") == 2
    successor = await instance()
    async with successor.relaying():
        pass
    assert successor.sent.ids == running.sent.ids[1:]


async def test_a_stop_waits_until_what_was_sent_is_noted(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "_LOOK_EVERY", 60.0)
    monkeypatch.setattr(relay_module, "NOTE_WITHIN", 0.5)
    relaying = asyncio.create_task(running.relay.run())
    await _first(running)
    await _decided(running, 1, 2)
    await running.relay.drained()
    relaying.cancel()
    await asyncio.wait([relaying])
    assert await running.value("select count(*) from outbox") == 0


async def _first(running: Running) -> None:
    """One batch, so that what comes next is sent from memory."""
    await _decided(running, 0, 1)
    await running.until_sent()


async def _has_sent(running: Running, number: int) -> bool:
    return len(running.sent.ids) == number
