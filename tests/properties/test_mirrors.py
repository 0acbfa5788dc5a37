"""Two companies, two books: what one is due the other owes; what a buyer paid its seller has received."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.rows import Result
from services.scenarios.simulation import simulate
from services.simulator import streams
from tests.properties.drawn import drawn

RANDOM = st.randoms(use_true_random=False)
OTHER_SIDE = {"due_from": "due_to", "due_to": "due_from"}


@pytest.mark.parametrize("automatic", [False, True])
@given(random=RANDOM)
def test_what_one_company_is_due_from_another_is_what_the_other_is_due_to_it(random: Random, automatic: bool) -> None:  # noqa: FBT001
    simulation = drawn(random, automatic=automatic)
    sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    worth: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for voucher in simulation.books.posting.vouchers:
        for line in voucher.lines:
            if line.posting_type in OTHER_SIDE:
                assert line.partner is not None
                account = (voucher.company, line.partner, line.posting_type, line.currency)
                sums[account] += line.debit - line.credit
                worth[account] += line.accounting_debit - line.accounting_credit
    own = simulation.books.posting.reference.currency
    for (company, partner, side, currency), amount in sums.items():
        mirror = (partner, company, OTHER_SIDE[side], currency)
        assert sums.get(mirror) == -amount
        if own(company) == own(partner):
            assert worth[mirror] == -worth[company, partner, side, currency]


def _balance(result: Result) -> dict[str, Decimal]:
    return {row["document"]: Decimal(row["balance"]) for row in result.open}


@given(random=RANDOM)
def test_a_seller_has_received_what_its_buyers_paid(random: Random) -> None:
    group, events = streams.trade(random)
    result = simulate(streams.scenario(group, events))
    balance = _balance(result)
    for event in events:
        if "intercompany_invoice" in event:
            assert balance[event["document"]] == -balance[event["intercompany_invoice"]["document"]]
    given_by: dict[str, Decimal] = defaultdict(Decimal)
    for record in result.settlements:
        if record["ledger"] == "payable":
            given_by[record["debit_document"]] += Decimal(record["amount"])
    received: dict[str, Decimal] = defaultdict(Decimal)
    for journal in result.journals:
        assert journal["status"] == "posted"
        assert not balance[journal["document"]]
        received[journal["mirrors"]["document"]] += Decimal(journal["amount"])
    assert received == given_by


@given(random=RANDOM)
def test_reversing_the_vendor_payments_leaves_the_seller_as_if_it_had_never_been_paid(random: Random) -> None:
    group, events = streams.trade(random, automatic=random.random() < 0.5)
    payments = [event for event in events if event["type"] == "vendor-payment.posted"]
    undone = [_reversal(event) for event in payments]
    result = simulate(streams.scenario(group, [*events, *undone]))
    assert result.settlements == []
    assert {journal["status"] for journal in result.journals} == {"reversed"}
    numbers = {journal["document"] for journal in result.journals}
    unpaid = simulate(streams.scenario(group, [event for event in events if event not in payments]))
    left = {document: amount for document, amount in _balance(result).items() if amount and document.startswith("C")}
    assert left == {document: amount for document, amount in _balance(unpaid).items() if document.startswith("C")}
    assert not any(amount for document, amount in _balance(result).items() if document in numbers)


def _reversal(payment: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"R-{payment['id']}", "type": "settlement-reversal.requested", "ledger": "payable", "settlement": payment["id"]}


@given(random=RANDOM)
def test_a_created_journal_changes_nothing_of_the_seller_until_it_is_approved(random: Random) -> None:
    group, events = streams.trade(random, automatic=False)
    created = simulate(streams.scenario(group, events))
    assert {journal["status"] for journal in created.journals} <= {"created"}
    assert not any(record["ledger"] == "receivable" for record in created.settlements)
    approvals = [
        {
            "id": f"A-{journal['document']}",
            "type": "journal-approval.requested",
            **{name: journal[name] for name in ("company", "journal", "document")},
        }
        for journal in created.journals
    ]
    group["trading"] = [{**relation, "post_automatically": True} for relation in group["trading"]]
    at_once = simulate(streams.scenario(group, events))
    group["trading"] = [{**relation, "post_automatically": False} for relation in group["trading"]]
    approved = simulate(streams.scenario(group, [*events, *approvals]))
    assert (approved.open, approved.journals) == (at_once.open, at_once.journals)
