"""The working set of the payment rules: sales payment journals, their numbers, what waits, the reference data.

Invariant: a number that was given to a journal is never given again, whatever becomes of the journal; a journal that waits is in
`waiting` and not yet in `journals`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime

from services.payment.rules.values import (
    JournalDraft,
    JournalKey,
    SalesPayment,
    WaitingApproval,
    WaitingEntry,
    WaitingJournal,
    WaitingKey,
)
from shared import working_set
from shared.events.envelope import EventRef
from shared.reference import Reference
from shared.waiting import Need, WakeKey, trading_relation_key
from shared.working_table import Table


def relation_of(draft: JournalDraft) -> WakeKey:
    """The trading relation of a journal: whatever the journal waits for, another relation may change it."""
    return trading_relation_key(draft.seller, draft.buyer, draft.vendor)


def _wake_keys(waiting: WaitingJournal) -> tuple[Hashable, ...]:
    return (waiting.need.wake_key, relation_of(waiting.draft))


def paid_by(company: str, document: str) -> str:
    """The middle of a journal's number: the paying company and its payment.

    Numbers are counted by it: ids may hold hyphens, and what reads the same must not get the same number.
    """
    return f"{company}-{document}"


class Books(working_set.Books):
    """All that the payment core reads and writes.

    `numbers` is the last n of each vendor payment. Waiting journals are found by `run` and by what `wakes` them. `approvals`
    has those that waited here in earlier versions.
    """

    def __init__(self, reference: Reference | None = None, *, complete: bool = False, sequence: int = 0) -> None:
        super().__init__(reference, complete=complete, sequence=sequence)
        self.journals: Table[JournalKey, SalesPayment] = self.table("journals")
        self.numbers: Table[str, int] = self.table("numbers")
        self.waiting: Table[WaitingKey, WaitingJournal] = self.table(
            "waiting", {"run": lambda waiting: (waiting.draft.run,), "wakes": _wake_keys}
        )
        self.approvals: Table[EventRef, WaitingApproval] = self.table("approvals")

    def next_number(self, payment: str) -> int:
        """The next n of a vendor payment (`paid_by`); it is taken by this and never given again."""
        number = (self.numbers.get(payment) or 0) + 1
        self.numbers.put(payment, number)
        return number

    def list_waiting(self) -> list[WaitingEntry]:
        """What waits, in order of arrival; what one event waits for is listed once."""
        in_order = sorted(self.waiting, key=lambda each: each.sequence)
        return _listed_once(_entry(each.draft.run, each.need, each.waits_since) for each in in_order)


def _listed_once(entries: Iterable[WaitingEntry]) -> list[WaitingEntry]:
    """What one event waits for, once."""
    listed: dict[tuple[EventRef, str, str], WaitingEntry] = {}
    for entry in entries:
        listed.setdefault((entry.event, entry.reason, str(entry.key)), entry)
    return list(listed.values())


def _entry(event: EventRef, need: Need, since: datetime) -> WaitingEntry:
    return WaitingEntry(event, need.reason, need.key, since)
