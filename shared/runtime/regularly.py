"""What is done every so many seconds beside the work, and never stops it.

Invariant: a failure is logged, and the next time comes all the same; so does a cancellation that nobody asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import structlog

from shared.runtime.retry import unless_stray

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.delivery.ports import Clock

log = structlog.get_logger(__name__)

TIMES: Final = 10
"""So many times as long as it took are between two of what takes long."""


async def regularly(failure: str, act: Callable[[], Awaitable[None]], every: float, clock: Clock, longest: float = math.inf) -> None:
    """Does something every so many seconds until cancelled, and less often where it takes long; a failure is logged as `failure`.

    `longest`: so many seconds are between two of them at most, however long one has taken: it may have been held up.
    """
    while True:
        begun = clock.monotonic()
        try:
            await unless_stray(act)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again, and the metric says how old the last result is
            log.warning(failure, error=repr(error))
        await clock.sleep(max(every, min(longest, TIMES * (clock.monotonic() - begun))))
