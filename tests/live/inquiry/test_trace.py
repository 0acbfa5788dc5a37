"""A trace begins at any name, holds together, and hides no trouble."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from services.desk.rows import waiting_rows
from services.inquiry.queries.reversals import reversed_by
from services.inquiry.queries.trace import TraceStart, trace
from services.inquiry.queries.trace_graph import MOST, Graph, node_id
from services.inquiry.queries.vouchers import VoucherSelection, vouchers
from services.scenarios.scenario_file import SOURCE
from shared.events.envelope import EventRef
from tests.builders.inquiry import Listening
from tests.live.inquiry.asking import Asked
from tests.scenario_files import EXAMPLES, IC_4, ROOT, shared_out

pytestmark = pytest.mark.embedded

Row = dict[str, Any]

REVERSALS = ROOT / "tests" / "scenarios" / "reversals"
TRACED = [*sorted(EXAMPLES.glob("*.yaml")), *sorted(REVERSALS.glob("*.yaml"))]


class Counted:
    """A connection that counts its statements."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self._connection, name)


class Desk:
    """What waits in a simulation, asked as the desk's is."""

    def __init__(self, simulation: Listening) -> None:
        self._rows = waiting_rows(simulation.books.payment, simulation.books.settlement, {})
        self.asked: list[frozenset[EventRef]] = []

    async def __call__(self, events: frozenset[EventRef]) -> Iterable[Row]:
        self.asked.append(events)
        return [{**row, "source": SOURCE} for row in self._rows if EventRef(SOURCE, row["event"]) in events]

    def of(self, event: str) -> list[Row]:
        return [row for row in self._rows if row["event"] == event]


def traced(books: Asked, start: TraceStart, desk: Desk) -> Graph:
    connection = Counted(books.connection)
    found = books.run(trace(connection, start, desk))
    assert connection.calls <= 4
    assert len(desk.asked) == 1
    desk.asked.clear()
    ids = [node["id"] for node in found.nodes]
    assert len(set(ids)) == len(ids)
    assert {end for edge in found.edges for end in edge[:2]} <= set(ids)
    assert len(set(found.edges)) == len(found.edges)
    assert not found.truncated
    return found


def ids(found: Graph, kind: str) -> set[str]:
    return {node["id"] for node in found.nodes if node["kind"] == kind}


@pytest.mark.parametrize("file", shared_out(TRACED))
def test_every_event_is_traced_to_all_that_it_posted(books: Asked, file: Path) -> None:
    simulation = books.listen(file)
    desk = Desk(simulation)
    posted = books.all(vouchers, VoucherSelection())
    refused = {each.event for each in simulation.rejections if each.source == SOURCE}
    in_part = {each.event for each in simulation.rejections if each.source == SOURCE and each.scope != "event"}
    events = books.run(books.connection.fetch("select distinct id from events where source = $1", SOURCE))
    for name in {row["id"] for row in events} | refused:
        found = traced(books, TraceStart(event=name), desk)
        node = next(each for each in found.nodes if each["id"] == node_id("event", SOURCE, name))
        caused = {node_id("voucher", row["company"], row["voucher"]) for row in posted if row["caused_by"]["id"] == name}
        assert caused <= ids(found, "voucher")
        has_effect = any(edge.from_ == node["id"] for edge in found.edges)
        if desk.of(name):
            assert (node["state"], node["waits"][0]["for"]) == ("waiting", desk.of(name)[0]["for"])
        elif name in in_part or (name in refused and not has_effect):  # with an effect it was sent again, mended
            assert (node["state"], bool(node["refusals"][0]["code"])) == ("refused", True)
        else:
            assert node["state"] == ("posted" if has_effect else "received")


@pytest.mark.parametrize("file", shared_out(TRACED))
def test_documents_vouchers_and_settlements_are_traced_and_nothing_posted_is_under_way(books: Asked, file: Path) -> None:
    simulation = books.listen(file)
    desk = Desk(simulation)
    posted = books.all(vouchers, VoucherSelection())
    for row in posted:
        found = traced(books, TraceStart(voucher=row["voucher"], company=row["company"]), desk)
        node = next(each for each in found.nodes if each["id"] == node_id("voucher", row["company"], row["voucher"]))
        assert [{name: line[name] for name in row["lines"][0]} for line in node["lines"]] == row["lines"]
        assert node["sisters"] == row["sisters"]
        assert not [each for each in found.nodes if each["kind"] != "journal" and each["state"] == "under way"]
    for run in {row["settlement"]["id"] for row in posted if row["settlement"]}:
        found = traced(books, TraceStart(settlement=run), desk)
        of_run = {
            node_id("voucher", row["company"], row["voucher"]) for row in posted if row["settlement"] and row["settlement"]["id"] == run
        }
        assert of_run <= ids(found, "voucher")
    for document in simulation.books.settlement.documents:
        start = TraceStart(document=document.document, company=document.company, ledger=document.ledger)
        found = traced(books, start, desk)
        node = next(each for each in found.nodes if each["id"] == node_id("document", document.ledger, document.company, document.document))
        assert node["state"] == ("reversed" if document.is_reversed else "posted")


def starts_at(node: Row) -> TraceStart:
    """The trace from a node's own name."""
    if node["kind"] == "event":
        return TraceStart(event=node["event"]["id"], source=node["event"]["source"])
    if node["kind"] == "settlement":
        return TraceStart(settlement=node["settlement"]["id"], source=node["settlement"]["source"])
    if node["kind"] == "voucher":
        return TraceStart(voucher=node["voucher"], company=node["company"])
    return TraceStart(document=node["document"], company=node["company"], ledger=node["ledger"])


def joined(found: Graph, id_: str) -> set[str]:
    """The nodes that edges join to a node, whichever way they lead."""
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for from_, to, _ in found.edges:
        beside[from_].add(to)
        beside[to].add(from_)
    reached, left = {id_}, [id_]
    while left:
        new = beside[left.pop()] - reached
        reached |= new
        left += new
    return reached


@pytest.mark.parametrize("file", shared_out(TRACED))
def test_the_trace_is_the_same_whichever_of_its_names_one_begins_with(books: Asked, file: Path) -> None:
    simulation = books.listen(file)
    desk = Desk(simulation)
    events = books.run(books.connection.fetch("select distinct id from events where source = $1", SOURCE))
    seen: set[str] = set()
    for name in (row["id"] for row in events):
        found = traced(books, TraceStart(event=name, source=SOURCE), desk)
        start = node_id("event", SOURCE, name)
        if start in seen:
            continue
        component = joined(found, start)
        seen |= component
        for node in found.nodes:
            if node["id"] in component:
                assert joined(traced(books, starts_at(node), desk), node["id"]) == component, node["id"]


def test_from_the_sellers_invoice_one_reaches_the_payer(books: Asked) -> None:
    desk = Desk(books.listen(IC_4))
    of_payment = {node["id"] for node in traced(books, TraceStart(event="VPAY-7"), desk).nodes}
    for start in (TraceStart(document="CI-7"), TraceStart(event="CI-7"), TraceStart(document="VI-7")):
        found = {node["id"] for node in traced(books, start, desk).nodes}
        assert found == of_payment
        assert {"document/payable/FAB/VPAY-7", node_id("settlement", SOURCE, "VPAY-7"), "document/payable/FABE/VI-7"} <= found
        assert {node_id("voucher", company, "AP-SET-000001") for company in ("FAB", "FABE")} <= found


def test_a_vouchers_number_alone_is_that_of_each_company_that_has_it(books: Asked) -> None:
    simulation = books.listen(IC_4)
    desk = Desk(simulation)
    named = [row for row in books.all(vouchers, VoucherSelection()) if row["voucher"] == "AP-SET-000001"]
    assert {row["company"] for row in named} == {"FAB", "FABE"}
    found = traced(books, TraceStart(voucher="AP-SET-000001"), desk)
    assert {node_id("voucher", row["company"], row["voucher"]) for row in named} <= ids(found, "voucher")


def test_a_document_that_waits_is_found_by_its_number(books: Asked) -> None:
    simulation = books.listen(IC_4)
    desk = Desk(simulation)
    books.run(books.connection.execute("update events set document = 'I-20' where id = 'VPAY-7'"))
    (node,) = [each for each in traced(books, TraceStart(document="I-20"), desk).nodes if each["kind"] == "event"]
    assert node["event"]["id"] == "VPAY-7"
    assert traced(books, TraceStart(document="I-20", company="FABW"), desk).nodes == []


def test_of_what_is_reversed_each_voucher_leads_to_the_one_it_reverses(books: Asked) -> None:
    simulation = books.listen(REVERSALS / "mirror.yaml")
    found = traced(books, TraceStart(event=first_payment(simulation)), Desk(simulation))
    reversals = [node for node in found.nodes if node["kind"] == "voucher" and node["voucher_kind"].endswith("reversal")]
    assert reversals
    by_id = {node["id"]: node for node in found.nodes}
    for node in reversals:
        (edge,) = [each for each in found.edges if each.from_ == node["id"] and each.kind == "reverses"]
        assert by_id[edge.to]["state"] == "reversed"
        assert by_id[edge.to]["company"] == node["company"]
    asked = {edge.from_ for edge in found.edges if edge.kind == "reverses"} & ids(found, "event")
    assert asked, "the event that asked for a reversal leads to what it reversed"


@pytest.mark.parametrize("file", shared_out(sorted(REVERSALS.glob("*.yaml"))))
def test_what_reversed_something_is_the_event_that_asked_for_it_with_its_reason(books: Asked, file: Path) -> None:
    books.listen(file)
    asked = books.run(books.connection.fetch("select id, coalesce(data ->> 'reason', '') as reason from events where source = $1", SOURCE))
    reasons = {row["id"]: row["reason"] for row in asked}
    reversals = [row for row in books.all(vouchers, VoucherSelection()) if row["kind"].endswith("_reversal")]
    for row in reversals:
        found = books.run(reversed_by(books.connection, row["company"], row["series"], row["number"]))
        assert found is not None
        assert (found.event.id, found.reason) == (row["caused_by"]["id"], reasons[row["caused_by"]["id"]])
    assert books.run(reversed_by(books.connection, "NONE", "AP-SRV", 1)) is None


def first_payment(simulation: Listening) -> str:
    return next(document.event.id for document in simulation.books.settlement.documents if document.kind == "payment")


def test_what_is_decided_and_has_no_voucher_yet_is_under_way(books: Asked) -> None:
    simulation = books.listen(IC_4)
    desk = Desk(simulation)
    books.run(books.connection.execute("delete from vouchers where company = 'FABE' and kind = 'settlement'"))
    states = {node["id"]: node["state"] for node in traced(books, TraceStart(event="VPAY-7"), desk).nodes}
    assert states[node_id("settlement", SOURCE, "VPAY-7")] == "under way"
    books.run(books.connection.execute("delete from vouchers where company = 'FABW' and kind = 'payment'"))
    states = {node["id"]: node["state"] for node in traced(books, TraceStart(event="VPAY-7"), desk).nodes}
    assert states[node_id("document", "receivable", "FABW", "ARPAY-IC-FAB-VPAY-7-1")] == "under way"
    assert states[node_id("document", "payable", "FAB", "VPAY-7")] == "posted"


def test_the_whole_chain_is_traced_from_each_of_its_ends(books: Asked) -> None:
    simulation = books.listen(IC_4)
    desk = Desk(simulation)
    from_payment = traced(books, TraceStart(event="VPAY-7"), desk)
    from_name = traced(books, TraceStart(event="VI-7", document="VI-7", voucher="VI-7", settlement="VI-7"), desk)
    mirrored = traced(books, TraceStart(document="ARPAY-IC-FAB-VPAY-7-1", company="FABW"), desk)
    for found in (from_name, mirrored):
        assert ids(found, "settlement") == ids(from_payment, "settlement")
        assert ids(found, "document") == ids(from_payment, "document")
    assert ("document/payable/FAB/VPAY-7", "document/receivable/FABW/ARPAY-IC-FAB-VPAY-7-1", "mirrors") in from_payment.edges
    assert ("document/receivable/FABW/CI-7", "document/payable/FABE/VI-7", "mirrors") in from_payment.edges
    assert from_payment.as_row()["edges"][0].keys() == {"from", "to", "kind"}


def test_what_nobody_knows_has_no_trace(books: Asked) -> None:
    desk = Desk(books.listen(IC_4))
    for start in (
        TraceStart(event="nothing", document="nothing", settlement="nothing"),
        TraceStart(event="VPAY-7", source="else"),
        TraceStart(voucher="AP-PAY-000001", company="NONE"),
        TraceStart(voucher=f"AP-PAY-{2**70}", company="FAB"),
        TraceStart(voucher="nothing", company="FAB"),
        TraceStart(),
    ):
        assert traced(books, start, desk).nodes == []


def test_a_trace_of_more_than_can_be_shown_says_so(books: Asked) -> None:
    books.listen(IC_4)
    books.run(
        books.connection.execute(
            "insert into records select (jsonb_populate_record(r, jsonb_build_object("
            "'number', n, 'run_id', 'R' || n, 'raising_document', 'D' || n))).* "
            "from records r, generate_series(2, 1200) n where r.run_id = 'VPAY-7'"
        )
    )
    found = books.run(trace(books.connection, TraceStart(event="VPAY-7")))
    assert found.truncated
    assert len(found.nodes) <= MOST
    shown = {node["id"] for node in found.nodes}
    assert {end for edge in found.edges for end in edge[:2]} <= shown
