"""Carries out what people do (services/desk/actions): it is written down before it happens, and what came of it after.

Invariant: nothing happens that was not written down first; what breaks off half-way is done again by the same plan, under the same ids,
so that it happens once whatever is repeated. A request with a key of its own is answered the second time as it was the first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

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
from shared.delivery import shell_queries
from shared.events.producing import PartyBook

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

        ActionRefusedError (invalid, conflicting-duplicate), and whatever `draft` and the sending raise.
        """
        reason = checked_reason(asked.reason)
        found = await self._asked_before(asked)
        if found is not None:
            return await self._again(found)
        id_ = str(uuid7())
        drafted = await draft(id_)
        now = self._clock.now()
        action = Action(id_, now, asked.who, reason, drafted, first_state(drafted.verb, four_eyes=self._four_eyes))
        meanwhile = await self._write_down(action, asked, now)
        if meanwhile is not None:
            return await self._again(meanwhile)
        key_at = None if asked.key is None else now
        if action.state is ActionState.PROPOSED:
            return Acted(action, key_at=key_at)
        return replace(await self._carried_out(action), key_at=key_at)

    async def decide(self, id_: str, decision: Decision, asked: ActionRequest, allowed: Callable[[Action], None]) -> Acted:
        """Approves or declines a proposal; what is approved is carried out, and who declines their own withdraws it.

        `allowed` raises where this person may not.

        ActionRefusedError: not-found, already-decided, own-proposal, conflicting-duplicate, invalid.
        """
        asked = asked._replace(reason=checked_reason(asked.reason))
        found = await self._asked_before(asked)
        if found is not None and found.status is not None:
            return await self._again(found)
        now = self._clock.now()
        async with self._schemas.desk() as connection:
            action = await store.action_of(connection, id_)
            if action is None:
                raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="action")
            allowed(action)
            decision = decision.by(asked.who.name, action)
            if decision is not Decision.APPROVED or not is_to_be_repeated(action, asked.who.name):
                action = await self._decided(connection, action, Decided(decision, asked.who, now, asked.reason))
            if asked.key is not None and found is None:
                await store.take_key(connection, asked.who.name, asked.key, now, asked.digest, action.id)
        acted = await self._carried_out(action) if decision is Decision.APPROVED else Acted(action)
        return replace(acted, key_at=now if found is None else found.at)

    @staticmethod
    async def _decided(connection: Connection, action: Action, decided: Decided) -> Action:
        check_decision(action, decided.decision, decided.who.name)
        state = decided.decision.leads_to
        is_first = await store.decide(connection, action.id, decided)
        if not is_first or not await store.set_state(connection, action.id, state, [ActionState.PROPOSED]):
            raise ActionRefusedError(ActionCode.ALREADY_DECIDED, "decided-already", id=action.id, state=state.value)
        return replace(action, decided=decided, state=state)

    async def keep_answer(self, acted: Acted, asked: ActionRequest, status: int, body: Any) -> None:
        """Keeps the answer to what was asked under a key, for whoever asks the same again."""
        if asked.key is not None and acted.key_at is not None:
            async with self._schemas.desk() as connection:
                await store.keep_answer(connection, asked.who.name, asked.key, acted.key_at, status, body)

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
        return None

    async def _again(self, found: TakenKey) -> Acted:
        """What was asked before: with its first answer, or carried out by the same plan where that had broken off."""
        async with self._schemas.desk() as connection:
            action = await store.action_of(connection, found.action)
        if action is None:
            raise ActionRefusedError(ActionCode.NOT_FOUND, "no-record", what="action")
        is_left = found.status is None and action.decided is None and action.state in {ActionState.BEGUN, ActionState.FAILED}
        acted = await self._carried_out(action) if is_left else Acted(action)
        return replace(acted, first=found if found.status is not None else None, key_at=found.at)

    async def _carried_out(self, action: Action) -> Acted:
        try:
            async with self._schemas.of("settlement") as connection:
                began = await shell_queries.now(connection)
            outcome = await self._done(action.draft.plan)
        except Exception as error:
            await self._note_failure(action, error)
            raise
        async with self._schemas.desk() as connection:
            now = self._clock.now()
            await store.note_refusals(connection, action.id, began, action.draft.plan.states)
            await store.add_outcome(connection, action.id, now, outcome)
            await store.set_state(connection, action.id, ActionState.DONE, [ActionState.BEGUN, ActionState.FAILED])
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

    async def _note_failure(self, action: Action, error: Exception) -> None:
        """As far as that is possible: where the database is away the action stays `begun`, which comes to the same."""
        with suppress(Exception):
            async with self._schemas.desk() as connection:
                await store.add_outcome(connection, action.id, self._clock.now(), {"failed": getattr(error, "code", type(error).__name__)})
                await store.set_state(connection, action.id, ActionState.FAILED, [ActionState.BEGUN])


def _same(found: TakenKey | None, asked: ActionRequest) -> TakenKey | None:
    """What was asked under this key; ActionRefusedError (conflicting-duplicate) if that was something else."""
    if found is not None and found.digest != asked.digest:
        raise ActionRefusedError(ActionCode.CONFLICTING_DUPLICATE, "key-taken", given=asked.key)
    return found
