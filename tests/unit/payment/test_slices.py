"""What is more than one transaction takes resumes slice after slice, in the order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.payment.rules import resume_released
from shared import working_set
from shared.events.envelope import EventRef, Outgoing
from tests.builders.payment import (
    EAST,
    FABW,
    JOURNAL,
    WEST,
    Payment,
    invoice,
    payment,
    record,
    relation,
    run,
)

if TYPE_CHECKING:
    import pytest


def test_journals_released_in_slices_are_made_in_order_of_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    service = Payment(JOURNAL, FABW, EAST, WEST)
    names = [f"VPAY-{number}" for number in range(1, 6)]
    for name in names:
        ref = EventRef("scenario", name)
        service.hear(run([payment(name), invoice(f"VI-{name}")], record(0, 1, "9.00"), ref=ref))
    slices = [service.hear(relation(automatic=False))]
    for _ in range(2):
        slices.append(resume_released(service.books, *service.books.released))
        service.books.commit()
    assert list(service.books.released) == []
    documents = [f"ARPAY-IC-FAB-{name}-1" for name in names]
    assert [_documents(each) for each in slices] == [documents[:2], documents[2:4], documents[4:]]
    assert set(service.statuses().values()) == {"created"}
    assert service.waits() == []


def _documents(outgoing: list[Outgoing]) -> list[str]:
    return [each.data.document for each in outgoing if each.type == "sales-payment-journal.created"]
