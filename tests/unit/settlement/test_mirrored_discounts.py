"""The discount of a sales payment names the rule that made the one it mirrors."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.scenarios.scenario_file import EXAMPLES, load_scenario
from services.scenarios.simulation import simulate
from tests.scenario_files import ROOT

SHARES = ROOT / "tests/scenarios/sales-payments/shares.yaml"


@pytest.mark.parametrize(
    ("file", "payment", "rule"),
    [
        (SHARES, "VP5", "F-E05"),
        (SHARES, "VP6", "F-B17"),
        (SHARES, "VP7", "F-D10"),
        (EXAMPLES / "ic-4.yaml", "VPAY-7", "F-C04"),
    ],
    ids=["lowered by an overpayment", "full settlement", "entered", "by the invoice's terms"],
)
def test_a_mirrored_discount_names_the_rule_of_the_discount(file: Path, payment: str, rule: str) -> None:
    vouchers = simulate(load_scenario(file)).vouchers
    rules = {
        (voucher["ledger"], line["rule"])
        for voucher in vouchers
        if voucher["document"] == payment or f"-{payment}-" in voucher["document"]
        for line in voucher["lines"]
        if line["posting_type"] == "cash_discount"
    }
    assert rules == {("payable", rule), ("receivable", rule)}
