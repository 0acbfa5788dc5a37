"""What is more than one transaction takes resumes slice after slice, in the order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.payment.rules import resume_released
from shared import working_set
from shared.events.emitting import REJECTED
from shared.events.envelope import EventRef, Outgoing
from shared.events.reference import PeriodClosed, PeriodOpened
from tests.builders.payment import (
    DAY,
    EAST,
    FABW,
    IC_4,
    JOURNAL,
    WEST,
    Payment,
    approval,
    invoice,
    payment,
    ready,
    record,
    relation,
    run,
    said,
)

if TYPE_CHECKING:
    import pytest


def test_journals_released_in_slices_are_made_in_order_of_arrival_and_their_approvals_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    service = Payment(JOURNAL, FABW, EAST, WEST)
    names = [f"VPAY-{number}" for number in range(1, 6)]
    for name in names:
        ref = EventRef("scenario", name)
        service.hear(run([payment(name), invoice(f"VI-{name}")], record(0, 1, "9.00"), ref=ref))
        service.hear(approval(f"ARPAY-IC-FAB-{name}-1"), id_=f"A-{name}")
    slices = [service.hear(relation(automatic=False))]
    for _ in range(2):
        slices.append(resume_released(service.books, *service.books.released))
        service.books.commit()
    assert list(service.books.released) == []
    documents = [f"ARPAY-IC-FAB-{name}-1" for name in names]
    assert [_documents(each) for each in slices] == [documents[:2], documents[2:4], documents[4:]]
    assert set(service.statuses().values()) == {"posted"}
    assert service.waits() == []


def _resumed(service: Payment) -> list[list[str]]:
    """What is said by each of the further transactions, until nothing is left."""
    slices = []
    while released := list(service.books.released):
        slices.append(said(resume_released(service.books, released[0])))
        service.books.commit()
    return slices


def test_of_many_approvals_of_one_journal_a_slice_is_taken_with_it_and_the_others_are_refused_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    service = ready(automatic=False)
    for number in range(6):
        service.hear(approval(), id_=f"A-{number}")
    service.hear(approval("ARPAY-IC-FAB-VPAY-7-2"), id_="ANOTHER")
    created, posted, *refused = service.hear(IC_4)
    assert (created.type, posted.cause.id) == ("sales-payment-journal.created", "A-0")
    assert [each.data.event for each in refused] == ["A-1", "A-2"]
    assert _resumed(service) == [[REJECTED, REJECTED], [REJECTED]]
    assert service.waits() == [("ANOTHER", "document")]


def _documents(outgoing: list[Outgoing]) -> list[str]:
    return [each.data.document for each in outgoing if each.type == "sales-payment-journal.created"]


def test_approvals_released_in_slices_post_their_journals_in_order_of_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    service = ready(automatic=False)
    names = [f"VPAY-{number}" for number in range(1, 6)]
    for name in names:
        service.hear(run([payment(name), invoice(f"VI-{name}")], record(0, 1, "9.00"), ref=EventRef("scenario", name)))
    service.hear(PeriodClosed("FABW", DAY, DAY))
    for name in names:
        service.hear(approval(f"ARPAY-IC-FAB-{name}-1"), id_=f"A-{name}")
    slices = [service.hear(PeriodOpened("FABW", DAY, DAY))]
    for _ in range(2):
        slices.append(resume_released(service.books, *service.books.released))
        service.books.commit()
    assert list(service.books.released) == []
    asked = [f"A-{name}" for name in names]
    assert [[each.cause.id for each in outgoing] for outgoing in slices] == [asked[:2], asked[2:4], asked[4:]]
    assert set(service.statuses().values()) == {"posted"}
    assert service.waits() == []
