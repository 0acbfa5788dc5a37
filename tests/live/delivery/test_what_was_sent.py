"""What was sent is kept to be sent again: so long, and so many bytes of it; what was not sent stays whatever its age and size."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.delivery import shell_tables
from shared.delivery.housekeeping import KEEP_SENT_BYTES, Housekeeping
from tests.builders.invoices import invoice

if TYPE_CHECKING:
    from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded

HOUR = timedelta(hours=1)
_AGED = "update outgoing set sent_at = clock_timestamp() - interval '{minutes} minutes' where id <= {upto}"


async def kept(running: Running) -> list[int]:
    """The rows that are there, sent or not."""
    return list(await running.value("select coalesce(array_agg(id order by id), '{}') from outgoing"))


async def sent(running: Running, first: int, number: int) -> None:
    """So many batches of an invoice each, decided and sent."""
    async with running.relaying():
        for each in range(first, first + number):
            await running.deliver(invoice(f"A{each}", each))


async def keep(running: Running, long: timedelta = HOUR, most: int = KEEP_SENT_BYTES) -> None:
    """A turn of housekeeping that keeps what was sent so long, and so many bytes of it."""
    await Housekeeping(running.delivery, None, None, long, most).once()


async def test_what_was_sent_longer_ago_than_it_is_kept_goes_and_what_is_younger_stays(running: Running) -> None:
    await sent(running, 0, 6)
    await running.value(_AGED.format(minutes=59, upto=4))
    await running.value(_AGED.format(minutes=61, upto=2))
    await keep(running)
    assert await kept(running) == [3, 4, 5, 6]
    await keep(running, timedelta())
    assert await kept(running) == []


async def test_what_was_not_sent_stays_whatever_its_age_and_size(running: Running) -> None:
    await sent(running, 0, 2)
    for number in range(2, 5):  # no relay runs
        await running.deliver(invoice(f"A{number}", number))
    await running.value("update outgoing set created_at = created_at - interval '90 days'")
    await keep(running, timedelta(), 0)
    assert await kept(running) == [3, 4, 5]
    async with running.relaying():
        pass
    assert len(set(running.sent.ids)) == 5
    await keep(running, timedelta(), 0)
    assert await kept(running) == []


async def test_beyond_so_many_bytes_the_oldest_goes_first(running: Running) -> None:
    await sent(running, 0, 6)
    sizes = await running.value("select array_agg(octet_length(messages) order by id) from outgoing")
    assert await running.value("select array_agg(total order by id) from outgoing") == [sum(sizes[: n + 1]) for n in range(6)]
    await keep(running, most=sum(sizes))
    assert await kept(running) == [1, 2, 3, 4, 5, 6]
    await keep(running, most=sum(sizes[2:]))
    assert await kept(running) == [3, 4, 5, 6]
    await sent(running, 6, 1)
    sizes = await running.value("select array_agg(octet_length(messages) order by id) from outgoing")
    await keep(running, most=sum(sizes[-3:]))
    assert await kept(running) == [5, 6, 7]
    await keep(running, most=sum(sizes[-2:]) - 1)
    assert await kept(running) == [7]


async def test_what_is_ordered_to_be_sent_again_is_not_dropped_before_it_was_sent(running: Running) -> None:
    await sent(running, 0, 3)
    await running.value("update outgoing set sent_at = null where id = 1")
    await keep(running, timedelta(), 0)
    assert await kept(running) == [1]


async def test_so_many_rows_are_dropped_at_once_and_the_rest_with_the_next_turns(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_tables, "MOST_DROPPED", 2)
    await sent(running, 0, 5)
    left = []
    for _ in range(3):
        await keep(running, timedelta())
        left.append(await kept(running))
    assert left == [[3, 4, 5], [5], []]


async def test_an_emptied_table_counts_on(running: Running) -> None:
    await sent(running, 0, 2)
    await keep(running, timedelta())
    await sent(running, 2, 2)
    sizes = await running.value("select array_agg(octet_length(messages) order by id) from outgoing")
    await keep(running, most=sum(sizes))
    assert await kept(running) == [3, 4]
    await keep(running, most=sizes[-1])
    assert await kept(running) == [4]
