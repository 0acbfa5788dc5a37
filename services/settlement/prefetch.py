"""What a message will make the core look up, so that a batch is loaded at once instead of miss by miss.

Invariant: this is speed, not correctness: what is not foreseen here is loaded when the core asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.settlement.rules.books import ARRIVAL, LAST_FIRST, Books
from services.settlement.rules.incoming import IncomingDocument, ReversalInstruction, SettlementInstruction, read
from services.settlement.rules.open_documents import settling_order
from services.settlement.rules.run.cash_discount import credited_key
from services.settlement.rules.values import LOWERING, Document, DocumentKey, OpenPlace, Parked, open_place
from services.settlement.rules.waiting import document_key, event_key, free_key, replies_key, reservation_key
from shared.events.envelope import EventRef, Message
from shared.events.journals import SalesPaymentJournal
from shared.events.values import Ledger
from shared.waiting import WakeKey
from shared.working_set import Missing, Page


def named_by(message: Message, books: Books, parked: Parked | None = None) -> Iterator[Missing]:
    """Rows and index entries that handling this message, or resuming what is parked, will ask for."""
    incoming = read(message)
    if parked is not None:
        yield _woken(event_key(parked.event))
    if incoming.document is not None:
        yield from _of_document(books, incoming.document, marks=incoming.instruction is not None)
    if incoming.instruction is not None:
        yield from _of_instruction(incoming.instruction)
    if incoming.journal is not None:
        yield from _of_journal(incoming.journal)
    if incoming.reply is not None:
        yield from _replies(incoming.reply.run)
    if incoming.reversal is not None:
        yield from _of_reversal(message, incoming.reversal)


def _woken(key: WakeKey) -> Missing:
    return Missing("waiting", "wakes", key)


def _holders(key: DocumentKey) -> Missing:
    return Missing("waiting", "holders", Page(key, ARRIVAL, 0))


def _numbered(run: EventRef, ledger: Ledger) -> Missing:
    return Missing("records", "numbered", Page((run, ledger), LAST_FIRST, 0))


def waiters(wake_key: WakeKey) -> Missing:
    """The first runs that wait to reserve a document."""
    return Missing("waiting", "waiters", Page(wake_key, ARRIVAL, 0))


def _document(key: DocumentKey) -> Iterator[Missing]:
    yield Missing("documents", None, key)
    yield _holders(key)
    yield _woken(free_key(key))
    yield waiters(reservation_key(key))
    yield Missing("journals", "reserves", key)


def _of_document(books: Books, incoming: IncomingDocument, *, marks: bool) -> Iterator[Missing]:
    """What posting it asks for; of a document without marks the other side of its account, which mostly has nothing."""
    key = incoming.key
    yield from _document(key)
    yield _woken(document_key(key))
    yield _woken(event_key(incoming.event))
    if incoming.credits is not None:
        yield from _document(DocumentKey(key.ledger, key.company, incoming.credits))
    settings = books.reference.parameters(key.company, key.ledger)
    if settings.automatic_settlement and not marks:
        yield _numbered(incoming.event, key.ledger)
        there = OpenPlace(key.ledger, key.company, incoming.account, incoming.currency, lowers=incoming.kind not in LOWERING)
        yield Missing("documents", "open", Page(there, settling_order(settings, incoming.date), 0))


def named_by_page(books: Books, page: Page, documents: list[Document]) -> Iterator[Missing]:
    """What automatic settlement asks for of the open documents of a page: with the first, the other side of the account."""
    for document in documents:
        yield _holders(document.key)
        yield Missing("journals", "reserves", document.key)
        credited = credited_key(document, books.reference.parameters(document.company, document.ledger))
        if credited is not None:
            yield Missing("documents", None, credited)
    if documents and not page.after:
        yield Missing("documents", "open", page._replace(place=open_place(documents[0], lowers=not documents[0].lowers)))


def _of_instruction(instruction: SettlementInstruction) -> Iterator[Missing]:
    for key in instruction.keys:
        yield from _document(key)
    yield _numbered(instruction.run, instruction.ledger)
    yield from _replies(instruction.run)
    if instruction.payment is None:
        yield _woken(event_key(instruction.run))


def _of_journal(journal: SalesPaymentJournal) -> Iterator[Missing]:
    yield Missing("journals", None, (journal.company, journal.document))
    yield Missing("records", "run", (journal.run, "payable"))


def _replies(run: EventRef) -> Iterator[Missing]:
    yield Missing("pending_replies", None, run)
    yield _woken(replies_key(run))


def _of_reversal(message: Message, reversal: ReversalInstruction) -> Iterator[Missing]:
    yield _woken(event_key(message.ref))
    if reversal.document is not None:
        yield from _document(reversal.document)
        yield Missing("records", "document", reversal.document)
        yield Missing("journals", None, (reversal.document.company, reversal.document.document))
    if reversal.settlement is not None:
        for ledger in ("receivable", "payable"):
            yield Missing("records", "run", (reversal.settlement, ledger))
        yield Missing("documents", "event", reversal.settlement)
        yield Missing("waiting", "event", reversal.settlement)
        yield Missing("requests", None, reversal.settlement)
        yield from _replies(reversal.settlement)
        yield Missing("journals", "run", reversal.settlement)
