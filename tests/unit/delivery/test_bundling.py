"""Events of our own in one record: what is put together comes apart as it was, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import orjson
import pytest

from services.posting.service import SERVICE as POSTING
from services.settlement.service import SERVICE as SETTLEMENT
from shared.delivery.bundling import LARGEST, bundled
from shared.delivery.folding import Defect, incoming_of
from shared.delivery.ports import Encoded
from shared.delivery.weight import Limits, first_by_size
from shared.events.attributes import headers_said, ref_said, type_said, words_said
from shared.events.bundles import INTERNAL, MOST_EVENTS, UnreadableBundleError, events_in, is_bundle, unbundled
from shared.events.codec import decode
from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import Message, Record, Topic, Unreadable
from shared.events.schemas import audience
from tests.builders.invoices import invoice
from tests.builders.records import refused, taken
from tests.builders.replies import replies, reply

SENT = [reply(f"R{number}") for number in range(5)]
VOUCHER = Encoded(Topic.VOUCHERS, b"FAB", b"{}", (("content-type", b"application/json"),))


def as_0_1_wrote_it(message: Encoded) -> Record:
    """The same event in the binary binding."""
    event = orjson.loads(message.value)
    headers = tuple((f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data")
    return Record(message.topic, message.key, orjson.dumps(event["data"]), (("content-type", b"application/json"), *headers))


def test_the_topics_between_the_services_are_those_that_nothing_is_promised_of() -> None:
    assert {topic for topic in {entry.topic for entry in CONTRACT.values()} if audience(topic) == "internal"} == INTERNAL


def test_what_is_put_together_comes_apart_as_it_was_in_its_order_each_with_its_place() -> None:
    record = replies(*SENT, offset=9)
    apart = unbundled(record)
    assert [each.value for each in apart] == [each.value for each in SENT]
    assert [(each.offset, each.place, each.is_followed) for each in apart] == [(9, place, place < len(SENT)) for place in range(1, 6)]


def test_an_event_is_the_same_event_whether_it_came_with_others_alone_or_as_0_1_wrote_it() -> None:
    for together, message in zip(unbundled(replies(*SENT)), SENT, strict=True):
        ways = [taken(together), taken(Record(*message)), taken(as_0_1_wrote_it(message))]
        for one, other in pairwise([replace(each, record=None) for each in ways]):
            assert one == other


def test_what_others_read_and_what_an_earlier_version_wrote_stays_a_message_a_record_in_its_place() -> None:
    earlier = Encoded(*[getattr(as_0_1_wrote_it(SENT[0]), name) for name in ("topic", "key", "value", "headers")])
    sent = list(bundled([SENT[0], SENT[1], earlier, SENT[2], VOUCHER, SENT[3], SENT[4]]))
    assert [events_in(Record(*each)) for each in sent] == [2, 1, 1, 1, 2]
    assert [sent[1], sent[2], sent[3]] == [earlier, SENT[2], VOUCHER]


def test_a_record_has_so_many_events_and_bytes_at_most_and_one_that_is_larger_stands_alone() -> None:
    many = [SENT[0]] * (2 * MOST_EVENTS + 1)
    assert [events_in(Record(*each)) for each in bundled(many)] == [MOST_EVENTS, MOST_EVENTS, 1]
    large = SENT[0]._replace(value=SENT[0].value + b" " * LARGEST)
    half = SENT[0]._replace(value=SENT[0].value + b" " * (LARGEST // 2 - len(SENT[0].value)))
    sent = list(bundled([half, half, half, large, half]))
    assert [events_in(Record(*each)) for each in sent] == [2, 1, 1, 1]
    assert b"".join(each.value.strip(b"[]") for each in sent).count(b"specversion") == 5


def test_an_event_is_named_alike_however_it_came() -> None:
    for way in (unbundled(replies(*SENT))[0], Record(*SENT[0]), as_0_1_wrote_it(SENT[0])):
        said = dict(headers_said(way))
        assert (said["ce_source"].decode(), said["ce_id"].decode()) == ref_said(way) == ("intercompany/payment", taken(way).ref.id)
        assert said["ce_type"].decode() == full_type(type_said(way) or "") == words_said(way).split()[0]


def test_events_of_a_type_that_is_not_wanted_are_not_decoded() -> None:
    record = replies(*SENT, reply("X", "of_no_version"))
    assert unbundled(record, lambda _: False) == []
    asked: list[str] = []
    assert len(unbundled(record, lambda full: not asked.append(full))) == 6  # type: ignore[func-returns-value]
    assert asked == ["intercompany.sales-payment-journals.answered.v1"], "once for each type"


def test_what_follows_in_a_record_is_what_its_reader_takes_of_it() -> None:
    kinds = iter([True])
    settled = Record(*SENT[0])
    other = SENT[1]._replace(value=SENT[1].value.replace(b"journals.answered", b"journal.waiting"))
    record = replies(SENT[0], other)
    [only] = unbundled(record, lambda _: next(kinds, False))
    assert (only.value, only.is_followed) == (settled.value, False)


def test_what_is_no_event_in_a_record_is_refused_in_its_place_and_the_others_are_read() -> None:
    record = replies(SENT[0], SENT[1]._replace(value=b'{"data": 3}'), SENT[2])
    first, second, third = map(decode, unbundled(record))
    assert isinstance(first, Message)
    assert isinstance(third, Message)
    assert isinstance(second, Unreadable)
    assert second.code == "malformed"


def test_a_record_that_is_no_list_of_events_is_a_defect_for_whom_it_concerns() -> None:
    record = replies(*SENT)
    for value in (b"[", b"{}", b""):
        with pytest.raises(UnreadableBundleError):
            unbundled(replace(record, value=value))
        [defect] = incoming_of(SETTLEMENT, replace(record, value=value))
        assert isinstance(defect, Defect)


def test_a_reader_gets_what_it_takes() -> None:
    assert len(incoming_of(SETTLEMENT, replies(*SENT))) == 5
    moved = replace(replies(*SENT), topic=Topic.SETTLEMENTS)
    assert all(isinstance(each, Unreadable) for each in incoming_of(POSTING, moved)), "which reports what does not belong there"


def test_from_others_no_record_of_several_events_is_taken() -> None:
    record = replace(replies(*SENT), topic=Topic.REQUESTS)
    assert not is_bundle(record)
    assert refused(record).code == "malformed"


@pytest.mark.parametrize(("said", "number"), [(b"7", 7), (b"0", 1), (b"-1", 1), (b"x", 1), (b"9" * 100, 1)])
def test_the_number_that_a_record_says_is_believed_where_it_is_one(said: bytes, number: int) -> None:
    record = replies(*SENT)
    assert events_in(replace(record, headers=(record.headers[0], ("intercompany-events", said)))) == number


def test_records_are_weighed_by_their_events() -> None:
    record = replies(*SENT)
    assert first_by_size([record] * 9, Limits(records=14)) == [record] * 2
    assert first_by_size([record] * 9, Limits(records=2)) == [record], "one at least"
    assert first_by_size([invoice("A", 0)] * 9, Limits(records=3)) == [invoice("A", 0)] * 3
