"""Vouchers published again from the ledger, for a topic that was lost or whose retention has taken them.

What always holds: data and key are those of the first time; the event's id is another one, since the ledger does not keep
the first: it follows from company and voucher number, so publishing again as often as one likes gives the same ids, and
who takes vouchers knows one that it has by company and number (both are there for ever). They come company by
company and series by series, each in the order of its numbers.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from services.inquiry.schemas import schema_of
from services.posting.rules.fold import VOUCHER_POSTED
from services.posting.rules.numbers import VoucherKey
from services.posting.store import Store
from shared.events.codec import encode
from shared.events.envelope import EventRef, Outgoing, Record, Topic
from shared.kafka.sender import sender

if TYPE_CHECKING:
    from shared.events.vouchers import Voucher
    from shared.settings import Settings

SOURCE: Final = "intercompany/posting/republished"
_PAGE: Final = 500


async def republish(settings: Settings, company: str | None = None, since: date | None = None) -> int:
    """Publishes all vouchers, or those of one company, or from a date on; how many. NotSentError if the broker takes one not."""
    store, after, sent = Store(), VoucherKey("", "", 0), 0
    async with schema_of("posting", settings) as connection, sender(settings) as sending:
        while page := await store.load_page(connection, after, _PAGE, company, since):
            await sending.send([_record(voucher) for _, voucher in page])
            after, sent = page[-1][0], sent + len(page)
    return sent


def _record(voucher: Voucher) -> Record:
    ref = EventRef(SOURCE, f"{voucher.company}/{voucher.voucher}")
    time = datetime(voucher.date.year, voucher.date.month, voucher.date.day, tzinfo=UTC)
    outgoing = Outgoing(Topic.VOUCHERS, voucher.company, VOUCHER_POSTED, ref, voucher, time, cause=ref, first=ref)
    key, value, headers = encode(outgoing)
    return Record(outgoing.topic, key, value, tuple(headers))
