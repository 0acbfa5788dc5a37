"""What the services have folded, in the order of the commits: the account that the verdict goes by.

Invariant: what a core is given is noted in the transaction it is given in, and counts when that transaction was committed, as the
database did it, whatever its process learned of it. Of a transaction that folds its batch again, the last pass counts.
"""

from __future__ import annotations

import contextvars
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

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


@dataclass(slots=True)
class Transaction:
    """One transaction of a service."""

    service: int
    acts: list[Act] = field(default_factory=list)
    reference: int = 0
    """How far it notes that the reference topic was read."""

    sends: bool = False
    """Whether it writes to the outbox."""

    def folds(self, act: Act) -> None:
        """A core is given this; if it was before, all is folded again from there."""
        for number, before in enumerate(self.acts):
            if before is act or (isinstance(act, tuple) and before == act):
                del self.acts[number:]
                break
        self.acts.append(act)

    def saw(self, query: str, arguments: Sequence[Any]) -> None:
        """Notes the positions that a batch writes."""
        if query.endswith(FINISH.removeprefix(WITH)):
            self.sends |= arguments[_POSITIONS_OF_FINISH] is not None
            places = zip(*arguments[:_POSITIONS_OF_FINISH], strict=True)
            self.reference = max([self.reference, *(offset for *place, offset in places if tuple(place) == tuple(REFERENCE))])


CURRENT: Final[contextvars.ContextVar[Transaction | None]] = contextvars.ContextVar("transaction", default=None)
"""The transaction that the running task is in: what a core folds belongs to it."""


class CommittedHistory:
    """All committed transactions of a run that folded something, by service."""

    def __init__(self, services: Sequence[AnyService]) -> None:
        self.committed: list[list[Act]] = [[] for _ in services]
        self.too_early: list[str] = []
        """Messages that were folded before the reference data was read that they were decided by."""
        self.reference_was_reset = False
        self._names = [service.name for service in services]
        self._reference = [0 for _ in services]

    def begin(self, service: int) -> Transaction:
        """A transaction begins."""
        return Transaction(service)

    def commit(self, transaction: Transaction) -> None:
        """A transaction is committed."""
        number = transaction.service
        for act in transaction.acts:
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
        _note(message)
        return service.fold(books, message)

    def resume_released(books: Any, released: Released) -> Any:
        _note(("released", released))
        return service.resume_released(books, released) if service.resume_released else []

    return replace(service, fold=fold, resume_released=resume_released if service.resume_released else None)


def _note(act: Act) -> None:
    transaction = CURRENT.get()
    if transaction is not None:
        transaction.folds(act)
