"""What is tried again, and what ends a task."""

from __future__ import annotations

import asyncio

import pytest

from shared.runtime.retry import Runtime, StrayCancellationError, retry_forever
from shared.runtime.system import system_runtime


@pytest.fixture
def runtime() -> Runtime:
    return system_runtime()


async def test_a_cancellation_that_nobody_asked_for_is_tried_again_and_named_meanwhile(runtime: Runtime) -> None:
    tries: list[list[str]] = []

    async def cancelled_once() -> str:
        tries.append([trouble.error for trouble in runtime.troubles.open.values()])
        if len(tries) == 1:
            waited_for = asyncio.get_running_loop().create_future()
            waited_for.cancel()
            await waited_for
        return "done"

    assert await retry_forever("asking", cancelled_once, runtime) == "done"
    assert tries == [[], [f"{StrayCancellationError.__name__}: "]]


async def test_a_cancellation_that_was_asked_for_ends_the_task(runtime: Runtime) -> None:
    begun = asyncio.Event()

    async def waits() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(retry_forever("waiting", waits, runtime))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_time_limit_around_it_is_kept(runtime: Runtime) -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await retry_forever("waiting", waits, runtime)


async def test_what_cannot_pass_is_tried_once_and_is_no_trouble(runtime: Runtime) -> None:
    tries: list[int] = []

    async def fails() -> None:
        tries.append(1)
        raise LookupError

    with pytest.raises(LookupError):
        await retry_forever("failing", fails, runtime)
    assert (tries, runtime.troubles.open) == ([1], {})
