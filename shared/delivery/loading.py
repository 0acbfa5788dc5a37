"""Folding with what is loaded, and loading what was missing, until nothing is missing.

Invariant: a pass is either whole or undone; it is pure, so it may be done again; each round loads something new,
or the message that asks again for what is not there is a defect; a defective message is left out, and all others are folded as if it had
never come; what waited and fails when it resumes waits on, and what woke it is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from shared.metrics import PASSES, RESUME_DEFECTS
from shared.missing import Missing, NotLoadedError
from shared.resuming import ResumeDefectError
from shared.working_set import SLICE

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from shared.delivery.folding import Folded
    from shared.delivery.ports import Connection
    from shared.delivery.service import Store
log = structlog.get_logger(__name__)

MOST_ROUNDS: Final = 1000
"""Loads per batch. A store foresees nearly all of them; so many are a defect of a core or a store."""


MOST_DEFECTS: Final = 8
"""Messages left out of one batch. Each has all others folded again; of a batch with more, the halves are taken."""


class TooManyDefectsError(Exception):
    """More messages of a batch are defective than one batch leaves out."""


class UnsettledError(Exception):
    """A batch asked for more and more; the text says of which service, and for what it asked last."""


async def fold_loaded(
    service: str, connection: Connection, store: Store[Any], books: Any, one_pass: Callable[[Container[int]], Folded]
) -> tuple[Folded, dict[int, Exception]]:
    """Folds until nothing is missing. Gives the last pass and the messages left out of it, with their errors.

    UnsettledError after MOST_ROUNDS loads. The books hold the changes of the pass that is given.
    """
    defects: dict[int, Exception] = {}
    asked: set[Missing] = set()
    rounds = 0
    while True:
        PASSES.labels(service).inc()
        try:
            folded = one_pass(defects)
        except ResumeDefectError as failed:  # of what no message causes (folding.fold_alone)
            _leave_waiting(service, books, failed)
            continue
        if folded.defect is None and not folded.missing:
            return folded, defects
        books.rollback()
        if folded.defect is not None:
            number, error = folded.defect
            if isinstance(error, ResumeDefectError):
                _leave_waiting(service, books, error)
                continue
            defects[number] = error
            if len(defects) > MOST_DEFECTS:
                msg = f"{service} failed on {len(defects)} messages of one batch"
                raise TooManyDefectsError(msg)
        elif new := folded.missing.keys() - asked:
            asked |= new
            rounds += 1
            _bounded(service, rounds, folded)
            await store.load_missing(connection, books, new)
            books.loads += 1
        else:
            missing, number = next(iter(folded.missing.items()))
            defects[number] = NotLoadedError(missing)


def _leave_waiting(service: str, books: Any, error: ResumeDefectError) -> None:
    """What failed when it resumed stays as it was; the pass is done again without it, what woke it is taken."""
    books.rollback()
    if error.sequence in books.left_waiting or len(books.left_waiting) > SLICE:
        raise error
    books.left_waiting.add(error.sequence)
    RESUME_DEFECTS.labels(service).inc()
    log.error(
        "what waited failed when it resumed, and waits on",
        service=service,
        event_id=error.event.id,
        source=error.event.source,
        exc_info=error,
    )


def _bounded(service: str, rounds: int, folded: Folded) -> None:
    if rounds > MOST_ROUNDS:
        msg = f"{service}: after {MOST_ROUNDS} loads a batch still asks for {next(iter(folded.missing))}"
        raise UnsettledError(msg)
