"""What people ask the services for over HTTP: a journal approved, a settlement or a payment reversed.

Invariant: what is not there, or was done before, is said before anything is written; the services judge the rest by their rules, and
refuse what cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.actions.rules import ActionCode, ActionPlan, ActionRefusedError, Draft, Verb
from services.desk.reference import reference_data
from services.operations.requested import request_record
from services.payment import queries as payment_queries
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey
from shared.events.envelope import EventRef
from shared.events.producing import PartyBook
from shared.rows import money

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from services.desk.schemas import Schemas
    from services.settlement.rules.values import Document, RecordInForce
    from shared.events.values import Ledger

    Sees = Callable[..., bool]

__all__ = ["DocumentKey", "Ordered", "drafted_approval", "drafted_payment_reversal", "drafted_payment_settlement_reversal"]
__all__ += ["drafted_settlement_reversal"]

_CREATED: Final = "created"


def _sees_all(*_: str) -> bool:
    return True


class Ordered(NamedTuple):
    """By which action, when, and why something is ordered."""

    action: str
    at: datetime
    reason: str
    traceparent: str | None = None


async def drafted_approval(schemas: Schemas, company: str, document: str, ordered: Ordered) -> Draft:
    """The action that posts a sales payment journal which was only created; ActionRefusedError: not-found, not-open."""
    async with schemas.of("payment") as connection:
        journal = await payment_queries.journal_numbered(connection, company, document)
    if journal is None:
        raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="journal")
    if journal.status != _CREATED:
        raise ActionRefusedError(ActionCode.NOT_OPEN, "journal-is", document=document, status=journal.status)
    data = {"company": company, "journal": journal.data.journal, "document": document}
    plan = await _plan(schemas, "journal-approval.requested", data, ordered)
    before = {"status": journal.status, "currency": journal.data.currency, "amount": str(journal.data.amount)}
    return Draft(Verb.APPROVE_JOURNAL, data, (company,), plan, before, {"status": "posted"})


async def drafted_settlement_reversal(  # noqa: PLR0913 - what is reversed, when, and for whom
    schemas: Schemas, ledger: Ledger, settlement: EventRef, date: date | None, ordered: Ordered, sees: Sees = _sees_all
) -> Draft:
    """The action that reverses what one event settled; ActionRefusedError: not-found, not-open.

    `sees`: whether one of these companies is in the scope of who asks; where none of any record is, nothing is found.
    """
    async with schemas.of("settlement") as connection:
        records = [each for each in await settlement_queries.records_of_run(connection, settlement.id) if each.run == settlement]
    of_ledger = [each for each in records if each.ledger == ledger]
    if not any(sees(each.lowering.company, each.raising.company) for each in of_ledger):
        of_ledger = []
    data = {"ledger": ledger, "settlement": settlement.id, "settlement_source": settlement.source}
    return await _settlement_reversal(schemas, data, of_ledger, date, ordered)


async def drafted_payment_settlement_reversal(schemas: Schemas, key: DocumentKey, date: date | None, ordered: Ordered) -> Draft:
    """The action that reverses what a payment settled; ActionRefusedError: not-found, not-open."""
    await _document(schemas, key)
    async with schemas.of("settlement") as connection:
        records = await settlement_queries.records_of_document(connection, key)
    data = {"ledger": key.ledger, "payment": {"company": key.company, "document": key.document}}
    return await _settlement_reversal(schemas, data, records, date, ordered)


async def _settlement_reversal(
    schemas: Schemas, data: dict[str, Any], records: list[RecordInForce], date: date | None, ordered: Ordered
) -> Draft:
    if not records:
        raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="settlement")
    in_force = [each for each in records if not each.is_reversed]
    if not in_force:
        raise ActionRefusedError(ActionCode.NOT_OPEN, "is-reversed", what="settlement")
    companies = sorted({key.company for each in in_force for key in (each.lowering, each.raising)})
    said = {**data, "date": None if date is None else date.isoformat(), "reason": ordered.reason}
    plan = await _plan(schemas, "settlement-reversal.requested", said, ordered)
    before = {"records": [_record_row(each) for each in in_force]}
    return Draft(Verb.REVERSE_SETTLEMENT, data, tuple(companies), plan, before, _reversed(date))


def _record_row(record: RecordInForce) -> dict[str, Any]:
    """A record as whoever decides about it wants to see it: what paid what, and how much."""
    names = {"payment": record.lowering, "invoice": record.raising}
    return {
        "settlement": record.run._asdict(),
        "number": record.number,
        **{name: {"company": key.company, "document": key.document} for name, key in names.items()},
        "amount": money(record.amount, record.currency),
        "currency": record.currency,
    }


def _reversed(date: date | None) -> dict[str, Any]:
    return {"reversed": True} if date is None else {"reversed": True, "date": date.isoformat()}


async def drafted_payment_reversal(schemas: Schemas, key: DocumentKey, date: date | None, ordered: Ordered) -> Draft:
    """The action that reverses a payment; ActionRefusedError: not-found, not-open."""
    document = await _document(schemas, key)
    if document.is_reversed:
        raise ActionRefusedError(ActionCode.NOT_OPEN, "is-reversed", what=document.kind)
    data = {"ledger": key.ledger, "payment": {"company": key.company, "document": key.document}}
    said = {**data, "date": None if date is None else date.isoformat(), "reason": ordered.reason}
    plan = await _plan(schemas, "payment-reversal.requested", said, ordered)
    before = {"kind": document.kind, "currency": document.currency, "amount": str(document.amount), "open": str(document.open)}
    return Draft(Verb.REVERSE_PAYMENT, data, (key.company,), plan, before, _reversed(date))


async def _document(schemas: Schemas, key: DocumentKey) -> Document:
    async with schemas.of("settlement") as connection:
        found = await settlement_queries.documents_by_key(connection, [key])
    if key not in found:
        raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="document")
    return found[key]


async def _plan(schemas: Schemas, type_: str, data: dict[str, Any], ordered: Ordered) -> ActionPlan:
    parties = PartyBook(await reference_data(schemas))
    return ActionPlan(records=(request_record(ordered.action, type_, data, ordered.at, parties, schemas.settings, ordered.traceparent),))
