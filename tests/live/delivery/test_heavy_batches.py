"""No batch stops a service for good: what does not fit into memory or time is taken in smaller parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.delivery.batch import MOST_TIMEOUTS
from shared.delivery.weight import CAUTIOUS, MOST_RECORDS
from shared.metrics import PASSES
from tests.builders.invoices import invoice
from tests.live.delivery.toy.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.delivery.ports import Connection
    from shared.events.envelope import Message
    from tests.live.delivery.running import Running
    from tests.live.delivery.toy.rules import Books

pytestmark = pytest.mark.embedded


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of messages of every load, successful or not."""
    seen: list[int] = []
    plain = Store.load

    async def load(self: Store, connection: Connection, messages: Sequence[Message], opened: Any = None) -> Books:
        seen.append(len(messages))
        return await plain(self, connection, messages, opened)

    monkeypatch.setattr(Store, "load", load)
    return seen


def _fails(monkeypatch: pytest.MonkeyPatch, error: type[BaseException], most: int) -> None:
    """Saving more than so many new messages at once fails."""
    plain, loaded = Store.save, Store.load
    current: list[int] = []

    async def load(self: Store, connection: Connection, messages: Sequence[Message], opened: Any = None) -> Books:
        current[:] = [len(messages)]
        return await loaded(self, connection, messages, opened)

    async def save(self: Store, connection: Connection, books: Books, later: Any = None, writes: Any = None) -> None:
        if current[0] > most:
            raise error
        await plain(self, connection, books, later, writes)

    monkeypatch.setattr(Store, "load", load)
    monkeypatch.setattr(Store, "save", save)


async def test_what_does_not_fit_into_memory_is_taken_in_halves_and_what_comes_next_in_small_parts(
    running: Running, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _fails(monkeypatch, MemoryError, 100)
    await running.deliver(*(invoice(f"A{number}", number) for number in range(400)))
    assert sizes == [400, 200, 100, 100, 200, 100, 100]
    assert await running.counts() == {"FAB": 400}
    assert await running.value("select count(*) from failed") == 0
    assert await running.value("select next_offset from positions") == 400
    sizes.clear()
    await running.deliver(*(invoice(f"B{number}", 400 + number) for number in range(100)))
    assert max(sizes) < 100


async def test_what_the_database_does_not_finish_twice_is_taken_in_halves(
    running: Running, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _fails(monkeypatch, TimeoutError, 10)
    await running.deliver(*(invoice(f"A{number}", number) for number in range(40)))
    assert sizes == [40] * MOST_TIMEOUTS + [20] * MOST_TIMEOUTS + [10, 10] + [20] * MOST_TIMEOUTS + [10, 10]
    assert await running.counts() == {"FAB": 40}
    assert await running.value("select count(*) from failed") == 0


async def test_after_a_crash_the_same_batch_is_taken_in_small_parts_and_after_a_stop_at_once(
    sizes: list[int], instance: Callable[[], Awaitable[Running]]
) -> None:
    records = [invoice(f"A{number}", number) for number in range(200)]
    crashed = await instance()
    await crashed.delivery.start("posting-0")
    successor = await instance()
    await successor.delivery.start("posting-0")
    await successor.deliver(*records)
    assert sizes == [31] * 6 + [14]
    assert MOST_RECORDS // CAUTIOUS == 31
    assert await successor.counts() == {"FAB": 200}
    await successor.delivery.stop("posting-0")
    sizes.clear()
    last = await instance()
    await last.delivery.start("posting-0")
    await last.deliver(*(invoice(f"B{number}", 200 + number) for number in range(200)))
    assert sizes == [200]


async def test_where_records_are_passed_over_at_the_end_of_a_batch_taken_in_halves_the_position_still_moves_past_them(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fails(monkeypatch, MemoryError, 1)
    foreign: Any = invoice("F", 2)
    foreign.topic, foreign.headers = "intercompany.vouchers", (("ce_type", b"intercompany.voucher.posted.v1"),)
    await running.deliver(invoice("A", 0), invoice("B", 1), foreign)
    assert await running.value("select next_offset from positions where topic = 'intercompany.vouchers'") == 3


async def test_very_many_defects_cost_a_few_folds_each_and_hold_nothing_up(running: Running) -> None:
    records = [invoice(f"X{number}", number, company="BUG") for number in range(256)]
    folds: list[int] = []
    for size in (128, 256):
        before = PASSES.labels("counter")._value.get()  # noqa: SLF001
        await running.deliver(*records[:size], invoice(f"A{size}", 1000 + size))
        await running.value("delete from failed")
        folds.append(int(PASSES.labels("counter")._value.get() - before))  # noqa: SLF001
    assert await running.counts() == {"FAB": 2}
    assert folds[1] < 2.2 * folds[0]
