"""A payment in parts settles what the same payment at once settles, but for a minor unit for each part."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.rows import Result
from services.scenarios.simulation import simulate
from services.simulator import streams
from services.simulator.balances import balances

RANDOM = st.randoms(use_true_random=False)
DAY, CENT = "2026-01-10", Decimal("0.01")


def _group(random: Random) -> dict[str, Any]:
    """Partial payments have their part of the discount; nothing is written off, and no run gives up its discounts for an overpayment."""
    group = streams.group(random, automatic=False, across_currencies=True)
    for parameters in group["settlement_parameters"].values():
        for one in parameters.values():
            one["cash_discounts_for_partial_payments"], one["cash_discount_administration"] = True, "specific"
            one["maximum_penny_difference"] = one["maximum_overpayment_or_underpayment"] = "0.00"
    return group


def _paid(group: dict[str, Any], invoice: dict[str, Any], payer: str, amounts: list[Decimal]) -> Result:
    side = invoice["type"].partition("-")[0]
    payments = [
        {
            **{name: invoice[name] for name in ("account", "currency")},
            "id": f"P{number}",
            "type": f"{side}-payment.posted",
            "company": payer,
            "document": f"P{number}",
            "date": DAY,
            "amount": str(amount),
            "settle": [{"company": invoice["company"], "document": invoice["document"]}],
        }
        for number, amount in enumerate(amounts)
    ]
    return simulate(streams.scenario(group, [invoice, *payments]))


def _cut(random: Random, amount: Decimal, parts: int) -> list[Decimal]:
    cuts = sorted(random.sample(range(1, int(amount / CENT)), parts - 1))
    ends = [0, *cuts, int(amount / CENT)]
    return [(end - start) * CENT for start, end in pairwise(ends)]


@pytest.mark.parametrize("side", ["customer", "vendor"])
@given(random=RANDOM)
def test_a_payment_in_parts_is_the_payment_at_once(random: Random, side: str) -> None:
    group, payer, parts = _group(random), random.choice("ABC"), random.randint(2, 5)
    gross = Decimal(random.randint(5_000, 50_000)) * CENT
    invoice = {
        "id": "I",
        "type": f"{side}-invoice.posted",
        "company": random.choice("ABC"),
        "account": "100" if side == "customer" else "200",
        "document": "I",
        "date": "2026-01-01",
        "currency": random.choice(["USD", "EUR"]),
        "amount": str(gross),
        "cash_discounts": [{"percent": random.choice(["1", "2", "3.5"]), "days": 14}],
    }
    amounts = _cut(
        random, (gross * random.choice([Decimal("0.3"), Decimal("0.9"), Decimal("0.98"), Decimal("1.02")])).quantize(CENT), parts
    )
    at_once, in_parts = _paid(group, invoice, payer, [sum(amounts, Decimal(0))]), _paid(group, invoice, payer, amounts)
    first, second = balances(at_once.vouchers), balances(in_parts.vouchers)
    for account in first.keys() | second.keys():
        assert abs(first.get(account, Decimal(0)) - second.get(account, Decimal(0))) <= parts * CENT, account
    _no_more_open(at_once, in_parts, parts)


def _no_more_open(at_once: Result, in_parts: Result, parts: int) -> None:
    first, second = ([Decimal(row["balance"]) for row in result.open if row["document"] == "I"] for result in (at_once, in_parts))
    assert abs(first[0] - second[0]) <= parts * CENT
