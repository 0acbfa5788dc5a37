"""A refused event is sent again as it came; where that cannot be, the reason says what to do instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from services.desk.rejections import RefusedEvent
from services.operations.replay_records import NotReplayableError, refuse_unread, replay_record
from shared.events.envelope import EventRef, Record, Topic
from shared.events.producing import PartyBook
from shared.events.vouchers import rejection
from shared.settings import Senders, Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAYMENT = Record(Topic.PAYMENTS, b"NW", b"{}", (("content-type", b"application/json"), ("ce_id", b"P"), ("ce_source", b"bank")))


def _refused(record: Record | None, scope: str = "event", **original: Any) -> RefusedEvent:
    return RefusedEvent("settlement", "1", NOW, rejection(EventRef("bank", "P"), scope, "invalid", "", "", original), record, 0)


def test_an_event_is_sent_as_it_came() -> None:
    assert replay_record(_refused(PAYMENT), 3, PartyBook()) == PAYMENT


def test_a_payment_whose_marks_were_refused_is_numbered_whatever_its_form() -> None:
    binary = replay_record(_refused(PAYMENT, "settlement"), 3, PartyBook())
    assert dict(binary.headers) == {**dict(PAYMENT.headers), "ce_replay": b"3"}
    document = replace(PAYMENT, value=b'{"id": "P"}', headers=(("content-type", b"application/cloudevents+json"),))
    structured = replay_record(_refused(document, "settlement"), 2, PartyBook())
    assert orjson.loads(structured.value or b"") == {"id": "P", "replay": 2}


@pytest.mark.parametrize("record", [None, replace(PAYMENT, topic=Topic.JOURNALS)])
def test_an_event_that_is_not_at_hand_as_it_came_is_made_from_what_was_kept(record: Record | None) -> None:
    original: dict[str, Any] = {
        "id": "P",
        "type": "intercompany.customer-payment.posted.v1",
        "data": {"company": "FAB", "account": "4000", "document": "P"},
    }
    made = replay_record(_refused(record, **original), 1, PartyBook())
    assert (made.topic, made.key, orjson.loads(made.value or b"")) == (Topic.PAYMENTS, b"4000", original)


@pytest.mark.parametrize(
    ("original", "advice"),
    [
        ({"datalength": 9_000_000}, "9000000 bytes); its sender must send it again"),
        ({"type": "intercompany.sales-payment-journal.posted.v1"}, "send a settlement.requested"),
    ],
)
def test_what_cannot_be_sent_again_says_what_to_do_instead(original: dict[str, Any], advice: str) -> None:
    with pytest.raises(NotReplayableError, match=r"^P: .*") as problem:
        replay_record(_refused(None, **original), 1, PartyBook())
    assert str(problem.value).endswith(advice)


def test_an_event_of_a_sender_goes_back_onto_the_senders_own_topic() -> None:
    own = replace(PAYMENT, topic="intercompany.payments.erp-eu")
    assert replay_record(_refused(own), 1, PartyBook()) == own
    numbered = replay_record(_refused(own, "settlement"), 3, PartyBook())
    assert (numbered.topic, dict(numbered.headers)["ce_replay"]) == (own.topic, b"3")


def test_an_event_that_was_kept_without_its_record_goes_onto_the_topic_of_the_sender_noted_in_it() -> None:
    original: dict[str, Any] = {"id": "P", "type": "intercompany.customer-payment.posted.v1", "intercompanysender": "erp-eu", "data": {}}
    assert replay_record(_refused(None, **original), 1, PartyBook()).topic == "intercompany.payments.erp-eu"


@pytest.mark.parametrize(("topic", "senders"), [(Topic.PAYMENTS, Senders.ENFORCED), ("intercompany.payments.erp-eu", Senders.OPEN)])
def test_a_topic_that_is_not_read_is_not_sent_to(topic: str, senders: Senders) -> None:
    with pytest.raises(NotReplayableError, match=f"came on {topic}, which is not read with SENDERS={senders}"):
        refuse_unread(topic, Settings(senders=senders))
    for read in (topic, Topic.REFERENCE):
        refuse_unread(read, Settings(senders=Senders.OPEN if senders is Senders.ENFORCED else Senders.ENFORCED))
