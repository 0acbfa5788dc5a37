"""Topics of Apache Kafka that were deleted with records that nobody had read: what the services said is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.registry import SERVICES
from services.scenarios.simulation import simulate
from shared.events.envelope import Topic
from tests.builders.disaster import LOAD, lose_topics, opened, read_by_some, send_again, serving
from tests.builders.load import compared, live_result
from tests.containers.parts import Parts, started_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.containers

TOPICS = (Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS, Topic.REFERENCE, Topic.JOURNALS, Topic.SETTLEMENTS, Topic.VOUCHERS)


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """One broker and one database."""
    with started_parts() as parts:
        yield parts


async def test_what_posting_had_not_read_when_all_topics_were_deleted_is_sent_again(parts: Parts) -> None:
    settings = parts.settings()
    async with opened(settings) as group:
        since = await read_by_some(group, "posting")
    await lose_topics(settings, TOPICS)
    async with opened(settings) as group, serving(settings, SERVICES):
        again = await send_again(group, since)
        assert await group.problems() == {}
        live = await live_result(settings, LOAD)
    assert compared(live) == compared(simulate(LOAD))
    assert "FAB payable payment PAID-1 (100.00 USD) has no voucher" in again.named
