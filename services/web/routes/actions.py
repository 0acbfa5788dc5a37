"""`/v1/actions`: the audit of what people did, and proposals approved or declined."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from services.desk.actions import store
from services.desk.actions.rules import ActionState, Decision, Verb
from services.desk.actions.store import ActionSelection
from services.web.access.may import Approver, Decliner, Reader
from services.web.book_models import TEXT, OneCompany
from services.web.cursors import MOST_COUNTED, Envelope, counted
from services.web.known import refuse_unknown_companies
from services.web.models import AN_ID, ATime, ListOf
from services.web.problems import Code, ProblemError
from services.web.reading import Page, answered, scope_of
from services.web.writing import ACTED, ActedModel, Key, Reasoned, Writing
from shared.rows import instant

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.desk.actions.rules import Action
    from services.web.access.roles import Actor
    from services.web.ports import WebPorts

router = APIRouter(tags=["audit"])

ActionId = Annotated[str, Path(alias="id", description="The action's id.", pattern=AN_ID)]


class DecidedModel(BaseModel):
    """What was decided about a proposal."""

    decision: Decision = Field(description="approved or declined by somebody else, or withdrawn by whoever proposed it.")
    actor: str = Field(description="By whom.")
    roles: list[str] = Field(description="The roles that they had then.")
    request_id: str = Field(description="The request with which they did.")
    at: datetime = Field(description="When.")
    reason: str = Field(description="Why.")


class ActionModel(BaseModel):
    """Something that somebody did, or proposed."""

    id: str = Field(description="Its id; events that it sent have it too.")
    at: datetime = Field(description="When.")
    actor: str = Field(description="By whom.")
    roles: list[str] = Field(description="The roles that they had then.")
    request_id: str = Field(description="The request with which they did.")
    verb: Verb = Field(description="What.")
    target: dict[str, Any] = Field(description="To what.")
    companies: list[str] | None = Field(description="Whose books it concerns; null: the whole group's.")
    reason: str = Field(description="Why.")
    before: Any = Field(description="What was there before; null outside of your scope.")
    after: Any = Field(description="What is there after; null outside of your scope.")
    state: ActionState = Field(description="How far it is. `begun` and `failed`: asked for again with its key it is carried out once more.")
    decided_by: DecidedModel | None = Field(description="What somebody else decided about it.")
    decided_again: list[DecidedModel] = Field(description="Who approved it once more after it had failed, the oldest first.")
    outcome: Any = Field(
        description="What came of carrying it out the last time, and `by` whom: how many events were `sent`, and of each (`events`) its "
        "state as an answer says it."
    )


@router.get("/v1/actions", response_model=ListOf[ActionModel], summary="What people did")
async def list_actions(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    page: Page,
    verb: Annotated[Verb | None, Query(description="This alone.")] = None,
    state: Annotated[ActionState | None, Query(description="In this state alone; `proposed`: what waits for a decision.")] = None,
    by: Annotated[str | None, Query(description="By this actor alone.", **TEXT)] = None,
    company: OneCompany = None,
    since: Annotated[ATime | None, Query(description="At or after this time.")] = None,
    until: Annotated[ATime | None, Query(description="At or before this time.")] = None,
    id_: Annotated[str | None, Query(alias="id", description="The one with this id alone.", pattern=AN_ID)] = None,
) -> Response:
    """Everything that was done or proposed over HTTP and with the commands for operators, the newest first."""
    ports: WebPorts = request.app.state.ports
    selection = ActionSelection(verb, by, state, scope_of(actor, company), since, until, id_)
    try:
        place = None if page.wanted.after is None else _place(page.wanted.after)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ProblemError(Code.CURSOR_INVALID, "cursor-unreadable") from error
    async with ports.schemas.desk() as connection:
        found = await store.actions(connection, selection, page.wanted.limit + 1, place)
        total = counted(await store.count_of(connection, selection, MOST_COUNTED + 1)) if page.counts else None
    if not found and not page.continues and company is not None:
        refuse_unknown_companies(request, (await ports.reference.current()).companies)
    shown = found[: page.wanted.limit]
    last = (shown[-1].at.isoformat(), shown[-1].id) if len(found) > len(shown) else None
    read_to = {"time": instant(ports.clock.now()), "lag_seconds": 0.0, "behind": {}}
    return answered(Envelope([_visible(each, actor) for each in shown], page.following(last), read_to, total).as_row())


def _place(after: tuple[Any, ...]) -> tuple[datetime, str]:
    at, id_ = after
    time = datetime.fromisoformat(at)
    if time.tzinfo is None:
        raise ValueError(at)
    return time.astimezone(UTC), str(UUID(id_))


def _visible(action: Action, actor: Actor) -> dict[str, Any]:
    """An action as this reader sees it: data of other companies are not shown."""
    row = action.as_row()
    if all(actor.sees(company) for company in row["companies"] or ()):
        return row
    return {**row, "before": None, "after": None}


@router.post(
    "/v1/actions/{id}/approve",  # noqa: FAST003 - the parameter has this alias
    status_code=202,
    responses=ACTED,
    response_model=ActedModel,
    summary="Approve a proposal",
)
async def approve_action(request: Request, actor: Approver, action: ActionId, body: Reasoned, key: Key = None) -> Response:
    """What somebody else has proposed is carried out. One that failed, or broke off, is carried out again."""
    return await Writing(request, actor, key, body).decide(action.lower(), Decision.APPROVED)


@router.post(
    "/v1/actions/{id}/decline",  # noqa: FAST003 - the parameter has this alias
    status_code=202,
    responses=ACTED,
    response_model=ActedModel,
    summary="Decline a proposal, or take one's own back",
)
async def decline_action(request: Request, actor: Decliner, action: ActionId, body: Reasoned, key: Key = None) -> Response:
    """What somebody else has proposed is not done. Whoever has proposed it takes it back (`withdrawn`): for that no role is needed."""
    return await Writing(request, actor, key, body).decide(action.lower(), Decision.DECLINED)
