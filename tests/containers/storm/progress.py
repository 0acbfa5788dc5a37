"""How far posting has come, as somebody sees it who reads vouchers from their topic: how many, and how long none came."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from shared.events.envelope import Topic
from shared.kafka.log_ends import end_offsets_at_least, partitions_of, reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.settings import Settings

_EVERY: Final = 0.5
_ANSWER_WITHIN: Final = 10.0


class Progress:
    """`vouchers`: records on the topic; `longest`: the longest time, in seconds, in which none came, and `longest_at` when it began."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._begun = self._last = time.monotonic()
        self.vouchers = 0
        self.longest = self.longest_at = 0.0

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Looks while the body runs."""
        self._begun = self._last = time.monotonic()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def _watch(self) -> None:
        while True:
            with suppress(Exception):  # the broker is away: to a reader nothing comes
                await self._look()
            await asyncio.sleep(_EVERY)

    async def _look(self) -> None:
        async with reading(self._settings) as consumer:
            places = await partitions_of(consumer, [Topic.VOUCHERS], self._settings)
            while True:
                async with asyncio.timeout(_ANSWER_WITHIN):
                    self._note(sum((await end_offsets_at_least(consumer, places, self._settings)).values()))
                await asyncio.sleep(_EVERY)

    def _note(self, vouchers: int) -> None:
        if vouchers > self.vouchers:
            now = time.monotonic()
            if now - self._last > self.longest:
                self.longest, self.longest_at = now - self._last, self._last - self._begun
            self.vouchers, self._last = vouchers, now
