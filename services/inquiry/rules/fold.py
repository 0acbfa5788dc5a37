"""The projection's core: one message of any topic in, the rows that it says into the books.

Invariant: nothing comes out of it: this service says nothing; the rows do not depend on the order of the messages (books.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.documents import take_document, take_document_reversal
from services.inquiry.rules.events import take_event
from services.inquiry.rules.journals import take_journal, take_journal_refusal
from services.inquiry.rules.records import take_settlement, take_settlement_reversal
from services.inquiry.rules.reference_history import take_reference_version
from services.inquiry.rules.refusals import take_refusal
from services.inquiry.rules.vouchers import take_voucher
from shared.events.contract import CONTRACT
from shared.events.envelope import Message, Outgoing, Topic

_Take = Callable[[InquiryBooks, Message], None]

_OF_TYPES: Final[dict[str, _Take]] = {
    "document.posted": take_document,
    "document.reversed": take_document_reversal,
    "settlement.posted": take_settlement,
    "settlement.reversed": take_settlement_reversal,
    "sales-payment-journal.created": take_journal,
    "sales-payment-journal.posted": take_journal,
    "sales-payment-journal.reversed": take_journal,
    "sales-payment-journal.refused": take_journal_refusal,
    "voucher.posted": take_voucher,
    "event.rejected": take_refusal,
}
_OF_TOPICS: Final[dict[str, _Take]] = {
    Topic.INVOICES: take_event,
    Topic.PAYMENTS: take_event,
    Topic.REQUESTS: take_event,
    Topic.REFERENCE: take_reference_version,
}
OWN_EVENTS: Final = {
    topic: frozenset(name for name in _OF_TYPES if CONTRACT[name].topic == topic)
    for topic in (Topic.SETTLEMENTS, Topic.JOURNALS, Topic.VOUCHERS, Topic.REJECTIONS)
}
"""What is taken of the topics of our own services."""


def fold(books: InquiryBooks, message: Message) -> list[Outgoing]:
    """Takes one message; KeyError if its type is none that is subscribed to."""
    take = _OF_TYPES.get(message.type) or _OF_TOPICS[CONTRACT[message.type].topic]
    take(books, message)
    return []
