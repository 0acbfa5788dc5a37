"""What people may do, and who decides: without database, broker or clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from services.desk.actions.people import local_user
from services.desk.actions.rules import (
    LONGEST_REASON,
    Action,
    ActionCode,
    ActionPlan,
    ActionRefusedError,
    ActionState,
    Decided,
    Decision,
    Draft,
    PlannedDiscard,
    PlannedReplay,
    ReplacedVersion,
    Verb,
    Who,
    check_decision,
    checked_reason,
    first_state,
    is_to_be_repeated,
    plan_of,
)
from services.desk.refusal_states import RefusalState
from shared.events.envelope import EventRef, Record

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
ANN, BOB = Who("ann", ("operator",), "r-1"), Who("bob", ("approver",), "r-2")
APPROVED = Decided(Decision.APPROVED, BOB, NOW, "seen")


def _action(state: ActionState, decided: Decided | None = None) -> Action:
    return Action("a", NOW, ANN, "why", Draft(Verb.RESEND, {"refusal": "r"}, ("FAB",), ActionPlan(), {"a": 1}, {"a": 2}), state, decided)


@pytest.mark.parametrize("verb", Verb)
def test_what_changes_books_is_a_proposal_with_four_eyes_and_nothing_else_is(verb: Verb) -> None:
    changes_books = verb in {Verb.RESEND, Verb.DISCARD, Verb.REVERSE_SETTLEMENT, Verb.REVERSE_PAYMENT}
    assert first_state(verb, four_eyes=True) is (ActionState.PROPOSED if changes_books else ActionState.BEGUN)
    assert first_state(verb, four_eyes=False) is ActionState.BEGUN


def test_nobody_approves_their_own_proposal_and_nothing_is_decided_twice() -> None:
    check_decision(_action(ActionState.PROPOSED), Decision.APPROVED, "bob")
    with pytest.raises(ActionRefusedError) as own:
        check_decision(_action(ActionState.PROPOSED), Decision.APPROVED, "ann")
    assert own.value.code is ActionCode.OWN_PROPOSAL
    check_decision(_action(ActionState.PROPOSED), Decision.WITHDRAWN, "ann")
    for state in set(ActionState) - {ActionState.PROPOSED}:
        for decision in Decision:
            with pytest.raises(ActionRefusedError) as decided:
                check_decision(_action(state), decision, "bob")
            assert decided.value.code is ActionCode.ALREADY_DECIDED


def test_who_declines_their_own_proposal_takes_it_back() -> None:
    proposed = _action(ActionState.PROPOSED)
    assert Decision.DECLINED.by("ann", proposed) is Decision.WITHDRAWN
    assert Decision.DECLINED.by("bob", proposed) is Decision.DECLINED
    assert Decision.APPROVED.by("ann", proposed) is Decision.APPROVED
    assert [each.leads_to for each in Decision] == [ActionState.BEGUN, ActionState.DECLINED, ActionState.WITHDRAWN]


@pytest.mark.parametrize(
    ("state", "decided", "decider", "expected"),
    [
        (ActionState.FAILED, APPROVED, "bob", True),
        (ActionState.FAILED, APPROVED, "carol", True),
        (ActionState.FAILED, APPROVED, "ann", False),
        (ActionState.FAILED, None, "bob", False),
        (ActionState.BEGUN, APPROVED, "bob", True),
        (ActionState.BEGUN, APPROVED, "carol", False),
        (ActionState.DONE, APPROVED, "bob", False),
        (ActionState.DECLINED, replace(APPROVED, decision=Decision.DECLINED), "bob", False),
        (ActionState.PROPOSED, None, "bob", False),
    ],
)
def test_an_approval_is_repeated_where_carrying_it_out_failed_or_broke_off(
    state: ActionState, decided: Decided | None, decider: str, *, expected: bool
) -> None:
    assert is_to_be_repeated(_action(state, decided), decider) is expected


def test_a_plan_is_read_as_it_was_written() -> None:
    record = Record("intercompany.requests", "Ä".encode(), b'{"a": "1.00"}', (("ce_id", b"x"), ("content-type", b"application/json")))
    event = EventRef("/erp", "I1")
    replays = (PlannedReplay("settlement", "1", event, 3, is_numbered=True, digest=b"d"), PlannedReplay("posting", "2", event, 1))
    plan = ActionPlan(
        replays, (record,), (PlannedDiscard("payment", event),), {"1": RefusalState.RESENT}, ReplacedVersion("company/FAB", 3)
    )
    assert plan_of(orjson.loads(orjson.dumps(plan.as_row()))) == plan
    assert plan_of(orjson.loads(orjson.dumps(ActionPlan().as_row()))) == ActionPlan()
    of_before_digests = {**ActionPlan().as_row(), "replays": [["posting", "2", *event, 1, False]]}
    assert plan_of(of_before_digests).replays == (PlannedReplay("posting", "2", event, 1),)


@pytest.mark.parametrize("reason", ["", "  ab ", "x" * (LONGEST_REASON + 1)])
def test_a_reason_that_says_nothing_or_too_much_is_refused(reason: str) -> None:
    with pytest.raises(ActionRefusedError) as refused:
        checked_reason(reason)
    assert refused.value.code is ActionCode.INVALID


@pytest.mark.parametrize(
    "reason", ["\u200b" * 9, "\u3164" * 9, "ok\u0301\u0301", "a\u202eb c", "a\u2028b c", "a\x85b c", "a\u2066b c", "a\ufeffb c"]
)
def test_a_reason_that_would_be_read_otherwise_than_it_is_kept_is_refused(reason: str) -> None:
    with pytest.raises(ActionRefusedError) as refused:
        checked_reason(reason)
    assert (refused.value.code, refused.value.key) == (ActionCode.INVALID, "reason-visible")


@pytest.mark.parametrize("reason", ["première fois", "a\nb\tc", "\u0645\u06cc\u200c\u062e", "\U0001f468\u200d\U0001f469 ok", "12.5 %"])
def test_a_reason_in_any_language_is_taken_as_it_is(reason: str) -> None:
    assert checked_reason(reason) == reason


def test_a_reason_is_trimmed() -> None:
    assert checked_reason(" abc ") == "abc"
    assert checked_reason("x" * LONGEST_REASON)


def test_an_action_is_shown_without_its_plan_and_with_what_was_decided() -> None:
    row: dict[str, Any] = _action(ActionState.DONE, APPROVED).as_row()
    assert (row["actor"], row["verb"], row["companies"], row["before"], row["after"]) == ("ann", "resend", ["FAB"], {"a": 1}, {"a": 2})
    assert row["decided_by"] == {
        "decision": "approved",
        "actor": "bob",
        "roles": ["approver"],
        "request_id": "r-2",
        "at": "2026-03-12T12:00:00Z",
        "reason": "seen",
    }
    assert "plan" not in row
    assert _action(ActionState.BEGUN).as_row()["decided_by"] is None


def test_a_user_without_a_name_acts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    assert local_user() == "local:ann"

    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)
    assert local_user() == "local:unnamed"
