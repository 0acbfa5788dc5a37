"""What the services have folded, in the order of the commits: the account that the verdict goes by.

Invariant: what a core is given is noted in the transaction it is given in, and counts when that transaction was committed, as the
database did it, whatever its process learned of it. Of a transaction that folds its batch again, the last pass counts. What was folded
ahead counts with the transaction that writes it.
"""

from __future__ import annotations

import contextvars
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shared.delivery.changes_table import NOTE, OF_ONE_MOMENT
from shared.delivery.shell_tables import FINISH, REFERENCE
from shared.delivery.together import WITH
from shared.events.envelope import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.service import AnyService
    from shared.working_set import Released

Act = Message | tuple[Any, ...]
"""A message that was folded, or what of the released was resumed."""
_POSITIONS_OF_FINISH: Final = 3


class Noted(NamedTuple):
    """An act, and the last place in the order of arrival that was given before it: each transaction has a range of its own."""

    what: Act
    sequence: int


@dataclass(slots=True)
class Transaction:
    """One transaction of a service."""

    service: int
    acts: list[Noted] = field(default_factory=list)
    reference: int = 0
    """How far it notes that the reference topic was read."""

    sends: bool = False
    """Whether it writes to the outbox."""

    process: object = None
    is_ahead: bool = False
    """Whether a batch is folded before its turn in it: nothing is written."""

    notes: bool = False
    """Whether it notes what it changes."""

    def folds(self, act: Act, sequence: int) -> None:
        """A core is given this, so far in the order of arrival; if it was before, all is folded again from there."""
        for number, before in enumerate(self.acts):
            if before.what is act or (isinstance(act, tuple) and before.what == act):
                del self.acts[number:]
                break
        self.acts.append(Noted(act, sequence))

    def saw(self, query: str, arguments: Sequence[Any]) -> None:
        """Notes the positions that a batch writes."""
        self.is_ahead |= query == OF_ONE_MOMENT
        self.notes |= NOTE in query
        if query.endswith(FINISH.removeprefix(WITH)):
            self.sends |= arguments[_POSITIONS_OF_FINISH] is not None
            places = zip(*arguments[:_POSITIONS_OF_FINISH], strict=True)
            self.reference = max([self.reference, *(offset for *place, offset in places if tuple(place) == tuple(REFERENCE))])


CURRENT: Final[contextvars.ContextVar[Transaction | None]] = contextvars.ContextVar("transaction", default=None)
"""The transaction that the running task is in: what a core folds belongs to it."""


class CommittedHistory:
    """All committed transactions of a run that folded something, by service."""

    def __init__(self, services: Sequence[AnyService]) -> None:
        self.committed: list[list[Noted]] = [[] for _ in services]
        self.too_early: list[str] = []
        """Messages that were folded before the reference data was read that they were decided by."""
        self.reference_was_reset = False
        self._names = [service.name for service in services]
        self._reference = [0 for _ in services]
        self._ahead: dict[object, list[Noted]] = {}

    def begin(self, service: int, process: object = None) -> Transaction:
        """A transaction begins."""
        return Transaction(service, process=process)

    def commit(self, transaction: Transaction) -> None:
        """A transaction is committed."""
        number = transaction.service
        if transaction.is_ahead:
            self._ahead[transaction.process] = transaction.acts
            return
        ahead = self._ahead.pop(transaction.process, []) if transaction.notes else []
        transaction.acts = transaction.acts or ahead
        for act, _ in transaction.acts:
            if isinstance(act, Message) and act.reference_offset > self._reference[number] and not self.reference_was_reset:
                self.too_early.append(
                    f"{self._names[number]} folded {act.type} {act.ref.id} with reference data up to {self._reference[number]},"
                    f" it was decided with {act.reference_offset}"
                )
        self._reference[number] = max(self._reference[number], transaction.reference)
        self.committed[number] += transaction.acts


def observed(service: AnyService) -> AnyService:
    """The same service, whose core is noted at work."""

    def fold(books: Any, message: Message) -> Any:
        _note(message, books)
        return service.fold(books, message)

    def resume_released(books: Any, released: Released) -> Any:
        _note(("released", released), books)
        return service.resume_released(books, released) if service.resume_released else []

    return replace(service, fold=fold, resume_released=resume_released if service.resume_released else None)


def _note(act: Act, books: Any) -> None:
    transaction = CURRENT.get()
    if transaction is not None:
        transaction.folds(act, books.sequence)
