"""The simulated server's advisory locks."""

from __future__ import annotations

import asyncio

import pytest

from services.simulator.server import Locks

NAME = "settlement.batch"


class Connection:
    """Nothing but itself."""

    is_open = True


async def test_a_connection_that_ends_while_it_waits_never_gets_the_lock() -> None:
    locks, holder, ended, next_one = Locks(asyncio.get_running_loop()), Connection(), Connection(), Connection()
    await locks.acquire(NAME, holder)
    waiting = [asyncio.ensure_future(locks.acquire(NAME, each)) for each in (ended, next_one)]
    await asyncio.sleep(0)
    locks.release_all(ended)
    async with asyncio.timeout(1):
        with pytest.raises(ConnectionResetError):
            await waiting[0]
        locks.release_all(holder)
        await waiting[1]
    locks.release_all(next_one)
    assert not locks.is_waited_for(NAME)
