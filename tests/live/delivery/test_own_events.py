"""An event of our own that this version cannot read is kept, and taken once a version can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from services.settlement.service import SERVICE as SETTLEMENT
from shared.events.codec import encode
from shared.events.emitting import Emitter, caused_by_outside
from shared.events.envelope import EventRef, Record, Topic
from shared.events.journals import SalesPaymentsReply
from tests.builders.invoices import invoice
from tests.builders.records import taken
from tests.live.delivery.running import Running

if TYPE_CHECKING:
    from shared.settings import Settings

pytestmark = pytest.mark.embedded


def _reply(field: str) -> Record:
    """A reply of the payment service, its number under this name."""
    cause = taken(invoice("P-1", 0))
    reply = SalesPaymentsReply(EventRef("erp", "P-1"), 1)
    about = caused_by_outside(cause, cause.ref, cause.time)
    sent = Emitter("intercompany/payment").emit(about, "sales-payment-journals.answered", 0, "", reply)
    key, value, headers = encode(sent)
    data = orjson.loads(value)
    return Record(Topic.JOURNALS, key, orjson.dumps({"run": data["run"], field: data["reply_count"]}), headers)


async def test_an_unreadable_event_on_the_topic_of_journals_is_kept_and_can_be_retried(settings: Settings) -> None:
    running = Running(settings, SETTLEMENT)
    try:
        await running.prepare()
        await running.deliver(_reply("of_a_version_to_come"))
        assert await running.value("select count(*) from failed") == 1
        assert "reply_count" in await running.value("select error from failed")
        assert await running.value("select next_offset from positions") == 1

        async with running.database.transaction() as connection:
            await connection.execute("update failed set retry = true, value = $1", _reply("reply_count").value)
        await running.housekeeping.once()
        assert await running.value("select count(*) from failed") == 0
        assert await running.value("select count(*) from inbox") == 1
    finally:
        await running.database.close()


async def test_a_reply_under_the_name_of_0_1_is_taken(settings: Settings) -> None:
    running = Running(settings, SETTLEMENT)
    try:
        await running.prepare()
        await running.deliver(_reply("answers"))
        assert await running.value("select count(*) from failed") == 0
        assert await running.value("select count(*) from inbox") == 1
    finally:
        await running.database.close()
