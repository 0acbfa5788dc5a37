"""An event loop whose time is virtual, and the clock port on it.

Invariant: nothing waits in real time. When no task is ready the time jumps to the next timer; if there is none either, nothing can
ever happen again, which is an error (StuckError). The same calls in the same order give the same times.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

_BEGINNING: Final = datetime(2026, 3, 1, tzinfo=UTC)


class StuckError(Exception):
    """Every task waits for another one: no timer is set, nothing is ready."""


class Bearer(Protocol):
    """A process as its clock sees it."""

    dead: bool
    clock_offset: float
    """Seconds by which its time of day is wrong."""


class _Selector:
    """In place of the sockets: passes the time."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Jumps to the next timer."""
        if timeout is None:
            msg = "nothing is ready and nothing is due"
            raise StuckError(msg)
        if timeout > 0:
            self._loop.jump()
        return []


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """asyncio's own loop, without input and output."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0
        self._selector = _Selector(self)
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._virtual

    def jump(self) -> None:
        """To the next timer."""
        self._virtual = max(self._virtual, self._scheduled[0].when())

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """No other thread wakes this loop."""


class SimulatedClock:
    """A process's clock (ports.Clock). What is dead no longer waits: it ends."""

    def __init__(self, loop: VirtualTimeLoop, bearer: Bearer) -> None:
        self._loop = loop
        self._bearer = bearer

    def now(self) -> datetime:
        """The time of day, as this process believes it."""
        return _BEGINNING + timedelta(seconds=self._loop.time() + self._bearer.clock_offset)

    def monotonic(self) -> float:
        """Virtual seconds."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Lets others run."""
        self._check()
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """What is not finished after so many virtual seconds ends with a TimeoutError."""
        self._check()
        return asyncio.timeout(seconds)

    def _check(self) -> None:
        if self._bearer.dead:
            raise asyncio.CancelledError
