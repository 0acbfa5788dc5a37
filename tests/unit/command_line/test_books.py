"""What commands about the books say beside the rows: how far they were read, and the tree of a trace."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rich.console import Console

from services.command_line import tables, trace_tree
from services.command_line.commands.asking import FAR_BEHIND, how_far
from services.inquiry.queries.read_to import HowFarRead
from services.inquiry.queries.trace_graph import Edge, Graph

NEWEST = dt.datetime(2026, 3, 12, 10, tzinfo=dt.UTC)


def printed(drawn: Any) -> str:
    """As it is on a wide screen."""
    console = Console(width=300, record=True, file=None)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()


def test_nothing_is_said_of_an_answer_that_lacks_nothing() -> None:
    assert how_far(HowFarRead(NEWEST, 0.0, {"intercompany.vouchers": 0})) is None


def test_what_is_still_to_be_read_is_said_and_far_behind_what_to_do() -> None:
    near = how_far(HowFarRead(NEWEST, FAR_BEHIND, {"intercompany.vouchers": 2, "intercompany.journals": 1}))
    assert near == "Inquiry is behind: it has read what was posted up to 2026-03-12 10:00:00 UTC, and messages still to be read: 3."
    for far in (HowFarRead(NEWEST, FAR_BEHIND + 1, {"a": 1}), HowFarRead(None, 0.0, {"a": 1})):
        assert "`intercompany service inquiry` starts it" in (how_far(far) or "")


def test_without_the_broker_it_is_not_said_that_nothing_is_missing() -> None:
    assert "is not known" in (how_far(HowFarRead(NEWEST, 5.0, None)) or "")


def event(name: str, received_at: str | None = "2026-03-12T10:00:00Z", **more: Any) -> dict[str, Any]:
    said = {"event": {"source": "erp", "id": name}, "type": "vendor-payment.posted", "received_at": received_at}
    return {"id": f"event/{name}", "kind": "event", "state": "posted", "waits": [], "refusals": [], "actions": [], **said, **more}


def voucher(name: str) -> dict[str, Any]:
    said = {"company": "FAB", "voucher": name, "date": "2026-03-12", "voucher_kind": "settlement", "lines": [], "sisters": []}
    return {"id": f"voucher/{name}", "kind": "voucher", "state": "posted", **said}


def test_a_tree_says_what_waits_what_was_refused_and_what_operators_did() -> None:
    waits = [{"for": "document", "key": {"document": "NEVER"}, "since": "2026-03-12T10:00:00Z"}]
    refusals = [{"scope": "settlement", "code": "document-closed", "field": "/settle/0", "message": "closed", "at": "2026-03-12T10:00:01Z"}]
    done = {"at": "2026-03-12T10:05:00Z", "actor": "jo", "verb": "replay", "state": "done", "reason": "asked for by phone"}
    node = event("P", state="waiting", waits=waits, refusals=refusals, actions=[done])
    shown = printed(trace_tree.tree("P", Graph([node], [], truncated=False)))
    assert "event P  erp vendor-payment.posted, received 2026-03-12T10:00:00Z  waiting" in shown
    assert "waits for document: document NEVER; since 2026-03-12T10:00:00Z" in shown
    assert "refused (settlement) document-closed at /settle/0: closed; 2026-03-12T10:00:01Z" in shown
    assert "2026-03-12T10:05:00Z jo: replay (done), 'asked for by phone'" in shown


def test_everything_is_drawn_once_under_what_it_came_of_even_where_edges_make_a_circle() -> None:
    nodes = [event("LATE", "2026-03-13T00:00:00Z"), event("EARLY"), voucher("V-1"), voucher("V-2")]
    edges = [
        Edge("event/EARLY", "voucher/V-1", "caused"),
        Edge("event/LATE", "voucher/V-1", "caused"),
        Edge("voucher/V-1", "voucher/V-2", "mirrors"),
        Edge("voucher/V-2", "voucher/V-1", "reverses"),
    ]
    lines = printed(trace_tree.tree("V-1", Graph(nodes, edges, truncated=False))).splitlines()
    assert [line.strip("│├└─ ").split("  ")[0] for line in lines] == ["V-1", "event EARLY", "FAB V-1", "FAB V-2", "event LATE"]


def test_open_documents_of_a_foreign_currency_show_what_is_open_in_the_companys_own() -> None:
    row = {
        "company": "FAB",
        "ledger": "payable",
        "kind": "invoice",
        "party": {"id": "P", "name": None},
        "document": "D",
        "state": "open",
        "date": "2026-03-01",
        "due_date": "2026-03-31",
        "age_days": 3,
        "currency": "EUR",
        "amount": "100.00",
        "balance": "-50.00",
        "accounting_currency": "USD",
        "open_accounting": "55.00",
    }
    shown = printed(tables.documents([row], None))
    assert "-50.00" in shown
    assert "55.00 USD" in shown
    assert "State" not in shown
    assert "closed" in printed(tables.documents([{**row, "state": "closed"}], None))
    assert "55.00" not in printed(tables.documents([{**row, "accounting_currency": "EUR"}], None))
