"""The phases: loading invoices, payments at full speed, payments at a fixed rate.

Invariant: what is posted is counted in the database, by the voucher numbers that were given, so nothing reads along
while throughput is measured; a latency counts from when the payment should have been sent, whether or not the sender kept up
(no coordinated omission), until the last of its vouchers was read from the topic.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.local.in_process import NotQuiescentError
from shared.events.envelope import Topic
from shared.kafka.log_ends import end_offsets, end_offsets_at_least, partitions_of, reading
from shared.kafka.security import client_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from services.bench.stack import Stack
    from services.bench.workload import Payment
    from shared.events.envelope import Record
    from shared.settings import Settings

    Advance = Callable[[float], None]
    VouchersOf = Callable[[int], int]

AHEAD: Final = 3_000
"""Payments sent and not yet posted, at most: enough for full batches in all services, few enough to end in time."""
_CHUNK: Final = 500
_LOOK_EVERY: Final = 0.1
_STALLED_AFTER: Final = 60.0
_CORRELATION: Final = "ce_correlationid"


class Posted(NamedTuple):
    """What is in the ledgers: vouchers in all, and those of sales payments, one for each vendor payment that is through."""

    vouchers: int
    mirrors: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The invoices that were posted, in how many seconds."""

    documents: int
    seconds: float


@dataclass(slots=True)
class Speed:
    """Payments at full speed. `timeline`: seconds since the first was sent, payments that were through by then."""

    sent: int = 0
    through: int = 0
    vouchers: int = 0
    seconds: float = 0.0
    drain_seconds: float = 0.0
    timeline: list[tuple[float, int]] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Payments per second, from the first that was sent to the last voucher that was committed."""
        return self.sent / self.seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of each payment sent at a rate (per second), from its scheduled time to its last voucher."""

    rate: float
    milliseconds: list[float]

    def percentiles(self) -> dict[str, float]:
        """The usual ones."""
        hundred = quantiles(self.milliseconds, n=100, method="inclusive")
        figures = {"p50_ms": median(self.milliseconds), "p90_ms": hundred[89], "p99_ms": hundred[98], "max_ms": max(self.milliseconds)}
        return {name: round(value, 1) for name, value in figures.items()}


def _now() -> float:
    return asyncio.get_running_loop().time()


async def posted(stack: Stack) -> Posted:
    """What is in the ledgers by now."""
    query = f"""select coalesce(sum(number), 0)::bigint, coalesce(sum(number) filter (where series = 'AR-PAY'), 0)::bigint
    from "{stack.settings.schema_name("posting")}".numbers"""  # noqa: S608 - a name of ours
    row = await stack.connection.fetchrow(query)
    return Posted(*row) if row is not None else Posted(0, 0)


async def growing(stack: Stack) -> AsyncIterator[Posted]:
    """What is in the ledgers, again and again; NotQuiescentError when nothing has come for a minute."""
    last, since = await posted(stack), _now()
    while True:
        yield last
        await asyncio.sleep(_LOOK_EVERY)
        now = await posted(stack)
        if now != last:
            last, since = now, _now()
        elif _now() - since > _STALLED_AFTER:
            msg = f"nothing has been posted for {_STALLED_AFTER:.0f} seconds: the services' logs say why"
            raise NotQuiescentError(msg)


async def load(stack: Stack, records: Sequence[Record], vouchers: int, advance: Advance) -> Loaded:
    """Sends all at once and waits until this many vouchers are posted and all is at rest."""
    begin, started = (await posted(stack)).vouchers, _now()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stack.services.send(records))
        async for now in growing(stack):
            advance(now.vouchers - begin)
            if now.vouchers - begin >= vouchers:
                break
    seconds = _now() - started
    await stack.services.until_quiescent()
    return Loaded(len(records), seconds)


async def full_speed(stack: Stack, payments: Sequence[Payment], vouchers_of: VouchersOf, seconds: float, advance: Advance) -> Speed:
    """Keeps AHEAD payments under way until all are sent or the seconds are over; then all that was sent is waited for."""
    speed, begin, started = Speed(), await posted(stack), _now()
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(_send(stack, payments, vouchers_of, speed, seconds))
        sending.add_done_callback(lambda _: setattr(speed, "drain_seconds", _now()))
        async for now in growing(stack):
            speed.through, speed.seconds = now.mirrors - begin.mirrors, _now() - started
            speed.timeline.append((speed.seconds, speed.through))
            advance(speed.through)
            if sending.done() and now.vouchers - begin.vouchers >= speed.vouchers:
                break
    speed.drain_seconds = started + speed.seconds - speed.drain_seconds
    return speed


async def _send(stack: Stack, payments: Sequence[Payment], vouchers_of: VouchersOf, speed: Speed, seconds: float) -> None:
    until = _now() + seconds
    for chunk in _chunks(payments):
        while speed.sent - speed.through > AHEAD and _now() < until:  # noqa: ASYNC110 - what is posted is only known by asking
            await asyncio.sleep(_LOOK_EVERY / 5)
        if _now() >= until:
            return
        await stack.services.send(each.payment for each in chunk)
        speed.sent += len(chunk)
        speed.vouchers += sum(vouchers_of(each.number) for each in chunk)


def _chunks(payments: Sequence[Payment]) -> Iterator[Sequence[Payment]]:
    for start in range(0, len(payments), _CHUNK):
        yield payments[start : start + _CHUNK]


# Latency


class _Vouchers:
    """The vouchers that are still to come, by payment, and when each payment should have been sent."""

    def __init__(self, payments: Sequence[Payment], vouchers_of: VouchersOf) -> None:
        self._left = Counter({dict(each.payment.headers)["ce_id"]: vouchers_of(each.number) for each in payments})
        self.due: dict[bytes, float] = {}
        self.milliseconds: list[float] = []

    def came(self, payment: bytes) -> None:
        """One more voucher; the last one of a payment gives its latency."""
        self._left[payment] -= 1
        if self._left[payment] == 0:
            self.milliseconds.append((_now() - self.due[payment]) * 1000)


async def at_rate(stack: Stack, payments: Sequence[Payment], vouchers_of: VouchersOf, rate: float, advance: Advance) -> Latency:
    """Sends payments at a fixed rate per second, whatever comes back, and reads their vouchers from the topic."""
    vouchers = _Vouchers(payments, vouchers_of)
    async with _voucher_topic(stack.settings) as consumer, asyncio.timeout(len(payments) / rate + _STALLED_AFTER):
        sending = asyncio.ensure_future(_send_at_rate(stack, payments, rate, vouchers))
        while len(vouchers.milliseconds) < len(payments):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    vouchers.came(dict(record.headers)[_CORRELATION])
            advance(len(vouchers.milliseconds))
        await sending
    return Latency(rate, vouchers.milliseconds)


async def _send_at_rate(stack: Stack, payments: Sequence[Payment], rate: float, vouchers: _Vouchers) -> None:
    begin, sent = _now(), 0
    while sent < len(payments):
        await asyncio.sleep(begin + sent / rate - _now())
        due = min(len(payments), int((_now() - begin) * rate) + 1)
        for number in range(sent, due):
            vouchers.due[dict(payments[number].payment.headers)["ce_id"]] = begin + number / rate
        await stack.services.send(each.payment for each in payments[sent:due])
        sent = max(sent, due)


@asynccontextmanager
async def _voucher_topic(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all vouchers that come from now on."""
    consumer = AIOKafkaConsumer(**client_arguments(settings), enable_auto_commit=False, fetch_max_wait_ms=settings.fetch_max_wait_ms)
    async with reading(settings) as reader:
        places = await partitions_of(reader, [Topic.VOUCHERS], settings)
        ends = await end_offsets(reader, await end_offsets_at_least(reader, places, settings), settings)
    await consumer.start()
    try:
        topic = settings.topic_name(Topic.VOUCHERS)
        consumer.assign([TopicPartition(topic, place.number) for place in ends])
        for place, end in ends.items():
            consumer.seek(TopicPartition(topic, place.number), end)
        yield consumer
    finally:
        await consumer.stop()
