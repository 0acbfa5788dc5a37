"""The posting core: one message of the settlement service in, the vouchers it makes out, in the order of their numbers.

What always holds: the id of each `voucher.posted` follows from the message that caused it, so the same message gives the
same events; reference data is taken over and makes no voucher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from services.posting.rules.books import Books
from services.posting.rules.documents import document_voucher
from services.posting.rules.records_posting import settlement_vouchers
from services.posting.rules.reversals import payment_reversal_voucher, settlement_reversal_vouchers
from services.posting.rules.voucher_draft import Draft
from shared.events.envelope import EventRef, Message, Outgoing, Topic, derived_id
from shared.events.vouchers import Voucher

SOURCE: Final = "intercompany/posting"
VOUCHER_POSTED: Final = "voucher.posted"

_DRAFTS: Final[dict[str, Callable[[Books, Any], Iterable[Draft]]]] = {
    "document.posted": lambda books, data: (document_voucher(books.reference, data),),
    "document.reversed": lambda books, data: (payment_reversal_voucher(books, data),),
    "settlement.posted": lambda books, data: settlement_vouchers(books.reference, data),
    "settlement.reversed": settlement_reversal_vouchers,
}
POSTED_FROM: Final = frozenset(_DRAFTS)
"""The message types of `intercompany.settlements` that make vouchers."""


def fold(books: Books, message: Message) -> list[Outgoing]:
    """Posts one message: the `voucher.posted` events it causes.

    NotLoadedError if the books lack something; PostingDefectError if a voucher cannot be posted, TypeError if the message is
    neither one to post from nor a reference event.
    """
    drafts = _DRAFTS.get(message.type)
    if drafts is None:
        books.take_reference(message)
        return []
    return [_posted(message, number, voucher.post(books)) for number, voucher in enumerate(drafts(books, message.data))]


def _posted(message: Message, number: int, voucher: Voucher) -> Outgoing:
    return Outgoing(
        topic=Topic.VOUCHERS,
        key=voucher.company,
        type=VOUCHER_POSTED,
        ref=EventRef(SOURCE, derived_id(message.ref, message.time, VOUCHER_POSTED, number)),
        data=voucher,
        time=message.time,
        cause=message.ref,
        first=message.first or message.ref,
        traceparent=message.traceparent,
    )
