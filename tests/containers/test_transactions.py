"""Kafka transactions of a sender: what it aborts never came, what it commits is taken, and neither makes a gap or a stop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer

from services.desk.schemas import load_books, open_schemas
from services.local.in_process import running_services
from services.scenarios.scenario_file import arrivals
from services.simulator.streams import scenario
from shared.kafka.security import client_arguments
from tests.builders.settlement import GROUP, invoice
from tests.containers.parts import Parts, started_parts

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """One broker and one database."""
    with started_parts() as parts:
        yield parts


async def test_what_a_sender_aborts_is_not_posted_and_holds_nothing_up(parts: Parts) -> None:
    settings = parts.settings()
    *group, aborted, committed, afterwards = (
        arrival.record for arrival in arrivals(scenario(GROUP, [invoice("ABORTED"), invoice("COMMITTED"), invoice("AFTERWARDS")]))
    )
    async with running_services(settings) as services, open_schemas(settings) as schemas:
        await services.send(group)
        producer = AIOKafkaProducer(**client_arguments(settings), transactional_id="sender")
        await producer.start()
        try:
            for record, ends in ((aborted, producer.abort_transaction), (committed, producer.commit_transaction)):
                await producer.begin_transaction()
                await producer.send_and_wait(
                    settings.topic_name(record.topic), record.value, key=record.key, headers=list(record.headers), partition=0
                )
                await ends()
        finally:
            await producer.stop()
        await services.until_quiescent()  # though the log ends with a record of the transaction's own
        await services.send([afterwards])
        await services.until_quiescent()
        assert {voucher.document for voucher in (await load_books(schemas)).posting.vouchers} == {"COMMITTED", "AFTERWARDS"}
        async with schemas.of("settlement") as connection:
            assert await connection.fetchval("select count(*) from gaps") == 0
            assert await connection.fetchval("select count(*) from rejections") == 0
