"""Logs that were reset: a broker that lost its memory, a topic that was deleted and made again.

Invariant: an offset in the database only grows; a record of a log that began at 0 again is never taken for one that was read,
since its offset is rebased before anything else sees it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shared.delivery import shell_tables as tables
from shared.delivery.ports import Partition
from shared.runtime.retry import any_error, retry_forever

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.batch import Delivery
    from shared.delivery.ports import Consumer, Log
    from shared.events.envelope import Record


class OffsetBases:
    """By how much each partition's offsets are rebased, for logs that were reset (tables.rebase)."""

    def __init__(self, delivery: Delivery, log: Log) -> None:
        self._delivery = delivery
        self._log = log
        self._bases: dict[Partition, int] = {}

    async def check(self, consumer: Consumer) -> None:
        """Compares what was newly assigned with what the broker has; tried until it is done."""
        while consumer.fresh:
            fresh = set(consumer.fresh)
            await retry_forever("assignment", partial(self._check, consumer, fresh), self._delivery.runtime, retry_if=any_error)
            consumer.fresh -= fresh

    async def _check(self, consumer: Consumer, fresh: set[Partition]) -> None:
        ends = await self._log.end_offsets(fresh.intersection(consumer.assigned))
        async with self._delivery.database.transaction() as connection:
            self._bases.update(await tables.rebase(connection, ends))

    def rebased(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records with their offsets rebased."""
        if self._bases:
            for record in records:
                record.offset += self._bases.get(Partition(record.topic, record.partition), 0)
        return records
