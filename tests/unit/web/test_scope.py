"""What the messages of refusals, and what waits, tell a reader of companies out of scope: nothing, wherever they are shown."""

from __future__ import annotations

from typing import Any

import pytest

from services.desk.rows import Result
from services.operations.simulate import SimulatedResult
from services.web.access.roles import Actor, Role
from services.web.access.scope import REFUSED_IN_GENERAL, visible_graph, visible_refusal
from services.web.routes.simulate import shown_result
from shared.events.told_of import told_of
from shared.events.value_schemas import OPEN_BY_NAME
from tests.builders.web import of_role

OF_FAB = of_role(Role.READER, "FAB")
ALL = of_role(Role.READER)
OF_FABE_ALONE = "10.00 is more than that: FABE VI-7 has 77.77 USD open"
MARKS = [{"company": "FAB", "document": "VI-1"}, {"company": "FABE", "document": "VI-7"}]
PAYMENT = {"data": {"company": "FAB", "document": "VP-1", "settle": MARKS}}
REQUEST = {"data": {"primary": {"company": "FABW", "document": "VP-2"}, "settle": MARKS}}
REVERSAL = {"data": {"payment": {"company": "FABE", "document": "VP-3"}}}
JOURNAL = {"data": {"company": "FABW", "payment": {"company": "FAB", "settle": [{"company": "FABW", "document": "CI-1"}]}}}
ALL_OF_PAYMENT, ALL_OF_REQUEST = {"FAB", "FABE"}, {"FAB", "FABE", "FABW"}


@pytest.mark.parametrize(
    ("scope", "code", "field", "original", "companies"),
    [
        ("settlement", "over-settled", "/settle/1/amount_to_settle", PAYMENT, {"FABE"}),
        ("settlement", "over-settled", "/settle/0/amount_to_settle", PAYMENT, {"FAB"}),
        ("settlement", "document-closed", "/settle/0/document", JOURNAL, {"FABW"}),
        ("settlement", "other-party", "/settle/0/document", PAYMENT, ALL_OF_PAYMENT),
        ("settlement", "document-closed", "/document", PAYMENT, {"FAB"}),
        ("settlement", "same-side", "/settle", PAYMENT, ALL_OF_PAYMENT),
        ("settlement", "date-too-early", "/date", REQUEST, ALL_OF_REQUEST),
        ("settlement", "invalid", "/primary", REQUEST, {"FABW"}),
        ("settlement", "still-settled", "/payment", REVERSAL, {"FABE"}),
        ("settlement", "discarded", "", PAYMENT, ALL_OF_PAYMENT),
        ("event", "amounts-disagree", "/amount", PAYMENT, {"FAB"}),
        ("event", "invalid", "/settle/1/amount_to_settle", PAYMENT, {"FAB"}),
        ("event", "discarded", "", PAYMENT, ALL_OF_PAYMENT),
    ],
)
def test_a_refusal_tells_of_the_companies_at_the_place_that_it_points_at(
    scope: str, code: str, field: str, original: dict[str, Any], companies: set[str]
) -> None:
    assert told_of(scope, code, field, original) == frozenset(companies)


@pytest.mark.parametrize(
    ("field", "original"),
    [
        ("/settle/9/document", PAYMENT),
        ("/settle/0/document", {"data": {"settle": [1]}}),
        ("/settle/0/document", {"data": {"company": "FAB", "settle": {"0": MARKS[0]}}}),
        ("/settle/0/document", {"data": {"company": "FAB", "settle": [{"company": ["FAB"]}]}}),
        ("/settlement", {"data": {"ledger": "payable", "settlement": "VPAY-7"}}),
        ("", {}),
        ("", {"data": "{cut"}),
        ("", {"data": [1]}),
        ("x/y~", {"data": {"company": 5, "document": "VI-1"}}),
    ],
)
def test_where_it_cannot_be_told_of_whom_nobody_is_shown_it_but_who_sees_all(field: str, original: Any) -> None:
    companies = told_of("settlement", "invalid", field, original)
    assert companies is None
    row = {"code": "invalid", "message": OF_FABE_ALONE, "told_of": companies}
    assert visible_refusal(row, OF_FAB)["message"] != OF_FABE_ALONE
    assert visible_refusal(row, ALL) == {"code": "invalid", "message": OF_FABE_ALONE}


def test_code_and_pointer_stay_where_the_message_is_of_other_companies() -> None:
    row = {"code": "over-settled", "field": "/settle/1/amount_to_settle", "message": OF_FABE_ALONE, "told_of": ["FABE"]}
    shown = visible_refusal(row, OF_FAB)
    assert (shown["code"], shown["field"]) == (row["code"], row["field"])
    assert shown["message"].startswith(REFUSED_IN_GENERAL["over-settled"])
    assert not any(word in shown["message"] for word in ("FABE", "VI-7", "77.77", "USD"))
    assert visible_refusal({**row, "told_of": ["FAB"]}, OF_FAB)["message"] == OF_FABE_ALONE
    assert visible_refusal({**row, "told_of": ["FAB", "FABE"]}, OF_FAB) == shown


def test_every_code_has_its_general_sentence() -> None:
    assert REFUSED_IN_GENERAL.keys() == set(OPEN_BY_NAME["code"])


REFUSAL = {"event": "E", "scope": "settlement", "code": "over-settled", "field": "/settle/1/x", "message": OF_FABE_ALONE}
WAIT = {"event": "E", "for": "account", "key": {"company": "FABE", "account": "9999"}, "reads_like": ["VI-9"]}


def simulated(actor: Actor) -> dict[str, Any]:
    result = Result("", [], [], [], [], [REFUSAL], [WAIT])
    return shown_result(SimulatedResult(result, is_whole=True, refusals=[{**REFUSAL, "told_of": ["FABE"]}]), [], actor)


def test_simulated_events_tell_nothing_of_what_other_companies_have_open_or_lack() -> None:
    shown = simulated(OF_FAB)
    assert "77.77" not in str(shown)
    assert "9999" not in str(shown)
    assert "VI-9" not in str(shown)
    assert (shown["rejected"][0]["code"], shown["waiting"][0]["key"]) == ("over-settled", {"company": "FABE"})
    assert (simulated(ALL)["rejected"], simulated(ALL)["waiting"]) == ([REFUSAL], [WAIT])


def test_a_trace_tells_nothing_of_what_other_companies_have_open_or_lack() -> None:
    event = {"id": "event/1", "kind": "event", "state": "refused", "company": "FAB", "waits": [WAIT]}
    graph = {"nodes": [{**event, "refusals": [{**REFUSAL, "told_of": ["FABE"]}]}], "edges": [], "truncated": False}
    shown = visible_graph(graph, OF_FAB)
    assert shown is not None
    assert not any(word in str(shown) for word in ("77.77", "9999", "VI-9", "told_of"))
    whole = visible_graph(graph, ALL)
    assert whole is not None
    assert (whole["nodes"][0]["refusals"], whole["nodes"][0]["waits"]) == ([REFUSAL], [WAIT])
