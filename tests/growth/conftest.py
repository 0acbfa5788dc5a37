"""One service on the embedded database, in a namespace of its own: what a load costs it is counted."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from pydantic import SecretStr

from services.settlement.rules.turn import Turn
from shared.settings import Settings
from tests.growth.counting import Cost, Count, peak_bytes, queries_of
from tests.growth.loads import AT_ONCE
from tests.live.delivery.running import Running, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from datetime import timedelta

    from shared.delivery.service import AnyService
    from shared.events.envelope import Record

_NUMBERS = count(1)
_ROWS_READ = """
select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint from pg_stat_user_tables where schemaname = $1"""
_AS_IF_LARGE = "enable_seqscan=off&enable_hashjoin=off&enable_mergejoin=off"
"""The planner reads a table from end to end only where no index helps, however small the table is in a test.

A join of a batch's keys with a small table is cheapest by reading all of it, by its index or not; from some thousand rows on it is not.
Until then rows read would grow with what is there, and not with what is looked up.
"""
_CONNECTED = "select exists (select from pg_stat_activity where starts_with(application_name, 'intercompany ' || $1 || ' '))"


class Counted(Running):
    """An instance whose work is counted."""

    def __init__(self, settings: Settings, service: AnyService, handled: Count, made: list[Counted]) -> None:
        super().__init__(settings, service)
        made.append(self)
        self._made = made
        self._handled = handled
        self.costs: list[Cost] = []

    async def deliver_all(self, records: Iterable[Record]) -> None:
        """Delivers records as a consumer hands them over."""
        waiting = list(records)
        for start in range(0, len(waiting), AT_ONCE):
            await self.delivery.deliver(waiting[start : start + AT_ONCE])

    async def anew(self) -> Counted:
        """Another instance on the same schema, as after a restart."""
        await self.database.close()
        return Counted(self.settings, self.service, self._handled, self._made)

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[None]:
        """Adds to `costs` what is done within the context."""
        rows, queries, handled = await self._rows_read(), queries_of(self.schema), self._handled.value
        with peak_bytes() as held:
            yield
        queries, handled = queries_of(self.schema) - queries, self._handled.value - handled
        self.costs.append(Cost(queries, await self._rows_read() - rows, handled, held.value))

    async def _rows_read(self) -> int:
        """A connection's counters are whole once it is closed; the instance opens new ones."""
        await self.database.close()
        connection = await asyncpg.connect(self.settings.database)
        try:

            async def is_closed() -> bool:
                return not await connection.fetchval(_CONNECTED, self.schema)

            await until(is_closed)
            return int(await connection.fetchval(_ROWS_READ, self.schema))
        finally:
            await connection.close()


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> Count:
    """How many messages the settlement core has handled, those that resumed and those folded again included."""
    counted, plain = Count(), Turn.handle

    def handle(self: Turn, message: Any) -> None:
        counted.value += 1
        plain(self, message)

    monkeypatch.setattr(Turn, "handle", handle)
    return counted


@pytest.fixture
async def instance(database_url: str, handled: Count, request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Any]]:
    """Makes instances of a service, each in a namespace of its own."""
    made: list[Counted] = []

    async def make(service: AnyService, wait_at_most: timedelta | None = None) -> Counted:
        settings = Settings(
            database_url=SecretStr(f"{database_url}&{_AS_IF_LARGE}"), namespace=f"growth{next(_NUMBERS)}", wait_at_most=wait_at_most
        )
        instance = Counted(settings, service, handled, made)
        await instance.prepare()
        return instance

    yield make
    for each in made:
        await each.database.close()
    _report(request.node.name, [cost for each in made for cost in each.costs])


def _report(name: str, costs: list[Cost]) -> None:
    """Adds what was counted to the file that GROWTH_REPORT names: once the load, then twice the load."""
    path = os.environ.get("GROWTH_REPORT")
    if path and costs:
        columns = [" → ".join(f"{getattr(cost, each):,}" for cost in costs) for each in ("queries", "rows", "messages")]
        kib = " → ".join(f"{cost.peak // 1024:,}" for cost in costs)
        with Path(path).open("a") as file:
            file.write(f"| {name.removeprefix('test_').replace('_', ' ')} | {' | '.join(columns)} | {kib} |\n")
