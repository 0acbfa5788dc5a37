"""The real PostgreSQL as a simulated process meets it (ports.Database): each statement is one moment of virtual time.

Invariant: a statement runs whole, on a loop of its own, while the virtual time stands still; before and after it the process can be
hit. Advisory locks are kept here, not in PostgreSQL: waiting for one must not hold up the other processes. A statement that would
wait for a row lock of another transaction fails after some milliseconds (`lock_timeout`), which the shell tries again. What a process
had open when it was killed is rolled back when the server notices, and its locks are released then.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import asyncpg

from services.simulator.faults import CallPlace, FaultKind, InjectedFault
from services.simulator.history import CURRENT
from services.simulator.queries import LOCKED, OLDEST_ROW, SESSION_LOCK
from services.simulator.server import Locks
from shared.delivery.relay import LOOK_AROUND, OLDEST_ROWS
from shared.postgresql.database import POOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from services.simulator.history import CommittedHistory, Transaction
    from services.simulator.server import Raw, Server
    from services.simulator.world import Incarnation, World

T = TypeVar("T")

_CONNECT_WITHIN: Final = 10.0


class SimulatedDatabase:
    """One service's schema, as one process reaches it (ports.Database)."""

    def __init__(self, world: World, who: Incarnation, backend: Backend, schema: str) -> None:
        self.schema = schema
        self.world, self.who, self.backend = world, who, backend
        self._room = asyncio.Semaphore(POOL)
        self._open: list[SimulatedConnection] = []
        who.at_death.append(self._die)

    @asynccontextmanager
    async def transaction(self, lock: str | None = None) -> AsyncIterator[SimulatedConnection]:
        """A connection in a transaction, under this lock."""
        async with asyncio.timeout(_CONNECT_WITHIN):
            await self._room.acquire()
        try:
            connection = await self._connect("begin", in_transaction=True)
            try:
                if lock is not None:
                    await connection.lock(lock)
                token = CURRENT.set(connection.transaction)
                try:
                    yield connection
                finally:
                    CURRENT.reset(token)
                await connection.commit()
            finally:
                self._drop(connection)
        finally:
            self._room.release()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[SimulatedConnection]:
        """A connection outside transactions."""
        connection = await self._connect("session", in_transaction=False)
        try:
            yield connection
        finally:
            self._drop(connection)

    async def close(self) -> None:
        """Ends all connections."""
        self._die()

    async def _connect(self, what: str, *, in_transaction: bool) -> SimulatedConnection:
        fault = await self.world.step(self.who, what, CallPlace.STATEMENT)
        if fault is not None:
            raise ConnectionResetError
        connection = SimulatedConnection(self, in_transaction=in_transaction)
        self.backend.opened(connection)
        self._open.append(connection)
        return connection

    def _drop(self, connection: SimulatedConnection) -> None:
        if not self.who.dead:  # else the server notices later
            connection.end()
            if connection in self._open:
                self._open.remove(connection)

    def _die(self) -> None:
        """The server notices that the process is gone, at once or a little later."""
        gone, self._open = self._open, []
        for connection in gone:
            self.world.loop.call_later(self.world.random.choice((0.0, 0.0, 0.05, 0.5)), connection.end)


class Backend:
    """The server as all processes of a run share it. `away_until`: until then nobody gets an answer."""

    def __init__(self, world: World, server: Server, history: CommittedHistory) -> None:
        self.world, self.server, self.history = world, server, history
        self.locks = Locks(world.loop)
        self.nothing_to_send: set[str] = set()
        """Schemas whose outbox was seen empty and has not been written to since: with two instances it is asked for 50 times a second."""
        self._open: list[SimulatedConnection] = []
        self._away_until = 0.0

    def opened(self, connection: SimulatedConnection) -> None:
        """Notes a connection; ConnectionRefusedError while the server is away."""
        if self.world.now < self._away_until:
            connection.end()
            raise ConnectionRefusedError
        self._open = [each for each in self._open if each.is_open]
        self._open.append(connection)

    def go_away(self, seconds: float) -> None:
        """The server is restarted: all connections end, and new ones are refused for so long."""
        self._away_until = max(self._away_until, self.world.now + seconds)
        self.end_all()

    def end_all(self) -> None:
        """Ends all connections."""
        for each in self._open:
            each.end()

    def end_run(self) -> None:
        """The run is over: what is still under way is rolled back."""
        for each in self._open:
            each.give_up()


class SimulatedConnection:
    """One connection (ports.Connection), lost for good by the first fault that hits it."""

    def __init__(self, database: SimulatedDatabase, *, in_transaction: bool) -> None:
        self._world, self._who, self._backend = database.world, database.who, database.backend
        self._server, self._schema = database.backend.server, database.schema
        self._raw: Raw = self._server.begin(self._schema) if in_transaction else self._server.take(self._schema)
        self.transaction: Transaction | None = self._backend.history.begin(self._who.service, self._who) if in_transaction else None
        self._is_committing = False

    @property
    def is_open(self) -> bool:
        """Whether it can still do something."""
        return self._raw is not None

    async def commit(self) -> None:
        """Commits, unless a fault hits it."""
        fault = await self._world.step(self._who, "commit", CallPlace.COMMIT, CallPlace.STATEMENT)
        self._check_alive()
        if fault is not None and fault.kind is FaultKind.KILL_IN_COMMIT:
            self._commit_late(fault)
            raise asyncio.CancelledError
        if fault is not None and fault.kind is not FaultKind.COMMIT_UNKNOWN_DONE:
            self._lost()
        self._commit()
        if fault is not None:
            self._lost()
        await self._world.step(self._who, "committed", CallPlace.COMMITTED)

    def _commit(self) -> None:
        if self._raw is None or self.transaction is None:
            return
        raw, self._raw = self._raw, None
        self._server.end(self._schema, raw, "commit")
        self._backend.history.commit(self.transaction)
        if self.transaction.sends:
            self._backend.nothing_to_send.discard(self._schema)
        self.transaction = None
        self._backend.locks.release_all(self)

    def _commit_late(self, fault: InjectedFault) -> None:
        """The process dies, its commit is on the way: the server carries it out later, holding the locks until then."""
        self._is_committing = True
        self._world.loop.call_later(fault.lasts, self._finish_late)
        self._world.kill(self._who)

    def _finish_late(self) -> None:
        self._is_committing = False
        self._commit()
        self.end()

    def end(self) -> None:
        """Ends the connection: what is open is rolled back, its locks are released."""
        if self._raw is None or self._is_committing:
            return
        raw, self._raw = self._raw, None
        if self.transaction is None:
            self._server.give_back(self._schema, raw)
        else:
            self._server.end(self._schema, raw, "rollback")
            self.transaction = None
        self._backend.locks.release_all(self)

    def give_up(self) -> None:
        """Ends it, though its commit is under way."""
        self._is_committing = False
        self.end()

    async def execute(self, query: str, *arguments: Any) -> str:
        """Runs a statement; advisory locks are the simulator's own."""
        if query == SESSION_LOCK:
            await self.lock(arguments[0])
            return LOCKED
        return await self._call(query, arguments, lambda raw: raw.execute(query, *arguments))

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """All rows."""
        if query == OLDEST_ROWS:
            return await self._of_outbox(query, arguments, lambda raw: raw.fetch(query, *arguments), [])
        return await self._call(query, arguments, lambda raw: raw.fetch(query, *arguments))

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        """The first row."""
        if query == LOOK_AROUND:
            oldest = await self._of_outbox(OLDEST_ROW, (), lambda raw: raw.fetchval(OLDEST_ROW), None)
            return {"oldest": oldest, "others": self._backend.locks.is_waited_for(arguments[0])}
        return await self._call(query, arguments, lambda raw: raw.fetchrow(query, *arguments))

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """The first column of the first row."""
        return await self._call(query, arguments, lambda raw: raw.fetchval(query, *arguments))

    async def cursor(self, query: str, *arguments: Any, prefetch: int) -> AsyncIterator[Any]:  # noqa: ARG002 - the port's
        """The rows one by one."""
        for row in await self.fetch(query, *arguments):
            yield row

    async def copy_records_to_table(self, table_name: str, *, records: Iterable[Sequence[Any]], columns: Sequence[str]) -> str:
        """COPY, of values."""
        rows = list(records)
        return await self._call(
            f"copy {table_name}", rows, lambda raw: raw.copy_records_to_table(table_name, records=rows, columns=columns)
        )

    async def copy_to_table(self, table_name: str, *, source: AsyncIterable[bytes], columns: Sequence[str]) -> str:
        """COPY, of rows as text."""
        return await self._call(f"copy {table_name}", (), lambda raw: raw.copy_to_table(table_name, source=source, columns=columns))

    async def _call(self, query: str, arguments: Sequence[Any], act: Callable[[Raw], Awaitable[T]]) -> T:
        what = query if len(query) <= 48 else query.strip()[:48]
        fault = await self._world.step(self._who, what, CallPlace.STATEMENT)
        self._check_alive()
        if fault is not None:
            self._lost()
        if self.transaction is not None:
            self.transaction.saw(query, arguments)
        result = self._server.run(_done(act(self._raw)))
        if await self._world.step(self._who, "answered", CallPlace.ANSWERED) is not None:
            self._lost()
        self._check_alive()
        return result

    async def _of_outbox(self, query: str, arguments: Sequence[Any], act: Callable[[Raw], Awaitable[T]], nothing: T) -> T:
        """What the outbox has; where it is known to be empty the server is not asked."""
        empty, schema = self._backend.nothing_to_send, self._schema

        async def asked(raw: Raw) -> T:
            if schema in empty:
                return nothing
            found = await act(raw)
            if found == nothing:
                empty.add(schema)
            return found

        return await self._call(query, arguments, asked)

    async def lock(self, name: str) -> None:
        """Waits for an advisory lock; it is kept until the transaction or, outside of one, the connection ends."""
        if await self._world.step(self._who, f"lock {name}", CallPlace.STATEMENT) is not None:
            self._lost()
        self._check_alive()
        try:
            await self._backend.locks.acquire(name, self)
        except ConnectionResetError:
            self._lost()
        await self._world.step(self._who, f"locked {name}", CallPlace.ANSWERED)
        self._check_alive()

    def _check_alive(self) -> None:
        if self._raw is None:
            self._lost()

    def _lost(self) -> NoReturn:
        """The connection is gone."""
        self.end()
        msg = "connection was closed in the middle of operation"
        raise asyncpg.ConnectionDoesNotExistError(msg)


async def _done(awaitable: Awaitable[T]) -> T:
    return await awaitable
