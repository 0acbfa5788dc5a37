"""Refusals replayed, resent with mended data, or dismissed; and what waits given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.desk.actions.rules import ActionCode, ActionRefusedError
from services.desk.waiting import waiting_named
from services.inquiry.queries.events import StageOfEvent
from services.operations import discard, mending, replay
from services.operations.mending import Mended
from services.web.access.may import Operator
from services.web.frame import language_of
from services.web.known import CODES
from services.web.models import AN_ID, mistake
from services.web.models import Key as Name
from services.web.parameters import fault_of_unknown
from services.web.problems import Code, ProblemError
from services.web.writing import ACTED, ActedModel, Key, Reasoned, Writing, not_there

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.desk.actions.rules import Draft
    from services.operations.carrying_out import Acted
    from services.web.access.roles import Actor
    from services.web.ports import WebPorts
    from services.web.writing import Answer

router = APIRouter(tags=["work"])

MOST: Final = 500
ANSWERED_WITHIN: Final = 10.0

RefusalId = Annotated[str, Field(pattern=AN_ID, description="The refusal's id, as /v1/refusals gives it.")]
Ids = Annotated[list[RefusalId], Field(min_length=1, max_length=MOST, description="Refusals, by their ids.")]
Data = Annotated[dict[str, Any], Field(description="The mended data.")]


class RefusalFilter(BaseModel):
    """Which open refusals, the newest 500 at most: what is left out selects all."""

    model_config = ConfigDict(extra="forbid")

    code: Name | None = Field(default=None, description="Refused with this code.")
    source: Name | None = Field(default=None, description="Of events from this source.")
    company: Name | None = Field(default=None, description="About this company.")


class ToReplay(Reasoned):
    """Which refused events to send again: by ids, or all open ones that a filter selects."""

    ids: Ids | None = Field(default=None, description="Refusals, by their ids.")
    filter: RefusalFilter | None = Field(default=None, description="In place of ids.")

    @model_validator(mode="after")
    def _one_of_both(self) -> ToReplay:
        if (self.ids is None) == (self.filter is None):
            raise mistake(kind="either", one="ids", other="filter")
        return self


class ToDismiss(Reasoned):
    """Which refusals nobody is going to work on."""

    ids: Ids


class ToResend(Reasoned):
    """Mended data in place of what was refused."""

    id: RefusalId
    data: Data


class ToDiscard(Reasoned):
    """The event whose waiting is given up."""

    source: Name = Field(description="The event's source.")
    id: Name = Field(description="The event's id.")


class RepliedModel(BaseModel):
    """How far an event is that was sent again."""

    source: str = Field(description="Its source.")
    id: str = Field(description="Its id.")
    state: StageOfEvent = Field(description="`posted`, `waiting`, `refused` again, or still on its way: `received`.")
    code: str | None = Field(description="With which code it was refused again.")


class NotReplayedModel(BaseModel):
    """A refused event that cannot be sent again from here."""

    refusal: str = Field(description="The refusal's id.")
    message: str = Field(description="Why, and what to do instead.")


class ReplayedModel(ActedModel):
    """What became of refused events that were sent again."""

    events: list[RepliedModel] = Field(description="Each event, as far as it was after 10 seconds at most.")
    problems: list[NotReplayedModel] = Field(description="What was left out.")


@router.post("/v1/refusals/replay", response_model=ReplayedModel, summary="Send refused events again")
async def replay_refusals(request: Request, actor: Operator, body: ToReplay, key: Key = None) -> Response:
    """Refused events, sent again as they came, under their own ids; of a payment that is posted the settlement is asked for again.

    Of several refusals of one event the last is sent. The answer waits for what becomes of them, 10 seconds at most.
    """
    code = None if body.filter is None else body.filter.code
    if code is not None and code not in CODES:
        fault = fault_of_unknown("/filter/code", code, CODES, language_of(request.scope), Code.INVALID)
        raise ProblemError(Code.INVALID, "body-field", faults=[fault], place=fault.pointer, message=fault.message)
    writing = Writing(request, actor, key, body)
    problems: dict[str, str] = {}

    async def draft(_: str) -> Draft:
        drafted = await _replay_of(writing.ports, body, actor)
        problems.update(drafted.problems)
        if not drafted.draft.plan.replays:
            if not problems:
                raise ActionRefusedError(ActionCode.NOT_OPEN, "nothing-open", what="refusals selected")
            raise ActionRefusedError(ActionCode.NOT_OPEN, "nothing-replayable", why=" ".join(problems.values()))
        return drafted.draft

    async def answer(acted: Acted) -> Answer:
        rows = await writing.became(acted, ANSWERED_WITHIN)
        left_out = [{"refusal": refusal, "message": message} for refusal, message in problems.items()]
        return 200, {"action": acted.action.id, "state": acted.action.state.value, "events": rows, "problems": left_out}

    return await writing.act(draft, answer, not_there("refusal"))


async def _replay_of(ports: WebPorts, body: ToReplay, actor: Actor) -> replay.DraftedReplay:
    if body.ids is not None:
        named = await mending.refusals_named(ports.schemas, body.ids)
        return await replay.drafted(ports.schemas, {each.event: each for each in named}.values())
    wanted = body.filter or RefusalFilter()
    if wanted.company is not None:
        actor.acts_for([wanted.company])
    found = await mending.open_refusals(ports.schemas, wanted.code, wanted.source, MOST)
    return await replay.drafted(ports.schemas, found, actor.companies if wanted.company is None else frozenset({wanted.company}))


@router.post("/v1/refusals/resend", status_code=202, responses=ACTED, response_model=ActedModel, summary="Send mended data")
async def resend_refusal(request: Request, actor: Operator, body: ToResend, key: Key = None) -> Response:
    """Mended data in place of what was refused; with four eyes a proposal.

    Scope `event`: the same event with these data, under its source and id. Scope `settlement`: its document is posted and its id is
    taken, so these are the data of a `settlement.requested`. The event says who mended it (`mendedby`) and of which refusal
    (`mendedfrom`); the audit keeps both data.
    """
    writing = Writing(request, actor, key, body)

    async def draft(action: str) -> Draft:
        ordered = writing.ordered(action)
        mended = Mended(body.id.lower(), body.data, actor.name, action, ordered.at, ordered.traceparent)
        return await mending.drafted_resend(writing.ports.schemas, mended)

    return await writing.act(draft, hidden=not_there(f"refusal {body.id.lower()}"))


@router.post("/v1/refusals/dismiss", response_model=ActedModel, summary="Take refusals off the work list")
async def dismiss_refusals(request: Request, actor: Operator, body: ToDismiss, key: Key = None) -> Response:
    """Refusals that nobody is going to work on. Nothing is deleted, and they can be replayed still."""
    writing = Writing(request, actor, key, body)

    async def answer(acted: Acted) -> Answer:
        return 200, {"action": acted.action.id, "state": acted.action.state.value}

    ids = [each.lower() for each in body.ids]
    return await writing.act(lambda _: mending.drafted_dismissal(writing.ports.schemas, ids), answer, not_there("refusal"))


@router.post("/v1/waiting/discard", status_code=202, responses=ACTED, response_model=ActedModel, summary="Give up what waits")
async def discard_waiting(request: Request, actor: Operator, body: ToDiscard, key: Key = None) -> Response:
    """What an event has waiting is refused as `discarded` within seconds, and what waited for it resumes; with four eyes a proposal."""
    writing = Writing(request, actor, key, body)

    nothing = ActionRefusedError(ActionCode.NOT_OPEN, "nothing-open", what="wait")

    async def draft(_: str) -> Draft:
        items = [each for each in await waiting_named(writing.ports.schemas, body.id) if each.event.source == body.source]
        if not items:
            raise nothing
        return await discard.drafted(writing.ports.schemas, items)

    return await writing.act(draft, hidden=nothing)
