"""Folding with what is loaded, and loading what was missing, until nothing is missing.

Invariant: a pass is either whole or undone; it is pure, so it may be done again; each round loads something new,
or the message that asks again for what is not there is a defect; a defective message is left out, and all others are folded as if it had
never come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.telemetry import PASSES
from shared.working_set import Missing, NotLoadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from shared.delivery.folding import Folded
    from shared.delivery.ports import Connection
    from shared.delivery.service import Store

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
        folded = one_pass(defects)
        if folded.defect is None and not folded.missing:
            return folded, defects
        books.rollback()
        if folded.defect is not None:
            number, error = folded.defect
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


def _bounded(service: str, rounds: int, folded: Folded) -> None:
    if rounds > MOST_ROUNDS:
        msg = f"{service}: after {MOST_ROUNDS} loads a batch still asks for {next(iter(folded.missing))}"
        raise UnsettledError(msg)
