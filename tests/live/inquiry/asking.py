"""Books that can be asked: what a simulation says, taken in by the inquiry service's store, and the questions to it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from services.inquiry import store as store_module
from services.inquiry.queries.pages import PageOfRows, PageWanted
from services.inquiry.rules.fold import fold
from services.inquiry.rules.projection import KEYS
from services.inquiry.store import Store
from services.scenarios.scenario_file import Scenario, load_scenario
from services.simulator import streams
from shared.events.envelope import Message, Record
from tests.builders.inquiry import Listening, listening, messages_of
from tests.live.delivering import deliver
from tests.live.schemas import empty_schema

T = TypeVar("T")

Row = dict[str, Any]

ALL = PageWanted(limit=100_000)


class Asked:
    """The tables of one schema, filled again for each question's books."""

    def __init__(self, connection: Any, runner: asyncio.Runner) -> None:
        self.connection = connection
        self._runner = runner

    def run(self, asking: Coroutine[Any, Any, T]) -> T:
        """The answer."""
        return self._runner.run(asking)

    def fill(self, records: Iterable[Record]) -> list[Message]:
        """Empties the tables and takes in what these records say; gives the messages."""
        messages = messages_of(records)
        self.run(self._fill(messages))
        return messages

    async def _fill(self, messages: list[Message]) -> None:
        await self.connection.execute(f"truncate {', '.join(KEYS)} restart identity")
        await deliver(self.connection, Store(), fold, messages)

    def listen(self, scenario: Scenario | Path) -> Listening:
        """The simulation of a scenario, whose messages the tables then have."""
        simulation = listening(load_scenario(scenario) if isinstance(scenario, Path) else scenario)
        self.fill(simulation.records)
        return simulation

    def draw(self, random: Random) -> Listening:
        """A simulation of a drawn stream, whose messages the tables then have."""
        return self.listen(drawn(random))

    def pages(self, ask: Any, selection: Any, limit: int) -> list[Row]:
        """All rows of a list, read in pages of so many rows."""
        rows: list[Row] = []
        after = None
        while True:
            found: PageOfRows = self.run(ask(self.connection, selection, PageWanted(after, limit)))
            assert len(found.rows) <= limit
            rows += found.rows
            after = found.after
            if after is None:
                return rows

    def all(self, ask: Any, selection: Any) -> list[Row]:
        """All rows of a list, in one page."""
        found: PageOfRows = self.run(ask(self.connection, selection, ALL))
        assert found.after is None
        return found.rows


def drawn(random: Random) -> Scenario:
    """A stream of any kind."""
    across = random.random() < 0.5
    group = streams.group(random, automatic=False, across_currencies=across)
    events = streams.events(random, across_currencies=across, reversals=True)
    return streams.scenario(group, [*events, *streams.requests(random, events), *streams.said_of_vouchers(random)])


@contextmanager
def asked(database_url: str, schema: str) -> Iterator[Asked]:
    """Empty tables, on a connection that plans as one from `snapshot` does."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        connection = runner.run(stack.enter_async_context(empty_schema(database_url, schema, store_module)))
        runner.run(connection.execute("set plan_cache_mode = force_custom_plan"))
        yield Asked(connection, runner)
        runner.run(stack.aclose())
