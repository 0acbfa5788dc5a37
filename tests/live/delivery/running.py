"""The shell on a real database, with the broker played by the test."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tenacity import AsyncRetrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from shared.delivery.batch import Delivery
from shared.delivery.housekeeping import Housekeeping
from shared.delivery.relay import Relay
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate, schema_version
from shared.runtime.system import system_runtime
from tests.live.delivery.toy.service import SERVICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

    from shared.delivery.ports import Encoded, Partition
    from shared.delivery.service import AnyService
    from shared.events.envelope import Record
    from shared.settings import Settings


async def until(true: Callable[[], Awaitable[Any]], seconds: float = 30) -> None:
    """Waits until something becomes true; asking may fail meanwhile."""
    not_yet = retry_if_result(lambda so: not so) | retry_if_exception_type(Exception)

    async def asked() -> Any:
        return await true()

    await AsyncRetrying(wait=wait_fixed(0.05), stop=stop_after_delay(seconds), retry=not_yet)(asked)


async def is_ready(port: int) -> bool:
    """Whether a process's health server says that it is ready."""
    return await asyncio.to_thread(answer_of, port, "ready") == (200, "ready\n")


def answer_of(port: int, path: str) -> tuple[int, str]:
    """What it answers: the status and the text."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class Sent:
    """A producer that notes what is sent; `fails` raises that often first, `refuses` are ids never taken."""

    def __init__(self) -> None:
        self.messages: list[Encoded] = []
        self.fails = 0
        self.refuses: set[bytes] = set()
        self.restarts = 0

    async def restart(self) -> None:
        """Counts."""
        self.restarts += 1

    async def close(self) -> None:
        """Nothing."""

    async def send_all(self, messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        """Notes the messages; of a batch that fails, half is sent all the same."""
        if self.fails:
            self.fails -= 1
            self.messages += messages[: len(messages) // 2]
            msg = "the broker is away"
            raise ConnectionError(msg)
        refused = [message for message in messages if dict(message.headers)["ce_id"] in self.refuses]
        self.messages += [message for message in messages if message not in refused]
        return [(message, ValueError("too large")) for message in refused]

    @property
    def ids(self) -> list[str]:
        """The ids of all that was sent, in order."""
        return [dict(message.headers)["ce_id"].decode() for message in self.messages]


class Ends:
    """A broker's log of which only the ends are asked (ports.Log)."""

    def __init__(self, ends: Mapping[Partition, int] | None = None) -> None:
        self.ends = dict(ends or {})
        self.begins: dict[Partition, int] = {}

    async def begin_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The first offsets."""
        return {each: self.begins.get(each, 0) for each in partitions}

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The ends."""
        return {each: self.ends.get(each, 0) for each in partitions}


class Running:
    """One instance of a service."""

    def __init__(self, settings: Settings, service: AnyService = SERVICE) -> None:
        self.settings = settings
        self.service = service
        self.schema = settings.schema_name(service.name)
        self.database = Postgres(settings.database, self.schema, schema_version(service))
        self.runtime = system_runtime()
        self.sent = Sent()
        self.ends = Ends()
        self.relay = Relay(self.database, self.sent, self.runtime)
        self.delivery = Delivery(service, self.database, self.relay, self.ends, self.runtime)
        self.housekeeping = Housekeeping(self.delivery, settings.wait_at_most, settings.announce_waits_after)

    async def prepare(self) -> None:
        """Makes the schema."""
        await migrate(self.database, self.schema, self.service)

    async def deliver(self, *records: Record) -> None:
        """One batch."""
        await asyncio.wait_for(self.delivery.deliver(records), 30)

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[None]:
        """With the relay running; at the end all is sent."""
        task = asyncio.create_task(self.relay.run())
        try:
            yield
            await self.until_sent()
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def until_sent(self) -> None:
        """Waits until the outbox is empty."""
        await until(lambda: self.value("select not exists (select from outbox)"))

    async def value(self, query: str) -> Any:
        """One value from the toy's schema."""
        async with self.database.transaction() as connection:
            return await connection.fetchval(query)

    async def counts(self) -> dict[str, int]:
        """Invoices counted by company."""
        async with self.database.transaction() as connection:
            return {row["company"]: row["number"] for row in await connection.fetch("select * from counts")}
