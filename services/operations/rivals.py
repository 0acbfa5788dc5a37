"""Actions that would undo each other: two that write over the same version of an entity, two that mend the same refusal.

Invariant: of those that are asked for at once, in whichever processes, one is written down and the others are told; what failed, or
broke off and was left, keeps nobody else from doing it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.desk.actions import store
from services.desk.actions.rules import ActionCode, ActionRefusedError, ActionState, Verb
from shared.delivery import shell_queries
from shared.events.envelope import EventRef
from shared.events.reference import WEB

if TYPE_CHECKING:
    from datetime import datetime

    from services.desk.actions.rules import Action, ReplacedVersion
    from services.desk.actions.store import Rival
    from services.desk.schemas import Schemas
    from shared.delivery.ports import Connection

LEFT_AFTER: Final = timedelta(minutes=1)
"""An action that nobody carries out and that was begun so long ago has broken off."""


async def refuse_overtaken(schemas: Schemas, connection: Connection, action: Action, now: datetime) -> None:
    """ActionRefusedError (version-changed, already-decided) where another action was there before; `connection`: the desk's."""
    replaces = action.draft.plan.replaces
    if replaces is not None:
        await _refuse_replaced(schemas, connection, action, replaces, now)
    if action.draft.verb is Verb.RESEND:
        await _refuse_mended(connection, action, now)


async def _refuse_replaced(schemas: Schemas, connection: Connection, action: Action, version: ReplacedVersion, now: datetime) -> None:
    for rival in await store.replacing(connection, action.id, version):
        is_done = rival.state is ActionState.DONE and not await _was_refused(schemas, rival)
        if is_done or await _is_going_on(connection, rival, now):
            words = {"entity": version.entity, "by": rival.actor}
            raise ActionRefusedError(ActionCode.VERSION_CHANGED, "version-replaced", **words)


async def _was_refused(schemas: Schemas, rival: Rival) -> bool:
    """Whether the services have refused what an action sent: then the version that it was to replace is in force still."""
    async with schemas.of("settlement") as connection:
        found = await shell_queries.rejections_named(connection, rival.id, None)
    return any(EventRef(each.rejection.source, each.rejection.event) == EventRef(WEB, rival.id) for each in found)


async def _refuse_mended(connection: Connection, action: Action, now: datetime) -> None:
    """A resend is of the refusal as it was when that was asked for; what was sent for it since is another answer to it."""
    target = action.draft.target
    event = EventRef(target["event"]["source"], target["event"]["id"])
    for rival in await store.resent(connection, action.id, target["refusal"], event):
        if rival.last >= action.at or await _is_going_on(connection, rival, now):
            raise ActionRefusedError(ActionCode.ALREADY_DECIDED, "mended-otherwise", id=rival.id, by=rival.actor)


async def _is_going_on(connection: Connection, rival: Rival, now: datetime) -> bool:
    """Whether an action is being carried out, or is about to be."""
    if rival.state is ActionState.BEGUN and now - rival.last < LEFT_AFTER:
        return True
    return rival.state is not ActionState.DONE and await store.is_under_way(connection, rival.id)
