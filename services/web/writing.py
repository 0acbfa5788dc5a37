"""What every route that changes something has in common: a reason, a key under which it is done once, the scope, and the audit.

Invariant: what is done is written down before it happens (services/operations/carrying_out.py); an answer other than a problem comes
only once the broker has acknowledged what was sent; the same key with the same request gets the first answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import structlog
from fastapi import Header, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import JSONResponse, Response

from services.desk.actions.rules import LONGEST_REASON, SHORTEST_REASON, ActionCode, ActionRefusedError, ActionState, Who, is_readable
from services.inquiry.queries.events import StageOfEvent
from services.operations.carrying_out import Acting, ActionRequest
from services.operations.orders import Ordered
from services.web.access.roles import EVERYTHING, Role
from services.web.models import KEY
from services.web.problems import Code, Fault, ProblemError
from shared.events.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from services.desk.actions.rules import Action, Decision, Draft
    from services.operations.carrying_out import Acted
    from services.web.access.roles import Actor
    from services.web.ports import WebPorts

Row = dict[str, Any]
Answer = tuple[int, Row]

log = structlog.get_logger(__name__)

LONGEST_KEY: Final = 64
COMPLETED_WITHIN: Final = 600.0
"""Seconds for which it is asked, once a request was answered, what came of what it sent."""
_LOOKED_AGAIN_AFTER: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
REPLAYED: Final = "Idempotent-Replayed"
_AGAIN_AFTER: Final = "2"
"""Seconds after which to ask again for what somebody else is carrying out."""


def _readable(reason: str) -> str:
    if not is_readable(reason):
        msg = f"a reason has {SHORTEST_REASON} characters that are seen, and none that hides or reorders what stands there"
        raise ValueError(msg)
    return reason


Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=SHORTEST_REASON, max_length=LONGEST_REASON, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
    ),
    AfterValidator(_readable),
    Field(description="Why, for the audit."),
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=KEY,
        description="Under the same key the same request is carried out once, and answered as the first time, for 30 days.",
    ),
]


class Reasoned(BaseModel):
    """What is asked for with a reason."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class ActedModel(BaseModel):
    """What became of what was asked for."""

    action: str = Field(description="The id of the action in the audit (/v1/actions).")
    state: ActionState = Field(description="`done`: sent, or ordered. `proposed`: somebody else has to approve it.")


ACTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": ActedModel, "description": "The broker has acknowledged what was sent, or it is proposed."}
}


class Writing:
    """One request that changes something."""

    def __init__(self, request: Request, actor: Actor, key: str | None, body: Reasoned) -> None:
        self.ports: WebPorts = request.app.state.ports
        self.actor = actor
        self._traceparent: str | None = request.scope["state"]["traceparent"]
        self._reason = body.reason
        roles = tuple(role.value for role in Role if role in actor.roles)
        who = Who(actor.name, roles, request.scope["state"]["request_id"])
        said = [request.method, request.url.path, sorted(request.query_params.multi_items()), request.headers.get("if-match")]
        digest = hashlib.blake2b(orjson.dumps([*said, body.model_dump(mode="json")], option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
        self._asked = ActionRequest(who, body.reason, key, digest)
        settings = self.ports.settings
        self._acting = Acting(self.ports.schemas, self.ports.sender.send, self.ports.clock, four_eyes=settings.needs_four_eyes)

    def ordered(self, action: str) -> Ordered:
        """By which action something is ordered, and when."""
        return Ordered(action, self.ports.clock.now(), self._reason, self._traceparent)

    async def act(
        self,
        draft: Callable[[str], Awaitable[Draft]],
        answer: Callable[[Acted], Awaitable[Answer]] | None = None,
        hidden: ActionRefusedError | None = None,
    ) -> Response:
        """Does what is drafted, or proposes it; `answer`: what is said of it, by default that it was sent or proposed.

        `hidden`: what is answered to who names something by its id of which nothing is in scope, as if it were not there.
        """

        async def in_scope(action: str) -> Draft:
            drafted = await draft(action)
            self._check_scope(drafted, hidden)
            return drafted

        with said_as_problems():
            return await self._answered(await self._acting.act(self._asked, in_scope), answer or acted_as)

    async def decide(self, action: str, decision: Decision) -> Response:
        """Approves or declines what somebody else has proposed."""

        def allowed(found: Action) -> None:
            self._check_scope(found.draft, not_there("action"))

        with said_as_problems():
            return await self._answered(await self._acting.decide(action, decision, self._asked, allowed), acted_as)

    def _check_scope(self, draft: Draft, hidden: ActionRefusedError | None) -> None:
        companies = _concerned(draft)
        if hidden is not None and not self.actor.sees(*companies):
            raise hidden
        self.actor.acts_for(companies)

    async def became(self, acted: Acted, seconds: float) -> list[Row]:
        """What became of the events that were sent, once none is on its way any more, or the time is over."""
        until, pause = self.ports.clock.monotonic() + seconds, _LOOKED_AGAIN_AFTER
        while True:
            found = await self._acting.became(acted)
            if self.ports.is_over(until) or not _on_their_way(found):
                return found
            await self.ports.pause(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _completed(self, acted: Acted, told: Sequence[Row]) -> None:
        """Has the audit say what the answer says of the events; what that does not know yet, once it is known."""
        if told:
            await self._acting.keep_outcome(acted, told)
        if not told or _on_their_way(told):
            tasks: set[asyncio.Task[None]] = self.ports.cache.setdefault("completing", set())
            task = asyncio.create_task(self._complete_later(acted))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _complete_later(self, acted: Acted) -> None:
        try:
            await self._acting.keep_outcome(acted, await self.became(acted, COMPLETED_WITHIN))
        except Exception as error:  # noqa: BLE001 - the request has been answered: what is not known stays `received`
            log.warning("what came of an action could not be noted", action=acted.action.id, error=repr(error))

    async def _answered(self, acted: Acted, answer: Callable[[Acted], Awaitable[Answer]]) -> Response:
        if acted.first is not None and acted.first.status is not None:
            return JSONResponse(acted.first.body, acted.first.status, {REPLAYED: "true"})
        status, body = await answer(acted) if acted.action.state is ActionState.DONE else await acted_as(acted)
        if acted.began is not None and acted.action.draft.plan.answered:
            await self._completed(acted, body.get("events", ()))
        kept = await self._acting.keep_answer(acted, self._asked, status, body)
        if kept is not None and kept.status is not None:
            return JSONResponse(kept.body, kept.status, {REPLAYED: "true"})
        return JSONResponse(body, status)


def not_there(what: str) -> ActionRefusedError:
    """That there is no such thing, or that it is out of scope."""
    return ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what=what)


def _on_their_way(events: Sequence[Row]) -> bool:
    return any(each["state"] == StageOfEvent.RECEIVED for each in events)


def _concerned(draft: Draft) -> tuple[str, ...]:
    return (EVERYTHING,) if draft.companies is None else draft.companies


async def acted_as(acted: Acted) -> Answer:
    """That it was sent, ordered, proposed or declined."""
    return 202, {"action": acted.action.id, "state": acted.action.state.value}


@contextmanager
def said_as_problems() -> Iterator[None]:
    """What is not done, as problems: where it is in the data that would be refused the pointers begin with `/data`."""
    try:
        yield
    except ActionRefusedError as refused:
        headers = {"Retry-After": _AGAIN_AFTER} if refused.code is ActionCode.UNDER_WAY else {}
        raise ProblemError(refused.code, refused.key, headers=headers, **refused.words) from refused
    except ProblemError as problem:
        if problem.code != Code.BROKER_AWAY:
            raise
        raise ProblemError(problem.code, "broker-for-action") from problem  # unlike an event, what was asked for is written down
    except RefusedError as refused:
        root = "/data" if refused.in_data else ""
        told = [(refused.field, refused.message), *refused.others]
        faults = [Fault(f"{root}{field}", refused.code, message) for field, message in told]
        raise ProblemError(refused.code, faults=faults, detail=refused.message) from refused
