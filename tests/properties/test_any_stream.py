"""What holds for any stream of events, whatever was refused or waits (quality.md, "Tests")."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.command_line.scenario import arrivals
from services.command_line.simulate import Simulation, simulate
from tests.properties import streams

RANDOM = st.randoms(use_true_random=False)
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
SIGN = {"receivable": Decimal(1), "payable": Decimal(-1)}


def _folded(random: Random, *, automatic: bool = False, reversals: bool = True) -> Simulation:
    across = random.random() < 0.5
    group = streams.group(random, automatic=automatic, across_currencies=across)
    simulation = Simulation()
    for arrival in arrivals(streams.scenario(group, streams.events(random, across_currencies=across, reversals=reversals))):
        simulation.send(arrival.record)
    return simulation


@pytest.mark.parametrize("automatic", [False, True])
@SLOW
@given(random=RANDOM)
def test_every_voucher_balances_in_both_currencies(random: Random, automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    for voucher in _folded(random, automatic=automatic).books.posting.vouchers:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in voucher.lines:
            sums[line.currency] += line.debit - line.credit
            sums["accounting"] += line.accounting_debit - line.accounting_credit
        assert not any(sums.values()), voucher


@SLOW
@given(random=RANDOM)
def test_what_one_company_is_due_from_another_is_what_the_other_is_due_to_it(random: Random) -> None:
    mirror: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for voucher in _folded(random).books.posting.vouchers:
        for line in voucher.lines:
            if line.posting_type in {"due_from", "due_to"}:
                assert line.partner is not None
                ends = sorted((voucher.company, line.partner))
                mirror[ends[0], ends[1], line.currency] += line.debit - line.credit
    assert not any(mirror.values()), mirror


@pytest.mark.parametrize("automatic", [False, True])
@SLOW
@given(random=RANDOM)
def test_open_balances_equal_the_receivable_and_payable_accounts(random: Random, automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    simulation = _folded(random, automatic=automatic)
    ledger: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for voucher in simulation.books.posting.vouchers:
        for line in voucher.lines:
            if line.posting_type in {"accounts_receivable", "accounts_payable"}:
                name = "receivable" if line.posting_type == "accounts_receivable" else "payable"
                ledger[voucher.company, name] += line.accounting_debit - line.accounting_credit
    for document in simulation.books.settlement.documents:
        side = SIGN[document.ledger] * (-1 if document.lowers else 1)
        ledger[document.company, document.ledger] -= side * document.open_accounting
    assert not any(ledger.values()), ledger


@pytest.mark.parametrize("automatic", [False, True])
@SLOW
@given(random=RANDOM)
def test_no_document_is_settled_beyond_its_amount(random: Random, automatic: bool) -> None:  # noqa: FBT001 - a test parameter
    for document in _folded(random, automatic=automatic).books.settlement.documents:
        assert 0 <= document.open <= document.amount, document
        assert bool(document.open) or not document.open_accounting, document


@SLOW
@given(random=RANDOM)
def test_settlement_then_reversal_is_the_identity(random: Random) -> None:
    group = streams.group(random, automatic=False, across_currencies=True)
    drawn = streams.events(random, across_currencies=True, reversals=False)
    payments = [event for event in drawn if event["type"].endswith("payment.posted")]
    ledger = "receivable" if payments[0]["type"].startswith("customer") else "payable"
    undone = [
        {"id": f"R{n}", "type": "settlement-reversal.requested", "ledger": ledger, "settlement": e["id"]} for n, e in enumerate(payments)
    ]
    bare = [{**event, "settle": []} for event in payments]
    before = simulate(streams.scenario(group, [event for event in drawn if event not in payments] + bare))
    after = simulate(streams.scenario(group, [*drawn, *undone]))
    assert after.settlements == []
    assert after.open == before.open
    assert _balances(after.vouchers) == _balances(before.vouchers)


def _balances(vouchers: list[dict[str, Any]]) -> dict[tuple[Any, ...], Decimal]:
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for voucher in vouchers:
        for line in voucher["lines"]:
            account = (voucher["company"], line["account"], line["partner"], line["currency"])
            sums[*account, "transaction"] += Decimal(line["debit"]) - Decimal(line["credit"])
            sums[*account, "accounting"] += Decimal(line["accounting_debit"]) - Decimal(line["accounting_credit"])
    return {account: amount for account, amount in sums.items() if amount}


@SLOW
@given(random=RANDOM)
def test_order_of_arrival_changes_nothing_where_no_document_is_wished_for_twice(random: Random) -> None:
    group = streams.group(random, automatic=False, across_currencies=True)
    drawn = streams.events(random, across_currencies=True, reversals=False)
    shuffled = list(drawn)
    random.shuffle(shuffled)
    first, second = simulate(streams.scenario(group, drawn)), simulate(streams.scenario(group, shuffled))
    assert first.open == second.open
    assert first.settlements == second.settlements
    assert _balances(first.vouchers) == _balances(second.vouchers)


@SLOW
@given(random=RANDOM)
def test_voucher_numbers_have_no_gaps_in_any_series(random: Random) -> None:
    series: dict[tuple[str, str], list[int]] = defaultdict(list)
    for voucher in _folded(random, automatic=True).books.posting.vouchers:
        name, _, number = voucher.voucher.rpartition("-")
        series[voucher.company, name].append(int(number))
    for numbers in series.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
