"""The services running in this process, in a namespace of their own, and the way to send to them and wait for them.

Invariant: nothing is left running when the context ends, however it ends; topics and schemas are there before
anything is sent; two of these never use one namespace of a database at the same time.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

from services.local.queries import first_failure, lock_namespace
from services.local.quiescence import as_it_reads, reader, what_is_left
from services.local.reset import reset
from services.registry import INQUIRY, PROCESSES, SERVICES
from shared.kafka import topics
from shared.kafka.security import client_arguments
from shared.kafka.sender import Sender, sender
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from shared.runtime.process import Process, run_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from aiokafka import AIOKafkaConsumer

    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService
    from shared.events.envelope import Record
    from shared.settings import Settings

log = structlog.get_logger(__name__)

QUIESCENT_WITHIN: Final = 120.0
_STOP_WITHIN: Final = 15.0
_PAUSE: Final = 0.005


class NotQuiescentError(Exception):
    """The services did not come to rest, or failed on a message; the text says which and what to do."""


class RunningServices:
    """The services of a namespace: send records, wait until all their effects are there, empty the books.

    The three that post are waited for; inquiry, where it runs, by `until_inquiry_has_read` alone.
    """

    def __init__(
        self,
        settings: Settings,
        ports: tuple[Connection, AIOKafkaConsumer, Sender],
        serving: list[asyncio.Task[None]],
        processes: Sequence[Process] = (),
        *,
        inquiry: bool = False,
    ) -> None:
        self.settings = settings
        self._processes = processes
        self._inquiry = inquiry
        self._connection, self._broker, self._sender = ports
        self._serving = serving

    async def send(self, records: Iterable[Record]) -> None:
        """Sends records in their order and waits until the broker has them all (shared.kafka.sender.Sender)."""
        await self._sender.send(records)

    async def until_quiescent(self) -> None:
        """Waits until every event has had all its effects; NotQuiescentError if that takes too long or a service failed on one."""
        await self._until_at_rest(SERVICES, self._connection)

    async def until_inquiry_has_read(self) -> None:
        """Waits until the inquiry service has read all that is on the topics, senders' own aside; NotQuiescentError as above."""
        async with Postgres(self.settings.database_of(INQUIRY.name), "public").session() as connection:
            await self._until_at_rest([as_it_reads(INQUIRY, self.settings)], connection)

    async def _until_at_rest(self, services: Sequence[AnyService], connection: Connection) -> None:
        deadline = asyncio.get_running_loop().time() + QUIESCENT_WITHIN
        while (left := await what_is_left(connection, self._broker, services, self.settings)) is not None:
            if asyncio.get_running_loop().time() > deadline:
                raise NotQuiescentError(self._still_busy(left))
            for task in self._serving:
                if task.done():
                    task.result()
            await asyncio.sleep(_PAUSE)
        await self._raise_failed(services, connection)

    def _still_busy(self, left: str) -> str:
        troubles = [
            f"{each.service.name}: {what}: {trouble.error}"
            for each in self._processes
            for what, trouble in each.runtime.troubles.open.items()
        ]
        why = (
            f"What keeps failing: {'; '.join(troubles)}"
            if troubles
            else "With LOG_LEVEL=INFO the services say on standard error what they do"
        )
        return f"the services are still busy after {QUIESCENT_WITHIN:.0f} seconds: {left}. {why}"

    async def _raise_failed(self, services: Sequence[AnyService], connection: Connection) -> None:
        for service in services:
            error = await first_failure(connection, self.settings.schema_name(service.name))
            if error is not None:
                msg = f"{service.name} failed on a message, a defect of this program: {error}"
                raise NotQuiescentError(msg)

    async def reset(self) -> None:
        """Empties the books of the namespace. Its locks can cross those of a service's housekeeping; then it is done again."""
        await self._reset(SERVICES, self.settings.database)
        if self._inquiry:
            await self._reset([INQUIRY], self.settings.database_of(INQUIRY.name))

    async def _reset(self, services: Sequence[AnyService], address: str) -> None:
        database = Postgres(address, "public")
        retry = retry_if_exception_type(asyncpg.DeadlockDetectedError)
        try:
            async for attempt in AsyncRetrying(retry=retry, stop=stop_after_attempt(10), reraise=True):
                with attempt:
                    async with database.transaction() as connection:
                        await reset(connection, services, self.settings)
        finally:
            await database.close()


@asynccontextmanager
async def running_services(settings: Settings, *, here: bool = True, inquiry: bool = False) -> AsyncIterator[RunningServices]:
    """Starts the three services, and with `inquiry` that one, as tasks of this process; they have stopped when the context ends.

    `settings` has broker, database and a namespace. Waits for another command that uses the same namespace. Not `here`:
    the services run as processes of their own, started by the caller.
    """
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(Postgres(settings.database, "public").session())
        await lock_namespace(connection, settings.namespace, "10min")
        services = PROCESSES if inquiry else SERVICES
        await prepare(settings, services)
        sending = await stack.enter_async_context(sender(settings))
        broker = reader(settings)
        await broker.start()
        stack.push_async_callback(broker.stop)
        processes = [Process(service, settings) for service in services if here]
        serving = [asyncio.create_task(run_process(each), name=each.service.name) for each in processes]
        try:
            yield RunningServices(settings, (connection, broker, sending), serving, processes, inquiry=inquiry)
        finally:
            await _stop(serving)


async def _stop(serving: list[asyncio.Task[None]]) -> None:
    """Cancels the services and waits for their end.

    It is said again where it was lost: Python 3.11's `asyncio.wait_for` swallows a cancellation that comes with the answer.
    """
    running = set(serving)
    while running:
        for task in running:
            task.cancel()
        ended, running = await asyncio.wait(running, timeout=_STOP_WITHIN)
        for task in ended:
            if not task.cancelled() and task.exception() is not None:
                log.error("a service ended with an error", service=task.get_name(), exc_info=task.exception())


async def prepare(settings: Settings, services: Sequence[AnyService]) -> None:
    """Makes schemas and topics, so that what is wrong with broker or database is said at once."""
    for service in services:
        schema = settings.schema_name(service.name)
        database = Postgres(settings.database_of(service.name), schema)
        try:
            await migrate(database, schema, service)
        finally:
            await database.close()
    await topics.provision(settings, client_arguments(settings))
