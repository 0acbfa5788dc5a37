"""What holds for any stream of events, whatever was refused or waits."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scenarios.simulation import simulate
from services.simulator import streams
from services.simulator.balances import balances
from tests.properties.drawn import drawn

RANDOM = st.randoms(use_true_random=False)
SIGN = {"receivable": Decimal(1), "payable": Decimal(-1)}


@pytest.mark.parametrize("automatic", [False, True])
@given(random=RANDOM)
def test_every_voucher_balances_in_both_currencies(random: Random, automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    for voucher in drawn(random, automatic=automatic).books.posting.vouchers:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in voucher.lines:
            sums[line.currency] += line.debit - line.credit
            sums["accounting"] += line.accounting_debit - line.accounting_credit
        assert not any(sums.values()), voucher


@pytest.mark.parametrize("automatic", [False, True])
@given(random=RANDOM)
def test_open_balances_equal_the_receivable_and_payable_accounts(random: Random, automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    simulation = drawn(random, automatic=automatic)
    ledger: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for voucher in simulation.books.posting.vouchers:
        for line in voucher.lines:
            if line.posting_type in {"accounts_receivable", "accounts_payable"}:
                name = "receivable" if line.posting_type == "accounts_receivable" else "payable"
                ledger[voucher.company, name] += line.accounting_debit - line.accounting_credit
    for document in simulation.books.settlement.documents:
        side = SIGN[document.ledger] * (-1 if document.lowers else 1)
        ledger[document.company, document.ledger] -= side * document.open_accounting_amount
    assert not any(ledger.values()), ledger


@pytest.mark.parametrize("automatic", [False, True])
@given(random=RANDOM)
def test_no_document_is_settled_beyond_its_amount(random: Random, automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    for document in drawn(random, automatic=automatic).books.settlement.documents:
        assert 0 <= document.open <= document.amount, document
        assert bool(document.open) or not document.open_accounting_amount, document


@given(random=RANDOM)
def test_settlement_then_reversal_is_the_identity(random: Random) -> None:
    group = streams.group(random, automatic=False, across_currencies=True)
    events = streams.events(random, across_currencies=True, reversals=False)
    payments = [event for event in events if event["type"].endswith("payment.posted")]
    ledger = "receivable" if payments[0]["type"].startswith("customer") else "payable"
    undone = [
        {"id": f"R{n}", "type": "settlement-reversal.requested", "ledger": ledger, "settlement": e["id"]} for n, e in enumerate(payments)
    ]
    bare = [{**event, "settle": []} for event in payments]
    before = simulate(streams.scenario(group, [event for event in events if event not in payments] + bare))
    after = simulate(streams.scenario(group, [*events, *undone]))
    assert after.settlements == []
    assert after.open == before.open
    assert balances(after.vouchers) == balances(before.vouchers)


@given(random=RANDOM)
def test_voucher_numbers_have_no_gaps_in_any_series(random: Random) -> None:
    series: dict[tuple[str, str], list[int]] = defaultdict(list)
    for voucher in drawn(random, automatic=True).books.posting.vouchers:
        name, _, number = voucher.voucher.rpartition("-")
        series[voucher.company, name].append(int(number))
    for numbers in series.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
