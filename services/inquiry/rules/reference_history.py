"""Every version of the reference data as a row, under the key that the topic is compacted by.

Invariant: a version is never replaced; what withdraws an entity is a version of it. One that was refused is kept as well, and told
apart by its digest (the view `reference_taken`).
"""

from __future__ import annotations

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import ReferenceRow
from services.inquiry.rules.said import broker_time
from shared.events.codec import as_json
from shared.events.envelope import Message
from shared.events.reference import compaction_key


def take_reference_version(books: InquiryBooks, message: Message) -> None:
    """A reference event."""
    position = 0 if message.record is None else message.record.offset
    key = (compaction_key(message.data), position)
    if books.reference_history.get(key) is None:
        data = as_json(message.data).decode()
        books.reference_history.put(key, ReferenceRow(*key, message.type, data, *message.ref, broker_time(message), message.digest))
