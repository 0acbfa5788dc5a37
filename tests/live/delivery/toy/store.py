"""The toy's SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.delivery.writes import Writes
from shared.events.reference import CompanyDefined
from tests.live.delivery.toy.rules import Books, Count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.delivery.ports import Connection
    from shared.delivery.together import Statement
    from shared.events.envelope import EventRef, Message
    from shared.missing import Missing
    from shared.working_set import Released


class Store:
    """Loads the companies that the messages name."""

    made = 0
    opening = ""

    def __init__(self) -> None:
        type(self).made += 1

    def only_look(self) -> None:
        """Nothing is drawn here."""

    async def load(self, connection: Connection, messages: Sequence[Message], opened: Mapping[str, Any] | None = None) -> Books:
        """The counts of the messages' companies."""
        del opened
        books = Books()
        await self._load(connection, books, {each.data.company for each in messages if not isinstance(each.data, CompanyDefined)})
        return books

    async def load_missing(self, connection: Connection, books: Books, missing: Iterable[Missing]) -> None:
        """The counts of further companies; LOST is never found, which is a defect."""
        await self._load(connection, books, {str(each.key) for each in missing} - {"LOST"})

    async def _load(self, connection: Connection, books: Books, companies: set[str]) -> None:
        rows = await connection.fetch("select * from counts where company = any($1::text[])", list(companies))
        found = {row["company"]: Count(row["company"], row["number"], row["total"]) for row in rows}
        for company in companies:
            books.counts.loaded(company, found.get(company))

    def written(self, books: Books) -> Writes:
        """Nothing: what there is to be written is found out when it is."""
        del books
        return Writes()

    async def save(self, connection: Connection, books: Books, later: list[Statement] | None = None, writes: Writes | None = None) -> None:
        """The changed counts."""
        del later, writes
        changed = [count for count in books.counts.changed.values() if count is not None]
        await connection.execute(
            """insert into counts select * from unnest($1::text[], $2::bigint[], $3::numeric[])
               on conflict (company) do update set number = excluded.number, total = excluded.total""",
            *([list(column) for column in zip(*changed, strict=True)] or [[], [], []]),
        )

    async def load_all(self, connection: Connection) -> Books:
        """Everything."""
        books = Books(complete=True)
        for row in await connection.fetch("select * from counts"):
            books.counts.loaded(row["company"], Count(row["company"], row["number"], row["total"]))
        return books

    async def load_released(self, connection: Connection, released: Released) -> Books:
        """Nothing waits."""
        raise NotImplementedError

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> Books:
        """Everything."""
        assert (events is None) != (older_than is None)
        return await self.load_all(connection)
