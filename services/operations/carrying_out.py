"""Carries out what people do (services/desk/actions): it is written down before it happens, and what came of it after.

Invariant: nothing happens that was not written down first; what breaks off half-way is done again by the same plan, under the same ids,
so that it happens once whatever is repeated; one process at a time carries an action out, and whoever asks for it meanwhile waits. A
request with a key of its own is answered the second time as it was the first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from uuid_utils import uuid7

from services.desk.actions import store
from services.desk.actions.rules import (
    Action,
    ActionCode,
    ActionRefusedError,
    ActionState,
    Decided,
    Decision,
    Draft,
    Who,
    check_decision,
    checked_reason,
    first_state,
    is_to_be_repeated,
)
from services.desk.reference import reference_data
from services.operations.discard import order_discards
from services.operations.replay_records import send_replays
from services.operations.replies import EventReply, replies
from services.operations.rivals import refuse_overtaken
from shared.delivery import shell_queries
from shared.events.producing import PartyBook
from shared.metrics import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from services.desk.actions.rules import ActionPlan
    from services.desk.actions.store import TakenKey
    from services.desk.schemas import Schemas
    from shared.delivery.ports import Clock, Connection
    from shared.events.envelope import Record

    Row = dict[str, Any]
    Send = Callable[[Sequence[Record]], Awaitable[None]]


WAITED_FOR: Final = 10.0
"""Seconds for which one waits for somebody else who carries the same out."""
ANSWERED_WITHIN: Final = timedelta(seconds=15)
"""The first answer to a key is there so long after it was taken, or whoever was to give it is gone."""
_LOOKED_AGAIN_AFTER: Final = 0.2
_CAN_BE_DONE: Final = frozenset({ActionState.BEGUN, ActionState.FAILED})


class ActionRequest(NamedTuple):
    """What is asked for: by whom, for what reason, under which key (None: none), and a digest of the whole request."""

    who: Who
    reason: str
    key: str | None = None
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Acted:
    """An action that was asked for; `first`: its first answer, where the same was asked before under the same key.

    `began`: when carrying it out began, by the database's clock; None: it was not carried out now. `key_at`: when its key was taken.
    """

    action: Action
    first: TakenKey | None = None
    began: datetime | None = None
    key_at: datetime | None = None


class Acting:
    """What a process does that acts for people. `send` returns once the broker has acknowledged the records."""

    def __init__(self, schemas: Schemas, send: Send, clock: Clock, *, four_eyes: bool) -> None:
        self._schemas = schemas
        self._send = send
        self._clock = clock
        self._four_eyes = four_eyes

    async def act(self, asked: ActionRequest, draft: Callable[[str], Awaitable[Draft]]) -> Acted:
        """Does what is asked for, or proposes it. `draft` is given the action's id; it says what is to be done, or why it cannot be.

        ActionRefusedError (invalid, conflicting-duplicate, version-changed, already-decided, under-way), and whatever `draft` and the
        sending raise.
        """
        reason = checked_reason(asked.reason)
        found = await self._asked_before(asked)
        if found is not None:
            return await self._again(found, asked)
        id_, now = str(uuid7()), self._clock.now()
        drafted = await draft(id_)
        action = Action(id_, now, asked.who, reason, drafted, first_state(drafted.verb, four_eyes=self._four_eyes))
        meanwhile = await self._write_down(action, asked, now)
        if meanwhile is not None:
            return await self._again(meanwhile, asked)
        ACTIONS.labels(drafted.verb.value, action.state.value).inc()
        key_at = None if asked.key is None else now
        if action.state is ActionState.PROPOSED:
            return Acted(action, key_at=key_at)
        return replace(await self._carried_out(action, asked.who), key_at=key_at)

    async def decide(self, id_: str, decision: Decision, asked: ActionRequest, allowed: Callable[[Action], None]) -> Acted:
        """Approves or declines a proposal; what is approved is carried out, and who declines their own withdraws it.

        `allowed` raises where this person may not.

        ActionRefusedError: not-found, already-decided, own-proposal, conflicting-duplicate, invalid, under-way.
        """
        asked = asked._replace(reason=checked_reason(asked.reason))
        now = self._clock.now()
        async with self._schemas.desk() as connection:
            found = None if asked.key is None else _same(await store.key_of(connection, asked.who.name, asked.key, now), asked)
            action = await store.action_of(connection, id_)
            if action is None:
                raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="action")
            allowed(action)
            if found is None:  # what was decided under this key is decided, whatever has become of it
                decided = Decided(decision.by(asked.who.name, action), asked.who, now, asked.reason)
                action = await self._decided(connection, action, decided)
                if asked.key is not None:
                    await store.take_key(connection, asked.who.name, asked.key, now, asked.digest, action.id)
        if found is not None and found.status is not None:
            return Acted(action, found)
        acted = await self._carried_out(action, asked.who) if action.state in _CAN_BE_DONE else Acted(action)
        return replace(acted, key_at=now if found is None else found.at)

    async def _decided(self, connection: Connection, action: Action, decided: Decided) -> Action:
        """Keeps a decision, also where it is to carry out once more what failed, unless that is going on.

        What broke off is carried out again by its approver, whose decision is kept already.
        """
        if decided.decision is Decision.APPROVED and is_to_be_repeated(action, decided.who.name):
            if action.state is ActionState.FAILED and not await store.is_under_way(connection, action.id):
                await store.decide_again(connection, action.id, decided)
            return action
        check_decision(action, decided.decision, decided.who.name)
        if decided.decision is Decision.APPROVED:
            await refuse_overtaken(self._schemas, connection, action, decided.at)
        state = decided.decision.leads_to
        is_first = await store.decide(connection, action.id, decided)
        if not is_first or not await store.set_state(connection, action.id, state, [ActionState.PROPOSED]):
            raise ActionRefusedError(ActionCode.ALREADY_DECIDED, "decided-already", id=action.id, state=state.value)
        ACTIONS.labels(action.draft.verb.value, state.value).inc()
        return replace(action, decided=decided, state=state)

    async def keep_answer(self, acted: Acted, asked: ActionRequest, status: int, body: Any) -> TakenKey | None:
        """Keeps the answer to what was asked under a key, for whoever asks the same again; the one that was kept before, if one was."""
        if asked.key is None or acted.key_at is None:
            return None
        async with self._schemas.desk() as connection:
            if await store.keep_answer(connection, asked.who.name, asked.key, acted.key_at, status, body):
                return None
            return await store.key_of(connection, asked.who.name, asked.key, self._clock.now())

    async def _asked_before(self, asked: ActionRequest) -> TakenKey | None:
        if asked.key is None:
            return None
        async with self._schemas.desk() as connection:
            return _same(await store.key_of(connection, asked.who.name, asked.key, self._clock.now()), asked)

    async def _write_down(self, action: Action, asked: ActionRequest, now: datetime) -> TakenKey | None:
        """Keeps an action and its key; what was asked under the key meanwhile, in which case nothing is kept."""
        async with self._schemas.desk() as connection:
            if asked.key is not None:
                found = _same(await store.key_of(connection, asked.who.name, asked.key, now), asked)
                if found is not None:
                    return found
                await store.take_key(connection, asked.who.name, asked.key, now, asked.digest, action.id)
            await store.insert(connection, action)
            if action.state is ActionState.BEGUN:
                await refuse_overtaken(self._schemas, connection, action, now)
        return None

    async def _again(self, found: TakenKey, asked: ActionRequest) -> Acted:
        """What was asked before: with its first answer, or carried out by the same plan where that had broken off."""
        async with self._schemas.desk() as connection:
            action = await store.action_of(connection, found.action)
        if action is None:
            raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="action")
        is_left = found.status is None and action.decided is None and action.state in _CAN_BE_DONE
        acted = await self._carried_out(action, asked.who) if is_left else Acted(action)
        if acted.began is None and found.status is None and acted.action.decided is None:
            found = await self._first_answer(found, asked)
        return replace(acted, first=found if found.status is not None else None, key_at=found.at)

    async def _first_answer(self, found: TakenKey, asked: ActionRequest) -> TakenKey:
        """The first answer of whoever has carried it out, once that is there: it may say what nobody else knows."""
        while self._clock.now() - found.at < ANSWERED_WITHIN:
            kept = await self._asked_before(asked)
            if kept is None or kept.status is not None:
                return kept or found
            await self._clock.sleep(_LOOKED_AGAIN_AFTER)
        return found

    async def _carried_out(self, action: Action, who: Who) -> Acted:
        """The action, carried out by whoever comes first; `began` is None where that was somebody else."""
        until = self._clock.monotonic() + WAITED_FOR
        while True:
            async with self._schemas.desk_session() as session:
                if await store.carry_out(session, action.id):
                    return await self._carried_out_alone(action.id, who)
            if self._clock.monotonic() >= until:
                raise ActionRefusedError(ActionCode.UNDER_WAY, "under-way", id=action.id)
            await self._clock.sleep(_LOOKED_AGAIN_AFTER)

    async def _carried_out_alone(self, id_: str, who: Who) -> Acted:
        async with self._schemas.desk() as connection:
            action = await store.action_of(connection, id_)
            if action is None:
                raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="action")
            if action.state not in _CAN_BE_DONE:
                return Acted(action)
            await refuse_overtaken(self._schemas, connection, action, self._clock.now())
        try:
            async with self._schemas.of("settlement") as connection:
                began = await shell_queries.now(connection)
            outcome = {**await self._done(action.draft.plan), "by": who.name}
        except Exception as error:
            await self._note_failure(action, error, who)
            raise
        async with self._schemas.desk() as connection:
            now = self._clock.now()
            await store.note_refusals(connection, action.id, began, action.draft.plan.states)
            await store.add_outcome(connection, action.id, now, outcome)
            await store.set_state(connection, action.id, ActionState.DONE, list(_CAN_BE_DONE))
        ACTIONS.labels(action.draft.verb.value, ActionState.DONE.value).inc()
        return Acted(replace(action, state=ActionState.DONE, outcome=outcome), began=began)

    async def _done(self, plan: ActionPlan) -> dict[str, Any]:
        sent = 0
        if plan.replays:
            parties = PartyBook(await reference_data(self._schemas))
            sent += await send_replays(self._schemas, plan.replays, parties, self._send)
        if plan.records:
            await self._send(plan.records)
            sent += len(plan.records)
        await order_discards(self._schemas, plan.discards)
        return {"sent": sent, "ordered": len(plan.discards), "events": [EventReply(each.event).as_row() for each in plan.answered]}

    async def became(self, acted: Acted) -> list[Row]:
        """What became of the events that an action sent, since it began to be carried out."""
        found = await replies(self._schemas, acted.action.draft.plan.answered, acted.began or acted.action.at)
        return [each.as_row() for each in found]

    async def keep_outcome(self, acted: Acted, events: Sequence[Row]) -> None:
        """Keeps what became of the events that an action sent, beside what is kept of carrying it out."""
        outcome = {**(acted.action.outcome or {}), "events": list(events)}
        async with self._schemas.desk() as connection:
            await store.add_outcome(connection, acted.action.id, self._clock.now(), outcome)

    async def _note_failure(self, action: Action, error: Exception, who: Who) -> None:
        """As far as that is possible: where the database is away the action stays `begun`, which comes to the same."""
        ACTIONS.labels(action.draft.verb.value, ActionState.FAILED.value).inc()
        outcome = {"failed": getattr(error, "code", type(error).__name__), "by": who.name}
        with suppress(Exception):
            async with self._schemas.desk() as connection:
                await store.add_outcome(connection, action.id, self._clock.now(), outcome)
                await store.set_state(connection, action.id, ActionState.FAILED, [ActionState.BEGUN])


def _same(found: TakenKey | None, asked: ActionRequest) -> TakenKey | None:
    """What was asked under this key; ActionRefusedError (conflicting-duplicate) if that was something else."""
    if found is not None and found.digest != asked.digest:
        raise ActionRefusedError(ActionCode.CONFLICTING_DUPLICATE, "key-taken", given=asked.key)
    return found
