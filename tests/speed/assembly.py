"""The three services on a database without a broker: what one says is handed, as one batch, to those that take it.

Invariant: the shell, the stores and the rules are the real ones, only the relay is played; so what a batch costs is counted
the same each time.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from prometheus_client import REGISTRY

from services.registry import PROCESSES, SERVICES
from shared.delivery.batch import Delivery
from shared.delivery.bundling import bundled
from shared.events.envelope import Record
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate, schema_version
from shared.runtime.system import system_runtime
from tests.live.delivery.running import Ends

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from services.bench.workload import Payment
    from shared.delivery.ports import Encoded
    from shared.delivery.relay import Relay
    from shared.delivery.service import AnyService
    from shared.settings import Settings


class Kept:
    """In place of a relay: keeps what batches decided, and drops it from the outbox on a connection whose queries do not count."""

    def __init__(self, database: Postgres, messages: list[Encoded]) -> None:
        self._database = database
        self._messages = messages

    async def put(self, row: int, messages: Sequence[Encoded]) -> None:
        """Keeps a batch's messages."""
        self._messages += messages
        async with self._database.session() as connection:
            await connection.execute("delete from outbox where id = $1", row)

    def catch_up(self) -> None:
        """Nothing was sent, nothing can be behind."""


class Line:
    """The services of a namespace; with `inquiry` that one reads along."""

    def __init__(self, settings: Settings, *, inquiry: bool = False) -> None:
        self._services = PROCESSES if inquiry else SERVICES
        self.settings = settings
        self.service = ""
        """Whose batch is under way."""
        self._offsets: Counter[str] = Counter()
        self._said: list[Encoded] = []
        self._databases = [
            Postgres(settings.database, settings.schema_name(service.name), schema_version(service)) for service in self._services
        ]
        self._deliveries = [
            Delivery(service, database, cast("Relay", Kept(database, self._said)), Ends(), system_runtime())
            for service, database in zip(self._services, self._databases, strict=True)
        ]

    async def prepare(self) -> None:
        """Makes the schemas."""
        for service, database in zip(self._services, self._databases, strict=True):
            await migrate(database, database.schema, service)

    async def send(self, records: Iterable[Record]) -> None:
        """Delivers the records, then what follows from them, until nothing does."""
        waiting = list(records)
        while waiting:
            for record in waiting:
                record.offset = self._offsets[record.topic]
                self._offsets[record.topic] += 1
            for delivery in self._deliveries:
                taken = [record for record in waiting if record.topic in delivery.service.subscriptions]
                if taken:
                    self.service = delivery.service.name
                    await delivery.deliver(taken)
                    self.service = ""
            waiting = [Record(*message) for topic in sorted({each.topic for each in self._said}) for message in self._sent(topic)]
            self._said.clear()

    def _sent(self, topic: str) -> Iterator[Encoded]:
        """What was said on a topic as the producer sends it."""
        return bundled(each for each in self._said if each.topic == topic)

    async def invoices(self, payments: Iterable[Payment]) -> None:
        """Posts the payments' invoices."""
        await self.send(record for each in payments for record in each.invoices)

    async def pay(self, payments: Iterable[Payment]) -> None:
        """Posts the payments as one batch, with all that follows."""
        await self.send(each.payment for each in payments)

    def queries(self) -> dict[str, float]:
        """The statements that each service has sent so far, COPY aside."""
        names = {service.name: self.settings.schema_name(service.name) for service in self._services}
        return {name: REGISTRY.get_sample_value("intercompany_queries_total", {"schema": schema}) or 0.0 for name, schema in names.items()}

    def parts(self) -> Iterator[tuple[AnyService, Postgres]]:
        """The services with their databases."""
        return zip(self._services, self._databases, strict=True)

    async def close(self) -> None:
        """Closes the connections; the database's statistics are whole then. The line can be used again."""
        for database in self._databases:
            await database.close()


@asynccontextmanager
async def running_line(settings: Settings, *, inquiry: bool = False) -> AsyncIterator[Line]:
    """A line for the time of the context."""
    line = Line(settings, inquiry=inquiry)
    try:
        await line.prepare()
        yield line
    finally:
        await line.close()
