"""What a message will make the core look up, so that a batch is loaded at once instead of miss by miss.

Invariant: this is speed, not correctness: what is not foreseen here is loaded when the core asks for it.
"""

from __future__ import annotations

from services.settlement.rules.books import ARRIVAL, LAST_FIRST, Books
from services.settlement.rules.incoming import IncomingDocument, ReversalInstruction, SettlementInstruction
from services.settlement.rules.open_documents import settling_order
from services.settlement.rules.run.cash_discount import credited_key
from services.settlement.rules.values import LOWERING, Document, DocumentKey, OpenPlace, Parked, open_place
from services.settlement.rules.waiting import (
    EVERY,
    OF_REFERENCE,
    document_key,
    event_key,
    free_key,
    journal_key,
    replies_key,
    reservation_key,
)
from shared.events.envelope import EventRef, Message
from shared.events.inbound import JournalApprovalRequested
from shared.events.journals import SalesPaymentJournal
from shared.events.values import Ledger
from shared.missing import Missing, Page
from shared.waiting import WakeKey, woken_by


def named_by(message: Message, books: Books, parked: Parked | None = None) -> list[Missing]:
    """Rows and index entries that handling this message, or resuming what is parked, will ask for."""
    incoming = books.read_ahead(message)
    named = [] if parked is None else _woken(books, event_key(parked.event))
    wakes = woken_by(message.data)
    if wakes:
        named += _woken(books, event_key(message.ref), *wakes)
    if message.type == "reference.withdrawn" and not books.waiting.complete:
        named += [Missing("waiting", EVERY, (reason,)) for reason in OF_REFERENCE]
    if incoming.document is not None:
        named += _of_document(books, incoming.document, marks=incoming.instruction is not None)
    if incoming.instruction is not None:
        named += _of_instruction(books, incoming.instruction)
    if incoming.journal is not None:
        named += _of_journal(books, incoming.journal)
    if incoming.reply is not None:
        named += _replies(books, incoming.reply.run)
    if incoming.approval is not None:
        named += _of_approval(books, message.ref, incoming.approval)
    if incoming.reversal is not None:
        named += _of_reversal(books, message, incoming.reversal)
    return named


def _woken(books: Books, *keys: WakeKey) -> list[Missing]:
    """What waits for these keys. Mostly all that waits is loaded already, and nothing is to be named."""
    return [] if books.waiting.complete else [Missing("waiting", "wakes", key) for key in keys]


def _holders(key: DocumentKey) -> Missing:
    return Missing("waiting", "holders", Page(key, ARRIVAL, 0))


def _numbered(run: EventRef, ledger: Ledger) -> Missing:
    return Missing("records", "numbered", Page((run, ledger), LAST_FIRST, 0))


def waiters(wake_key: WakeKey) -> Missing:
    """The first runs that wait to reserve a document."""
    return Missing("waiting", "waiters", Page(wake_key, ARRIVAL, 0))


def _document(books: Books, key: DocumentKey) -> list[Missing]:
    named = [Missing("documents", None, key), Missing("journals", "reserves", key)]
    if not books.waiting.complete:
        named += [_holders(key), *_woken(books, free_key(key)), waiters(reservation_key(key))]
    return named


def _of_document(books: Books, incoming: IncomingDocument, *, marks: bool) -> list[Missing]:
    """What posting it asks for; of a document without marks the other side of its account, which mostly has nothing."""
    key = incoming.key
    named = [*_document(books, key), *_woken(books, document_key(key), event_key(incoming.event))]
    if incoming.credits is not None:
        named += _document(books, DocumentKey(key.ledger, key.company, incoming.credits))
    settings = books.reference.parameters(key.company, key.ledger)
    if settings.automatic_settlement and not marks:
        there = OpenPlace(key.ledger, key.company, incoming.account, incoming.currency, lowers=incoming.kind not in LOWERING)
        named.append(_numbered(incoming.event, key.ledger))
        named.append(Missing("documents", "open", Page(there, settling_order(settings, incoming.date), 0)))
    return named


def named_by_page(books: Books, page: Page, documents: list[Document]) -> list[Missing]:
    """What automatic settlement asks for of the open documents of a page: with the first, the other side of the account."""
    named: list[Missing] = []
    for document in documents:
        named += [_holders(document.key), Missing("journals", "reserves", document.key)]
        credited = credited_key(document, books.reference.parameters(document.company, document.ledger))
        if credited is not None:
            named.append(Missing("documents", None, credited))
    if documents and not page.after:
        there = open_place(documents[0], lowers=not documents[0].lowers)
        named.append(Missing("documents", "open", Page(there, page.order, 0)))
    return named


def _of_instruction(books: Books, instruction: SettlementInstruction) -> list[Missing]:
    named = [_numbered(instruction.run, instruction.ledger), *_replies(books, instruction.run)]
    for key in instruction.keys:
        if key != instruction.payment:  # the payment is the document of the same message
            named += _document(books, key)
    if instruction.payment is None:
        named += _woken(books, event_key(instruction.run))
    return named


def _of_journal(books: Books, journal: SalesPaymentJournal) -> list[Missing]:
    key = (journal.company, journal.document)
    return [Missing("journals", None, key), Missing("records", "run", (journal.run, "payable")), *_woken(books, journal_key(*key))]


def _of_approval(books: Books, event: EventRef, approval: JournalApprovalRequested) -> list[Missing]:
    key = DocumentKey("receivable", approval.company, approval.document)
    named = [Missing("journals", None, (key.company, key.document)), Missing("requests", None, event)]
    return [*named, *_replies(books, event), *_woken(books, event_key(event))]


def _replies(books: Books, run: EventRef) -> list[Missing]:
    return [Missing("pending_replies", None, run), *_woken(books, replies_key(run))]


def _of_reversal(books: Books, message: Message, reversal: ReversalInstruction) -> list[Missing]:
    named = _woken(books, event_key(message.ref))
    document, settlement = reversal.document, reversal.settlement
    if document is not None:
        named += _document(books, document)
        named.append(Missing("records", "document", document))
        named.append(Missing("journals", None, (document.company, document.document)))
    if settlement is not None:
        named += [Missing("records", "run", (settlement, ledger)) for ledger in ("receivable", "payable")]
        named += [Missing(table, "event", settlement) for table in ("documents", "waiting")]
        named += [Missing("requests", None, settlement), *_replies(books, settlement), Missing("journals", "run", settlement)]
    return named
