"""For whom a sender speaks: every inbound type, with a company, a source or a kind of event that is outside."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events.contract import CONTRACT, base_topic, sender_of
from shared.events.envelope import Record, Topic
from shared.events.reference import SenderDefined
from shared.events.senders import RULES, NotAuthorised, concerns, not_authorised
from shared.events.showing import SENDER as SENT_BY
from shared.events.showing import as_cloudevent
from tests.builders.records import INVOICE, PAYMENT, binary, refused, structured, taken
from tests.builders.senders import ASKED, KINDS, OF_COMPANIES, OF_THE_GROUP, defined, elsewhere, sent

INBOUND = {name for name, entry in CONTRACT.items() if entry.inbound}


def judged(record: Record, definition: SenderDefined | None) -> NotAuthorised | None:
    """What is said of a record from the sender erp-eu, who is defined like this."""
    message = taken(record)
    assert message.sender == "erp-eu"
    return not_authorised(message.sender, definition, message.type, message.ref.source, message.data)


def test_every_inbound_type_has_a_rule_and_an_example_here() -> None:
    assert {CONTRACT[name].data for name in INBOUND} == RULES.keys()
    assert {*OF_COMPANIES, *(name for name, _ in OF_THE_GROUP), "sender.defined"} == INBOUND


def test_a_class_of_events_without_a_rule_concerns_the_whole_group() -> None:
    assert [concern.company for concern in concerns(object())] == [None]


@pytest.mark.parametrize("name", OF_COMPANIES)
def test_what_a_sender_may_send_is_authorised(name: str) -> None:
    assert judged(sent(name, OF_COMPANIES[name][0]), defined()) is None


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, (_, fields) in OF_COMPANIES.items() for field in fields])
def test_another_company_is_named_with_its_place(name: str, field: str) -> None:
    outside = judged(sent(name, elsewhere(OF_COMPANIES[name][0], field)), defined())
    assert outside == NotAuthorised(field, "the sender erp-eu does not speak for FABW: its companies are FAB, FABE")


@pytest.mark.parametrize("name", OF_COMPANIES)
def test_another_source_is_named_with_those_that_are_right(name: str) -> None:
    outside = judged(sent(name, OF_COMPANIES[name][0], source="/bank"), defined(sources=["erp", "/erp/eu/"]))
    assert outside == NotAuthorised("/source", '"/bank" is not a source of the sender erp-eu: its sources begin with "erp", "/erp/eu/"')


@pytest.mark.parametrize("name", OF_COMPANIES)
def test_another_kind_of_event_is_named_with_those_that_are_right(name: str) -> None:
    kind = CONTRACT[name].topic.rpartition(".")[2]
    others = [other for other in KINDS if other != kind]
    outside = judged(sent(name, OF_COMPANIES[name][0]), defined(may=others))
    assert outside == NotAuthorised("/type", f"{name} is one of {kind}, and the sender erp-eu may send {', '.join(others)}")
    assert judged(sent(name, OF_COMPANIES[name][0]), defined(may=[kind])) is None


@pytest.mark.parametrize("name", OF_COMPANIES)
def test_a_sender_that_is_not_defined_may_send_nothing(name: str) -> None:
    outside = judged(sent(name, OF_COMPANIES[name][0]), None)
    assert outside is not None
    assert outside.field == ""
    assert outside.message.startswith("the sender erp-eu is not defined: an operator defines it")


@pytest.mark.parametrize(("name", "data"), OF_THE_GROUP)
def test_what_concerns_the_group_comes_only_from_who_speaks_for_all_companies(name: str, data: dict[str, Any]) -> None:
    outside = judged(sent(name, data), defined())
    assert outside is not None
    assert outside.message == "this concerns the whole group, and the sender erp-eu speaks for FAB, FABE alone"
    assert judged(sent(name, data), defined(companies=["*"])) is None


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("sender.defined", {"sender": "erp-eu", "companies": "*", "sources": ["erp"], "may": ["reference"]}, "/type"),
        ("reference.withdrawn", {"event": "sender.defined", "sender": "erp-us"}, "/event"),
    ],
)
def test_no_sender_says_for_whom_senders_speak(name: str, data: dict[str, Any], field: str) -> None:
    outside = judged(sent(name, data), defined(companies=["*"]))
    text = "for whom a sender speaks is said by an operator on intercompany.reference, never by a sender"
    assert outside == NotAuthorised(field, text)


def test_a_payment_may_mark_documents_of_companies_that_its_sender_does_not_speak_for() -> None:
    marked = PAYMENT | {"settle": [{"company": "FABW", "document": "VI-7"}]}
    assert judged(sent("vendor-payment.posted", marked), defined(companies=["FAB"])) is None


def test_a_settlement_is_asked_for_by_who_speaks_for_every_company_in_it() -> None:
    outside = judged(sent("settlement.requested", ASKED), defined(companies=["FAB"]))
    assert outside == NotAuthorised("/settle/1/company", "the sender erp-eu does not speak for FABE: its companies are FAB")


def test_the_settlements_of_an_event_are_taken_back_by_a_sender_of_its_source() -> None:
    asked = {"ledger": "payable", "settlement": "S"}
    assert judged(sent("settlement-reversal.requested", asked), defined()) is None
    assert judged(sent("settlement-reversal.requested", asked | {"settlement_source": "erp-too"}), defined()) is None
    outside = judged(sent("settlement-reversal.requested", asked | {"settlement_source": "intercompany/payment"}), defined())
    assert outside == NotAuthorised(
        "/settlement_source", '"intercompany/payment" is not a source of the sender erp-eu: its sources begin with "erp"'
    )


def test_a_senders_topic_is_an_inbound_one_with_its_name() -> None:
    assert sender_of("intercompany.invoices.erp-eu") == "erp-eu"
    assert base_topic("intercompany.invoices.erp-eu") == Topic.INVOICES
    for none in (Topic.INVOICES, Topic.JOURNALS, "intercompany.journals.erp-eu", "intercompany.invoices.erp.eu"):
        assert sender_of(none) is None
        assert base_topic(none) == none


def test_a_topic_of_the_contract_has_no_sender() -> None:
    assert taken(binary("vendor-invoice.posted", INVOICE)).sender is None


def test_what_is_of_another_kind_does_not_belong_on_a_senders_topic() -> None:
    unreadable = refused(binary("vendor-payment.posted", PAYMENT, topic="intercompany.invoices.erp-eu"))
    assert (unreadable.code, unreadable.field) == ("unknown-type", "/type")


def test_a_record_on_a_senders_topic_is_as_large_as_on_any_inbound_one_at_most() -> None:
    assert "bytes: at most" in refused(sent("vendor-invoice.posted", b" " * (1 << 20) + b"{}")).message


@pytest.mark.parametrize("said", ["erp-us", ""])
def test_an_event_shown_whole_names_the_sender_of_its_topic_whatever_it_says_itself(said: str) -> None:
    assert as_cloudevent(taken(sent("vendor-invoice.posted", INVOICE, **{SENT_BY: said})))[SENT_BY] == "erp-eu"
    assert SENT_BY not in as_cloudevent(taken(binary("vendor-invoice.posted", INVOICE, **{SENT_BY: said})))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"sender": "erp.eu"}, "/sender"),
        ({"sender": "e" * 49}, "/sender"),
        ({"sources": []}, "/sources"),
        ({"sources": [" "]}, "/sources/0"),
        ({"sources": ["erp", "intercompany/settlement"]}, "/sources/1"),
        ({"may": []}, "/may"),
        ({"may": ["vouchers"]}, "/may/0"),
        ({"companies": None}, "/companies"),
    ],
)
def test_a_definition_of_a_sender_that_says_too_little_or_cannot_name_a_topic_is_invalid(data: dict[str, Any], field: str) -> None:
    right = {"sender": "erp-eu", "companies": "*", "sources": ["erp"], "may": ["invoices"]}
    unreadable = refused(binary("sender.defined", right | data))
    assert (unreadable.code, unreadable.field) == ("invalid", field)


def test_one_company_or_all_need_no_list() -> None:
    one = {"sender": "erp-eu", "companies": "FAB", "sources": ["erp"], "may": ["invoices"]}
    assert taken(binary("sender.defined", one)).data.companies == ["FAB"]
    assert taken(structured(Topic.REFERENCE, {**_envelope("sender.defined"), "data": one | {"companies": "*"}})).data.companies == ["*"]


def _envelope(name: str) -> dict[str, str]:
    return {"specversion": "1.0", "type": f"intercompany.{name}.v1", "source": "operator", "id": "S"}
