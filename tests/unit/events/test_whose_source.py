"""Nobody speaks for a service: a source of ours is refused from outside, and on our own topics only the service's own counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.delivery.inbox import inbox_key
from shared.events.codec import decode
from shared.events.contract import OPERATOR
from shared.events.envelope import EventRef, Message, Record, Topic, Unreadable
from tests.builders.invoices import invoice

ID = "0197f0a0-0000-8000-8000-000000000001"


def _from(source: str, record: Record) -> Message | Unreadable:
    headers = tuple((name, source.encode() if name == "ce_source" else value) for name, value in record.headers)
    return decode(replace(record, headers=headers))


@pytest.mark.parametrize("source", ["intercompany/settlement", "intercompany/erp-eu", "Intercompany/Settlement"])
def test_an_event_from_outside_with_a_source_of_ours_is_refused_and_takes_no_id(source: str) -> None:
    refused = _from(source, invoice(ID))
    assert isinstance(refused, Unreadable)
    assert (refused.code, refused.field, refused.ref) == ("invalid", "/source", None)
    assert source in refused.message


@pytest.mark.parametrize("source", [OPERATOR, "intercompany", "erp/intercompany/settlement"])
def test_the_operators_tool_and_other_systems_are_read(source: str) -> None:
    assert isinstance(_from(source, invoice(ID)), Message)


@pytest.mark.parametrize("source", ["erp", "intercompany/settlement", "intercompany/postings"])
def test_on_a_services_topic_only_its_own_events_count(source: str) -> None:
    headers = (("ce_specversion", b"1.0"), ("ce_id", ID.encode()), ("ce_type", b"intercompany.voucher.posted.v1"), ("ce_source", b""))
    record = Record(Topic.VOUCHERS, b"FAB", b'{"voucher":"1"}', headers)
    refused = _from(source, record)
    assert isinstance(refused, Unreadable)
    assert (refused.code, refused.field, refused.ref) == ("invalid", "/source", None)
    own = _from("intercompany/posting/republished", record)
    assert isinstance(own, Unreadable)
    assert own.field != "/source"


def test_the_same_id_of_two_systems_is_two_events_whatever_their_sources_begin_with() -> None:
    keys = {inbox_key(EventRef(source, ID)) for source in ("intercompany/erp-eu", "intercompany/erp-us", "intercompany/settlement", "erp")}
    assert len(keys) == 4
