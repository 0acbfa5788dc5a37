"""What holds a document, without a database: who has reserved it, what waits over it, and what of that a reader sees."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.desk.reservations import held
from services.settlement.rules.values import DocumentKey, ReservedSalesPayment
from services.settlement.stored_tables import TABLES, joined
from services.web.access.roles import Role
from services.web.access.scope import visible_wait
from shared.events.envelope import EventRef
from tests.builders.web import NOW, MadeUp, of_role

VI_7 = ("payable", "FAB", "VI-7")
KEY = joined(VI_7)
EVENT = EventRef("/erp", "VINV-7")


def waits(sequence: int, event: str, *, reserves: bool = True, since: datetime = NOW, what: str = "run") -> dict[str, Any]:
    return {
        "document": KEY, "reserves": reserves, "source": "/erp", "id": event, "reason": "account", "what": what,
        "key": '{"company": "FABE", "account": "9999"}', "since": since, "sequence": sequence,
    }  # fmt: skip


def journal(sequence: int) -> dict[str, Any]:
    reserved = (DocumentKey("payable", "FAB", "VI-7"),)
    kept = ReservedSalesPayment("FABE", "SP-1", "J", "created", EventRef("/erp", "RUN-1"), sequence, reserved)
    return {"document": KEY, "body": TABLES["journals"].row(kept)[-1]}


async def holds(*rows: dict[str, Any], journals: tuple[dict[str, Any], ...] = (), caused: tuple[dict[str, Any], ...] = ()) -> Any:
    schemas: Any = MadeUp({"concerns @>": list(rows), "from journals where reserves": list(journals), "distinct on": list(caused)})
    found = await held(schemas, {VI_7: EVENT})
    return found[VI_7]


async def test_the_run_that_came_first_has_reserved_a_document_and_all_that_wait_over_it_are_said() -> None:
    later = NOW + timedelta(hours=1)
    found = await holds(waits(5, "MARK-1"), waits(9, "MARK-2", since=later), waits(3, "UNDO", reserves=False, what="reversal"))
    assert found.reserved_by == {
        "what": "run",
        "event": {"source": "/erp", "id": "MARK-1"},
        "since": "2026-03-12T12:00:00Z",
        "journal": None,
    }
    assert [(wait["event"], wait["what"], wait["for"]) for wait in found.waits] == [
        ("UNDO", "reversal", "account"),
        ("MARK-1", "run", "account"),
        ("MARK-2", "run", "account"),
    ]


async def test_a_journal_that_is_to_be_approved_reserves_it() -> None:
    found = await holds(waits(9, "MARK-1"), journals=(journal(4),))
    assert found.reserved_by["what"] == "sales payment"
    assert found.reserved_by["journal"] == {"company": "FABE", "document": "SP-1"}
    assert (await holds(waits(3, "MARK-1"), journals=(journal(4),))).reserved_by["event"]["id"] == "MARK-1"


async def test_what_its_own_event_has_waiting_is_said_once() -> None:
    own = waits(5, "VINV-7")
    found = await holds(own, caused=(own,))
    assert [wait["event"] for wait in found.waits if wait["service"] == "settlement"] == ["VINV-7"]


async def test_nothing_holds_it() -> None:
    found = await holds()
    assert (found.reserved_by, found.waits) == (None, [])


def test_what_is_missing_in_companies_out_of_scope_is_not_told() -> None:
    row = {"event": "e", "for": "account", "key": {"company": "FABE", "account": "9999"}, "reads_like": ["9998"]}
    assert visible_wait(row, of_role(Role.READER, "FAB")) == {"event": "e", "for": "account", "key": {"company": "FABE"}}
    assert visible_wait(row, of_role(Role.READER, "FABE")) == row
    between = {"event": "e", "for": "intercompany-accounting", "key": {"company": "FABE", "partner": "FAB"}}
    assert visible_wait(between, of_role(Role.READER, "FAB")) == between
    assert visible_wait({**row, "key": {"event": "x"}}, of_role(Role.READER, "FAB"))["reads_like"] == ["9998"]
