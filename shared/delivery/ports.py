"""All that the shell needs from broker, database, clock and randomness, named in one place.

Invariant: the shell reaches the runtime through these calls alone, so a seeded simulator can stand in for them
and stop it before, inside and after every await. The real ones (shared.kafka, shared.postgresql, SystemClock) add nothing to
the hot path.
"""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from shared.events.envelope import Record

    Handler = Callable[["Consumer", list[Record]], Awaitable[None]]
    """What a consumer hands each batch to; when it returns, the batch is in the database and its offsets may be committed."""

    ReadOn = Callable[[Collection["Partition"]], Awaitable[Mapping["Partition", int]]]
    """Says from which offset each newly assigned partition is to be read, before anything of it is."""

Headers = tuple[tuple[str, bytes], ...]


class Encoded(NamedTuple):
    """A message as it goes over the wire; `topic` without the namespace."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


class Partition(NamedTuple):
    """A partition of a topic; `topic` without the namespace."""

    topic: str
    number: int


class Connection(Protocol):
    """A database connection: what the shell and the stores use of asyncpg's."""

    async def execute(self, query: str, *arguments: Any) -> str:
        """Runs a statement; with several statements in one text, all of them."""

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """All rows."""

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        """The first row, or None."""

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """The first column of the first row."""

    def cursor(self, query: str, *arguments: Any, prefetch: int) -> AsyncIterable[Any]:
        """The rows one by one, so many read at once; in a transaction."""

    async def copy_records_to_table(self, table_name: str, *, records: Iterable[Sequence[Any]], columns: Sequence[str]) -> str:
        """COPY into a table, of values."""

    async def copy_to_table(self, table_name: str, *, source: AsyncIterable[bytes], columns: Sequence[str]) -> str:
        """COPY into a table, of rows as text (delivery/copying.py)."""


class Database(Protocol):
    """One service's schema; its name is the connections' search_path."""

    schema: str

    def transaction(self, lock: str | None = None) -> AbstractAsyncContextManager[Connection]:
        """A connection inside a transaction: committed at the end, rolled back by an exception.

        `lock`: the name of an advisory lock that the transaction has from its first statement to its end.
        """

    def session(self) -> AbstractAsyncContextManager[Connection]:
        """A connection of its own, outside transactions, for session locks; released with the connection."""

    async def close(self) -> None:
        """Closes the connections; what is still in a transaction is rolled back."""


class Producer(Protocol):
    """Sends to the broker."""

    async def send_all(self, messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        """Sends in order and waits for all acknowledgements.

        Returns those that the broker will never take (too large), with the reason; raises for what may pass.
        """

    async def restart(self) -> None:
        """Starts again after a failure; also the first time."""

    async def close(self) -> None:
        """Ends it."""


class Log(Protocol):
    """What the broker holds."""

    async def begin_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The offset of the first record that each partition still has."""

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The offset that the next record of each partition will get."""


class Consumer(Protocol):
    """One member of a group: hands on batch after batch of the partitions that it is assigned."""

    topics: Collection[str]
    passed: Mapping[Partition, int]
    """The offsets that a read which found nothing has come to: everything before them was handed on, or holds no record for us."""

    @property
    def assigned(self) -> Collection[Partition]:
        """The partitions that it reads now."""

    @property
    def missing(self) -> Collection[str]:
        """The topics that the broker does not have, or does not show."""

    def polled_ms(self) -> Mapping[Partition, int | None]:
        """When the broker last answered for each assigned partition, in milliseconds since 1970; None before the first answer.

        Without those of which records are at hand: for them it is not asked.
        """

    def ends(self) -> Mapping[Partition, int]:
        """The offset that the next record of each assigned partition will get, as of the broker's last answer."""


class Consumers(Protocol):
    """All consumers of one service; the last is the one of the events, before it may come that of the reference data."""

    @property
    def each(self) -> Sequence[Consumer]:
        """The consumers."""

    async def start(self) -> None:
        """Joins the groups; undone if one fails, so that it can be tried again."""

    async def stop(self) -> None:
        """Takes no new batch; returns once the batch at hand is finished."""


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The time of day, with time zone."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""

    async def sleep(self, seconds: float) -> None:
        """Lets others run."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """What is not finished after so many seconds ends with a TimeoutError."""


class Randomness(Protocol):
    """Random numbers, for jitter only."""

    def random(self) -> float:
        """From 0 to below 1."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Lets other tasks run."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """What is not finished after so many seconds ends with a TimeoutError."""
        return asyncio.timeout(seconds)


class SystemRandomness:
    """The machine's random numbers."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - jitter, no secret

    def random(self) -> float:
        """From 0 to below 1."""
        return self._random.random()
