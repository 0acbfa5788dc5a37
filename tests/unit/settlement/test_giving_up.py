"""What waits can be given up, by an operator or after WAIT_AT_MOST: it is refused, and what it held back goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.scenarios.simulation import Simulation
from services.settlement.rules.giving_up import discard, expire
from shared.events.envelope import EventRef, Outgoing
from tests.builders.settlement import Event, invoice, mark, paid, told, undone

UNKNOWN = invoice("I9", account="C-9")
TO_COME = mark("I9")


def _gives_up(simulation: Simulation, *events: str) -> list[Outgoing]:
    given_up = discard(simulation.books.settlement, [EventRef("scenario", event) for event in events])
    simulation.books.settlement.commit()
    return given_up


def _refusals(outgoing: list[Outgoing]) -> list[tuple[str, str, str, str, str]]:
    said = [each.data for each in outgoing if each.type == "event.rejected"]
    return [(data.event, data.scope, data.code, data.field, data.message) for data in said]


def _waits(simulation: Simulation) -> list[str]:
    return sorted(waiting.event.id for waiting in simulation.books.settlement.waiting)


@pytest.mark.parametrize(
    ("events", "scope", "message"),
    [
        ([UNKNOWN], "event", "discarded while it waited for account: company FAB, ledger receivable, account C-9"),
        ([paid("I9", account="C-9")], "event", "discarded while it waited for account: company FAB, ledger receivable, account C-9"),
        (
            [paid("I9", "10.00", mark("I8"))],
            "settlement",
            "discarded while it waited for document: company FAB, document I8, ledger receivable",
        ),
        ([undone("I9", settlement="P8")], "settlement", "discarded while it waited for document: event P8, source scenario"),
    ],
)
def test_what_is_discarded_is_refused_with_what_it_waited_for(events: list[Event], scope: str, message: str) -> None:
    simulation = told(*events)
    assert _refusals(_gives_up(simulation, "I9")) == [("I9", scope, "discarded", "", message)]
    assert _waits(simulation) == []


def test_only_the_events_named_are_discarded_oldest_first() -> None:
    simulation = told(*(paid(name, "10.00", TO_COME) for name in ("P3", "P1", "P2")))
    assert [refusal[0] for refusal in _refusals(_gives_up(simulation, "P1", "P3"))] == ["P3", "P1"]
    assert _waits(simulation) == ["P2"]


@pytest.mark.parametrize(
    ("event", "free"),
    [
        (UNKNOWN, True),  # nothing of it was taken over
        (paid("I9", account="C-9"), True),
        (paid("I9", "10.00", mark("I8")), False),  # its payment is posted
        (undone("I9", settlement="P8"), True),
    ],
)
def test_the_id_of_what_is_discarded_is_free_if_nothing_of_it_was_taken_over(event: Event, free: bool) -> None:  # noqa: FBT001
    simulation = told(event)
    discard(simulation.books.settlement, [EventRef("scenario", "I9")])
    assert (EventRef("scenario", "I9") in simulation.books.settlement.freed_ids) == free


def test_a_payment_whose_marks_are_discarded_stays_open_and_is_left_to_be_marked() -> None:
    simulation = told(paid("P1", "10.00", TO_COME))
    _gives_up(simulation, "P1")
    (payment,) = simulation.books.settlement.documents
    assert (str(payment.open), payment.manual_only, payment.marks_refused) == ("10.00", True, True)


def test_an_invoice_that_is_discarded_leaves_no_document() -> None:
    simulation = told(UNKNOWN)
    _gives_up(simulation, "I9")
    assert list(simulation.books.settlement.documents) == []


def test_what_waited_for_the_reservation_of_what_is_discarded_goes_on() -> None:
    simulation = told(invoice("I1"), paid("P1", "10.00", mark("I1"), TO_COME), paid("P2", "10.00", mark("I1")))
    assert _waits(simulation) == ["P1", "P2"]
    outgoing = _gives_up(simulation, "P1")
    assert [each.type for each in outgoing] == ["event.rejected", "settlement.posted"]
    assert _waits(simulation) == []
    assert {document.document: str(document.open) for document in simulation.books.settlement.documents}["I1"] == "0.00"


def test_what_has_waited_since_before_a_time_is_given_up() -> None:
    simulation = told(paid("P1", "10.00", TO_COME), paid("P2", "10.00", TO_COME))
    times = sorted(waiting.message.time for waiting in simulation.books.settlement.waiting)
    assert times[1] - times[0] == timedelta(seconds=1)
    assert expire(simulation.books.settlement, times[0]) == []
    assert [refusal[0] for refusal in _refusals(expire(simulation.books.settlement, times[1]))] == ["P1"]


def test_what_an_earlier_discard_lets_go_on_waits_no_more_and_is_not_discarded() -> None:
    simulation = told(invoice("I1"), paid("P1", "10.00", mark("I1"), TO_COME), paid("P2", "10.00", mark("I1")))
    assert _waits(simulation) == ["P1", "P2"]
    given_up = _gives_up(simulation, "P1", "P2")
    assert [refusal[0] for refusal in _refusals(given_up)] == ["P1"]
    assert [each.data.run.id for each in given_up if each.type == "settlement.posted"] == ["P2"]
