"""What the inquiry service writes for a batch.

Invariant: the number of statements of a batch does not depend on its size, and nothing is read by row; every statement commutes with
those of other batches, and does nothing the second time: base rows are inserted once, what is derived of them is computed
anew for the keys that a batch touches. The sums of a day grow by the vouchers that were new, in the transaction that adds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.inquiry.rules.books import InquiryBooks
from shared.delivery.ports import Connection
from shared.events.envelope import EventRef, Message
from shared.working_set import Missing, Released


class Store:
    """The tables of one schema; the connection's search_path names it."""

    async def load(self, connection: Connection, messages: Sequence[Message]) -> InquiryBooks:
        """Nothing: what a message says follows from it alone."""
        del connection, messages
        return InquiryBooks()

    async def load_missing(self, connection: Connection, books: InquiryBooks, missing: Iterable[Missing]) -> None:
        """Nothing is ever missing."""
        del connection, books, missing

    async def load_all(self, connection: Connection) -> InquiryBooks:
        """Nothing: questions are asked in SQL."""
        del connection
        return InquiryBooks()

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> InquiryBooks:
        """Nothing waits here."""
        del connection, events, older_than
        return InquiryBooks()

    async def load_released(self, connection: Connection, released: Released) -> InquiryBooks:
        """Nothing waits here."""
        del connection, released
        return InquiryBooks()

    async def save(self, connection: Connection, books: InquiryBooks) -> None:
        """Everything that the messages of a batch say."""
