"""The database server of all runs: its connections, which stay open, and its advisory locks, which are kept here.

Invariant: what is asked of the server is answered before anything else happens, whatever loop runs; a lock is given to those who wait
for it in their order.
"""

from __future__ import annotations

import asyncio
from asyncio import events as asyncio_events
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")
Raw = Any
"""A connection of asyncpg's."""

_SETTINGS: Final = {
    "lock_timeout": "20ms",
    "enable_seqscan": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "synchronous_commit": "off",
    "timezone": "UTC",
}


class Holder(Protocol):
    """Who can hold a lock: a connection."""

    @property
    def is_open(self) -> bool:
        """Whether it can still do something."""


class Server:
    """The server's connections, kept open from seed to seed, and a loop of its own to speak with it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._loop = asyncio.SelectorEventLoop()
        self._free: dict[str, list[Raw]] = {}
        self._all: list[Raw] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Does something with the server, now, whatever loop is running: it stands still meanwhile."""
        outer = asyncio_events._get_running_loop()  # noqa: SLF001 - two loops in one thread, of which one waits for the other
        asyncio_events._set_running_loop(None)  # noqa: SLF001
        try:
            return self._loop.run_until_complete(work)
        finally:
            asyncio_events._set_running_loop(outer)  # noqa: SLF001

    def take(self, schema: str) -> Raw:
        """A free connection that looks into a schema, in no transaction."""
        return self._take(schema, schema, None)

    def give_back(self, schema: str, raw: Raw) -> None:
        """The connection is free again; it is in no transaction."""
        self._free[schema].append(raw)

    def begin(self, schema: str) -> Raw:
        """A free connection in a transaction: it was begun when the last one ended, which saves a way to the server."""
        return self._take(f"{schema} in a transaction", schema, "begin")

    def end(self, schema: str, raw: Raw, how: str) -> None:
        """Ends the transaction, `commit` or `rollback`, and begins the next one; the connection is free again."""
        self.run(raw.execute(f"{how}; begin"))
        self._free[f"{schema} in a transaction"].append(raw)

    def _take(self, kind: str, schema: str, first: str | None) -> Raw:
        free = self._free.setdefault(kind, [])
        if free:
            return free.pop()
        raw = self.run(
            asyncpg.connect(
                self._address,
                server_settings=_SETTINGS | {"search_path": schema, "application_name": "simulator"},
                statement_cache_size=1000,
                max_cached_statement_lifetime=0,
            )
        )
        self._all.append(raw)
        if first is not None:
            self.run(raw.execute(first))
        return raw

    def close(self) -> None:
        """Closes all connections."""
        for raw in self._all:
            self.run(raw.close())
        self._loop.close()


class Locks:
    """Advisory locks: who holds one, and who waits for it in which order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._held: dict[str, Holder] = {}
        self._waiting: dict[str, deque[tuple[Holder, asyncio.Future[None]]]] = {}

    async def acquire(self, name: str, connection: Holder) -> None:
        """Waits for the lock; ConnectionResetError if the connection ends meanwhile."""
        if name not in self._held:
            self._held[name] = connection
            return
        waiting = self._waiting.setdefault(name, deque())
        entry = (connection, self._loop.create_future())
        waiting.append(entry)
        try:
            await entry[1]
        except BaseException:
            if entry in waiting:
                waiting.remove(entry)
            elif self._held.get(name) is connection:
                self._pass_on(name)
            raise

    def release_all(self, connection: Holder) -> None:
        """What the connection holds, as at the end of its transaction or session; what it still waits for it never gets."""
        for name in [name for name, holder in self._held.items() if holder is connection]:
            self._pass_on(name)
        for holder, future in [entry for waiting in self._waiting.values() for entry in waiting]:
            if holder is connection and not future.done():
                future.set_exception(ConnectionResetError())

    def is_waited_for(self, name: str) -> bool:
        """Whether somebody waits for the lock."""
        return any(not future.done() for _, future in self._waiting.get(name, ()))

    def _pass_on(self, name: str) -> None:
        del self._held[name]
        waiting = self._waiting.get(name, deque())
        while waiting:
            connection, future = waiting.popleft()
            if not future.done():
                self._held[name] = connection
                future.set_result(None)
                return
