"""Actions, decisions and outcomes as rows of the schema `desk`.

Invariant: rows are added, and of an action nothing but the state is changed; `connection` is one to that schema, in a transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import orjson

from services.desk.actions.rules import Action, ActionPlan, ActionState, Decided, Decision, Draft, Verb, Who, plan_of
from services.desk.actions.stored_imports import keep_import
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.desk.actions.rules import ReplacedVersion
    from services.desk.refusal_states import RefusalState
    from shared.delivery.ports import Connection
    from shared.events.envelope import EventRef

KEYS_COUNT_FOR: Final = timedelta(days=30)

_INSERT: Final = """
insert into actions (id, at, actor, roles, request_id, verb, target, companies, reason, before, after, plan, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_CONCERN: Final = """
insert into concerned (id, source, action) select e.id, e.source, $1 from unnest($2::text[], $3::text[]) as e (id, source)
"""
_ABOUT: Final = """
select e.source, e.id as event, a.id, a.at, a.actor, a.verb, a.reason, a.state from concerned c
join unnest($1::text[], $2::text[]) as e (id, source) using (id, source) join actions a on a.id = c.action order by a.at, a.id
"""
_STATE: Final = "update actions set state = $2 where id = $1 and state = any($3::text[])"
_DECIDE: Final = """
insert into decisions (action, at, actor, roles, request_id, decision, reason) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing
"""
_DECIDE_AGAIN: Final = """
insert into decisions (action, repeat, at, actor, roles, request_id, decision, reason)
select $1, coalesce(max(repeat), 0) + 1, $2, $3, $4, $5, $6, $7 from decisions where action = $1
"""
_OUTCOME: Final = """
insert into outcomes (action, attempt, at, outcome)
select $1, coalesce(max(attempt), 0) + 1, $2, $3 from outcomes where action = $1 on conflict do nothing
"""
_NOTE: Final = """
insert into refusal_states (refusal, action, at, state) select r.refusal, $1, $2, r.state
from unnest($3::uuid[], $4::text[]) as r (refusal, state) on conflict do nothing
"""
_SHOWN: Final = """
select a.id, a.at, a.actor, a.roles, a.request_id, a.verb, a.target::text, a.companies, a.reason, a.before::text, a.after::text, a.state,
d.decision, d.actor as decider, d.roles as decider_roles, d.request_id as decider_request, d.at as decided_at, d.reason as decided_reason,
(select o.outcome::text from outcomes o where o.action = a.id order by o.attempt desc limit 1) as outcome,
(select json_agg(json_build_array(r.decision, r.actor, r.roles, r.request_id, r.at, r.reason) order by r.repeat)
from decisions r where r.action = a.id and r.repeat > 0)::text as decided_again"""
_FROM: Final = "from actions a left join decisions d on d.action = a.id and d.repeat = 0"
_ONE: Final = f"{_SHOWN}, a.plan::text as plan {_FROM} where a.id = $1"
_SELECTED: Final = """
where ($1::text is null or a.verb = $1) and ($2::text is null or a.actor = $2) and ($3::text is null or a.state = $3)
and ($4::text[] is null or a.companies && $4) and ($5::timestamptz is null or a.at >= $5) and ($6::timestamptz is null or a.at <= $6)
and ($7::uuid is null or a.id = $7)
"""
_COUNT: Final = f"select count(*) from (select from actions a {_SELECTED} limit $8) as found"  # noqa: S608 - the conditions above
_LIST: Final = f"""
{_SHOWN} {_FROM} {_SELECTED}
and ($8::timestamptz is null or (a.at, a.id) < ($8, $9::uuid)) order by a.at desc, a.id desc limit $10
"""
_LOCK_KEY: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_CARRY_OUT: Final = "select pg_try_advisory_lock(hashtextextended($1, 0))"
_IS_FREE: Final = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
_REPLACING: Final = """
select a.id, a.actor, a.at, a.state from replaced_versions r join actions a on a.id = r.action
where r.entity = $1 and r.position = $2 and r.action <> $3 order by a.at, a.id
"""
_REPLACE: Final = "insert into replaced_versions (entity, position, action) values ($1, $2, $3) on conflict do nothing"
_RESENT: Final = """
select a.id, coalesce(d.actor, a.actor) as actor, a.at, a.state, greatest(
a.at, d.at, (select max(o.at) from outcomes o where o.action = a.id)) as last
from concerned c join actions a on a.id = c.action left join decisions d on d.action = a.id and d.repeat = 0
where c.id = $1 and c.source = $2 and a.id <> $3 and a.verb = 'resend' and a.target ->> 'refusal' = $4
and a.state in ('begun', 'failed', 'done') order by last, a.id
"""
_KEY: Final = """
select k.at, k.digest, k.action, s.status, s.body::text as body from request_keys k left join answers s using (actor, key, at)
where k.actor = $1 and k.key = $2 and k.at > $3 order by k.at desc limit 1
"""
_TAKE_KEY: Final = "insert into request_keys (actor, key, at, digest, action) values ($1, $2, $3, $4, $5)"
_ANSWER: Final = "insert into answers (actor, key, at, status, body) values ($1, $2, $3, $4, $5) on conflict do nothing"


@dataclass(frozen=True, slots=True)
class ActionSelection:
    """Which actions: None selects all. `companies`: those that concern one of these; times: at or after, at or before; `id`: this one."""

    verb: str | None = None
    actor: str | None = None
    state: str | None = None
    companies: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    id: str | None = None


class TakenKey(NamedTuple):
    """A key under which somebody asked before: when, the digest of what, for which action, and the first answer if that is kept."""

    at: datetime
    digest: bytes
    action: str
    status: int | None
    body: Any


class Rival(NamedTuple):
    """An action that does the same as another one: its id, who did it, when it was asked for, its state, and when it last changed."""

    id: str
    actor: str
    at: datetime
    state: ActionState
    last: datetime


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


async def insert(connection: Connection, action: Action) -> None:
    """Keeps a new action."""
    draft, who = action.draft, action.who
    companies = None if draft.companies is None else list(draft.companies)
    shown = (_json(draft.before), _json(draft.after), _json(draft.plan.as_row()))
    about = (draft.verb.value, _json(draft.target), companies, action.reason, *shown, action.state.value)
    await connection.execute(_INSERT, action.id, action.at, who.name, list(who.roles), who.request_id, *about)
    if draft.file is not None:
        await keep_import(connection, action.id, action.at, draft.file)
    events = sorted(draft.events())
    await connection.execute(_CONCERN, UUID(action.id), [event.id for event in events], [event.source for event in events])


async def set_state(connection: Connection, action: str, state: ActionState, expected: Iterable[ActionState]) -> bool:
    """Sets an action's state; False, and nothing is changed, if it is in none of the expected states."""
    done = await connection.execute(_STATE, UUID(action), state.value, [each.value for each in expected])
    return str(done).endswith(" 1")


async def decide(connection: Connection, action: str, decided: Decided) -> bool:
    """Keeps a decision; False if there is one already."""
    who = decided.who
    about = (UUID(action), decided.at, who.name, list(who.roles), who.request_id, decided.decision.value, decided.reason)
    return str(await connection.execute(_DECIDE, *about)).endswith(" 1")


async def decide_again(connection: Connection, action: str, decided: Decided) -> None:
    """Keeps who approves once more what was approved already, and why."""
    who = decided.who
    about = (UUID(action), decided.at, who.name, list(who.roles), who.request_id, decided.decision.value, decided.reason)
    await connection.execute(_DECIDE_AGAIN, *about)


async def carry_out(session: Connection, action: str) -> bool:
    """Whether whoever asks is alone in carrying out an action, for as long as this session lasts; False: somebody else is."""
    return bool(await session.fetchval(_CARRY_OUT, _carrying(action)))


async def is_under_way(connection: Connection, action: str) -> bool:
    """Whether somebody is carrying out an action; nobody begins before the transaction ends."""
    return not await connection.fetchval(_IS_FREE, _carrying(action))


def _carrying(action: str) -> str:
    return f"carrying out {action}"


async def replacing(connection: Connection, action: str, version: ReplacedVersion) -> list[Rival]:
    """Notes that an action replaces a version; gives the others that do. One asks at a time, until its transaction ends."""
    await connection.fetchval(_LOCK_KEY, f"version of {version.entity}")
    rows = await connection.fetch(_REPLACING, *version, UUID(action))
    await connection.execute(_REPLACE, *version, UUID(action))
    return [Rival(str(row["id"]), row["actor"], row["at"], ActionState(row["state"]), row["at"]) for row in rows]


async def resent(connection: Connection, action: str, refusal: str, event: EventRef) -> list[Rival]:
    """The other actions that send mended data for a refusal of this event, or have. One asks at a time, until its transaction ends."""
    await connection.fetchval(_LOCK_KEY, f"mended {refusal}")
    rows = await connection.fetch(_RESENT, event.id, event.source, UUID(action), refusal)
    return [Rival(str(row["id"]), row["actor"], row["at"], ActionState(row["state"]), row["last"]) for row in rows]


async def add_outcome(connection: Connection, action: str, at: datetime, outcome: Any) -> None:
    """Keeps what came of carrying out an action."""
    await connection.execute(_OUTCOME, UUID(action), at, _json(outcome))


async def note_refusals(connection: Connection, action: str, at: datetime, states: Mapping[str, RefusalState]) -> None:
    """Notes what an action did about refusals."""
    if states:
        ids = [UUID(each) for each in states]
        await connection.execute(_NOTE, UUID(action), at, ids, [state.value for state in states.values()])


async def action_of(connection: Connection, id_: str) -> Action | None:
    """An action with its plan; None if there is none."""
    row = await connection.fetchrow(_ONE, UUID(id_))
    return None if row is None else _action(row, plan_of(orjson.loads(row["plan"])))


async def actions(connection: Connection, selection: ActionSelection, limit: int, after: tuple[datetime, str] | None) -> list[Action]:
    """The selected actions without their plans, the newest first; those after a place of this order."""
    place = (None, None) if after is None else (after[0], UUID(after[1]))
    return [_action(row, ActionPlan()) for row in await connection.fetch(_LIST, *_filters(selection), *place, limit)]


async def actions_about(connection: Connection, events: Iterable[EventRef]) -> list[dict[str, Any]]:
    """What people did about these events, the oldest first: `source` and `event`, and of each action what a trace shows."""
    named = sorted(events)
    rows = await connection.fetch(_ABOUT, [event.id for event in named], [event.source for event in named])
    return [{**row, "id": str(row["id"]), "at": instant(row["at"])} for row in rows]


async def count_of(connection: Connection, selection: ActionSelection, most: int) -> int:
    """How many actions are selected; no further than `most` is counted."""
    return int(await connection.fetchval(_COUNT, *_filters(selection), most))


def _filters(selection: ActionSelection) -> tuple[Any, ...]:
    companies = None if selection.companies is None else list(selection.companies)
    id_ = None if selection.id is None else UUID(selection.id)
    return (selection.verb, selection.actor, selection.state, companies, selection.since, selection.until, id_)


async def key_of(connection: Connection, actor: str, key: str, now: datetime) -> TakenKey | None:
    """What was asked under a key that counts still; whoever takes it is alone with it until the transaction ends."""
    await connection.fetchval(_LOCK_KEY, f"{actor} {key}")
    row = await connection.fetchrow(_KEY, actor, key, now - KEYS_COUNT_FOR)
    if row is None:
        return None
    return TakenKey(row["at"], row["digest"], str(row["action"]), row["status"], None if row["body"] is None else orjson.loads(row["body"]))


async def take_key(connection: Connection, actor: str, key: str, now: datetime, digest: bytes, action: str) -> None:  # noqa: PLR0913 - a row
    """Keeps under which key an action was asked for."""
    await connection.execute(_TAKE_KEY, actor, key, now, digest, UUID(action))


async def keep_answer(connection: Connection, actor: str, key: str, at: datetime, status: int, body: Any) -> bool:  # noqa: PLR0913 - a row
    """Keeps the first answer to what was asked under a key, taken at that time; False if there is one already."""
    return str(await connection.execute(_ANSWER, actor, key, at, status, _json(body))).endswith(" 1")


def _action(row: Any, plan: ActionPlan) -> Action:
    who = Who(row["actor"], tuple(row["roles"]), row["request_id"])
    companies = None if row["companies"] is None else tuple(row["companies"])
    before, after = (None if row[name] is None else orjson.loads(row[name]) for name in ("before", "after"))
    draft = Draft(Verb(row["verb"]), orjson.loads(row["target"]), companies, plan, before, after)
    outcome = None if row["outcome"] is None else orjson.loads(row["outcome"])
    again = tuple(_decided_again(*each) for each in orjson.loads(row["decided_again"] or "[]"))
    return Action(str(row["id"]), row["at"], who, row["reason"], draft, ActionState(row["state"]), _decided(row), outcome, again)


def _decided_again(decision: str, actor: str, roles: list[str], request_id: str, at: str, reason: str) -> Decided:  # noqa: PLR0913 - a row
    return Decided(Decision(decision), Who(actor, tuple(roles), request_id), datetime.fromisoformat(at), reason)


def _decided(row: Any) -> Decided | None:
    if row["decision"] is None:
        return None
    who = Who(row["decider"], tuple(row["decider_roles"]), row["decider_request"])
    return Decided(Decision(row["decision"]), who, row["decided_at"], row["decided_reason"])
