"""`POST /v1/simulate`: what events would do now; nothing is saved."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from services.operations.simulate import simulate_events
from services.web.access.may import Reader
from services.web.access.roles import EVERYTHING
from services.web.access.scope import visible_refusal, visible_voucher, visible_wait
from services.web.book_models import LineModel, VoucherHead
from services.web.cloudevents import given_events
from services.web.frame import language_of
from services.web.models import FaultModel
from services.web.problems import Code, Fault, ProblemError
from services.web.why_models import WhyModel
from shared.events.bindings import BATCH
from shared.events.envelope import Message, Unreadable
from shared.events.producing import PartyBook
from shared.events.senders import concerns

if TYPE_CHECKING:
    from services.operations.simulate import SimulatedResult
    from services.web.access.roles import Actor
    from services.web.cloudevents import GivenEvent
    from services.web.ports import WebPorts

router = APIRouter(tags=["events"])

MOST_EVENTS: Final = 50


class ToSimulate(BaseModel):
    """Events that are not sent."""

    model_config = ConfigDict(extra="forbid")

    events: list[dict[str, Any]] = Field(
        min_length=1, max_length=MOST_EVENTS, description="CloudEvents as JSON documents (structured), in the order of their arrival."
    )


class SimulatedLine(LineModel):
    """A line of a voucher that would be posted."""

    why: WhyModel | None = Field(description="Why it would be there and have its amount, as `/v1/voucher/why` says it once it is posted.")


class SimulatedVoucher(VoucherHead):
    """A voucher that would be posted. Of a company out of scope what may not be seen is null."""

    voucher: str = Field(description="Its series and `next`: the number is given when it is posted.", examples=["AP-SET-next"])
    number: int | None = Field(description="null: the number is given when it is posted.")
    lines: list[SimulatedLine] = Field(description="Its lines.")


class OpenBeforeAndAfter(BaseModel):
    """A document that the events touch."""

    company: str = Field(description="Its company.")
    document: str = Field(description="Its number.")
    ledger: str = Field(description="receivable or payable.")
    currency: str = Field(description="Its currency.")
    before: str | None = Field(description="What is open of it now, debit positive; null: it is not there.")
    after: str | None = Field(description="What would be open; null: it would be gone.")


class SimulatedRefusal(BaseModel):
    """An event that would be refused, or what it asks to be settled."""

    event: str = Field(description="The event's id.")
    scope: str = Field(description="`event` or `settlement`.")
    code: str = Field(description="Why, as a code of docs/events.md.")
    field: str = Field(description="Where, as a JSON pointer.")
    message: str = Field(description="What is wrong and what would be right.")


class Simulated(BaseModel):
    """What the events would do."""

    vouchers: list[SimulatedVoucher] = Field(description="The vouchers that would be posted, in every company.")
    settlements: list[dict[str, Any]] = Field(description="The settlement records, as in docs/scenarios.md.")
    journals: list[dict[str, Any]] = Field(description="The sales payment journals, as in docs/scenarios.md.")
    open: list[OpenBeforeAndAfter] = Field(description="Every document touched, before and after.")
    rejected: list[SimulatedRefusal] = Field(description="What would be refused.")
    waiting: list[dict[str, Any]] = Field(description="What would wait, and for what, as in docs/scenarios.md.")
    unreadable: list[FaultModel] = Field(description="Events that would be refused in form; they are left out of the simulation.")
    complete: bool = Field(description="false: so much would resume that not all of it was simulated.")


@router.post("/v1/simulate", response_model=Simulated, summary="What events would do now")
async def simulate(request: Request, actor: Reader, given: Annotated[ToSimulate, Body(description="The events.")]) -> Any:
    """Folds the events on what the services have now, as if they arrived one after the other; nothing is sent and nothing saved.

    What comes out is what would be posted if the events were sent now and nothing else arrived.
    """
    ports: WebPorts = request.app.state.ports
    async with ports.simulating:
        events = await _read(ports, given)
        for event in events:
            if isinstance(event.read, Message):
                actor.acts_for(concern.company or EVERYTHING for concern in concerns(event.read.data))
        readable = [event.record for event in events if isinstance(event.read, Message)]
        result = await simulate_events(ports.schemas, readable, ports.clock.now(), language_of(request.scope))
    faults = [_in_the_list(fault) for event in events if isinstance(event.read, Unreadable) for fault in event.faults()]
    return JSONResponse(shown_result(result, faults, actor))


async def _read(ports: WebPorts, given: ToSimulate) -> list[GivenEvent]:
    """The events as the services read them, on the topics that they all read."""
    parties = PartyBook(await ports.reference.current())
    try:
        body = json.dumps(given.events).encode()
    except (ValueError, RecursionError) as error:
        raise ProblemError(Code.MALFORMED, "body-not-json", reason=str(error)) from error
    return given_events(Headers({"content-type": BATCH}), body, parties, lambda record: record, None)


def _in_the_list(fault: Fault) -> Fault:
    """The list of events stands in the body as `events`."""
    return replace(fault, pointer=f"/events{fault.pointer}")


def shown_result(simulated: SimulatedResult, faults: list[Fault], actor: Actor) -> dict[str, Any]:
    """The result as far as this reader sees it: of other companies that a voucher is there, and what is owed between them and his own."""
    row = simulated.as_row()
    return {
        **row,
        "vouchers": [visible_voucher(each, actor) for each in row["vouchers"]],
        "settlements": [each for each in row["settlements"] if actor.sees(each["debit_company"], each["credit_company"])],
        "journals": [each for each in row["journals"] if actor.sees(each["company"], each["mirrors"]["company"])],
        "open": [each for each in row["open"] if actor.sees(each["company"])],
        "rejected": [visible_refusal(each, actor) for each in simulated.refusals],
        "waiting": [visible_wait(each, actor) for each in row["waiting"]],
        "unreadable": [fault.as_row() for fault in faults],
    }
