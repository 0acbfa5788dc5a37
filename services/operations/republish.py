"""Vouchers published again from the ledger, for a topic that was lost or whose retention has removed them.

Invariant: data and key are those of the first time; the event's id is another one, since the ledger does not keep the first: it
follows from company and voucher number, so publishing again any number of times gives the same ids, and consumers recognise a
voucher that they have by company and number (both are kept for ever). They come company by company and series by series, each
in the order of its numbers.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from services.posting import queries as posting_queries
from services.posting.rules.fold import VOUCHER_POSTED
from shared.events.codec import encode
from shared.events.envelope import EventRef, Outgoing, Record, Topic
from shared.kafka.sender import sender

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from shared.events.vouchers import Voucher

SOURCE: Final = "intercompany/posting/republished"


async def republish(schemas: Schemas, company: str | None = None, since: date | None = None) -> int:
    """Publishes all vouchers, or those of one company, or from a date on; how many. NotSentError if the broker rejects one."""
    sent = 0
    async with schemas.of("posting") as connection, sender(schemas.settings) as sending:
        async for page in posting_queries.voucher_pages(connection, company, since):
            await sending.send(map(_record, page))
            sent += len(page)
    return sent


def _record(voucher: Voucher) -> Record:
    ref = EventRef(SOURCE, f"{voucher.company}/{voucher.voucher}")
    time = datetime(voucher.date.year, voucher.date.month, voucher.date.day, tzinfo=UTC)
    outgoing = Outgoing(Topic.VOUCHERS, voucher.company, VOUCHER_POSTED, ref, voucher, time, cause=ref, first=ref)
    key, value, headers = encode(outgoing)
    return Record(outgoing.topic, key, value, tuple(headers))
