"""Whether the companies' own systems have a voucher: what they said of it last, of what they may say."""

from __future__ import annotations

from typing import Any

import pytest

from services.simulator.streams import scenario
from shared.events.envelope import Record
from tests.builders.inquiry import folded, listening, messages_of, refused_and_sent_again, rows
from tests.builders.settlement import GROUP, Event, invoice

VOUCHER = "AR-INV-000001"


def imported(id_: str, number: str = "GJ-1", voucher: str = VOUCHER, company: str = "FAB") -> Event:
    return {"id": id_, "type": "voucher.imported", "company": company, "voucher": voucher, "erp_number": number}


def failed(id_: str, message: str = "closed", voucher: str = VOUCHER) -> Event:
    return {"id": id_, "type": "voucher.import-failed", "company": "FAB", "voucher": voucher, "message": message}


def said(*events: Event) -> dict[str, tuple[Any, ...]]:
    """By voucher of FAB what counts: state, number there or message."""
    return _said(listening(scenario(GROUP, list(events))).records)


def _said(records: list[Record]) -> dict[str, tuple[Any, ...]]:
    found = rows(folded(messages_of(records)))
    states = {f"{row['series']}-{row['number']:06}": row["import_state"] for row in found["vouchers"] if row["company"] == "FAB"}
    told = {row["voucher"]: (row["state"], row["erp_number"] or row["message"]) for row in found["imported"] if row["company"] == "FAB"}
    for voucher, state in states.items():
        assert state == told.get(voucher, ("no",))[0], "a voucher has the state of what was said of it"
    return told


def test_of_a_voucher_the_last_that_was_said_counts() -> None:
    assert said(invoice("I1")) == {}
    assert said(invoice("I1"), failed("T1")) == {VOUCHER: ("failed", "closed")}
    assert said(invoice("I1"), failed("T1"), imported("T2", "GJ-2")) == {VOUCHER: ("imported", "GJ-2")}
    assert said(invoice("I1"), imported("T2"), failed("T1")) == {VOUCHER: ("failed", "closed")}


def test_what_is_sent_again_is_not_said_later() -> None:
    assert said(invoice("I1"), failed("T1"), imported("T2"), failed("T1")) == {VOUCHER: ("imported", "GJ-1")}


def test_what_is_said_of_a_voucher_that_is_not_there_yet_shows_once_it_is() -> None:
    assert said(imported("T1", voucher="AR-INV-000002"), invoice("I1"), invoice("I2")) == {"AR-INV-000002": ("imported", "GJ-1")}


def test_an_id_that_is_taken_by_other_data_says_nothing() -> None:
    assert said(invoice("I1"), failed("T1"), imported("T1")) == {VOUCHER: ("failed", "closed")}
    other = imported("T1", voucher="AR-INV-000002")
    assert said(invoice("I1"), imported("T1"), other) == {VOUCHER: ("imported", "GJ-1")}, "nor of another voucher"


@pytest.mark.parametrize("backwards", [False, True])
def test_what_was_refused_does_not_count_until_it_is_sent_again_by_who_may(*, backwards: bool) -> None:
    heard = []
    for records in refused_and_sent_again():
        read = messages_of(records[::-1] if backwards else records)
        heard.append([(row["company"], row["state"]) for row in rows(folded(read))["imported"]])
    refused, refused_again, taken = heard
    assert refused == [("FAB", "imported")]
    assert refused_again == refused, "though it is the same refusal"
    assert taken == [("FAB", "imported"), ("FABE", "imported")]
