"""A simulation whose services have nothing in memory but what they ask for: it is loaded row by row, place by place, page by page.

Invariant: the store here is one dictionary for each table, under the name by which a service's database knows it; what a
core changes is kept under that name, and what it asks for is looked for in it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Final

from services.payment.rules import Books as PaymentBooks
from services.posting.rules import Books as PostingBooks
from services.scenarios.simulation import Simulation
from services.settlement.rules.books import ARRIVAL, LAST_FIRST
from services.settlement.rules.fold import Books as SettlementBooks
from services.settlement.rules.open_documents import SettlingOrder
from services.settlement.rules.run.gather import open_item
from services.settlement.rules.run.order import automatic_rank
from shared.delivery.folding import Folded, fold_alone, fold_batch
from shared.delivery.inbox import Inbox
from shared.events.codec import decode
from shared.events.envelope import Outgoing, Record, Topic
from shared.missing import Missing, Page
from shared.reference import Reference

if TYPE_CHECKING:
    from services.scenarios.scenario_file import Arrival

PAGE: Final = 2
"""Rows of a page: few, so that there are several."""
_BOOKS: Final[dict[str, Callable[[Reference | None, int], Any]]] = {
    "payment": lambda reference, sequence: PaymentBooks(reference, sequence=sequence),
    "settlement": lambda reference, sequence: SettlementBooks(reference, sequence=sequence),
    "posting": lambda reference, _: PostingBooks(reference),
}


class _Store:
    """What a service has saved."""

    def __init__(self, service: Any) -> None:
        self.service = service
        self.reference: Reference | None = None
        self.sequence = 0
        self.rows: dict[str, dict[Hashable, Any]] = {table.name: {} for table in service.new_books().tables}
        self.taken: dict[Any, Any] = {}

    def loaded(self, one_pass: Callable[[Any, Inbox], Folded]) -> Folded:
        """Folds with what is loaded until nothing is missing, and saves what has changed."""
        books = _BOOKS[self.service.name](self.reference, self.sequence)
        while True:
            inbox = Inbox(self.taken)
            folded = one_pass(books, inbox)
            if not folded.missing or folded.defect is not None:
                break
            books.rollback()
            for missing in folded.missing:
                assert not getattr(books, missing.table).knows(missing), missing
                self.load(books, missing)
                assert getattr(books, missing.table).knows(missing), missing
        assert folded.defect is None, folded.defect
        self._save(books, inbox)
        return folded

    def load(self, books: Any, missing: Missing) -> None:
        """What a core has asked for."""
        table, rows = getattr(books, missing.table), self.rows[missing.table]
        if missing.by is None:
            table.loaded(missing.key, rows.get(missing.key))
            return
        page = missing.key if isinstance(missing.key, Page) else None
        place = missing.key if page is None else page.place
        found = [key for key, row in rows.items() if place in table.places(missing.by, row)]
        if page is None:
            table.loaded_index(missing.by, place, found)
        else:
            found.sort(key=lambda key: self._rank(books, page.order, rows[key]))
            rest = found[page.after :]
            found = rest[:PAGE]
            table.loaded_page(missing.by, page, found, are_all=len(rest) <= PAGE)
        for key in found:
            table.loaded(key, rows[key])

    def _rank(self, books: Any, order: Hashable, row: Any) -> Any:
        if order == ARRIVAL:
            return row.sequence
        if order == LAST_FIRST:
            return -row.number
        assert isinstance(order, SettlingOrder), order
        item = open_item(books.reference, row, None, 0, self.rows["documents"].get)
        return automatic_rank(order.priority, order.on)(item)

    def _save(self, books: Any, inbox: Inbox) -> None:
        for table in books.tables:
            kept = self.rows[table.name]
            assert getattr(books, table.name) is table
            for key, row in table.changed.items():
                if row is None:
                    kept.pop(key, None)
                else:
                    kept[key] = row
        self.reference, self.sequence = books.reference, books.sequence
        self.taken.update({key: digest for key, digest in inbox.changes.items() if digest is not None})
        for key, digest in inbox.changes.items():
            if digest is None:
                self.taken.pop(key, None)
        books.commit()

    def whole(self) -> Any:
        """All that was saved, in memory."""
        books = type(self.service.new_books())(self.reference, complete=True)
        for name, rows in self.rows.items():
            for key, row in rows.items():
                getattr(books, name).put(key, row)
        books.commit()
        return books


class LoadedInPart(Simulation):
    """The services as they work before a database; `said` is all that they have said."""

    def __init__(self, *arriving: Arrival) -> None:
        self.said: list[Outgoing] = []
        super().__init__(self.said.append)
        self._stores = [_Store(service) for service, _, _ in self._parts]
        for arrival in arriving:
            self.send(arrival.record)

    def _deliver(self, record: Record) -> None:
        if record.topic == Topic.VOUCHERS:
            return
        record.offset = self._offset = self._offset + 1
        event = decode(record)
        for store in self._stores:
            service = store.service
            folded = store.loaded(lambda books, inbox, service=service: fold_batch(service, books, inbox, [event]))  # type: ignore[misc]
            self._send_on(folded.outgoing)
            while service.resume_released is not None and (released := min(store.rows["released"].values(), default=None)) is not None:

                def resumed(books: Any, inbox: Inbox, service: Any = service, released: Any = released) -> Folded:
                    return fold_alone(books, inbox, lambda: service.resume_released(books, released))

                self._send_on(store.loaded(resumed).outgoing)

    def in_memory(self) -> list[Any]:
        """The books of the three services, whole."""
        return [store.whole() for store in self._stores]
