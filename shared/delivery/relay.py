"""The relay: publishes what was decided, in the order in which it was decided.

Invariant: a message is sent after its batch was committed, never before; a row leaves the outbox after the broker has
acknowledged all of it, never before, and at the latest when nothing has come for a moment; so nothing is lost, and what is
sent again is seen as a duplicate by its id. It is kept for a while as sent: an operator who takes it back into the outbox has
it sent again (`order_resending`).
A row that cannot be unpacked is kept as it is in the table `failed`; those after it go out.
Of several instances of a service one relays for all, under a session lock: all batches go out in the order of their
commits, which is that of their rows' ids (both are under the service's lock). It gets its own process's batches in memory
and reads the table only at its start, after a failure, where an id is left out, and while another instance is waiting for
the lock: that one's batches are in the table alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from shared.delivery import shell_tables as tables
from shared.delivery.outbox import UnreadableRowError, put_aside, unpack
from shared.events.attributes import headers_said
from shared.events.envelope import Record
from shared.metrics import RELAY_SECONDS, RELAY_SENT
from shared.runtime.retry import Runtime, any_error, retry_forever
from shared.telemetry import named_in_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection, Database, Encoded, Producer

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 32
MOST_WAITING_BYTES: Final = 32 * 1024 * 1024
"""Batches in memory, and their bytes, at most; further ones wait, and with them the consumer: memory has an end."""
MOST_ROWS: Final = 16
MOST_ROW_BYTES: Final = 2 * 1024 * 1024
"""Rows of the table read at once, and their compressed bytes; one row at least."""
_LOOK_EVERY: Final = 1.0
_WITH_OTHERS: Final = 0.02
NOTE_WITHIN: Final = 0.05
MOST_UNNOTED: Final = 16
"""So many rows sent from memory are noted together, or what was sent when nothing comes for `NOTE_WITHIN`: a statement, not one for each.

After a crash they are sent again.
"""
_ANSWER_WITHIN: Final = 60.0

LOOK_AROUND: Final = """
select (select min(id) from outbox) as oldest,
       exists (select from pg_locks
               where locktype = 'advisory' and not granted
                 and database = (select oid from pg_database where datname = current_database())
                 and (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)) as others
"""


OLDEST_ROWS: Final = """
with first as (select id, octet_length(messages) as size from outbox order by id limit $1),
     summed as (select id, sum(size) over (order by id) as upto, row_number() over (order by id) as number from first)
select id, messages from outbox where id in (select id from summed where upto <= $2 or number = 1) order by id
"""


class _Row(NamedTuple):
    id: int
    messages: list[Encoded]

    @property
    def size(self) -> int:
        return sum(len(message.value) for message in self.messages)


class Relay:
    """One per process. `put` hands a committed batch over; `run` sends for ever."""

    def __init__(self, database: Database, producer: Producer, runtime: Runtime, service: str = "") -> None:
        """`service`: its name in the metrics; else its schema's."""
        self._service = service or database.schema
        self._lock = f"{database.schema}.relay"
        self._database = database
        self._producer = producer
        self._runtime = runtime
        self._waiting: deque[_Row] = deque()
        self._waiting_bytes = 0
        self._has_room = asyncio.Event()
        self._wake = asyncio.Event()
        self._behind = True
        self._leads = False
        self._others = False
        self._sending = False
        self._look_at = 0.0
        self._sent_through = 0
        self._unnoted: list[int] = []

    async def put(self, row: int, messages: list[Encoded]) -> None:
        """Hands over a committed batch; waits while too many are in memory and this one leads. The row is in the table in any case."""
        while self._leads and (len(self._waiting) >= MOST_WAITING or self._waiting_bytes >= MOST_WAITING_BYTES):
            self._has_room.clear()
            await self._has_room.wait()
        if not self._leads:
            return  # it is read from the table by whoever leads, or by this one when it does
        handed_over = _Row(row, messages)
        self._waiting.append(handed_over)
        self._waiting_bytes += handed_over.size
        self._wake.set()

    def catch_up(self) -> None:
        """Says that a batch may have been committed that was not handed over: the table is read once."""
        self._behind = True
        self._wake.set()

    async def drained(self) -> None:
        """Waits until all that was handed over is sent, or this one does not lead."""
        while self._leads and (self._waiting or self._sending or self._unnoted):
            await self._runtime.clock.sleep(0.01)

    async def run(self) -> None:
        """Sends until cancelled; every failure is tried again, and then all that is in the table is sent again."""
        while True:
            await retry_forever("relay", self._lead, self._runtime, retry_if=any_error)

    async def _lead(self) -> None:
        """From the lock to the first failure. Fails only before anything was sent, so that the backoff starts over."""
        async with self._database.session() as connection:
            await self._locked(connection)
            try:
                await self._producer.restart()
                self._behind, self._leads = True, True
                self._unnoted.clear()
                await self._send_table(connection)
                self._runtime.troubles.recovered("relay")
                await self._relay(connection)
            finally:
                self._leads = False
                self._has_room.set()  # whoever waits for room holds the service's turn: it looks again who leads

    async def _locked(self, connection: Connection) -> None:
        """Waits for the lock; looks now and then whether the server is still there (a vanished one says nothing)."""
        while True:
            with suppress(TimeoutError):
                async with self._runtime.clock.timeout(_ANSWER_WITHIN):
                    await connection.execute("select pg_advisory_lock(hashtextextended($1, 0))", self._lock)
                return
            async with self._runtime.clock.timeout(_ANSWER_WITHIN):
                await connection.execute("select")

    async def _relay(self, connection: Connection) -> None:
        try:
            while True:
                await self._look_around(connection)
                await self._round(connection)
        except Exception as error:  # noqa: BLE001 - whatever it was, the answer is to start again from the table
            log.warning("the relay starts again from the table", error=repr(error))

    async def _look_around(self, connection: Connection) -> None:
        """Once a second: does another instance wait for the lock, and is there a row that nobody handed over?"""
        now = self._runtime.clock.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY
        async with self._runtime.clock.timeout(_ANSWER_WITHIN):
            row = await connection.fetchrow(LOOK_AROUND, self._lock)
        if self._others and not row["others"]:
            self._behind = True  # what the other one committed last
        self._others = row["others"]
        known = {*self._unnoted, *(each.id for each in self._waiting)}
        if row["oldest"] is not None and row["oldest"] not in known:
            self._behind = True

    async def _round(self, connection: Connection) -> None:
        """Sends from memory if nothing can have come between; what waits in memory is in the table, too."""
        rows = self._take_waiting()
        self._sending = True
        if self._behind or self._others or not self._follow(rows):
            await self._send_table(connection)
        elif rows:
            await self._send(connection, rows)
        self._sending = False
        if self._others:
            await self._woken(_WITH_OTHERS)
        elif not rows:
            await self._rest(connection)

    async def _rest(self, connection: Connection) -> None:
        """Waits for more; what was sent is noted when nothing comes for a moment."""
        if self._unnoted:
            await self._woken(NOTE_WITHIN)
            if self._waiting:
                return
            await self._note(connection)
        await self._woken(_LOOK_EVERY)

    def _follow(self, rows: list[_Row]) -> bool:
        """Whether the rows follow what was sent. A number left out may be another instance's batch (or one rolled back)."""
        return all(row.id == self._sent_through + number for number, row in enumerate(rows, 1))

    def _take_waiting(self) -> list[_Row]:
        """All that waits in memory, without what was read from the table meanwhile."""
        rows = [row for row in self._waiting if row.id > self._sent_through]
        self._waiting.clear()
        self._waiting_bytes = 0
        self._has_room.set()
        self._wake.clear()
        return rows

    async def _woken(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with self._runtime.clock.timeout(seconds):
                await self._wake.wait()

    async def _send_table(self, connection: Connection) -> None:
        """Sends all rows of the table, oldest first: under the service's lock ids are given in the order of commits."""
        self._behind = False
        await self._note(connection)
        while True:
            async with self._runtime.clock.timeout(_ANSWER_WITHIN):
                rows = await connection.fetch(OLDEST_ROWS, MOST_ROWS, MOST_ROW_BYTES)
            if not rows:
                return
            unreadable: list[tuple[Encoded, Exception]] = []
            await self._send(connection, [_Row(row["id"], _unpacked(row, unreadable)) for row in rows], unreadable)
            await self._note(connection)

    async def _send(self, connection: Connection, rows: list[_Row], unreadable: Sequence[tuple[Encoded, Exception]] = ()) -> None:
        messages, begun = [message for row in rows for message in row.messages], self._runtime.clock.monotonic()
        refused = await self._producer.send_all(messages)
        RELAY_SECONDS.labels(self._service).observe(self._runtime.clock.monotonic() - begun)
        RELAY_SENT.labels(self._service).inc(len(messages) - len(refused))
        for message, error in refused:
            place = {"topic": message.topic, **named_in_logs(headers_said(Record(*message)))}
            log.error("the broker will never take this message: it is kept in the table failed", **place, error=repr(error))
        async with self._runtime.clock.timeout(_ANSWER_WITHIN):
            await tables.fail_sending(connection, [*unreadable, *refused])
        self._unnoted += [row.id for row in rows]
        self._sent_through = rows[-1].id
        if refused or len(self._unnoted) >= MOST_UNNOTED:
            await self._note(connection)

    async def _note(self, connection: Connection) -> None:
        """Takes what was sent out of the outbox."""
        if self._unnoted:
            async with self._runtime.clock.timeout(_ANSWER_WITHIN):
                await tables.note_sent(connection, self._unnoted)
            self._unnoted.clear()


def _unpacked(row: Any, unreadable: list[tuple[Encoded, Exception]]) -> list[Encoded]:
    """The messages of a row; of one that cannot be unpacked none, and it is added to what is unreadable."""
    try:
        return unpack(row["messages"])
    except UnreadableRowError as error:
        log.exception("a row of the outbox cannot be unpacked: it is kept in the table failed", row=row["id"])
        unreadable.append((put_aside(row["messages"]), error))
        return []
