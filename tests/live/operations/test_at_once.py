"""What several people, or one who is impatient, ask for at once: on a real database, with the broker stood in for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from services.desk.actions import store
from services.desk.actions.rules import (
    Action,
    ActionCode,
    ActionPlan,
    ActionRefusedError,
    ActionState,
    Decision,
    Draft,
    ReplacedVersion,
    Verb,
    Who,
)
from services.desk.schemas import Schemas
from services.operations.carrying_out import Acted, Acting, ActionRequest
from services.registry import SERVICES
from shared.delivery.ports import SystemClock
from shared.events.envelope import EventRef, Record
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.embedded

ANN, BOB, CID, DAN = (Who(name, ("operator", "approver"), f"r-{name}") for name in ("ann", "bob", "cid", "dan"))
REFUSED = EventRef("/erp", "BAD-1")
REFUSAL = "00000000-0000-0000-0000-000000000001"
RECORD = Record("intercompany.requests", b"FAB", b"{}", (("ce_id", b"BAD-1"), ("ce_source", b"/erp")))


class Broker:
    """Takes some time to acknowledge what is sent; `away`: it does not."""

    def __init__(self) -> None:
        self.sent = 0
        self.away = False

    async def send(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0.3)
        if self.away:
            msg = "away"
            raise OSError(msg)
        self.sent += len(records)


class Company:
    """Two processes that act for people, on one database, before one broker."""

    def __init__(self, schemas: Sequence[Schemas], *, four_eyes: bool) -> None:
        self.broker = Broker()
        self.schemas = schemas
        self.acting = [Acting(each, self.broker.send, SystemClock(), four_eyes=four_eyes) for each in schemas]

    async def actions(self) -> list[Action]:
        async with self.schemas[0].desk() as connection:
            return await store.actions(connection, store.ActionSelection(), 100, None)

    async def outcomes(self) -> int:
        async with self.schemas[0].desk() as connection:
            return int(await connection.fetchval("select count(*) from outcomes"))

    async def refuse(self, event: str) -> None:
        """The services have refused an event of the API's own."""
        async with self.schemas[0].of("settlement") as connection:
            await connection.execute(
                "insert into rejections (id, source, event, scope, code, field, message, original)"
                " values (gen_random_uuid(), 'intercompany/web', $1, 'event', 'invalid', '', '', '{}')",
                event,
            )


@asynccontextmanager
async def _company(database_url: str, namespace: str, *, four_eyes: bool = True) -> AsyncIterator[Company]:
    settings = Settings(database_url=SecretStr(database_url), namespace=namespace)
    for service in SERVICES:
        name = settings.schema_name(service.name)
        database = Postgres(settings.database, name)
        await migrate(database, name, service)
        await database.close()
    processes = [Schemas(settings), Schemas(settings)]
    try:
        yield Company(processes, four_eyes=four_eyes)
    finally:
        for each in processes:
            await each.close()


def _of(draft: Draft) -> Callable[[str], Awaitable[Draft]]:
    async def drafted(_: str) -> Draft:
        return draft

    return drafted


def _define(position: int = 3) -> Draft:
    plan = ActionPlan(records=(RECORD,), replaces=ReplacedVersion("company/FAB", position))
    return Draft(Verb.DEFINE, {"key": "company/FAB"}, ("FAB",), plan)


def _resend(data: str) -> Draft:
    target = {"refusal": REFUSAL, "scope": "event", "event": {"source": REFUSED.source, "id": REFUSED.id}}
    return Draft(Verb.RESEND, target, ("FAB",), ActionPlan(records=(RECORD,)), "before", data, about=(REFUSED,))


def _asked(who: Who, key: str | None = None) -> ActionRequest:
    return ActionRequest(who, "the supplier has confirmed it", key, b"the same")


def _anyone(_: Action) -> None:
    pass


def _codes(answers: Sequence[Any]) -> list[str]:
    """`done`, or why not; anything else is a failure of ours."""
    found: list[str] = []
    for each in answers:
        assert isinstance(each, Acted | ActionRefusedError), repr(each)
        found.append(each.action.state.value if isinstance(each, Acted) else each.code.value)
    return sorted(found)


async def test_what_is_asked_for_several_times_at_once_under_one_key_is_done_once_and_answered_alike(database_url: str) -> None:
    async with _company(database_url, "atonce1", four_eyes=False) as company:

        async def asks(number: int) -> Any:
            acting = company.acting[number % 2]
            acted = await acting.act(_asked(ANN, "k"), _of(Draft(Verb.REPLAY, {}, ("FAB",), ActionPlan(records=(RECORD,)))))
            if acted.first is not None:
                return acted.first.body
            kept = await acting.keep_answer(acted, _asked(ANN, "k"), 200, {"answer": number})
            return {"answer": number} if kept is None else kept.body

        answers = await asyncio.gather(*(asks(number) for number in range(6)))
        assert (company.broker.sent, await company.outcomes(), len(await company.actions())) == (1, 1, 1)
        assert [each == answers[0] for each in answers] == [True] * 6, answers


async def test_several_approvals_at_once_carry_an_action_out_once(database_url: str) -> None:
    async with _company(database_url, "atonce2") as company:
        proposed = await company.acting[0].act(_asked(ANN), _of(_resend("a")))
        people = [BOB, CID, DAN, BOB, CID, DAN, BOB, CID]
        answers = await asyncio.gather(
            *(
                company.acting[number % 2].decide(proposed.action.id, Decision.APPROVED, _asked(who), _anyone)
                for number, who in enumerate(people)
            ),
            return_exceptions=True,
        )
        assert set(_codes(answers)) <= {"done", "already-decided"}
        [action] = await company.actions()
        assert (company.broker.sent, await company.outcomes(), action.state) == (1, 1, ActionState.DONE)
        assert action.decided is not None
        assert (action.outcome["by"], action.decided_again) == (action.decided.who.name, ())


async def test_the_same_approval_under_one_key_at_once_is_answered_to_all(database_url: str) -> None:
    async with _company(database_url, "atonce3") as company:
        proposed = await company.acting[0].act(_asked(ANN), _of(_resend("a")))
        answers = await asyncio.gather(
            *(
                company.acting[number % 2].decide(proposed.action.id, Decision.APPROVED, _asked(BOB, "approve"), _anyone)
                for number in range(4)
            ),
            return_exceptions=True,
        )
        assert _codes(answers) == ["done"] * 4
        assert (company.broker.sent, await company.outcomes()) == (1, 1)


async def test_who_approves_once_more_what_failed_is_in_the_audit_and_the_first_gets_the_answer(database_url: str) -> None:
    async with _company(database_url, "atonce4") as company:
        acting = company.acting[0]
        proposed = await acting.act(_asked(ANN), _of(_resend("a")))
        company.broker.away = True
        with pytest.raises(OSError, match="away"):
            await acting.decide(proposed.action.id, Decision.APPROVED, _asked(BOB, "first"), _anyone)
        company.broker.away = False
        done = await acting.decide(proposed.action.id, Decision.APPROVED, _asked(CID), _anyone)
        assert done.action.state is ActionState.DONE
        [action] = await company.actions()
        row = action.as_row()
        assert (row["decided_by"]["actor"], [each["actor"] for each in row["decided_again"]]) == ("bob", ["cid"])
        sent = {"source": "/erp", "id": "BAD-1", "state": "received", "code": None}
        assert row["outcome"] == {"sent": 1, "ordered": 0, "by": "cid", "events": [sent]}
        again = await acting.decide(proposed.action.id, Decision.APPROVED, _asked(BOB, "first"), _anyone)
        assert (again.action.state, again.began, company.broker.sent) == (ActionState.DONE, None, 1)


@pytest.mark.parametrize("decision", Decision)
async def test_a_decision_whose_answer_was_lost_is_answered_when_it_is_asked_for_again(decision: Decision, database_url: str) -> None:
    async with _company(database_url, f"atonce5{decision.value}") as company:
        proposed = await company.acting[0].act(_asked(ANN), _of(_resend("a")))
        first = await company.acting[0].decide(proposed.action.id, decision, _asked(BOB, "lost"), _anyone)
        again = await company.acting[1].decide(proposed.action.id, decision, _asked(BOB, "lost"), _anyone)
        assert (again.action.state, again.key_at) == (first.action.state, first.key_at)


async def test_one_of_several_who_replace_the_same_version_at_once_does(database_url: str) -> None:
    async with _company(database_url, "atonce6", four_eyes=False) as company:
        answers = await asyncio.gather(
            *(company.acting[number % 2].act(_asked(ANN), _of(_define())) for number in range(6)), return_exceptions=True
        )
        assert _codes(answers) == ["done"] + ["version-changed"] * 5
        assert (company.broker.sent, len(await company.actions())) == (1, 1)
        await company.acting[0].act(_asked(ANN), _of(_define(4)))


async def test_a_version_is_free_again_where_replacing_it_failed_or_was_refused(database_url: str) -> None:
    async with _company(database_url, "atonce7", four_eyes=False) as company:
        acting = company.acting[0]
        company.broker.away = True
        with pytest.raises(OSError, match="away"):
            await acting.act(_asked(ANN, "k"), _of(_define()))
        company.broker.away = False
        other = await acting.act(_asked(BOB), _of(_define()))
        with pytest.raises(ActionRefusedError) as overtaken:
            await acting.act(_asked(ANN, "k"), _of(_define()))
        assert (overtaken.value.code, company.broker.sent) == (ActionCode.VERSION_CHANGED, 1)
        await company.refuse(other.action.id)
        assert (await acting.act(_asked(CID), _of(_define()))).action.state is ActionState.DONE


async def test_of_two_proposals_for_one_refusal_the_second_approver_is_told(database_url: str) -> None:
    async with _company(database_url, "atonce8") as company:
        one, other = [await company.acting[0].act(_asked(who), _of(_resend(who.name))) for who in (ANN, BOB)]
        answers = await asyncio.gather(
            *(
                company.acting[number].decide(each.action.id, Decision.APPROVED, _asked(CID), _anyone)
                for number, each in enumerate((one, other))
            ),
            return_exceptions=True,
        )
        assert (_codes(answers), company.broker.sent) == (["already-decided", "done"], 1)
        anew = await company.acting[0].act(_asked(BOB), _of(_resend("anew")))
        assert (await company.acting[0].decide(anew.action.id, Decision.APPROVED, _asked(CID), _anyone)).action.state is ActionState.DONE
