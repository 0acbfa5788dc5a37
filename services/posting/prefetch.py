"""What a batch of messages needs from the posting service's tables, so that one query each can load it.

Invariant: whatever a fold of these messages may ask for is named here; only a batch in which one message reverses what
another one posts can ask for more.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.events.envelope import EventRef, Message
from shared.events.settlements import DocumentPosted, DocumentReversed, SettlementPosted, SettlementReversed


@dataclass(slots=True)
class NeededVouchers:
    """Keys of what is needed.

    `records` (run, ledger, number) and `documents` (ledger, company, number) are those whose vouchers are mirrored,
    `companies` those that post: the last number of each of their series, and of the companies of mirrored vouchers.
    """

    records: set[tuple[EventRef, str, int]] = field(default_factory=set)
    documents: set[tuple[str, str, str]] = field(default_factory=set)
    companies: set[str] = field(default_factory=set)

    def add(self, table: str, index: str | None, key: Hashable) -> None:
        """A key of a table, or of one of its indexes, by their names in the working set."""
        parts: Any = key
        if table == "numbers":
            self.companies.add(parts[0])
        elif index == "record":
            self.records.add(parts)
        elif index == "document":
            self.documents.add(parts)


def needed_by(messages: Iterable[Message]) -> NeededVouchers:
    """What these messages need; reference data needs nothing."""
    needed = NeededVouchers()
    for message in messages:
        data = message.data
        if isinstance(data, SettlementPosted):
            needed.companies.update([document.company for document in data.documents])
        elif isinstance(data, DocumentPosted):
            needed.companies.add(data.company)
        elif isinstance(data, DocumentReversed):
            needed.companies.add(data.company)
            needed.documents.add((data.ledger, data.company, data.document))
        elif isinstance(data, SettlementReversed):
            needed.records.update((record.run, record.ledger, record.number) for record in data.records)
    return needed
