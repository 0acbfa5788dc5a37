"""`POST /v1/events` and `/v1/event`: sending events, and what became of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from services.desk.event_state import EventState, event_state
from services.desk.refusal_states import RefusalState
from services.inquiry.queries.events import StageOfEvent
from services.operations.sent_by_hand import drafted_sending
from services.web.access.may import Reader, Sender
from services.web.access.scope import visible_refusal, visible_wait
from services.web.cloudevents import is_batch
from services.web.frame import language_of
from services.web.ingestion import ingestion_of
from services.web.models import FaultModel, Key
from services.web.work_models import WaitModel
from services.web.writing import Reason, Reasoned, Writing
from shared.events.bindings import BATCH, STRUCTURED
from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import EventRef
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.desk.actions.rules import Draft
    from services.web.access.roles import Actor
    from services.web.ingestion import SentOutcome
    from services.web.ports import WebPorts
    from shared.events.envelope import Record

router = APIRouter(tags=["events"])

LONGEST_WAIT: Final = 30
_LOOKED_AGAIN_AFTER: Final = 0.2
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,6})(?:$|[,;\s])")


class Sent(BaseModel):
    """What became of an event that was sent."""

    source: str | None = Field(description="Its source; null where that could not be read.")
    id: str | None = Field(description="Its id; null where that could not be read.")
    state: Literal["accepted", "duplicate", "refused"] = Field(
        description="`accepted`: the broker has it. `duplicate`: it was sent before. `refused`: it was left out (`partial=true`)."
    )
    errors: list[FaultModel] = Field(default=[], description="Why it was left out: all that is wrong with it.")


class RefusalModel(BaseModel):
    """A refusal of the event, or of what it asked to be settled."""

    id: str = Field(description="The refusal's id.")
    scope: str = Field(description="`event`: all of it; `settlement`: what it asked to be settled.")
    code: str = Field(description="Why, as a code of docs/events.md.")
    field: str = Field(description="Where, as a JSON pointer.")
    message: str = Field(description="What is wrong and what would be right.")
    rejected_at: str = Field(description="When.")
    state: RefusalState = Field(description="What was done about it: `open` (nothing yet), `resent`, `dismissed`.")


class PostedDocument(BaseModel):
    """A document that the event posted."""

    company: str = Field(description="Its company.")
    document: str = Field(description="Its number.")
    ledger: str = Field(description="receivable or payable.")
    currency: str = Field(description="Its currency.")
    balance: str = Field(description="What is open of it, debit positive.")


class VoucherOfEvent(BaseModel):
    """A voucher that came of the event."""

    company: str = Field(description="Its company.")
    voucher: str = Field(description="Its number.")
    kind: str = Field(description="Its kind: invoice, payment, settlement, …")
    date: str = Field(description="Its date.")
    document: str | None = Field(description="The document that it posts or settles; null in a company out of scope.")


class StateOfEvent(BaseModel):
    """What became of an event."""

    source: str = Field(description="The event's source.")
    id: str = Field(description="The event's id.")
    state: StageOfEvent = Field(
        description="`received`: on its way. `waiting`: something of it waits. `refused`: it, or its marks. `posted`: all of it was done."
    )
    received_at: str | None = Field(
        description="When it was first received; without inquiry when something of it was first noted; null: not known."
    )
    waits: list[WaitModel] = Field(description="What of it waits, and for what.")
    refusals: list[RefusalModel] = Field(description="What of it was refused, those of the past too.")
    documents: list[PostedDocument] = Field(description="The documents that it posted, of companies in scope.")
    vouchers: list[VoucherOfEvent] = Field(description="The vouchers that came of it, in all companies.")


_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "VPAY-8",
    "source": "/erp/fabrikam",
    "type": "intercompany.vendor-payment.posted.v1",
    "data": {"company": "FAB", "account": "IC-WEST", "document": "VPAY-8", "date": "2026-03-20", "currency": "USD", "amount": "100.00"},
}
_EVENT_SCHEMA: Final = {
    "type": "object",
    "description": "A CloudEvent of the contract (docs/contract).",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0", "description": "The version of CloudEvents."},
        "id": {"type": "string", "minLength": 1, "maxLength": 200, "description": "The event's id, unique for its source."},
        "source": {"type": "string", "minLength": 1, "maxLength": 512, "description": "Who says it."},
        "type": {
            "enum": sorted(full_type(name) for name, entry in CONTRACT.items() if entry.inbound),
            "description": "Its type; docs/contract/events has a page for each.",
        },
        "time": {"type": ["string", "null"], "format": "date-time", "description": "When it happened; null is as if it were left out."},
        "data": {"type": "object", "description": "Its data, by its type's schema."},
    },
}
_BODY: Final = {
    "required": True,
    "description": "One event (structured, or binary with the headers `ce-…`), or up to 500 of up to 512 KiB each.",
    "content": {
        STRUCTURED: {"schema": _EVENT_SCHEMA, "example": _EXAMPLE},
        BATCH: {"schema": {"type": "array", "maxItems": 500, "items": _EVENT_SCHEMA}, "example": [_EXAMPLE]},
        "application/json": {"schema": {"description": "An event, or with the headers `ce-…` its data."}, "example": _EXAMPLE},
    },
}
_LOCATION: Final = {"description": "Where to ask what became of the event.", "schema": {"type": "string"}}
_SENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": list[StateOfEvent], "description": "With `Prefer: wait`: what became of each event."},
    202: {"model": list[Sent], "description": "The broker has acknowledged every event.", "headers": {"Location": _LOCATION}},
}


@router.post("/v1/events", status_code=202, responses=_SENT, openapi_extra={"requestBody": _BODY}, summary="Send events")
async def send_events(
    request: Request,
    actor: Sender,
    partial: Annotated[bool, Query(description="Whether to send the events that are right though others are not.")] = False,  # noqa: FBT002
    prefer: Annotated[
        str | None, Header(description="`wait=10`: answer with the events' state, once it is known, within so many seconds.")
    ] = None,
    reason: Annotated[Reason | None, Query(description="Why, for the audit: with it what is sent is an action (`send`).")] = None,
) -> Response:
    """CloudEvents over HTTP: structured, batched or binary. All are sent or none, and answered once the broker has acknowledged all.

    The same event again is a `duplicate` and changes nothing; an id that is taken by other data is `conflicting-duplicate`. While the
    broker is away nothing is kept here: send the same again.
    """
    ports: WebPorts = request.app.state.ports
    ingestion = ingestion_of(ports)
    traceparent = request.scope["state"]["traceparent"]
    body, language = await request.body(), language_of(request.scope)
    send = None if reason is None else _audited(Writing(request, actor, None, Reasoned(reason=reason)))
    outcomes = await ingestion.take(actor, request.headers, body, traceparent, language, partial=partial, send=send)
    headers = {} if is_batch(request.headers) else {"Location": _location(outcomes[0])}
    seconds = _seconds(prefer)
    if seconds:
        refs = [each.ref for each in outcomes if each.ref is not None and not each.faults]
        states = await _states(ports, refs, seconds)
        if all(state.is_settled for state in states):
            rows = [_state_row(ref, state, actor) for ref, state in zip(refs, states, strict=True)]
            return JSONResponse(rows, 200, {**headers, "Preference-Applied": f"wait={seconds}"})
    return JSONResponse([each.as_row() for each in outcomes], 202, headers)


@router.get("/v1/event", response_model=StateOfEvent, summary="What became of an event")
async def event(
    request: Request,
    actor: Reader,
    source: Annotated[Key, Query(description="The event's source.")],
    id_: Annotated[Key, Query(alias="id", description="The event's id.")],
    wait: Annotated[int, Query(description="Answer once it is no longer on its way, within so many seconds.", ge=0, le=LONGEST_WAIT)] = 0,
) -> Any:
    """Whether it was received, waits, was refused or is posted, and what came of it. One that nobody knows is `unknown`."""
    ref = EventRef(source.strip(), id_.strip())
    (state,) = await _states(request.app.state.ports, [ref], wait)
    return JSONResponse(_state_row(ref, state, actor))


def _audited(writing: Writing) -> Callable[[list[Record]], Awaitable[None]]:
    """Sends events as something that somebody did, which the audit keeps."""

    async def send(records: list[Record]) -> None:
        async def draft(_: str) -> Draft:
            return drafted_sending(records)

        await writing.act(draft)

    return send


async def _states(ports: WebPorts, refs: list[EventRef], seconds: int) -> list[EventState]:
    """The states of events, once all are settled or the time is over."""
    recent = ingestion_of(ports).recent
    until = ports.clock.monotonic() + seconds
    while True:
        sent = [recent.of(ref) for ref in refs]
        states = [await event_state(ports.schemas, ref, last and last.at) for ref, last in zip(refs, sent, strict=True)]
        if all(state.is_settled for state in states) or ports.is_over(until):
            return states
        await ports.pause(_LOOKED_AGAIN_AFTER)


def _seconds(prefer: str | None) -> int:
    """How long to wait, by a header Prefer (RFC 7240)."""
    found = _WAIT.search(prefer or "")
    return min(int(found[1]), LONGEST_WAIT) if found else 0


def _location(outcome: SentOutcome) -> str:
    source, id_ = outcome.ref or ("", "")
    return f"/v1/event?{urlencode({'source': source, 'id': id_})}"


def _state_row(ref: EventRef, state: EventState, actor: Actor) -> dict[str, Any]:
    """What this actor may see of an event; one of other companies looks like one that nobody knows."""
    if state.companies and not actor.sees(*state.companies):
        state = EventState(StageOfEvent.UNKNOWN)
    return {
        "source": ref.source,
        "id": ref.id,
        "state": state.state,
        "received_at": instant(state.received_at) if state.received_at else None,
        "waits": [visible_wait(row, actor) for row in state.waits],
        "refusals": [visible_refusal(row, actor) for row in state.refusals],
        "documents": [row for row in state.documents if actor.sees(row["company"])],
        "vouchers": [row if actor.sees(row["company"]) else {**row, "document": None} for row in state.vouchers],
    }
