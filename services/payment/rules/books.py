"""The working set of the payment rules: sales payment journals, their numbers, what waits, the reference data.

Invariant: a number that was given to a journal is never given again, whatever becomes of the journal; a journal that waits is in
`waiting` and not yet in `journals`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Final

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
from shared.working_set import Table

APPROVALS: Final = ("approvals",)
"""Before the key of what was released: approvals waited for it, not journals."""
OF_JOURNAL: Final = "approvals-of"
"""Before a journal's key: the approvals that wait for it, whatever is missing."""


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


def approved_payment(journal: str, document: str) -> str:
    """The middle (`paid_by`) of a journal's number; of a document that is not a number of the journal, the document itself."""
    rest = document.removeprefix(f"{journal}-")
    middle, _, count = rest.rpartition("-")
    return middle if middle and count.isdigit() and rest != document else document


_APPROVALS_BY: Final[dict[str, Callable[[WaitingApproval], tuple[Hashable, ...]]]] = {
    "payment": lambda approval: ((approval.company, approved_payment(approval.journal, approval.document)),),
    OF_JOURNAL: lambda approval: (JournalKey(approval.company, approval.document),),
    "wakes": lambda approval: (approval.need.wake_key,),
}


class Books(working_set.Books):
    """All that the payment core reads and writes.

    `numbers` is the last n of each vendor payment. Waiting journals are found by `run` and by what `wakes` them, waiting
    approvals by the `payment` that the journal's number names, by the journal's number itself and by what `wakes` them.
    """

    def __init__(self, reference: Reference | None = None, *, complete: bool = False, sequence: int = 0) -> None:
        super().__init__(reference, complete=complete, sequence=sequence)
        self.journals: Table[JournalKey, SalesPayment] = self.table("journals")
        self.numbers: Table[str, int] = self.table("numbers")
        self.waiting: Table[WaitingKey, WaitingJournal] = self.table(
            "waiting", {"run": lambda waiting: (waiting.draft.run,), "wakes": _wake_keys}
        )
        self.approvals: Table[EventRef, WaitingApproval] = self.table("approvals", _APPROVALS_BY)

    def next_number(self, payment: str) -> int:
        """The next n of a vendor payment (`paid_by`); it is taken by this and never given again."""
        number = (self.numbers.get(payment) or 0) + 1
        self.numbers.put(payment, number)
        return number

    def list_waiting(self) -> list[WaitingEntry]:
        """What waits, in order of arrival; what one event waits for is listed once."""
        journals = ((each.sequence, _entry(each.draft.run, each.need, each.waits_since, is_approval=False)) for each in self.waiting)
        approvals = ((each.sequence, _entry(each.event, each.need, each.waits_since, is_approval=True)) for each in self.approvals)
        return _listed_once(entry for _, entry in sorted([*journals, *approvals], key=lambda numbered: numbered[0]))


def _listed_once(entries: Iterable[WaitingEntry]) -> list[WaitingEntry]:
    """What one event waits for, once."""
    listed: dict[tuple[EventRef, str, str], WaitingEntry] = {}
    for entry in entries:
        listed.setdefault((entry.event, entry.reason, str(entry.key)), entry)
    return list(listed.values())


def _entry(event: EventRef, need: Need, since: datetime, *, is_approval: bool) -> WaitingEntry:
    return WaitingEntry(event, need.reason, need.key, since, is_approval)
