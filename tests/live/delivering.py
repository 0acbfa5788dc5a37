"""A batch through a service's store and rules, as the shell takes it, without the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shared.missing import NotLoadedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.events.envelope import Message, Outgoing


class Batch(NamedTuple):
    """What came of a batch: what was said, how often it was folded, and the books as they were saved."""

    said: list[Outgoing]
    passes: int
    books: Any


async def deliver(connection: Any, store: Any, fold: Callable[[Any, Message], list[Outgoing]], batch: list[Message]) -> Batch:
    """One batch in one transaction: folded again until nothing is missing, then saved."""
    async with connection.transaction():
        books, passes = await store.load(connection, batch), 0
        while True:
            passes += 1
            try:
                said = [each for message in batch for each in fold(books, message)]
            except NotLoadedError as error:
                books.rollback()
                await store.load_missing(connection, books, [error.missing])
            else:
                break
        await store.save(connection, books)
    return Batch(said, passes, books)
