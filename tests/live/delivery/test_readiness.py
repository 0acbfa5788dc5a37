"""Readiness tells the truth: every reason why the next message would not be taken is named."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.delivery import housekeeping, shell_queries
from shared.delivery.housekeeping import Housekeeping
from shared.delivery.ports import Partition
from shared.metrics import FAILED, FAILED_DROPPED
from shared.runtime.health import Readiness
from tests.builders.invoices import invoice
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.delivery import ports
    from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded


INVOICES = Partition("intercompany.invoices", 0)
REQUESTS = Partition("intercompany.requests", 2)


class Consumer:
    """A consumer as readiness sees it."""

    def __init__(self) -> None:
        self.assigned: set[Partition] = {Partition("intercompany.invoices", 0)}
        self.topics: Collection[str] = ["intercompany.invoices"]
        self.passed: Mapping[Partition, int] = {}
        self.missing: Collection[str] = []
        self.polled: dict[Partition, int | None] = {}

    def polled_ms(self) -> dict[Partition, int | None]:
        """When the broker last answered."""
        return self.polled

    def ends(self) -> dict[Partition, int]:
        """Where the partitions end."""
        return {}


class Consumers:
    """One consumer, which is started by the test."""

    def __init__(self, consumer: Consumer) -> None:
        self.each: Sequence[ports.Consumer] = [consumer]

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""


def _readiness(running: Running, consumer: Consumer) -> Readiness:
    return Readiness(running.delivery, running.housekeeping, Consumers(consumer))


async def test_each_reason_is_named_and_goes_with_its_cause(running: Running) -> None:
    consumer = Consumer()
    readiness = _readiness(running, consumer)
    assert await readiness.reasons() == ["the consumers have not started"]
    readiness.started = True
    assert await readiness.reasons() == []

    now = running.runtime.clock.now().timestamp() * 1000
    consumer.polled = {INVOICES: int(now) - 20_000}
    assert await readiness.reasons() == ["the broker has not answered for 20 s"]
    consumer.polled, consumer.assigned = {INVOICES: int(now)}, set()
    assert "no partition is assigned" in (await readiness.reasons())[0]
    consumer.assigned = {Partition("intercompany.invoices", 0)}

    running.runtime.troubles.failed("relay", ConnectionError("away"))
    assert await readiness.reasons() == ["relay: ConnectionError: away"]
    running.runtime.troubles.recovered("relay")
    assert await readiness.reasons() == []


async def test_a_column_that_the_schema_does_not_have_is_said_and_nothing_is_lost(running: Running) -> None:
    readiness = _readiness(running, Consumer())
    readiness.started = True
    await running.value("alter table counts rename total to what_another_version_calls_it")
    delivering = asyncio.create_task(running.deliver(invoice("A", 0)))

    async def said() -> bool:
        [reason] = await readiness.reasons()
        return reason.startswith("batch: the schema is not this version's: run `intercompany migrate` of this version")

    await until(said)
    await running.value("alter table counts rename what_another_version_calls_it to total")
    await delivering
    assert await running.counts() == {"FAB": 1}
    assert await readiness.reasons() == []


async def test_a_topic_that_is_not_being_read_is_named_with_the_reason(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer()
    readiness = _readiness(running, consumer)
    readiness.started = True
    consumer.missing = ["intercompany.requests"]
    assert await readiness.reasons() == ["intercompany.requests: the broker has no such topic, or does not show it"]
    consumer.missing = []
    now = running.runtime.clock.now()
    consumer.polled = {INVOICES: int(now.timestamp() * 1000) + 20_000, REQUESTS: int(now.timestamp() * 1000)}
    monkeypatch.setattr(running.runtime.clock, "now", lambda: now + timedelta(seconds=20))
    assert await readiness.reasons() == ["intercompany.requests: the broker has not answered for 20 s about partition 2"]


async def test_a_partition_of_which_the_broker_never_says_anything_is_named_once_it_was_asked_for_long(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = Consumer()
    readiness = _readiness(running, consumer)
    readiness.started = True
    now = running.runtime.clock.now()
    consumer.polled = {INVOICES: int(now.timestamp() * 1000) + 20_000, REQUESTS: None}
    assert await readiness.reasons() == []
    monkeypatch.setattr(running.runtime.clock, "now", lambda: now + timedelta(seconds=20))
    assert await readiness.reasons() == ["intercompany.requests: the broker has not answered for 20 s about partition 2"]


async def test_failed_messages_a_stuck_outbox_and_a_hanging_batch_are_reasons(running: Running) -> None:
    readiness = _readiness(running, Consumer())
    readiness.started = True
    await running.deliver(invoice("A", 0), invoice("X", 1, company="BUG"))
    await running.value("update outbox set created_at = created_at - interval '40 seconds'")
    await running.housekeeping.once()
    running.delivery.busy_since[0] = running.runtime.clock.monotonic() - 90
    assert await readiness.reasons() == [
        "a batch takes 90 s",
        "the oldest batch has waited 40 s for the broker",
        "1 messages were put into the table failed in the last 15 minutes",
    ]
    await running.value("delete from failed")
    async with running.relaying():
        await running.until_sent()
    await running.housekeeping.once()
    running.delivery.busy_since.clear()
    assert await readiness.reasons() == []


async def test_however_many_ask_there_is_one_look_a_second(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    readiness = _readiness(running, Consumer())
    looks = 0
    look = readiness.reasons
    now = 100.0

    async def counted() -> list[str]:
        nonlocal looks
        looks += 1
        return await look()

    monkeypatch.setattr(readiness, "reasons", counted)
    monkeypatch.setattr(running.runtime.clock, "monotonic", lambda: now)
    answers = await asyncio.gather(*(readiness.kept_reasons() for _ in range(300)))
    assert (looks, answers[0]) == (1, ["the consumers have not started"])
    readiness.started = True
    now += 1.0
    assert await readiness.kept_reasons() == []
    assert looks == 2


async def test_an_old_defect_is_told_by_the_metric_and_does_not_keep_every_instance_red(running: Running) -> None:
    readiness = _readiness(running, Consumer())
    readiness.started = True
    await running.deliver(invoice("X", 0, company="BUG"))
    await running.value("update failed set failed_at = failed_at - interval '16 minutes'")
    await running.housekeeping.once()
    assert await readiness.reasons() == []
    assert FAILED.labels("counter")._value.get() == 1  # noqa: SLF001


async def test_a_gap_keeps_readiness_red_until_it_is_acknowledged_and_the_log_says_by_whom(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(housekeeping.log, "warning", lambda text, **about: said.append((text, about)))
    readiness = _readiness(running, Consumer())
    readiness.started = True
    await running.value("insert into gaps (topic, partition, first, last) values ('intercompany.invoices', 0, 5, 19) returning 1")
    await running.housekeeping.once()
    assert await readiness.reasons() == ["intercompany.invoices/0: the records 5 to 19 were gone before they were read"]
    async with running.database.transaction() as connection:
        await shell_queries.acknowledge_gaps(connection, "intercompany.invoices", 0, None)
    for _ in range(2):
        await running.housekeeping.once()
        assert await readiness.reasons() == []
    ((text, about),) = said
    assert text == "missing records were acknowledged"
    assert (about["first"], about["last"]) == (5, 19)
    assert about["by"] == await running.value("select session_user")


async def test_what_was_put_aside_is_bounded_by_number_and_age_and_what_is_dropped_is_counted(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MOST_FAILED", 3)
    before = FAILED_DROPPED.labels("counter")._value.get()  # noqa: SLF001
    for number in range(6):
        await running.deliver(invoice(f"X{number}", number, company="BUG"))
    await running.value("update failed set failed_at = failed_at - interval '91 days' where \"offset\" = 4")
    await running.housekeeping.once()
    assert await running.value('select array_agg("offset" order by id) from failed') == [3, 5]
    assert FAILED_DROPPED.labels("counter")._value.get() - before == 4  # noqa: SLF001
    assert FAILED.labels("counter")._value.get() == 2  # noqa: SLF001


async def test_an_order_that_fails_for_good_keeps_nothing_else_of_housekeeping_from_being_done(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Housekeeping(running.delivery, timedelta(days=1))
    done: list[str] = []

    async def fails(_: object) -> None:
        msg = "a defect of giving up"
        raise TypeError(msg)

    async def expires() -> None:
        done.append("what has waited too long is given up")

    monkeypatch.setattr(patient, "_discard", fails)
    monkeypatch.setattr(patient, "_expire", expires)
    with pytest.raises(TypeError, match="a defect of giving up"):
        await patient.once()
    assert done == ["what has waited too long is given up"]
