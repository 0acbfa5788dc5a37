"""What became of an event: received, taken, waiting, refused, posted, and what it posted.

That it was received inquiry knows, which reads the topics, all else the services' own tables; without inquiry they alone are asked.

Invariant: an event that waits or was refused is never called posted; one of which a voucher is still to come is `received`; so is
one that was sent again after it was refused, until it is clear what came of that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from services.desk.about import about
from services.desk.at_owners import posted
from services.desk.rejections import refused_named, whole
from services.desk.rows import document_row
from services.desk.schemas import SchemaMissingError
from services.desk.waiting import waiting_named
from services.desk.work_lists import states_of
from services.inquiry.queries.events import receipts
from services.settlement import queries as settlement_queries
from shared.delivery import shell_queries
from shared.delivery.inbox import inbox_key
from shared.events.codec import digest_as_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.desk.rejections import RefusedEvent
    from services.desk.schemas import Schemas
    from services.desk.waiting import WaitingItem
    from services.inquiry.queries.events import Receipt
    from services.settlement.rules.values import Document
    from shared.events.envelope import EventRef, Message

Row = dict[str, Any]

CLOCKS_DIFFER: Final = timedelta(seconds=5)
"""By so much the broker's clock may be ahead of the database's: what was refused is not taken for what was sent again since."""
_INBOXES = ("settlement", "payment")
"""Where the ids of events from outside are taken: settlement has all; payment those of approvals that earlier versions took."""


class StageOfEvent(StrEnum):
    """How far an event is."""

    UNKNOWN = "unknown"
    RECEIVED = "received"
    WAITING = "waiting"
    REFUSED = "refused"
    POSTED = "posted"


@dataclass(frozen=True, slots=True)
class EventState:
    """What became of an event. `companies`: those that it is known to concern.

    `received_at`: when the broker took it; without inquiry when something of it was first noted, None if nothing was.
    """

    state: StageOfEvent
    received_at: datetime | None = None
    waits: list[Row] = field(default_factory=list)
    refusals: list[Row] = field(default_factory=list)
    documents: list[Row] = field(default_factory=list)
    vouchers: list[Row] = field(default_factory=list)
    companies: frozenset[str] = frozenset()

    @property
    def is_settled(self) -> bool:
        """Whether it is no longer on its way; one that nobody knows is not."""
        return self.state is not StageOfEvent.RECEIVED


async def receipt_of(schemas: Schemas, ref: EventRef) -> Receipt | None:
    """That inquiry has read an event; None where it has not, is not there, or its database does not answer: nothing waits for it."""
    with suppress(SchemaMissingError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        async with schemas.books() as connection:
            return (await receipts(connection, [ref])).get(ref)
    return None


async def event_state(schemas: Schemas, ref: EventRef, sent_at: datetime | None = None) -> EventState:
    """The state of an event; `sent_at`: when the broker acknowledged it last, if that is known: refusals before that are of the past."""
    receipt = await receipt_of(schemas, ref)
    if receipt is not None:
        sent_at = max(each for each in (sent_at, receipt.last_received_at - CLOCKS_DIFFER) if each is not None)
    waits = [each for each in await waiting_named(schemas, ref.id) if each.event == ref]
    refused = [each for each in await refused_named(schemas, ref.id) if each.event == ref]
    refusals = [each async for each in whole(schemas, refused)]
    states = await states_of(schemas, refusals)
    async with schemas.of("settlement") as connection:
        documents = [each for each in await settlement_queries.documents_named(connection, ref.id) if each.event == ref]
        has_run = any(record.run == ref for record in await settlement_queries.records_of_run(connection, ref.id))
    is_taken = await _is_taken(schemas, ref)
    keys = [(each.ledger, each.company, each.document) for each in documents]
    vouchers = await posted(schemas, keys, [ref] if has_run else []) if keys or has_run else []
    state = _state(waits, refusals, sent_at, is_taken=is_taken, is_whole=_is_whole(documents, vouchers, has_run=has_run))
    noted = [*(each.since for each in waits), *(each.rejected_at for each in refusals)]
    return EventState(
        state,
        min(noted, default=None) if receipt is None else receipt.received_at,
        [each.as_row() for each in waits],
        [{**_refusal_row(each), "state": states[each.id]} for each in refusals],
        [document_row(each) for each in documents],
        [{name: row[name] for name in ("company", "voucher", "kind", "date", "document")} for row in vouchers],
        frozenset({*(each.company for each in documents), *(row["company"] for row in vouchers), *_companies(waits, refusals, receipt)}),
    )


async def _is_taken(schemas: Schemas, ref: EventRef) -> bool:
    for service in _INBOXES:
        async with schemas.of(service) as connection:
            if await shell_queries.taken(connection, [ref]):
                return True
    return False


def _is_whole(documents: Sequence[Document], vouchers: Iterable[Row], *, has_run: bool) -> bool:
    """Whether the voucher of every document and of the run is there; an event that posts nothing has none."""
    there = {(row["ledger"], row["company"], row["document"]) for row in vouchers if row["settlement"] is None}
    runs = [row for row in vouchers if row["settlement"] is not None]
    return all((each.ledger, each.company, each.document) in there for each in documents) and bool(runs or not has_run)


def _state(
    waits: Sequence[WaitingItem], refusals: Sequence[RefusedEvent], sent_at: datetime | None, *, is_taken: bool, is_whole: bool
) -> StageOfEvent:
    if waits:
        return StageOfEvent.WAITING
    last = max((each.again_at or each.rejected_at for each in refusals), default=None)
    if is_taken:
        return StageOfEvent.POSTED if is_whole else StageOfEvent.RECEIVED
    if last is not None and (sent_at is None or last >= sent_at):
        return StageOfEvent.REFUSED
    return StageOfEvent.UNKNOWN if sent_at is None else StageOfEvent.RECEIVED


def _refusal_row(refused: RefusedEvent) -> Row:
    said = refused.rejection
    row = {name: getattr(said, name) for name in ("scope", "code", "field", "message")}
    return {**row, "id": refused.id, "rejected_at": refused.rejected_at.isoformat()}


def _companies(waits: Iterable[WaitingItem], refusals: Iterable[RefusedEvent], receipt: Receipt | None) -> Iterable[str]:
    if receipt is not None:
        yield from about(receipt.type, receipt.data).companies
    yield from (each.key["company"] for each in waits if "company" in each.key)
    yield from (each.rejection.company for each in refusals if each.rejection.company)


async def known(schemas: Schemas, messages: Sequence[Message]) -> dict[EventRef, bool]:
    """Which of these events' ids were taken before: True by the same event, False by one with other data."""
    keys = {inbox_key(message.ref): message for message in messages}
    found: dict[EventRef, bool] = {}
    for service in _INBOXES:
        async with schemas.of(service) as connection:
            for key, digest in (await shell_queries.digests(connection, keys)).items():
                message = keys[key]
                found[message.ref] = digest in {message.digest, digest_as_written(message)}
    return found
