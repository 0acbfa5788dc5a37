"""One service as a process: start, run, stop.

What always holds: it starts whatever is away, and goes on by itself when that comes back; with PROVISION=false it makes
neither schema nor topics and waits until they are there; it stops gracefully: first it
takes no new batch, the one at hand is finished, what was decided is sent, and then the connections are closed; what
time does not allow is in the database and goes on at the next start.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from shared.delivery.batch import Delivery
from shared.delivery.housekeeping import Housekeeping, OffsetBases
from shared.delivery.relay import Relay
from shared.kafka import connection as kafka
from shared.kafka import topics
from shared.kafka.log_ends import BrokerLog
from shared.kafka.tolerant_consumer import read_carefully
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import check_migrated, migrate
from shared.runtime.health import Readiness, health_app, serve_health
from shared.runtime.retry import any_error, retry_forever, system_runtime
from shared.telemetry import set_up_logs, set_up_traces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from faststream.kafka import KafkaBroker

    from shared.delivery.service import AnyService
    from shared.events.envelope import Record
    from shared.settings import Settings

log = structlog.get_logger(__name__)

_DRAIN_WITHIN: Final = 5.0
_SAID_AGAIN: Final = 3.0
"""Longer than closing a connection takes: a second cancellation would cut that off."""


class Process:
    """The parts of one service, wired."""

    def __init__(self, service: AnyService, settings: Settings) -> None:
        self.service = service
        self.settings = settings
        self.schema = settings.schema_name(service.name)
        self.runtime = system_runtime()
        self.database = Postgres(settings.database, self.schema)
        self.producer = kafka.KafkaProducer(settings)
        self.relay = Relay(self.database, self.producer, self.runtime)
        self.log = BrokerLog(settings)
        self.delivery = Delivery(service, self.database, self.relay, self.log, self.runtime)
        self.upkeep = Housekeeping(self.delivery, settings.wait_at_most)
        self.bases = OffsetBases(self.delivery, self.log)
        self.broker, self.subscriptions = kafka.subscribe(service, settings, self._handle)
        self.readiness = Readiness(self.delivery, self.upkeep, self.subscriptions)
        self._migrated = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled: one cancellation is enough. Its work is tasks of their own, to which the end is said until they end."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve_health(health_app(self.broker, self.readiness), self.settings))
            relaying = tasks.create_task(self._relay())
            working = tasks.create_task(self._work())
            try:
                await asyncio.wait([working])
            finally:
                self.readiness.started = False
                await self._stop(working, relaying)

    async def _relay(self) -> None:
        await self._migrated.wait()
        await self.relay.run()

    async def _work(self) -> None:
        await self._persistently("migrations", self._migrate)
        self._migrated.set()
        await self._persistently("topics", self._provision)
        await self._persistently("consumers", partial(start_consumers, self.broker))
        self.readiness.started = True
        log.info("serving", service=self.service.name, schema=self.schema)
        await self.upkeep.run(self.bases, self.subscriptions, self._provision)

    async def _persistently(self, what: str, act: Callable[[], Awaitable[None]]) -> None:
        await retry_forever(what, act, self.runtime, retry_if=any_error)

    async def _migrate(self) -> None:
        bring = migrate if self.settings.provision else check_migrated
        await bring(self.database, self.schema, self.service)

    async def _provision(self) -> None:
        if self.settings.provision:
            await topics.provision(self.settings, kafka.connection(self.settings))
        else:
            await topics.check(self.settings, kafka.connection(self.settings), self.service.topics)

    async def _handle(self, subscription: kafka.Subscription, records: Sequence[Record]) -> None:
        await self.bases.check(subscription)
        await self.delivery.deliver(self.bases.rebased(records))

    async def _stop(self, working: asyncio.Task[None], relaying: asyncio.Task[None]) -> None:
        log.info("stopping", service=self.service.name)
        await ended(working)
        await self.broker.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.relay.drained(), _DRAIN_WITHIN)
        await ended(relaying)
        await self.producer.close()
        await self.database.close()


async def ended(task: asyncio.Task[None]) -> None:
    """Cancels a task until it has ended: Python 3.11's `asyncio.wait_for` swallows a cancellation that comes with the answer."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_SAID_AGAIN)


async def start_consumers(broker: KafkaBroker) -> None:
    """Starts all consumers at once (joining a group takes seconds); undone if one fails, so that it can be tried again."""
    await broker.connect()
    read_carefully(broker)
    try:
        async with asyncio.TaskGroup() as tasks:
            for subscriber in broker.subscribers:
                tasks.create_task(subscriber.start())
    except BaseException:
        await broker.stop()
        raise


async def serve(service: AnyService, settings: Settings) -> None:
    """Runs one service until cancelled. SettingsError if the broker or the database is not set.

    GC: what there is at the start is never looked at again, and young objects, of which a batch makes many that live as
    long as it does, are looked at rarely (8 % of throughput).
    """
    process = Process(service, settings)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    await process.run()


def main(service: AnyService, settings: Settings) -> None:
    """Runs one service as this process, until SIGTERM or SIGINT."""
    set_up_logs(settings)
    set_up_traces(settings, service.name)
    asyncio.run(_until_signalled(service, settings))


async def _until_signalled(service: AnyService, settings: Settings) -> None:
    """A signal that comes while it stops changes nothing."""
    structlog.contextvars.bind_contextvars(service=service.name)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.ensure_future(serve(service, settings))
    signalled = asyncio.ensure_future(stop.wait())
    await asyncio.wait([serving, signalled], return_when=asyncio.FIRST_COMPLETED)
    serving.cancel()
    signalled.cancel()
    with suppress(asyncio.CancelledError):
        await serving
