"""Each line names the rule that made it, and a rule makes lines of its own posting types alone."""

from __future__ import annotations

import pytest

from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from tests.scenario_files import EXAMPLES, ROOT

SCENARIOS = ROOT / "tests" / "scenarios"

PARTY = {"accounts_receivable"}
PAIR = {"accounts_receivable", "due_from", "due_to"}
VENDOR_PAIR = {"accounts_payable", "due_from", "due_to"}

LINES: list[tuple[str, str, str, set[str]]] = [
    ("F-A02", "cp-ar-1", "payment", {"cash"}),
    ("F-A16", "set-up/posting-profiles", "invoice", {"accounts_receivable", "accounts_payable"}),
    ("F-A16", "set-up/posting-profiles", "payment", {"accounts_receivable", "accounts_payable"}),
    ("F-A18", "cp-ar-3", "invoice", {"sales"}),
    ("F-A18", "cp-ap-4", "invoice", {"expense"}),
    ("F-B17", "discounts/full-settlement", "settlement", {"accounts_receivable", "accounts_payable", "cash_discount"}),
    ("F-C01", "cp-ar-1", "settlement", PAIR),
    ("F-C02", "cp-ap-4", "settlement", VENDOR_PAIR),
    ("F-C03", "cp-ar-5", "settlement", PAIR),
    ("F-C04", "cp-ar-2", "settlement", PARTY | {"cash_discount"}),
    ("F-C05", "der-cp-ar-2p", "settlement", PAIR | {"cash_discount"}),
    ("F-C07", "cp-ar-3", "settlement", PAIR | {"realized_gain"}),
    ("F-C07", "cp-ap-4", "settlement", VENDOR_PAIR | {"realized_loss"}),
    ("F-C08", "der-cp-ar-3i", "settlement", PARTY | {"realized_gain"}),
    ("F-C09", "cd-fx", "settlement", PARTY | {"realized_loss"}),
    ("F-C17", "documented/sum-1", "settlement", PARTY),
    ("F-C17", "documented/sum-2", "settlement", {"accounts_payable"}),
    ("F-C19", "cp-ar-4", "invoice", {"sales_tax"}),
    ("F-C22", "part-ar-3", "settlement", PARTY | {"cash_discount"}),
    ("F-D10", "tmd-1", "settlement", {"accounts_payable", "cash_discount"}),
    ("F-D18", "documented/tax-1", "settlement", {"sales_tax"}),
    ("F-E01", "differences/only-with-cash-discount", "settlement", PARTY | {"penny_difference"}),
    ("F-E02", "ovp-1", "settlement", PARTY | {"overpayment_underpayment"}),
    ("F-E05", "ovp-4", "settlement", PARTY | {"cash_discount"}),
    ("F-E05", "discounts/unspecific-last-invoice-first", "settlement", {"accounts_payable", "cash_discount"}),
    ("F-E08", "currencies/rounding-unbalances-a-voucher", "invoice", {"penny_difference"}),
    ("C21", "der-rev-1", "settlement_reversal", PAIR | {"cash_discount", "realized_gain"}),
    ("C21", "reversals/mirror", "payment_reversal", PARTY | {"cash"}),
]


@pytest.mark.parametrize(("rule", "name", "kind", "types"), LINES, ids=[" ".join(each[:3]) for each in LINES])
def test_a_rule_makes_lines_of_its_posting_types_alone(rule: str, name: str, kind: str, types: set[str]) -> None:
    path = (SCENARIOS if "/" in name else EXAMPLES) / f"{name}.yaml"
    vouchers = [voucher for voucher in simulate(load_scenario(path)).vouchers if voucher["kind"] == kind]
    assert {line["posting_type"] for voucher in vouchers for line in voucher["lines"] if line["rule"] == rule} == types
