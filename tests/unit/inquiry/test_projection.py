"""What the inquiry service makes of the topics agrees with the books of the services that wrote them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.desk.rows import collect
from services.inquiry.rules.vouchers import daily_sums
from services.posting.rules.books import balances_of
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation, refs, simulate
from services.simulator import streams
from services.simulator.streams import scenario
from shared.money import ZERO
from tests.builders.inquiry import Listening, folded, interleaved, listening, messages_of, rows
from tests.builders.settlement import GROUP, Event, invoice
from tests.scenario_files import EXAMPLES, FILES, IC_4

Rows = dict[str, list[dict[str, Any]]]
Sums = dict[Any, Decimal]
LEDGERS = {"accounts_receivable": "receivable", "accounts_payable": "payable"}
FEWER = settings(max_examples=min(30, settings().max_examples))
RANDOM = st.randoms(use_true_random=False)


@cache
def _heard(path: Path) -> Listening:
    return listening(load_scenario(path))


def _drawn(random: Random) -> Listening:
    across = random.random() < 0.5
    group = streams.group(random, automatic=random.random() < 0.3, across_currencies=across)
    events = streams.events(random, across_currencies=across, reversals=True)
    return listening(streams.scenario(group, [*events, *streams.requests(random, events), *streams.said_of_vouchers(random)]))


def _documents_agree(simulation: Simulation) -> None:
    projected: dict[Any, Any] = {
        (row["ledger"], row["company"], row["document"]): row for row in rows(simulation.inquiry_books)["documents"]
    }
    settled: dict[Any, Any] = {tuple(document.key): document for document in simulation.books.settlement.documents}
    assert projected.keys() == settled.keys()
    for key, document in settled.items():
        row = projected[key]
        assert (row["open"], row["open_accounting"]) == (document.open, document.open_accounting_amount), key
        assert row["sign"] * row["open"] == document.balance
        assert (row["due_date"], row["credits"]) == (document.due_date, document.credits)
        assert (row["ic_company"], row["ic_document"]) == (document.intercompany_company, document.intercompany_document)
        assert len(row["cash_discounts"] or []) == len(document.discounts)
        assert (row["reversed_on"] is not None) == document.is_reversed
        assert (row["event_source"], row["event_id"]) == document.event


def _records_agree(simulation: Simulation) -> None:
    made = {(*each.run, each.ledger, each.number): each for each in simulation.books.settlement.records}
    found = rows(simulation.inquiry_books)
    records = {(row["run_source"], row["run_id"], row["ledger"], row["number"]): row for row in found["records"]}
    assert records.keys() == made.keys()
    amounts = ("amount", "cash_discount", "credit_note_discount", "overpayment", "underpayment", "penny_difference", "realized_gain")
    for key, record in made.items():
        assert [records[key][name] for name in amounts] == [getattr(record, name) for name in amounts], key
        assert (records[key]["reversed_on"] is not None) == record.is_reversed
        assert (records[key]["lowering_company"], records[key]["lowering_document"]) == record.lowering[1:]
    takes = {(row["run_source"], row["run_id"], row["ledger"], row["number"], row["side"]): row for row in found["takes"]}
    assert len(takes) == 2 * len(made)
    for key, record in made.items():
        lowering, raising = takes[*key, "L"], takes[*key, "R"]
        assert (lowering["amount"], lowering["value"]) == (record.taken_from_lowering, record.accounting_amount_from_lowering), key
        assert (raising["amount"], raising["value"]) == (record.taken_from_raising, record.accounting_amount_from_raising), key
        assert (raising["company"], raising["document"]) == record.raising[1:]


def _vouchers_agree(simulation: Simulation) -> None:
    posted = {(each.company, each.series, each.number): each for each in simulation.books.posting.vouchers}
    kept = {(each.voucher.company, each.voucher.series, each.voucher.number): each for each in simulation.inquiry_books.vouchers}
    assert kept.keys() == posted.keys()
    sums: dict[Any, list[Any]] = defaultdict(lambda: [ZERO] * 4)
    for key, each in kept.items():
        assert [line.text for line in each.lines] == [line.text for line in posted[key].lines]
        for row in daily_sums(each.lines):
            total = sums[row.company, row.account, row.posting_type, row.partner or None, row.currency]
            sums[row.company, row.account, row.posting_type, row.partner or None, row.currency] = [
                one + other for one, other in zip(total, row[6:10], strict=True)
            ]
    assert {tuple(key): list(balance) for key, balance in balances_of(posted.values()).items()} == sums


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_documents_records_and_vouchers_are_those_of_the_services_books(path: Path) -> None:
    simulation = _heard(path)
    _documents_agree(simulation)
    _records_agree(simulation)
    _vouchers_agree(simulation)
    journals = {(each.data.company, each.data.document): each.status for each in simulation.books.payment.journals}
    kept = {(row["company"], row["document"]): row["status"] for row in rows(simulation.inquiry_books)["journals"]}
    assert {key: status for key, status in kept.items() if status != "refused"} == journals
    assert {row["id"] for row in rows(simulation.inquiry_books)["refusals"]} == {ref.id for ref in simulation._rejections}  # noqa: SLF001


@FEWER
@given(random=RANDOM)
def test_of_any_stream_too(random: Random) -> None:
    simulation = _drawn(random)
    _documents_agree(simulation)
    _records_agree(simulation)
    _vouchers_agree(simulation)


@FEWER
@given(random=RANDOM)
def test_any_order_that_the_topics_allow_and_any_repetition_gives_the_same_rows(random: Random) -> None:
    records = _drawn(random).records
    expected = rows(folded(messages_of(records)))
    again = random.sample(records, len(records) // 3)
    assert rows(folded(messages_of([*interleaved(random, records), *again]))) == expected


@pytest.mark.parametrize("path", [IC_4, EXAMPLES / "bad-1.yaml", EXAMPLES / "wait-1.yaml"], ids=lambda path: path.stem)
def test_reading_along_changes_nothing_of_what_the_services_do(path: Path) -> None:
    scenario = load_scenario(path)
    heard = _heard(path)
    assert collect(scenario.id, heard.books, heard.rejections, refs(arrivals(scenario))) == simulate(scenario)


def test_a_simulation_without_inquiry_has_none_of_its_books() -> None:
    with pytest.raises(ValueError, match="without the inquiry service"):
        _ = Simulation().inquiry_books


@FEWER
@given(random=RANDOM)
def test_on_any_date_what_is_open_is_what_the_receivable_and_payable_accounts_say(random: Random) -> None:
    found = rows(_drawn(random).inquiry_books)
    days = sorted({row["date"] for row in found["daily"]} | {row["reversed_on"] for row in found["takes"] if row["reversed_on"]})
    for day in days:
        assert _open_on(found, day) == _accounts_on(found, day), day


def _open_on(found: Rows, day: dt.date) -> Sums:
    """What is open of the documents at the end of a day, in accounting currency, debit positive, by company and ledger."""
    sums: Sums = defaultdict(Decimal)
    signs = {}
    for row in found["documents"]:
        signs[row["ledger"], row["company"], row["document"]] = row["sign"]
        if _counts(row, day):
            sums[row["company"], row["ledger"]] += row["sign"] * row["accounting_amount"]
    for row in found["takes"]:
        if _counts(row, day):
            sums[row["company"], row["ledger"]] -= signs[row["ledger"], row["company"], row["document"]] * row["value"]
    return {key: amount for key, amount in sums.items() if amount}


def _counts(row: dict[str, Any], day: dt.date) -> bool:
    return row["date"] <= day and (row["reversed_on"] is None or row["reversed_on"] > day)


def _accounts_on(found: Rows, day: dt.date) -> Sums:
    sums: Sums = defaultdict(Decimal)
    for row in found["daily"]:
        if row["date"] <= day and row["posting_type"] in LEDGERS:
            sums[row["company"], LEDGERS[row["posting_type"]]] += row["accounting_debit"] - row["accounting_credit"]
    return {key: amount for key, amount in sums.items() if amount}


@FEWER
@given(random=RANDOM)
def test_on_any_date_companies_owe_each_other_what_is_due_to_them(random: Random) -> None:
    found = rows(_drawn(random).inquiry_books)["daily"]
    for day in sorted({row["date"] for row in found}):
        sums: Sums = defaultdict(Decimal)
        for row in found:
            if row["partner"] and row["date"] <= day:
                pair = tuple(sorted((row["company"], row["partner"])))
                sums[*pair, row["currency"]] += row["debit"] - row["credit"]
        assert not any(sums.values()), day


def _version(*events: Event) -> dict[str, Any]:
    """The current version of the event I-1, and its document."""
    found = rows(listening(scenario(GROUP, list(events))).inquiry_books)
    (current,) = [row for row in found["events"] if row["is_current"] and row["id"] == "I-1"]
    (document,) = [row for row in found["documents"] if row["event_id"] == "I-1"]
    return {"sent": current["data"]["due_date"], "due": document["due_date"], "versions": len(found["events"])}


def test_of_an_id_sent_with_other_data_the_version_that_was_taken_counts() -> None:
    first, second = invoice("I-1", due_date="2026-02-01"), invoice("I-1", due_date="2026-03-01")
    assert _version(first, second) == {"sent": "2026-02-01", "due": dt.date(2026, 2, 1), "versions": 2}
    assert _version(first, second, first) == {"sent": "2026-02-01", "due": dt.date(2026, 2, 1), "versions": 2}


def test_of_an_event_that_was_refused_and_mended_the_mended_version_counts() -> None:
    refused = invoice("I-1", due_date="2026-02-01", currency="EUR", exchange_rate="1.1", lines=[{"account": "sales", "amount": "9.00"}])
    assert _version(refused, invoice("I-1", due_date="2026-03-01")) == {"sent": "2026-03-01", "due": dt.date(2026, 3, 1), "versions": 2}
