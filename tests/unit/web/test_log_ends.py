"""Where the topics end: true after it was asked for, asked once for many, and a broker that is away holds nobody up for long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from services.desk import topic_ends
from services.web import broker
from services.web.broker import ENDS_AGAIN_AFTER, BrokerEnds
from shared.delivery.ports import Partition
from shared.settings import Senders, Settings
from tests.builders.web import StandingClock

if TYPE_CHECKING:
    import pytest

PLACE = Partition("intercompany.vouchers", 0)


class MadeUpBroker:
    """A broker that says the ends `end`, or fails; a test sees how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.stopped = 0
        self.end = 7
        self.is_away = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.topics_asked: list[str] = []
        for name in ("partitions_of", "end_offsets_at_least", "end_offsets"):
            monkeypatch.setattr(topic_ends, name, getattr(self, f"_{name}"))
        monkeypatch.setattr(broker, "reader", lambda _: self)

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped += 1

    async def topics(self) -> set[str]:
        return {"intercompany.invoices.erp-eu", "intercompany.invoices", "intercompany.vouchers", "other"}

    async def _partitions_of(self, _: Any, topics: list[str], __: Settings) -> list[Partition]:
        self.topics_asked = list(topics)
        return [PLACE]

    async def _end_offsets_at_least(self, *_: Any) -> dict[Partition, int]:
        self.asked += 1
        end = self.end
        await self.gate.wait()
        if self.is_away:
            raise ConnectionError
        return {PLACE: end}

    async def _end_offsets(self, _: Any, least: dict[Partition, int], __: Settings) -> dict[Partition, int]:
        return least


class MovingClock(StandingClock):
    """A clock that moves on whenever it is looked at."""

    def monotonic(self) -> float:
        self.seconds += 0.001
        return self.seconds


async def test_who_comes_while_it_is_asked_gets_an_answer_that_was_asked_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    there = MadeUpBroker(monkeypatch)
    ends = BrokerEnds(Settings(), MovingClock())
    there.gate.clear()
    first = asyncio.ensure_future(ends.ends())
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(ends.ends()) for _ in range(10)]
    await asyncio.sleep(0)
    there.end = 9
    there.gate.set()
    assert await first == {PLACE: 7}
    assert await asyncio.gather(*others) == [{PLACE: 9}] * 10
    assert there.asked == 2


async def test_a_broker_that_is_away_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    there, clock = MadeUpBroker(monkeypatch), StandingClock()
    ends = BrokerEnds(Settings(), clock)
    assert await ends.ends() == {PLACE: 7}
    there.is_away = True
    clock.seconds += 1
    assert await ends.ends() is None
    assert there.stopped == 1
    there.is_away = False
    clock.seconds += ENDS_AGAIN_AFTER / 2
    assert await ends.ends() is None
    assert there.asked == 2
    clock.seconds += ENDS_AGAIN_AFTER
    assert await ends.ends() == {PLACE: 7}


async def test_with_senders_of_their_own_topics_those_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    there = MadeUpBroker(monkeypatch)
    await BrokerEnds(Settings(senders=Senders.ENFORCED), StandingClock()).ends()
    assert "intercompany.invoices.erp-eu" in there.topics_asked
    assert not {"intercompany.invoices", "other"} & set(there.topics_asked)
    await BrokerEnds(Settings(), StandingClock()).ends()
    assert "intercompany.invoices" in there.topics_asked
