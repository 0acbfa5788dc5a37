"""The working set of the payment rules: sales payment journals, their numbers, what waits, the reference data."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from services.payment.rules.values import (
    Draft,
    JournalKey,
    SalesJournal,
    Waiting,
    WaitingApproval,
    WaitingJournal,
    WaitingKey,
)
from shared.events.envelope import EventRef, Message
from shared.reference import Reference
from shared.working_set import Table

COMPANY: Final = "company"
TRADING_RELATION: Final = "trading-relation"
PAYMENT_JOURNAL: Final = "payment-journal"


def wakes(waiting: WaitingJournal) -> tuple[str, ...]:
    """What lets a journal go on, as a key of the index `wakes`."""
    return (waiting.need.reason, *waiting.need.key.values())


def relation_of(draft: Draft) -> tuple[str, ...]:
    """The trading relation of a journal, as a key of the index `wakes`: another one for it lets the journal go on too."""
    return (TRADING_RELATION, draft.seller, draft.buyer, draft.vendor)


def _wakes(waiting: WaitingJournal) -> tuple[Hashable, ...]:
    return (wakes(waiting), relation_of(waiting.draft))


def paid_by(company: str, document: str) -> str:
    """The middle of a journal's number: the paying company and its payment.

    Numbers are counted by it: ids may hold hyphens, and what reads the same must not get the same number.
    """
    return f"{company}-{document}"


def approved_payment(journal: str, document: str) -> str:
    """The middle (`paid_by`) of a journal's number; of a document that is no number of the journal, the document itself."""
    rest = document.removeprefix(f"{journal}-")
    middle, _, count = rest.rpartition("-")
    return middle if middle and count.isdigit() and rest != document else document


def _approval_payment(approval: WaitingApproval) -> tuple[Hashable, ...]:
    return ((approval.company, approved_payment(approval.journal, approval.document)),)


class Books:
    """All that the payment core reads and writes.

    `numbers` is the last n of each vendor payment, `freed_ids` the ids that a refusal leaves free, `taken` the reference events
    folded since the last `settle`. Waiting journals are found by `run` and by what `wakes` them, waiting approvals by the
    `payment` that the number names.
    """

    def __init__(self, reference: Reference | None = None, *, complete: bool = False, sequence: int = 0) -> None:
        self.reference = reference if reference is not None else Reference()
        self.sequence = sequence
        self.freed_ids: set[EventRef] = set()
        self.reference_events: list[Message] = []
        self.journals: Table[JournalKey, SalesJournal] = Table("journals", complete=complete)
        self.numbers: Table[str, int] = Table("numbers", complete=complete)
        self.waiting: Table[WaitingKey, WaitingJournal] = Table(
            "waiting", {"run": lambda waiting: (waiting.draft.run,), "wakes": _wakes}, complete=complete
        )
        self.approvals: Table[EventRef, WaitingApproval] = Table("approvals", {"payment": _approval_payment}, complete=complete)
        self._before = (self.reference, self.sequence)

    def take_reference(self, message: Message) -> None:
        """Folds a reference event into a copy of the reference data, so that a rollback finds the old one."""
        if self.reference is self._before[0]:
            self.reference = self.reference.copy()
        self.reference.take(message.data)
        self.reference_events.append(message)

    def next_number(self, payment: str) -> int:
        """The next n of a vendor payment (`paid_by`); it is taken by this and never given again."""
        number = (self.numbers.get(payment) or 0) + 1
        self.numbers.put(payment, number)
        return number

    def next_sequence(self) -> int:
        """The next place in the order of arrival."""
        self.sequence += 1
        return self.sequence

    def list_waiting(self) -> list[Waiting]:
        """What waits, in order of arrival; what one event waits for is listed once."""
        journals = ((each.sequence, Waiting(each.draft.run, *each.need, each.draft.origin.time)) for each in self.waiting)
        approvals = ((each.sequence, Waiting(each.event, "document", _document(each), each.time)) for each in self.approvals)
        listed: dict[tuple[EventRef, str, str], Waiting] = {}
        for _, entry in sorted([*journals, *approvals], key=lambda numbered: numbered[0]):
            listed.setdefault((entry.event, entry.reason, str(entry.key)), entry)
        return list(listed.values())

    def rollback(self) -> None:
        """Forgets all changes; what was loaded stays."""
        for table in (self.journals, self.numbers, self.waiting, self.approvals):
            table.rollback()
        self.reference, self.sequence = self._before
        self.reference_events.clear()
        self.freed_ids.clear()

    def commit(self) -> None:
        """Takes the changes as the new state."""
        for table in (self.journals, self.numbers, self.waiting, self.approvals):
            table.commit()
        self._before = (self.reference, self.sequence)
        self.reference_events.clear()
        self.freed_ids.clear()


def _document(approval: WaitingApproval) -> dict[str, str]:
    return {"company": approval.company, "journal": approval.journal, "document": approval.document}
