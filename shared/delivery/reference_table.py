"""A service's table of reference events, and the reference data in memory that it makes.

Invariant: the table keeps the last event of each key, numbered in the order they were taken; what is in memory is
what was committed, read on from the last position that was seen; a table that was emptied empties the memory too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.events.codec import as_json, read_stored
from shared.events.contract import CONTRACT
from shared.events.reference import compaction_key
from shared.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection
    from shared.events.envelope import Message

LAST_POSITION: Final = "select coalesce(max(position), 0) from reference"
AFTER: Final = "select position, type, data from reference where position > $1 order by position"
SAVE: Final = """
insert into reference (key, position, type, data) select * from unnest($1::text[], $2::bigint[], $3::text[], $4::json[])
on conflict (key) do update set position = excluded.position, type = excluded.type, data = excluded.data"""


class ReferenceTable:
    """The reference data of one service's schema; the connection's search_path names it."""

    def __init__(self) -> None:
        self._reference = Reference()
        self._position = 0

    async def current(self, connection: Connection, position: int | None = None) -> Reference:
        """The reference data as committed; `position` is the last one where the caller has asked already."""
        if position is None:
            position = int(await connection.fetchval(LAST_POSITION))
        if position < self._position:
            self._reference, self._position = Reference(), 0
        if position > self._position:
            reference = self._reference.copy()
            for row in await connection.fetch(AFTER, self._position):
                reference.take(read_stored(CONTRACT[row["type"]].data, row["data"]))
            self._reference, self._position = reference, position
        return self._reference

    async def save(self, connection: Connection, taken: Sequence[Message]) -> None:
        """The last event of each key, numbered on; one statement must not name a key twice."""
        latest: dict[str, tuple[Any, ...]] = {}
        for number, message in enumerate(taken, start=self._position + 1):
            key = compaction_key(message.data)
            latest[key] = (key, number, message.type, as_json(message.data).decode())
        if latest:
            await connection.execute(SAVE, *(list(column) for column in zip(*latest.values(), strict=True)))
