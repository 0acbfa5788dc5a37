"""How far the service has read the reference topic, and the wait for what a message was decided by.

Invariant: a message is folded only after the service has read at least as much reference data as its sender
had; the wait holds no lock and no transaction, and the reference topic is read meanwhile by a consumer of its own. What
the broker does not have (its log was lost) is not waited for. Where the log was reset, what was read of the old one is not taken
for what the sender had read of the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenacity import AsyncRetrying, retry_if_result, wait_fixed

from shared.delivery import shell_tables as tables
from shared.runtime.retry import Runtime, retry_forever

if TYPE_CHECKING:
    from shared.delivery.ports import Database, Log

_LOOK_EVERY: Final = 0.005
_ASK_BROKER_AFTER: Final = 1.0
_POSITION: Final = "select coalesce((select next_offset - base from positions where topic = $1 and partition = $2), 0)"


class ReferenceResetError(ConnectionError):
    """The log of reference data was reset, and what was waited for was counted by the old one: to be tried again."""


class Watermark:
    """`seen`: the reference topic's offset before which everything was read by this service, as far as known here."""

    def __init__(self, database: Database, log: Log, runtime: Runtime) -> None:
        self.seen = 0
        self._log = log
        self._database = database
        self._runtime = runtime

    async def wait_for(self, needed: int) -> None:
        """Returns when the service has read the reference topic up to the offset `needed`."""
        if self.seen < needed:
            begun = self._runtime.clock.monotonic()
            until_there = retry_if_result(lambda there: not there)
            waiting = AsyncRetrying(sleep=self._runtime.clock.sleep, wait=wait_fixed(_LOOK_EVERY), retry=until_there)
            await waiting(self._is_there, needed, begun + _ASK_BROKER_AFTER)

    def check(self, reference: int) -> None:
        """How far a transaction finds the topic read; ReferenceResetError if that is less than was known here, by an older log."""
        if reference < self.seen:
            self.seen = reference
            msg = "the reference topic was reset"
            raise ReferenceResetError(msg)

    async def check_log(self, reference: int) -> None:
        """ReferenceResetError if the broker's log has records, and fewer than were read: its reader has yet to see that it was reset."""
        ends = await self._log.end_offsets([tables.REFERENCE])
        if 0 < ends[tables.REFERENCE] < reference:
            msg = "the reference topic was reset and is about to be read"
            raise ReferenceResetError(msg)

    async def _is_there(self, needed: int, ask_broker_at: float) -> bool:
        if self.seen >= needed:  # the reference consumer of this process has just told
            return True
        return await retry_forever("reference", lambda: self._look(needed, ask_broker_at), self._runtime)

    async def _look(self, needed: int, ask_broker_at: float) -> bool:
        async with self._database.transaction() as connection:
            self.seen = await connection.fetchval(_POSITION, *tables.REFERENCE)
        if self.seen >= needed or self._runtime.clock.monotonic() < ask_broker_at:
            return self.seen >= needed
        ends = await self._log.end_offsets([tables.REFERENCE])
        return self.seen >= ends[tables.REFERENCE]
