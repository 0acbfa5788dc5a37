"""What a computed run changes: its records are kept, its documents lose what they gave, `settlement.posted` is emitted.

Invariant: what the records take from each document is what the run left of it, in its currency; in accounting currency
nothing is left of what is closed. SettlementDefectError, and nothing changes, if that breaks.
"""

from __future__ import annotations

from msgspec.structs import replace

from services.settlement.rules.books import LAST_FIRST
from services.settlement.rules.run.differences import held_back
from services.settlement.rules.run.messages import messages_of
from services.settlement.rules.run.records import MadeRecord
from services.settlement.rules.run.state import OpenItem, Run
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Document, DocumentKey, SettlementDefectError, applied_amounts
from shared.events.envelope import EventRef
from shared.events.settlements import SettledDocument, SettlementPosted
from shared.events.values import Ledger


def next_number(turn: Turn, run: EventRef, ledger: Ledger) -> int:
    """The next number of a record of this run in this ledger."""
    last = next(turn.books.records.in_order("numbered", (run, ledger), LAST_FIRST, lambda record: -record.number), None)
    return 1 if last is None else last.number + 1


def carry_out(turn: Turn, run: Run, records: list[MadeRecord]) -> None:
    """Keeps the records of a run, takes from the documents what they take, and tells of the settlement."""
    if not run.automatic:
        _flag_held_back(turn, run)
    if not records:
        return
    _apply(turn, run.matched, records)
    settlement = settlement_of(run, records)
    for said in messages_of(settlement):
        turn.emit("settlement.posted", f"{said.ledger}/{said.records[0].number}", said.party, said)
    if settlement.reply_expected:
        turn.await_replies(run.id)
    run.end()


def settlement_of(run: Run, records: list[MadeRecord]) -> SettlementPosted:
    """What is said of a run that has records."""
    items = run.matched
    party = records[0].match.lowering.document.party
    asks = _asks_for_sales_payments(run, records)
    primary = items.index(run.primary) if run.primary is not None and run.primary in items else None
    documents = [_settled(item) for item in items]
    return SettlementPosted(run.ledger, run.id, party, primary, documents, [made.posted for made in records], asks)


def _flag_held_back(turn: Turn, run: Run) -> None:
    """What automatic settlement leaves out from now on: what a mark held back, and the payment that marked it."""
    flagged = set(held_back(run))
    if flagged and run.payment is not None:
        flagged.add(run.payment)
    for item in run.items:
        manual_only = item in flagged
        if manual_only != item.document.manual_only or item.document.marks_refused:
            document = replace(item.document, manual_only=manual_only, marks_refused=False)
            turn.books.documents.put(item.key, document)


def _apply(turn: Turn, items: list[OpenItem], records: list[MadeRecord]) -> None:
    for made in records:
        turn.books.records.put(made.in_force.key, made.in_force)
    applied = applied_amounts([made.in_force for made in records])
    for item in items:
        key = item.key
        document = _document(turn, key).apply(*applied[key])
        if document.open != item.rest:
            msg = f"{key}: the records leave {document.open} open, the run left {item.rest}"
            raise SettlementDefectError(msg)
        turn.books.documents.put(key, document)


def _document(turn: Turn, key: DocumentKey) -> Document:
    document = turn.books.documents.get(key)
    if document is None:
        msg = f"{key} is settled and is not in the books"
        raise SettlementDefectError(msg)
    return document


def _settled(item: OpenItem) -> SettledDocument:
    document = item.document
    return SettledDocument(
        document.company,
        document.document,
        document.kind,
        document.account,
        document.date,
        document.currency,
        document.accounting_currency,
        document.exchange_rate,
        document.summary_account,
        document.dimensions,
        document.intercompany_company,
        document.intercompany_document,
        item.position,
        document.event,
        document.reference,
        item.agreed_rate,
        document.inverse_rate,
    )


def _asks_for_sales_payments(run: Run, records: list[MadeRecord]) -> bool:
    """Whether a vendor payment of the run has paid an invoice of a group company (F-G03)."""
    if run.ledger != "payable":
        return False
    matches = [made.match for made in records]
    paid = any(match.raising.document.intercompany_company for match in matches if not match.enlarges)
    return paid and any(item.is_payment for match in matches for item in (match.lowering, match.raising))
