"""An event of our own that this version cannot read is kept, and taken once a version can."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from services.settlement.service import SERVICE as SETTLEMENT
from shared.events.envelope import Record
from tests.builders.replies import replies, reply
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from shared.delivery.batch import Batch
    from shared.settings import Settings

pytestmark = pytest.mark.embedded


def _reply(field: str) -> Record:
    return Record(*reply("P-1", field))


async def test_an_unreadable_event_on_the_topic_of_journals_is_kept_and_can_be_retried(settings: Settings) -> None:
    running = Running(settings, SETTLEMENT)
    try:
        await running.prepare()
        await running.deliver(_reply("of_a_version_to_come"))
        assert await running.value("select count(*) from failed") == 1
        assert "reply_count" in await running.value("select error from failed")
        assert await running.value("select next_offset from positions") == 1

        async with running.database.transaction() as connection:
            await connection.execute("update failed set retry = true, value = $1", _reply("reply_count").value)
        await running.housekeeping.once()
        assert await running.value("select count(*) from failed") == 0
        assert await running.value("select count(*) from inbox") == 1
    finally:
        await running.database.close()


async def test_a_reply_under_the_name_of_0_1_is_taken(settings: Settings) -> None:
    running = Running(settings, SETTLEMENT)
    try:
        await running.prepare()
        await running.deliver(_reply("answers"))
        assert await running.value("select count(*) from failed") == 0
        assert await running.value("select count(*) from inbox") == 1
    finally:
        await running.database.close()


async def test_of_events_that_come_in_one_record_each_is_kept_and_retried_by_itself(settings: Settings) -> None:
    running = Running(settings, SETTLEMENT)
    try:
        await running.prepare()
        sent = [reply("A"), reply("B", "later"), reply("C"), reply("D", "later")]
        await running.deliver(replies(*sent, offset=7))
        assert await running.value("select count(*) from inbox") == 2
        assert await running.value("select array_agg(place order by place) from failed") == [2, 4]
        assert await running.value("select next_offset from positions") == 8

        async with running.database.transaction() as connection:
            await connection.execute("update failed set retry = true, value = $1 where place = 2", reply("B").value)
        await running.housekeeping.once()
        assert await running.value("select array_agg(place) from failed") == [4]
        assert await running.value("select count(*) from inbox") == 3
    finally:
        await running.database.close()


async def test_a_record_that_is_no_list_of_events_is_kept_whole_and_all_of_it_is_taken_when_it_is_retried(settings: Settings) -> None:
    running = Running(settings, SETTLEMENT)
    try:
        await running.prepare()
        whole = replies(reply("A"), reply("B", "later"), reply("C"))
        await running.deliver(replace(whole, value=b"["))
        assert await running.value("select place from failed") == 0
        assert await running.value("select next_offset from positions") == 1

        async with running.database.transaction() as connection:
            await connection.execute("update failed set retry = true, value = $1", whole.value)
        await running.housekeeping.once()
        assert await running.value("select count(*) from inbox") == 2
        assert await running.value("select array_agg(place) from failed") == [2], "what fails of it has a row of its own"
    finally:
        await running.database.close()


async def test_a_record_of_which_a_part_is_taken_is_read_again_and_nothing_is_taken_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(settings, SETTLEMENT)
    try:
        await running.prepare()
        take, taken = running.delivery.take, list[int]()

        async def taking(batch: Batch) -> None:
            if len(taken) == 1:
                raise asyncio.CancelledError
            taken.append(len(batch.incoming))
            await take(batch)

        monkeypatch.setattr(running.delivery, "take", taking)
        running.delivery.pace.be_cautious()
        sent = [reply(f"R{number}") for number in range(40)]
        with pytest.raises(asyncio.CancelledError):
            await running.delivery.deliver([replies(*sent, offset=1)])
        assert await running.value("select next_offset from positions") == 1, "its reader goes on with the record that it has a part of"
        assert 0 < taken[0] < len(sent)
        monkeypatch.undo()
        await running.deliver(replies(*sent, offset=1))
        assert await running.value("select next_offset from positions") == 2
        assert await running.value("select count(*) from inbox") == len(sent)
    finally:
        await running.database.close()
