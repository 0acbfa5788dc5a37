"""What became of an event: received, taken, waiting, refused, posted, and what it posted.

That it was received inquiry knows, which reads the topics, all else the services' own tables; without inquiry they alone are asked.

Invariant: all that is said of an event is of one moment; an event that waits or was refused, wholly or in part, is never called posted;
one of which a voucher is still to come is `received`; so is one that was sent again after it was refused, until it is clear what came of
that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import asyncpg

from services.desk.about import about
from services.desk.rejections import refused_named, whole
from services.desk.rows import document_row, told_of_row
from services.desk.schemas import SchemaMissingError
from services.desk.vouchers_due import vouchers_of
from services.desk.waiting import waiting_named
from services.desk.work_lists import states_of
from services.inquiry.queries.events import CLOCKS_DIFFER, Became, Refused, StageOfEvent, receipts, stage
from services.settlement import queries as settlement_queries
from shared.delivery import shell_queries
from shared.delivery.inbox import inbox_key
from shared.events.codec import digest_as_written
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from services.desk.rejections import RefusedEvent
    from services.desk.schemas import Schemas, ServicesSchemas
    from services.desk.waiting import WaitingItem
    from services.inquiry.queries.events import Receipt
    from shared.events.envelope import EventRef, Message

Row = dict[str, Any]

_INBOXES = ("settlement", "payment")
"""Where the ids of events from outside are taken: settlement has all; payment those of approvals that earlier versions took."""


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
    async with schemas.at_one_moment() as services:
        found, refusals = await _state_at(services, ref, sent_at, receipt)
    states = await states_of(schemas, refusals)
    return replace(found, refusals=[{**row, "state": states[row["id"]]} for row in found.refusals])


async def _state_at(
    schemas: ServicesSchemas, ref: EventRef, sent_at: datetime | None, receipt: Receipt | None
) -> tuple[EventState, list[RefusedEvent]]:
    """The state, and the refusals that are told in it; what was done about them stands elsewhere."""
    waits = [each for each in await waiting_named(schemas, ref.id) if each.event == ref]
    refused = [each for each in await refused_named(schemas, ref.id) if each.event == ref]
    refusals = [each async for each in whole(schemas, refused)]
    async with schemas.of("settlement") as connection:
        documents = [each for each in await settlement_queries.documents_named(connection, ref.id) if each.event == ref]
        records = [each for each in await settlement_queries.records_of_run(connection, ref.id) if each.run == ref]
    is_taken = bool(await taken(schemas, [ref]))
    vouchers, is_whole = await vouchers_of(schemas, documents, records)
    said = tuple(Refused(each.rejection.scope, each.again_at or each.rejected_at) for each in refusals)
    state = stage(Became(bool(waits), said, is_taken, is_whole, sent_at))
    noted = [*(each.since for each in waits), *(each.rejected_at for each in refusals)]
    told = EventState(
        state,
        min(noted, default=None) if receipt is None else receipt.received_at,
        [each.as_row() for each in waits],
        [_refusal_row(each) for each in refusals],
        [document_row(each) for each in documents],
        [{name: row[name] for name in ("company", "voucher", "kind", "date", "document")} for row in vouchers],
        frozenset({*(each.company for each in documents), *(row["company"] for row in vouchers), *_companies(waits, refusals, receipt)}),
    )
    return told, refusals


async def taken(schemas: ServicesSchemas, refs: Collection[EventRef]) -> set[EventRef]:
    """Those of these events that a service has taken."""
    found: set[EventRef] = set()
    for service in _INBOXES:
        if left := set(refs) - found:
            async with schemas.of(service) as connection:
                found |= await shell_queries.taken(connection, left)
    return found


def _refusal_row(refused: RefusedEvent) -> Row:
    said = refused.rejection
    row = {**{name: getattr(said, name) for name in ("scope", "code", "field", "message")}, **told_of_row(said)}
    return {**row, "id": refused.id, "rejected_at": instant(refused.rejected_at)}


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
