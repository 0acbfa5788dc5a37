"""One service as a process: start, run, stop.

Invariant: it starts whatever is away, and continues by itself when that comes back; with PROVISION=false it makes
neither schema nor topics and waits until they are there; it stops gracefully: first it
takes no new batch, the one at hand is finished, what was decided is sent, and then the connections are closed; what
time does not allow is in the database and continues at the next start. Where a part of it ends that nobody asked to, the service
says so; without one that delivers it stops, and whoever runs it starts it again.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvloop

from shared.delivery.batch import Delivery
from shared.delivery.housekeeping import Housekeeping
from shared.delivery.read_positions import ReadPositions
from shared.delivery.relay import Relay
from shared.kafka import topics
from shared.kafka.log_ends import BrokerLog
from shared.kafka.producer import KafkaProducer
from shared.kafka.security import client_arguments
from shared.kafka.subscription import KafkaConsumers
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import check_migrated, migrate, schema_version
from shared.runtime.health import Readiness, health_app, serve_health
from shared.runtime.measuring import Measuring
from shared.runtime.retry import any_error, retry_forever
from shared.runtime.system import system_runtime
from shared.telemetry import send_last_spans, set_up_logs, set_up_traces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence

    from shared.delivery.ports import Clock, Consumer, Consumers, Database, Handler, Log, Producer, ReadOn
    from shared.delivery.service import AnyService
    from shared.events.envelope import Record
    from shared.runtime.retry import Runtime
    from shared.settings import Settings

    Companion = Callable[[Settings, Runtime], Awaitable[None]]

log = structlog.get_logger(__name__)

_DRAIN_WITHIN: Final = 5.0
_LEAVE_WITHIN: Final = 30.0
"""For the batch at hand, and for leaving the groups; longer than the consumers themselves wait for the batch."""
_SAID_AGAIN: Final = 3.0
"""Longer than closing a connection takes: a second cancellation would cut that off."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All that a service's process reaches: the real ones, or a simulator's.

    `consumers` makes the consumers, of a handler and of what says where to read on; `provision` makes the topics or checks that
    they are there.
    """

    runtime: Runtime
    database: Database
    producer: Producer
    log: Log
    consumers: Callable[[Handler, ReadOn], Consumers]
    provision: Callable[[], Awaitable[None]]


def real_ports(service: AnyService, settings: Settings) -> Ports:
    """Kafka, PostgreSQL, the machine's clock. SettingsError if the broker or the database is not set."""
    return Ports(
        system_runtime(),
        Postgres(settings.database_of(service.name), settings.schema_name(service.name), schema_version(service)),
        KafkaProducer(settings),
        BrokerLog(settings),
        lambda handler, read_on: KafkaConsumers(service, settings, handler, read_on),
        lambda: _provision(service, settings),
    )


async def _provision(service: AnyService, settings: Settings) -> None:
    if settings.provision:
        await topics.provision(settings, client_arguments(settings))
    else:
        read = service.topics_read(enforces_senders=settings.enforces_senders)
        await topics.check(settings, client_arguments(settings), read | service.publishes)


class EndedByItselfError(Exception):
    """A part of a service has ended that nobody asked to; the text names it."""


class Process:
    """One service, wired to its ports."""

    def __init__(self, service: AnyService, settings: Settings, ports: Ports | None = None, companions: Sequence[Companion] = ()) -> None:
        """`companions`: what runs beside the service in its process, from when it serves until it stops."""
        self.service = service
        self.settings = settings
        self.ports = ports or real_ports(service, settings)
        self.runtime, self.database = self.ports.runtime, self.ports.database
        self.relay = Relay(self.database, self.ports.producer, self.runtime, service.name)
        self.delivery = Delivery(service, self.database, self.relay, self.ports.log, self.runtime)
        kept = (settings.keep_sent, settings.keep_sent_bytes)
        self.housekeeping = Housekeeping(self.delivery, settings.wait_at_most, settings.announce_waits_after, *kept)
        self.positions = ReadPositions(self.delivery, self.ports.log)
        self.consumers = self.ports.consumers(self._handle, self.positions.read_on)
        self.readiness = Readiness(self.delivery, self.housekeeping, self.consumers)
        self.measuring = Measuring(service.name, self.readiness, self.positions, self.consumers, self.runtime.clock)
        self._companions = companions
        self._migrated = asyncio.Event()
        self._serving = asyncio.Event()
        self._is_to_end = False

    async def run(self) -> None:
        """Until cancelled: one cancellation is enough.

        Its work is tasks of their own, to which the end is said until they end. None of them has tasks in a group of its own: a group
        says the end to those once, and where that is lost it waits for them for ever.
        """
        async with asyncio.TaskGroup() as tasks:
            health = tasks.create_task(serve_health(health_app(self.readiness), self.settings), name="health")
            relaying = tasks.create_task(self._relay(), name="relay")
            releasing = tasks.create_task(self._release(), name="releasing")
            beside = [tasks.create_task(act, name="beside") for act in self._beside()]
            working = tasks.create_task(self._work(), name="work")
            for each in (health, relaying, releasing, *beside, working):
                each.add_done_callback(self._say_why)
            try:
                over, _ = await asyncio.wait([working, relaying, releasing], return_when=asyncio.FIRST_COMPLETED)
                raise EndedByItselfError(" and ".join(sorted(each.get_name() for each in over)))
            finally:
                self._is_to_end = True
                self.readiness.started = False
                for each in beside:
                    await ended(each, self.runtime.clock)
                await self._stop(working, releasing, relaying)

    def _say_why(self, part: asyncio.Task[None]) -> None:
        """At once: to stop takes its time, and what was wrong is raised only then."""
        failure = None if part.cancelled() else part.exception()
        if not self._is_to_end and (failure is not None or part.cancelled()):
            log.error("a part of the service has ended by itself", service=self.service.name, part=part.get_name(), exc_info=failure)

    def _beside(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What is done for who looks, and delivers nothing: metrics where they can be read, the companions."""
        if self.settings.health_port:
            yield self.measuring.run()
        for companion in self._companions:
            yield self._accompany(companion)

    async def _accompany(self, companion: Companion) -> None:
        await self._serving.wait()
        await companion(self.settings, self.runtime)

    async def _relay(self) -> None:
        await self._migrated.wait()
        await self.relay.run()

    async def _release(self) -> None:
        await self._serving.wait()
        await self.housekeeping.release_for_ever()

    async def _work(self) -> None:
        await self._until_done("migrations", self._migrate)
        self._migrated.set()
        await self._until_done("topics", self.ports.provision)
        await self._until_done("consumers", self.consumers.start)
        self.readiness.started = True
        log.info("serving", service=self.service.name, schema=self.database.schema)
        self._serving.set()
        await self.housekeeping.every_few_seconds(self.positions, self.consumers.each, self.ports.provision)

    async def _until_done(self, what: str, act: Callable[[], Awaitable[None]]) -> None:
        await retry_forever(what, act, self.runtime, retry_if=any_error)

    async def _migrate(self) -> None:
        bring = migrate if self.settings.provision else check_migrated
        await bring(self.database, self.database.schema, self.service)
        await self.delivery.start(self._instance)

    @property
    def _instance(self) -> str:
        return self.settings.group_instance_id or ""

    async def _handle(self, _: Consumer, records: Sequence[Record]) -> None:
        rebased = await self.positions.rebased(records)
        await self.delivery.deliver(rebased)
        self.positions.note_taken(rebased)

    async def _stop(self, working: asyncio.Task[None], releasing: asyncio.Task[None], relaying: asyncio.Task[None]) -> None:
        log.info("stopping", service=self.service.name)
        await ended(working, self.runtime.clock)
        await ended(releasing, self.runtime.clock)
        try:
            async with self.runtime.clock.timeout(_LEAVE_WITHIN):
                await self.consumers.stop()
        except TimeoutError:
            log.warning("the consumers have not stopped in time: what they had at hand is read again", service=self.service.name)
        with suppress(TimeoutError):
            async with self.runtime.clock.timeout(_DRAIN_WITHIN):
                await self.relay.drained()
        await ended(relaying, self.runtime.clock)
        with suppress(Exception):  # then it counts as a crash, which costs the next start some smaller batches
            async with self.runtime.clock.timeout(_DRAIN_WITHIN):
                await self.delivery.stop(self._instance)
        await self.ports.producer.close()
        await self.database.close()


async def ended(task: asyncio.Task[None], clock: Clock) -> None:
    """Cancels a task until it has ended: Python 3.11's `asyncio.wait_for` swallows a cancellation that comes with the answer."""
    while not task.done():
        task.cancel()
        with suppress(TimeoutError):
            async with clock.timeout(_SAID_AGAIN):
                await asyncio.wait([task])


async def serve(service: AnyService, settings: Settings, companions: Sequence[Companion] = ()) -> None:
    """Runs one service until cancelled. SettingsError if the broker or the database is not set."""
    await run_process(Process(service, settings, companions=companions))


async def run_process(process: Process) -> None:
    """Runs a service until cancelled.

    GC: what there is at the start is never looked at again, and young objects, of which a batch makes many that live as
    long as it does, are looked at rarely (8 % of throughput).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    await process.run()


def main(service: AnyService, settings: Settings, companions: Sequence[Companion] = ()) -> None:
    """Runs one service as this process, until SIGTERM or SIGINT."""
    set_up_logs(settings)
    set_up_traces(settings, service.name)
    for problem in settings.unencrypted():
        log.warning("what is sent can be read on its way: REQUIRE_TLS=true refuses this", problem=problem)
    try:
        # What a service does beside its rules is mostly waiting for broker and database: this loop does it in C.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_signalled(service, settings, companions))
    finally:
        send_last_spans()


async def _until_signalled(service: AnyService, settings: Settings, companions: Sequence[Companion] = ()) -> None:
    """A signal that comes while it stops changes nothing."""
    structlog.contextvars.bind_contextvars(service=service.name)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.ensure_future(serve(service, settings, companions))
    signalled = asyncio.ensure_future(stop.wait())
    await asyncio.wait([serving, signalled], return_when=asyncio.FIRST_COMPLETED)
    serving.cancel()
    signalled.cancel()
    with suppress(asyncio.CancelledError):
        await serving
