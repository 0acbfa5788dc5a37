"""What to do with an error: try again until it passes, or not at all.

What always holds: whatever may pass by itself (database or broker away, deadlock, serialization failure, full disk,
missing rights) is tried again for ever, with capped and jittered backoff, and readiness is red meanwhile; what the data
itself causes is never tried again, since it would block all that comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_base

from shared.delivery.ports import Chance, Clock, SystemChance, SystemClock
from shared.runtime.troubles import Condition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

FIRST_WAIT: Final = 0.05
LONGEST_WAIT: Final = 5.0
_OF_THE_DATA: Final = ("22", "23", "54")
"""SQLSTATE classes of errors in the data: data exception, integrity constraint, program limit (a key too long)."""


@dataclass(slots=True)
class World:
    """Clock, chance and condition of one service's process."""

    clock: Clock
    chance: Chance
    condition: Condition


def real_world() -> World:
    """The machine's clock and random numbers."""
    clock = SystemClock()
    return World(clock, SystemChance(), Condition(clock))


class _Backoff(wait_base):
    """Doubles from 50 ms to 5 s, each wait between half and the whole of it."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance

    def __call__(self, retry_state: RetryCallState) -> float:
        doubled = FIRST_WAIT * 2.0 ** min(retry_state.attempt_number - 1, 16)
        return min(LONGEST_WAIT, doubled) * (0.5 + self._chance.random() / 2)


def may_pass(error: BaseException) -> bool:
    """Whether an error can pass by itself; False: the data, or a defect of ours, causes it."""
    if isinstance(error, asyncpg.PostgresError):
        return not (error.sqlstate or "").startswith(_OF_THE_DATA)
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # a value that the driver cannot put on the wire
    return isinstance(error, OSError | TimeoutError | EOFError | KafkaError)


def whatever(error: BaseException) -> bool:
    """Every error is tried again: for what must be done and cannot be left out."""
    return isinstance(error, Exception)


async def persistently(what: str, act: Callable[[], Awaitable[T]], world: World, when: Callable[[BaseException], bool] = may_pass) -> T:
    """Does something until it succeeds or fails for good; `what` is its name among the troubles."""

    async def attempt() -> T:  # tenacity awaits a coroutine function alone, not whatever gives an awaitable
        return await act()

    def failed(state: RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()) is not None:
            world.condition.troubled(what, error)

    retrying = AsyncRetrying(
        sleep=world.clock.sleep, wait=_Backoff(world.chance), retry=retry_if_exception(when), before_sleep=failed, reraise=True
    )

    result: T = await retrying(attempt)
    world.condition.well(what)
    return result
