"""PostgreSQL as the shell uses it: one service's schema, transactions from a small pool, sessions for locks.

Invariant: every connection has the service's schema as its search_path, so no statement names a schema; a
connection that was lost, or whose server does not answer, is replaced at the next use; nothing is changed on a connection that would
outlast its use.
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.metrics import QUERIES
from shared.postgresql.connecting import CONNECT_WITHIN, connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from prometheus_client import Metric

    from shared.delivery.ports import Connection

TOOL: Final = "-"
"""In place of a version: a command, which is done soon and reads what it finds."""

POOL: Final = 3
"""Connections for transactions: one batch at a time, housekeeping, health."""

_ANSWER_WITHIN: Final = 60.0
_CLOSE_WITHIN: Final = 2.0
_BEGIN_LOCKED: Final = "begin; select pg_advisory_xact_lock(hashtextextended({}, 0))"
"""One round trip; the next statement sees what whoever had the lock before has committed."""


class Postgres:
    """A service's schema in a database (ports.Database). `dsn` with user, password and TLS (`sslmode`).

    `version` is that of the schema that a running service needs; its sessions bear it, so that nobody changes the schema under it.
    """

    def __init__(self, dsn: str, schema: str, version: str = TOOL) -> None:
        self.schema = schema
        self._version = version
        self._dsn = dsn
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()
        _OPENED.add(self)

    @asynccontextmanager
    async def transaction(self, lock: str | None = None) -> AsyncIterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back by an exception.

        `lock`: the name of an advisory lock that the transaction has from its first statement to its end.
        """
        pool = self._pool or await self._open()
        async with pool.acquire(timeout=CONNECT_WITHIN) as connection:
            try:
                await connection.execute("begin" if lock is None else _BEGIN_LOCKED.format(_quoted(lock)))
                yield connection
            except BaseException:
                await _rolled_back(connection)
                raise
            await connection.execute("commit")

    @asynccontextmanager
    async def long_transaction(self) -> AsyncIterator[Connection]:
        """A transaction on a connection of its own, for what takes so long that others would wait for one of the pool."""
        connection = await connected(self._dsn, command_timeout=_ANSWER_WITHIN, server_settings=self._server_settings())
        try:
            await self._count_queries(connection)
            async with connection.transaction():
                yield connection
        finally:
            await _closed(connection)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """A connection of its own for session locks. What it writes may be lost with the server: it is done again then."""
        settings = self._server_settings() | {"synchronous_commit": "off"}
        connection = await connected(self._dsn, server_settings=settings)
        try:
            yield connection
        finally:
            await _closed(connection)

    def connections(self) -> dict[str, int]:
        """How many connections for transactions are in use, are idle, and may be at most."""
        size, idle = (0, 0) if self._pool is None else (self._pool.get_size(), self._pool.get_idle_size())
        return {"busy": size - idle, "idle": idle, "limit": POOL}

    async def close(self) -> None:
        """Closes the pool; what is still in a transaction is rolled back."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            try:
                await asyncio.wait_for(pool.close(), _CLOSE_WITHIN)
            except TimeoutError:
                pool.terminate()

    async def _open(self) -> asyncpg.Pool[asyncpg.Record]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=POOL,
                    connect=connected,
                    command_timeout=_ANSWER_WITHIN,
                    init=self._count_queries,
                    reset=_nothing_to_reset,
                    server_settings=self._server_settings(),
                )
            return self._pool

    def _server_settings(self) -> dict[str, str]:
        # A service's statements find rows by their keys, and their plans are kept: one that was made while a table was all but
        # empty would go through the whole of it for minutes after that. They are made once: the planner would else plan many of them
        # each time, which takes longer than to do them for a payment that comes alone.
        plans = {} if self._version == TOOL else {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
        return plans | {
            "application_name": f"intercompany {self.schema} {self._version}",
            "search_path": self.schema,
            "jit": "off",  # its compilation costs more than these short statements
            "tcp_keepalives_idle": "30",  # a vanished host must not keep its locks for hours
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
        }

    async def _count_queries(self, connection: Any) -> None:
        counter = QUERIES.labels(self.schema)
        connection.add_query_logger(lambda _: counter.inc())


_OPENED: Final[weakref.WeakSet[Postgres]] = weakref.WeakSet()


class PoolConnections(Collector):
    """The connections of the pools of this process, as they are when somebody asks; by schema, in the label `service`.

    Of several pools of one schema it is the fullest: who waits for it is not helped by those that are idle in another one.
    """

    def collect(self) -> Iterable[Metric]:
        """One gauge."""
        fullest: dict[str, dict[str, int]] = {}
        for database in list(_OPENED):
            now = database.connections()
            fullest[database.schema] = max(fullest.get(database.schema, now), now, key=lambda each: (each["busy"], each["idle"]))
        gauge = GaugeMetricFamily("intercompany_pool_connections", "Connections to the database.", labels=["service", "state"])
        for schema, states in sorted(fullest.items()):
            for state, number in states.items():
                gauge.add_metric((schema, state), number)
        yield gauge


REGISTRY.register(PoolConnections())


def _quoted(text: str) -> str:
    """A text as SQL has it; two statements in one message take no parameters."""
    return "'" + text.replace("'", "''") + "'"


async def _rolled_back(connection: Any) -> None:
    """Ends a transaction whose work has failed; a server that does not answer would be waited for without end: it loses the connection."""
    try:
        async with asyncio.timeout(_CLOSE_WITHIN):
            await connection.execute("rollback")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


async def _closed(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """In good order if the server answers; its locks are released either way."""
    try:
        await connection.close(timeout=_CLOSE_WITHIN)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


async def _nothing_to_reset(connection: Any) -> None:
    """Saves a round trip per transaction: nothing in the shell or the stores changes a connection's state."""
