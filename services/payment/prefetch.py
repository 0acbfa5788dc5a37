"""What a batch of messages needs from the payment service's tables, so that one query each can load it.

Invariant: whatever a fold of these messages may ask for is named here; only a batch in which one message needs what
another one makes can ask for more.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from services.payment.rules.books import paid_by
from services.payment.rules.mirroring import judged_again
from services.payment.rules.values import JournalKey
from shared.events.envelope import EventRef, Message
from shared.events.kinds import PAYMENT
from shared.events.settlements import (
    DocumentReversed,
    SalesPaymentJournalApproved,
    SalesPaymentJournalRefused,
    SettlementPosted,
    SettlementReversed,
)
from shared.reference import Reference
from shared.waiting import woken_by


@dataclass(slots=True)
class NeededJournals:
    """Keys: last numbers by vendor payment, journals, waiting journals by run and by what wakes them."""

    numbers: set[str] = field(default_factory=set)
    journals: set[JournalKey] = field(default_factory=set)
    runs: set[EventRef] = field(default_factory=set)
    wakes: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, table: str, index: str | None, key: Hashable) -> None:
        """A key of a table, or of one of its indexes, by their names in the working set."""
        sets: dict[tuple[str, str | None], set[Any]] = {
            ("numbers", None): self.numbers,
            ("journals", None): self.journals,
            ("waiting", "run"): self.runs,
            ("waiting", "wakes"): self.wakes,
        }
        sets[table, index].add(key)


def needed_by(messages: Iterable[Message], reference: Reference) -> NeededJournals:
    """What these messages need, by the reference data that is there before them; inbound payments need nothing."""
    needed = NeededJournals()
    for message in messages:
        data = message.data
        if isinstance(data, SettlementPosted):
            _by_run(needed, data)
        elif isinstance(data, DocumentReversed | SalesPaymentJournalApproved | SalesPaymentJournalRefused):
            needed.journals.add(JournalKey(data.company, data.document))
        elif isinstance(data, SettlementReversed):
            needed.journals.update(JournalKey(*document) for document in data.journals)
            needed.runs.update(data.runs)
        else:
            needed.wakes.update((*woken_by(data), *judged_again(reference, data)))
    return needed


def _by_run(needed: NeededJournals, settlement: SettlementPosted) -> None:
    if not settlement.reply_expected:
        return
    if any(each.intercompany_company is not None for each in settlement.documents):
        needed.numbers |= {paid_by(each.company, each.document) for each in settlement.documents if each.kind == PAYMENT}
