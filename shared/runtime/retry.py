"""What to do with an error: try again until it passes, or not at all.

Invariant: whatever may pass by itself (database or broker away, deadlock, serialization failure, full disk,
missing rights) is tried again for ever, with capped and jittered backoff, and readiness is red meanwhile; what the data
itself causes is never tried again, since it would block all that comes after it. A cancellation that nobody asked for is a failure.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_base

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.delivery.ports import Clock, Randomness
    from shared.runtime.troubles import Troubles

T = TypeVar("T")

FIRST_WAIT: Final = 0.05
LONGEST_WAIT: Final = 5.0


@dataclass(slots=True)
class Runtime:
    """Clock, randomness and troubles of one service's process; `is_transient`: whether an error can pass by itself."""

    clock: Clock
    randomness: Randomness
    troubles: Troubles
    is_transient: Callable[[BaseException], bool]


class StrayCancellationError(Exception):
    """A library has cancelled what it waited for itself, as aiokafka does with a client that is stopped before it has begun.

    Nobody has asked this task to end, so it continues.
    """


class _Backoff(wait_base):
    """Doubles from 50 ms to 5 s, each wait between half and the whole of it."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness

    def __call__(self, retry_state: RetryCallState) -> float:
        return self.after(retry_state.attempt_number + 1)  # there was one before tenacity was asked

    def after(self, tries: int) -> float:
        """The seconds to wait after so many tries."""
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 16)) * (0.5 + self._randomness.random() / 2)


def any_error(error: BaseException) -> bool:
    """Every error is tried again: for what must be done and cannot be left out."""
    return isinstance(error, Exception)


async def unless_stray(act: Callable[[], Awaitable[T]]) -> T:
    """What an act gives. StrayCancellationError where it is cancelled and nobody has asked that of this task."""
    try:
        return await act()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StrayCancellationError from error


async def retry_forever(
    name: str, act: Callable[[], Awaitable[T]], runtime: Runtime, retry_if: Callable[[BaseException], bool] | None = None
) -> T:
    """Does something until it succeeds or fails for good; `name` is what it is called among the troubles.

    Without `retry_if` what is transient is tried again.
    """

    def tried_again(error: BaseException) -> bool:
        return isinstance(error, StrayCancellationError) or (retry_if or runtime.is_transient)(error)

    try:  # nearly all of it is done at once: without tenacity, which takes as long as a tenth of a small batch
        result = await unless_stray(act)
    except Exception as error:
        if not tried_again(error):
            raise
        runtime.troubles.failed(name, error)
    else:
        runtime.troubles.recovered(name)
        return result
    return await _tried_again(name, act, runtime, tried_again)


async def _tried_again(name: str, act: Callable[[], Awaitable[T]], runtime: Runtime, tried_again: Callable[[BaseException], bool]) -> T:
    """The same after a first failure, with a wait before each try."""
    backoff = _Backoff(runtime.randomness)

    async def attempt() -> T:  # tenacity awaits a coroutine function alone, not whatever gives an awaitable
        return await unless_stray(act)

    def failed(state: RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()) is not None:
            runtime.troubles.failed(name, error)

    retrying = AsyncRetrying(
        sleep=runtime.clock.sleep, wait=backoff, retry=retry_if_exception(tried_again), before_sleep=failed, reraise=True
    )
    await runtime.clock.sleep(backoff.after(1))
    result: T = await retrying(attempt)
    runtime.troubles.recovered(name)
    return result
