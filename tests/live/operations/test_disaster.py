"""What docs/architecture/disaster.md says of each disaster: topics lost, a database set back, a schema set back alone."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from services.operations.resend import NotNoticedError, order_resending
from services.registry import SERVICES
from services.scenarios.simulation import simulate
from shared.delivery import shell_queries
from shared.embedded import start_backing_services
from shared.embedded.addresses import settings_on
from shared.embedded.database import programs
from shared.events.envelope import Topic
from shared.settings import Settings
from tests.builders.disaster import (
    INVOICES,
    LOAD,
    PAYMENTS,
    REFERENCE,
    STAGES,
    Group,
    lose_topics,
    opened,
    read_by_some,
    send_again,
    serving,
)
from tests.builders.load import compared, live_result
from tests.live.operations.told import vouchers_told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator


pytestmark = pytest.mark.embedded


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="disaster-") as path:
        yield Path(path)


@asynccontextmanager
async def _group(folder: Path) -> AsyncIterator[Group]:
    """A broker that knows nothing of what was, and the database as it was left; no service runs."""
    async with _started(folder) as settings, opened(settings) as group:
        yield group


@asynccontextmanager
async def _started(folder: Path) -> AsyncIterator[Settings]:
    async with start_backing_services(folder) as started:
        yield settings_on(started, namespace="lost", log_level="ERROR", health_port=0)


@pytest.mark.parametrize("lagging", ["payment", *(pytest.param(each, marks=pytest.mark.long) for each in STAGES if each != "payment")])
async def test_what_was_lost_with_the_topics_before_it_was_read_is_sent_again(folder: Path, lagging: str) -> None:
    async with _group(folder) as group:
        since = await read_by_some(group, lagging)
    async with _group(folder) as group:  # the broker's memory is gone
        with pytest.raises(NotNoticedError, match="start the services"):
            await order_resending(group.schemas, since)
        async with serving(group.services.settings, SERVICES):
            again = await send_again(group, since)
            assert await group.problems() == {}
            live = await live_result(group.services.settings, LOAD)
    assert compared(live) == compared(simulate(LOAD))
    assert sum(each.batches for each in again.ordered) > 0
    assert any(each.endswith(NAMED[lagging]) for each in again.named), again.named


NAMED = {
    "posting": "FAB payable payment PAID-1 (100.00 USD) has no voucher",
    "settlement": " of FAB PAID-1, and settlement has not read it",
    "payment": "scenario PAID-1 waits in settlement for its sales payments, payment has not answered",
}


# A database set back, while the topics went on


FIRST, THEN = PAYMENTS[:3], PAYMENTS[3:]


@pytest.mark.parametrize(
    "set_back",
    [
        pytest.param(("payment", "settlement", "posting"), id="all"),
        *(pytest.param((service,), id=service, marks=pytest.mark.long) for service in ("payment", "settlement", "posting")),
    ],
)
async def test_what_is_set_back_is_read_again_from_the_topics(folder: Path, set_back: tuple[str, ...]) -> None:
    async with _started(folder) as settings:
        await _posted_and_dumped(settings, set_back, folder)
        before = await _said(settings)
        await _restored(settings, folder)
        async with opened(settings) as group:
            await group.sent([], SERVICES)
            assert await group.problems() == {}
            live = await live_result(settings, LOAD)
        after = await _said(settings)
    assert compared(live) == compared(simulate(LOAD))
    assert after == before  # the same events, with the same numbers: each of the services' own topics has one partition here


async def test_what_settlement_alone_decides_otherwise_the_second_time_is_refused_and_named(folder: Path) -> None:
    """As if the terms of an invoice had been read otherwise: what posting has by then stays, and is not what settlement says now."""
    without_discount = (
        """update {}.documents set tiers = null, body = jsonb_set(body::jsonb, '{{17}}', '[]')::json where document = 'BILL-3'"""
    )
    async with _started(folder) as settings:
        await _posted_and_dumped(settings, ["settlement"], folder)
        await _restored(settings, folder)
        async with opened(settings) as group:
            async with group.schemas.of("settlement") as connection:
                await connection.execute(without_discount.format(settings.schema_name("settlement")))
            await group.sent([], SERVICES)
            found = await group.problems()
            async with group.schemas.of("posting") as connection:
                refused = await shell_queries.rejections(connection, "conflicting-duplicate", None)
    (differing,) = found["each voucher has its document or settlement record, with its amount"]
    assert differing.startswith("FABE AP-SET-000004, payable settlement scenario PAID-3 record 1 ")
    assert differing.endswith(": 100.00 USD is posted on the party's account, the record settles 98.00")
    assert [each.rejection.source for each in refused] == ["intercompany/settlement"]


async def test_what_is_set_back_with_the_services_own_topics_is_decided_anew(folder: Path) -> None:
    async with _started(folder) as settings:
        await _posted_and_dumped(settings, [service.name for service in SERVICES], folder)
        await _restored(settings, folder)
        await lose_topics(settings, [Topic.JOURNALS, Topic.SETTLEMENTS])
        async with opened(settings) as group:
            await group.sent([], SERVICES)
            await group.at_rest(SERVICES)
            assert await group.problems() == {}
            live = await live_result(settings, LOAD)
    assert compared(live) == compared(simulate(LOAD))


async def _posted_and_dumped(settings: Settings, services: Iterable[str], folder: Path) -> None:
    """A part, a backup of these services' schemas, and the rest."""
    async with opened(settings) as group:
        await group.sent([*REFERENCE, *INVOICES, *FIRST], SERVICES)
        schemas = [f"--schema={settings.schema_name(name)}" for name in services]
        await _command("pg_dump", "--format=custom", f"--file={folder / 'backup'}", *schemas, settings.database)
        await group.sent(THEN, SERVICES)


async def _restored(settings: Settings, folder: Path) -> None:
    await _command("pg_restore", "--clean", "--if-exists", f"--dbname={settings.database}", str(folder / "backup"))


async def _command(name: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(str(programs() / name), *arguments, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


async def _said(settings: Settings) -> dict[str, tuple[str, str]]:
    """Of each voucher that was ever told of, by the event's id, company and number: the last time that it was."""
    said = [(dict(each.headers)["ce_id"].decode(), json.loads(each.value)) for each in await vouchers_told(settings)]
    return {id_: (data["company"], data["voucher"]) for id_, data in said}
