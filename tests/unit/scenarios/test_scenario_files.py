"""Scenario files: what is taken as written, in which order it arrives, and how errors name file and place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.yaml_files import FileError, read_yaml
from shared.events.codec import decode
from shared.events.contract import CONTRACT
from shared.events.envelope import Message, Topic, Unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from shared.events.envelope import Record

WHOLE_GROUP = """
scenario: A whole group
id: whole
group:
  parties: {NW: {name: Northwind, customers: {FAB: "4000"}, vendors: {}}}
  companies: {FAB: {name: Fabrikam, currency: USD, accounts: {cash: "1010"}}, FABE: {currency: USD}, FABW: {currency: USD}}
  intercompany_accounting: {FAB: {FABE: {due_from: "1380", due_to: "2380"}, FABW: {due_from: "1381", due_to: "2381"}}}
  centralized_payments: {FAB: {post_cash_discount: invoice, post_exchange_gain_or_loss: payment}}
  settlement_parameters: {FAB: {receivable: {automatic_settlement: false}, payable: {}}}
  payment_journals: {FABW: {ARPAY-IC: {offset: cash}}}
  trading:
  - seller: {company: FABW, customer: IC-EAST}
    buyer: {company: FABE, vendor: IC-WEST}
    payment_journal: ARPAY-IC
    post_automatically: true
  exchange_rates:
  - {company: FAB, from: EUR, to: USD, date: 2015-02-15, rate: "1.2277"}
  - {from: GBP, to: USD, date: 2015-02-15, rate: "1.5"}
  centralized_payments_members: [FAB, FABE]
  posting_profiles: {FAB: {GEN: {receivable: {all: "1200", groups: {DOM: "1210"}, accounts: {"4000": "1220"}}, payable: {all: "2200"}}}}
  methods_of_payment: {FAB: [CHECK, EFT]}
  closed_periods: {FAB: [{from: 2015-01-01, to: 2015-01-31}]}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(text)
    return path


def records(folder: Path, text: str) -> list[Record]:
    return [arrival.record for arrival in arrivals(load_scenario(write(folder, text)))]


def header(record: Record, name: str) -> str | None:
    value = dict(record.headers).get(name)
    return None if value is None else value.decode()


def test_a_whole_group_is_read_by_the_services_and_published_with_companies_and_parties_last(tmp_path: Path) -> None:
    messages = [decode(record) for record in records(tmp_path, WHOLE_GROUP)]
    assert [message.type for message in messages] == [
        "centralized-payments-members.defined",
        "intercompany-accounting.defined",
        "intercompany-accounting.defined",
        "centralized-payments.defined",
        "settlement-parameters.defined",
        "settlement-parameters.defined",
        "posting-profile.defined",
        "methods-of-payment.defined",
        "payment-journal.defined",
        "trading-relation.defined",
        "exchange-rate.published",
        "exchange-rate.published",
        "period.closed",
        "company.defined",
        "company.defined",
        "company.defined",
        "party.defined",
    ]
    assert all(isinstance(message, Message) for message in messages)
    assert all(isinstance(message, Message) and CONTRACT[message.type].topic == Topic.REFERENCE for message in messages)


def test_records_are_a_second_apart_and_reference_data_comes_first(tmp_path: Path) -> None:
    text = "group: {companies: {FAB: {currency: USD}}}\nevents: [{id: E1, type: x.y}, {id: E2, type: x.y}]"
    found = [(header(record, "ce_source"), header(record, "ce_id"), header(record, "ce_time")) for record in records(tmp_path, text)]
    assert found == [
        ("scenario/group", "1", "2000-01-01T00:00:00Z"),
        ("scenario", "E1", "2000-01-01T00:00:01Z"),
        ("scenario", "E2", "2000-01-01T00:00:02Z"),
    ]


def test_bare_dates_become_iso_text_and_everything_else_stays_as_written(tmp_path: Path) -> None:
    content = read_yaml(write(tmp_path, 'date: 2015-02-05\nnot_a_date: 2015-02-30\namount: 100.50\nquoted: "100.50"\n4050: x\nNO: y\n'))
    assert content == {"date": "2015-02-05", "not_a_date": "2015-02-30", "amount": 100.5, "quoted": "100.50", "4050": "x", "NO": "y"}


def test_what_is_wrong_with_an_event_reaches_the_services_unchanged(tmp_path: Path) -> None:
    text = "events: [{id: X, type: customer-invoice.posted, company: FAB, amount: 12.5, nonsense: [1, {a: null}]}]"
    (record,) = records(tmp_path, text)
    assert record.value == b'{"company": "FAB", "amount": 12.5, "nonsense": [1, {"a": null}]}'
    assert record.topic == Topic.INVOICES


@pytest.mark.parametrize("type_", ["no.such.type", "voucher.posted", "document.posted", "intercompany.customer-invoice.posted.v2"])
def test_a_type_that_no_other_system_sends_goes_to_requests_and_is_unknown_there(tmp_path: Path, type_: str) -> None:
    (record,) = records(tmp_path, f"events: [{{id: X, type: {type_}}}]")
    read = decode(record)
    assert record.topic == Topic.REQUESTS
    assert isinstance(read, Unreadable)
    assert read.code == "unknown-type"


def test_an_event_without_id_or_type_is_sent_without_and_refused_as_malformed(tmp_path: Path) -> None:
    for record in records(tmp_path, "events: [{type: customer-invoice.posted}, {id: X}]"):
        read = decode(record)
        assert isinstance(read, Unreadable)
        assert read.code == "malformed"


def test_a_full_type_is_taken_as_it_is(tmp_path: Path) -> None:
    (record,) = records(tmp_path, "events: [{id: P, type: intercompany.period.closed.v1, company: FAB, from: 2015-01-01, to: 2015-01-31}]")
    assert record.topic == Topic.REFERENCE
    assert isinstance(decode(record), Message)


def test_keys_are_the_party_where_it_is_known_else_the_account(tmp_path: Path) -> None:
    text = """
group: {companies: {FAB: {currency: USD}}, parties: {NW: {customers: {FAB: "4000"}}}}
events:
- {id: I, type: customer-invoice.posted, company: FAB, account: "4000", document: I}
- {id: U, type: customer-invoice.posted, company: FAB, account: "4009", document: U}
- {id: AW, type: party.defined, party: AW, customers: {FAB: "4001"}}
- {id: A, type: customer-payment.posted, company: FAB, account: "4001", document: A}
- {id: S, type: settlement.requested, ledger: receivable, settle: [{company: FAB, document: I}]}
- {id: R, type: payment-reversal.requested, ledger: receivable, payment: {company: FAB, document: A}}
- {id: N, type: payment-reversal.requested, ledger: receivable, payment: {company: FAB, document: NEVER}}
"""
    keys = [record.key for record in records(tmp_path, text)]
    assert keys == [b"company/FAB", b"party/NW", b"NW", b"4009", b"party/AW", b"AW", b"NW", b"AW", b"N"]


def test_reference_data_that_is_wrong_cannot_replace_what_is_right(tmp_path: Path) -> None:
    text = "events: [{id: A, type: company.defined, company: FAB, currency: USD}, {id: B, type: company.defined, company: FAB}]"
    assert [record.key for record in records(tmp_path, text)] == [b"company/FAB", b"company.defined/B"]


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("- 1", "", "is not a scenario"),
        ("", "", "is not a scenario"),
        ("scenario: only a title", "", "neither a group nor events"),
        ("events: []\nexpects: {}", "expects", "is not a part of a scenario"),
        ("events: {}", "events", "must be a list"),
        ("events: [X]", "events[0]", "must be an event"),
        ("events: []\nexpect: [1]", "expect", "must be a mapping"),
        ("events: [{id: X, a: [}]", "line 1, column 22", "expected"),
        ("events: []\nevents: []", "line 2, column 1", "twice"),
        ("events: [{id: X, type: a.b, data: !!binary aGk=}]", "events[0]", "no event can carry"),
        ("events: [{id: X, type: a.b, data: !!python/none x}]", "line 1, column 35", "could not determine a constructor"),
        ("group: {companys: {}}", "group.companys", "is not a part of a group"),
        ("group: [1]", "group", "must be a mapping, not a list"),
        ("group: {companies: {FAB: USD}}", "group.companies.FAB", "must be a mapping, not text"),
        ("group: {companies: {FAB: {company: X}}}", "group.companies.FAB", "is the key above"),
        ("group: {exchange_rates: {FAB: 1}}", "group.exchange_rates", "must be a list, not a mapping"),
        ("group: {closed_periods: {FAB: [3]}}", "group.closed_periods.FAB[0]", "must be a mapping, not a number"),
    ],
)
def test_errors_name_file_and_place(tmp_path: Path, text: str, place: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(FileError) as caught:
        arrivals(load_scenario(path))
    assert caught.value.place == place
    assert says in caught.value.message
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_scenario(tmp_path / "nowhere.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01\x80")
    with pytest.raises(FileError, match=r"binary\.yaml: is not YAML"):
        load_scenario(tmp_path / "binary.yaml")
