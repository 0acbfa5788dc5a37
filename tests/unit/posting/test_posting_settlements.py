"""The table "Lines of a record": who posts, on which accounts, with which dimensions, under which rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.posting.rules import PostingDefectError
from shared.events.reference import CompanyDefined, IntercompanyAccountingDefined
from shared.events.settlements import DiscountTax
from shared.events.vouchers import Voucher, VoucherLine
from tests.builders.posting import (
    books,
    difference,
    discount,
    document,
    gain,
    lines,
    money,
    post,
    record,
    reversed_record,
    run,
    settled,
    written,
)

INV = document("INV", "invoice", "600.00", company="FABE", dimensions={"centre": "EAST"})
PAY = document("PAY", "payment", "600.00", dimensions={"centre": "MAIN"})
CN = document("CN", "credit_note", "100.00", company="FABE")
HERE = document("INV", "invoice", "600.00")
FULL_CHART = {
    "accounts_receivable": ["1200"],
    "cash_discount": ["4400"],
    "overpayment_underpayment": ["4410"],
    "penny_difference": ["4420"],
    "realized_gain": ["7010"],
    "realized_loss": ["7020"],
    "due_to": ["2380"],
    "due_from": ["1380"],
}


def payable(posted: Any) -> Any:
    return replace(posted, ledger="payable", summary_account="accounts_payable")


def both(lowering: Any, raising: Any, *records: Any, ledger: str = "receivable", group: Any = None) -> dict[str, Voucher]:
    vouchers = post(group or books(), run(lowering, raising, *records, ledger=ledger))
    assert len({voucher.company for voucher in vouchers}) == len(vouchers)
    return {voucher.company: voucher for voucher in vouchers}


def line_of(voucher: Voucher, posting_type: str) -> VoucherLine:
    found = [line for line in voucher.lines if line.posting_type == posting_type]
    assert len(found) == 1
    return found[0]


def rules(voucher: Voucher) -> set[str]:
    return {line.rule for line in voucher.lines}


# Main lines


def test_main_lines_of_a_vendor_payment_are_the_mirror() -> None:
    vouchers = both(payable(PAY), payable(INV), record("600.00"), ledger="payable")
    assert written(vouchers["FAB"]) == lines("due_from FABE dr 600.00", "accounts_payable cr 600.00")
    assert written(vouchers["FABE"]) == lines("accounts_payable dr 600.00", "due_to FAB cr 600.00")
    assert rules(vouchers["FAB"]) == rules(vouchers["FABE"]) == {"F-C02"}


def test_main_lines_have_a_value_of_their_own_in_each_company() -> None:
    group = books(CompanyDefined("FAB", "USD"), CompanyDefined("FABE", "GBP"))
    vouchers = both(replace(PAY, currency="EUR"), replace(INV, currency="EUR"), record("600.00", "700.00", "500.00"), group=group)
    assert written(vouchers["FAB"]) == lines("accounts_receivable dr 600.00 700.00", "due_to FABE cr 600.00 700.00")
    assert written(vouchers["FABE"]) == lines("due_from FAB dr 600.00 500.00", "accounts_receivable cr 600.00 500.00")


def test_a_line_in_the_companys_own_currency_has_the_same_amount_in_both() -> None:
    group = books(CompanyDefined("FAB", "EUR"), CompanyDefined("FABE", "USD"))
    given = discount("10.00", "10.00", by_payment=True, posted_accounting_amount="9.10")
    in_euro = replace(INV, currency="EUR")
    vouchers = both(replace(PAY, currency="USD"), in_euro, record("600.00", "545.45", "600.00", discount=given), group=group)
    assert ("cash_discount", None, money("10.00"), money("0.00"), money("10.00")) in written(vouchers["FAB"])


@pytest.mark.parametrize(
    ("ledger", "hub", "partner"), [("receivable", "due_from FABE", "due_to FAB"), ("payable", "due_to FABE", "due_from FAB")]
)
def test_what_enlarges_the_primary_has_the_signs_reversed(ledger: str, hub: str, partner: str) -> None:
    payment, note = (PAY, CN) if ledger == "receivable" else (payable(PAY), payable(CN))
    summary, side, other = ("accounts_receivable", "cr", "dr") if ledger == "receivable" else ("accounts_payable", "dr", "cr")
    vouchers = both(payment, note, record("25.00", enlarges=True), ledger=ledger)
    assert written(vouchers["FAB"]) == lines(f"{hub} {other} 25.00", f"{summary} {side} 25.00")
    assert written(vouchers["FABE"]) == lines(f"{summary} {other} 25.00", f"{partner} {side} 25.00")
    assert rules(vouchers["FAB"]) == {"F-C03"}


def test_within_one_company_there_are_no_main_lines_and_without_lines_no_voucher() -> None:
    group = books()
    assert post(group, run(PAY, HERE, record("600.00"))) == []
    assert list(group.vouchers) == []
    assert post(group, reversed_record()) == []


@pytest.mark.parametrize(("ledger", "enlarges"), [("receivable", False), ("payable", False), ("receivable", True), ("payable", True)])
def test_within_one_company_the_amount_moves_between_different_summary_accounts(ledger: str, enlarges: bool) -> None:  # noqa: FBT001
    payment, other = replace(PAY, dimensions={"centre": "L"}), replace(HERE, dimensions={"centre": "R"})
    entry = record("600.00", "540.00", enlarges=enlarges)
    pair = (settled(replace(payment, currency="EUR"), "2410"), settled(replace(other, currency="EUR"), "1200"))
    (voucher,) = post(books(), run(*pair, entry, ledger=ledger))
    debit, credit = voucher.lines if voucher.lines[0].debit else reversed(voucher.lines)
    lowering, raising = (debit, credit) if (ledger == "receivable") != enlarges else (credit, debit)
    assert (lowering.account, raising.account) == ("2410", "1200")
    assert (lowering.dimensions, raising.dimensions) == ({"centre": "L"}, {"centre": "R"})
    assert (debit.debit, debit.accounting_debit, credit.credit, credit.accounting_credit) == tuple(map(money, ("600.00", "540.00") * 2))
    assert rules(voucher) == {"F-C17"}


# Tax in a discount

TAX = (DiscountTax("3806", {"tax": "19"}, money("1.22"), money("1.10")), DiscountTax("3801", {}, money("-0.17"), money("-0.15")))
CHARTS = tuple(CompanyDefined(code, "USD", accounts={"sales_tax": ["3806", "3801"]}) for code in ("FAB", "FABE"))


@pytest.mark.parametrize("ledger", ["receivable", "payable"])
def test_the_tax_in_a_discount_is_posted_against_the_tax_and_the_rest_to_the_discount(ledger: str) -> None:
    given = replace(discount("10.20", "9.18", posted_accounting_amount="8.23"), tax=list(TAX))
    pair = (replace(PAY, currency="EUR"), replace(INV, currency="EUR"))
    vouchers = both(*pair, record("500.00", discount=given), ledger=ledger, group=books(*CHARTS))
    own = [line for line in vouchers["FABE"].lines if line.rule in {"F-D18", "F-C04"}]
    sides = [(line.debit - line.credit, line.accounting_debit - line.accounting_credit) for line in own]
    sign = 1 if ledger == "receivable" else -1
    worth = [("1.22", "1.10"), ("-0.17", "-0.15"), ("9.15", "8.23"), ("-10.20", "-9.18")]
    assert sides == [(sign * money(amount), sign * money(value)) for amount, value in worth]
    assert [line.posting_type for line in own[:3]] == ["sales_tax", "sales_tax", "cash_discount"]
    assert [line.account for line in own[:2]] == ["3806", "3801"]
    assert own[0].dimensions == {"tax": "19"}


def test_the_tax_stays_in_the_invoice_company_where_the_payment_company_posts_the_discount() -> None:
    given = replace(
        discount("35.70", by_payment=True, posted_accounting_amount="30.00"), tax=[DiscountTax("sales_tax", {}, *[money("5.70")] * 2)]
    )
    vouchers = both(payable(PAY), payable(INV), record("1154.30", discount=given), ledger="payable")
    assert written(vouchers["FAB"]) == lines(
        "due_from FABE dr 1154.30", "accounts_payable cr 1154.30", "due_from FABE dr 30.00", "cash_discount cr 30.00"
    )
    assert written(vouchers["FABE"]) == lines(
        *("accounts_payable dr 1154.30", "due_to FAB cr 1154.30"),
        *("accounts_payable dr 35.70", "sales_tax cr 5.70", "due_to FAB cr 30.00"),
    )


def test_parts_with_dimensions_of_their_own_split_what_is_left_of_the_discount_after_its_tax() -> None:
    parts = (({"centre": "A"}, "3.00", "3.00"), ({"centre": "B"}, "6.00", "6.00"))
    given = replace(
        discount("10.00", posted_accounting_amount="9.00", parts=parts), tax=[DiscountTax("sales_tax", {}, *[money("1.00")] * 2)]
    )
    (voucher,) = post(books(), run(PAY, HERE, record("590.00", discount=given)))
    assert written(voucher) == lines("sales_tax dr 1.00", "cash_discount dr 3.00", "cash_discount dr 6.00", "accounts_receivable cr 10.00")


def test_a_settlement_has_the_reference_of_the_document_it_names() -> None:
    payment = replace(settled(PAY), reference="E2E 4711")
    vouchers = both(payment, replace(settled(INV), reference="CI-7"), record("600.00"))
    assert {voucher.reference for voucher in vouchers.values()} == {"E2E 4711"}
    group = books()
    post(group, run(payment, HERE, record("590.00", discount=discount("10.00"))))
    (reversal,) = post(group, reversed_record())
    assert (reversal.kind, reversal.reference) == ("settlement_reversal", "E2E 4711")


def test_within_one_company_all_lines_are_in_one_voucher() -> None:
    entry = record("590.00", discount=discount("10.00", by_payment=True), gain=gain("-3.00", by_payment=True), shortfall=difference("0.50"))
    (voucher,) = post(books(), run(replace(PAY, currency="EUR"), replace(HERE, currency="EUR"), entry))
    assert written(voucher) == lines(
        *("cash_discount dr 10.00", "accounts_receivable cr 10.00"),
        *("realized_loss dr 0.00 3.00", "accounts_receivable cr 0.00 3.00"),
        *("overpayment_underpayment dr 0.50", "accounts_receivable cr 0.50"),
    )
    assert rules(voucher) == {"F-C04", "F-C09", "F-E02"}


# Discounts


def test_a_discount_posted_by_the_payment_company_goes_through_due_to_and_due_from() -> None:
    vouchers = both(payable(PAY), payable(INV), record("580.00", discount=discount("20.00", by_payment=True)), ledger="payable")
    assert written(vouchers["FAB"]) == lines(
        *("due_from FABE dr 580.00", "accounts_payable cr 580.00", "due_from FABE dr 20.00", "cash_discount cr 20.00")
    )
    assert written(vouchers["FABE"]) == lines(
        *("accounts_payable dr 580.00", "due_to FAB cr 580.00", "accounts_payable dr 20.00", "due_to FAB cr 20.00")
    )
    assert rules(vouchers["FABE"]) == {"F-C02", "F-C05"}


def test_a_discount_says_which_rule_made_it() -> None:
    vouchers = both(PAY, INV, record("580.00", discount=discount("20.00", rule="F-D10")))
    assert line_of(vouchers["FABE"], "cash_discount").rule == "F-D10"


def test_a_discount_goes_to_the_account_of_its_mark_or_term_under_its_own_posting_type() -> None:
    vouchers = both(PAY, INV, record("580.00", discount=discount("20.00", account="4444")))
    line = line_of(vouchers["FABE"], "cash_discount")
    assert (line.posting_type, line.account) == ("cash_discount", "4444")


def test_only_the_discounts_own_line_is_split_by_dimensions() -> None:
    parts = (({"centre": "A"}, "13.33", "13.33"), ({"centre": "B"}, "6.67", "6.67"), ({"centre": "C"}, "0.00", "0.00"))
    vouchers = both(PAY, INV, record("580.00", discount=discount("20.00", parts=parts)))
    split = [(line.debit, line.dimensions) for line in vouchers["FABE"].lines if line.posting_type == "cash_discount"]
    assert split == [(money("13.33"), {"centre": "A"}), (money("6.67"), {"centre": "B"})]
    assert [line.credit for line in vouchers["FABE"].lines if line.rule == "F-C04" and line.credit] == [money("20.00")]


def test_parts_that_do_not_add_up_are_a_defect_and_post_nothing() -> None:
    group = books()
    with pytest.raises(PostingDefectError, match=r"FABE: receivable settlement voucher of PAY, run scenario/PAY, record 1: .*-0\.01 USD"):
        post(group, run(PAY, INV, record("580.00", discount=discount("20.00", parts=(({}, "19.99", "19.99"),)))))
    assert list(group.vouchers.changed) == []
    assert list(group.numbers.changed) == [("FAB", "AR-SET")], "the number of the half that balances is given back by the shell"
    group.rollback()
    assert list(group.numbers) == []


def test_a_credit_notes_own_discount_is_in_its_company_with_the_opposite_sign() -> None:
    note = replace(CN, dimensions={"centre": "CN"})
    vouchers = both(note, replace(HERE, dimensions={}), record("98.00", credit_note_discount=discount("2.00")))
    assert written(vouchers["FABE"]) == lines(
        *("accounts_receivable dr 98.00", "due_to FAB cr 98.00", "accounts_receivable dr 2.00", "cash_discount cr 2.00")
    )
    line = line_of(vouchers["FABE"], "cash_discount")
    assert (line.rule, line.dimensions) == ("F-C22", {"centre": "CN"})
    assert len(vouchers["FAB"].lines) == 2


def test_a_credit_note_that_enlarges_the_primary_keeps_its_discount_in_its_company() -> None:
    vouchers = both(PAY, CN, record("98.00", enlarges=True, credit_note_discount=discount("2.00")))
    assert written(vouchers["FABE"]) == lines(
        *("accounts_receivable dr 98.00", "due_to FAB cr 98.00", "accounts_receivable dr 2.00", "cash_discount cr 2.00")
    )


# Gain and loss


def test_a_gain_of_a_vendor_payment_credits_realized_gain() -> None:
    entry = record("600.00", "700.00", gain=gain("12.00", by_payment=True))
    vouchers = both(payable(replace(PAY, currency="EUR")), payable(replace(INV, currency="EUR")), entry, ledger="payable")
    assert set(lines("due_from FABE dr 0.00 12.00", "realized_gain cr 0.00 12.00")) <= set(written(vouchers["FAB"]))
    assert set(lines("accounts_payable dr 0.00 12.00", "due_to FAB cr 0.00 12.00")) <= set(written(vouchers["FABE"]))


def test_a_credit_note_worth_more_at_the_primarys_rate_than_booked_makes_a_loss() -> None:
    """It was booked at 120.00; the main line takes 123.00 from it, so 3.00 have to come back."""
    entry = record("100.00", "123.00", enlarges=True, gain=gain("-3.00", by_payment=True))
    vouchers = both(replace(PAY, currency="EUR"), replace(CN, currency="EUR"), entry)
    assert written(vouchers["FABE"]) == lines(
        *("accounts_receivable dr 100.00 123.00", "due_to FAB cr 100.00 123.00"),
        *("due_to FAB dr 0.00 3.00", "accounts_receivable cr 0.00 3.00"),
    )
    assert set(lines("realized_loss dr 0.00 3.00", "due_from FABE cr 0.00 3.00")) <= set(written(vouchers["FAB"]))


def test_a_gain_posted_by_the_payment_company_has_that_companys_value_there() -> None:
    group = books(CompanyDefined("FAB", "USD"), CompanyDefined("FABE", "GBP"))
    entry = record("600.00", "700.00", "500.00", gain=gain("10.00", by_payment=True, posted_accounting_amount="15.00"))
    vouchers = both(replace(PAY, currency="EUR"), replace(INV, currency="EUR"), entry, group=group)
    assert line_of(vouchers["FAB"], "realized_gain").accounting_credit == money("15.00")
    assert ("due_from", "FAB", money("0.00"), money("0.00"), money("10.00")) in written(vouchers["FABE"])


@pytest.mark.parametrize(("by_payment", "rule"), [(True, "F-C07"), (False, "F-C08")])
def test_the_gains_lines_name_who_posted_it_and_carry_nothing_in_the_payments_currency(by_payment: bool, rule: str) -> None:  # noqa: FBT001
    entry = record("600.00", "700.00", gain=gain("12.00", by_payment=by_payment))
    vouchers = both(replace(PAY, currency="EUR"), replace(INV, currency="EUR"), entry)
    line = line_of(vouchers["FAB" if by_payment else "FABE"], "realized_gain")
    assert (line.rule, line.currency, line.debit, line.credit) == (rule, "EUR", money("0.00"), money("0.00"))


# Differences


@pytest.mark.parametrize(
    ("ledger", "over", "under"),
    [
        ("receivable", ("accounts_receivable dr 0.50", "{} cr 0.50"), ("{} dr 0.30", "accounts_receivable cr 0.30")),
        ("payable", ("accounts_payable cr 0.50", "{} dr 0.50"), ("{} cr 0.30", "accounts_payable dr 0.30")),
    ],
)
@pytest.mark.parametrize(
    ("penny", "posting_type", "rule"), [(True, "penny_difference", "F-E01"), (False, "overpayment_underpayment", "F-E02")]
)
def test_differences_are_posted_where_they_arise(  # noqa: PLR0913
    ledger: str,
    over: tuple[str, str],
    under: tuple[str, str],
    penny: bool,  # noqa: FBT001
    posting_type: str,
    rule: str,
) -> None:
    payment, invoice = (PAY, INV) if ledger == "receivable" else (payable(PAY), payable(INV))
    entry = record("100.00", remainder=difference("0.50", penny=penny), shortfall=difference("0.30", penny=penny))
    vouchers = both(payment, invoice, entry, ledger=ledger)
    assert set(lines(*(each.format(posting_type) for each in over))) <= set(written(vouchers["FAB"]))
    assert set(lines(*(each.format(posting_type) for each in under))) <= set(written(vouchers["FABE"]))
    assert line_of(vouchers["FAB"], posting_type).rule == rule


@pytest.mark.parametrize(
    ("chart", "account"),
    [
        ({"overpayment_underpayment": "4410", "cash_discount": "4400"}, "4410"),
        ({"cash_discount": "4400"}, "4400"),
        ({}, "overpayment_underpayment"),
    ],
)
def test_an_overpayment_falls_back_to_the_cash_discount_account(chart: dict[str, str], account: str) -> None:
    (voucher,) = post(
        books(CompanyDefined("FAB", "USD", accounts={kind: [account] for kind, account in chart.items()})),
        run(PAY, HERE, record("600.00", remainder=difference("0.50"))),
    )
    line = line_of(voucher, "overpayment_underpayment")
    assert line.account == account


# Accounts and dimensions


def test_accounts_are_those_of_the_companys_chart_and_of_its_intercompany_accounting() -> None:
    charts = (CompanyDefined("FAB", "USD", accounts=FULL_CHART), CompanyDefined("FABE", "USD", accounts=FULL_CHART))
    group = books(*charts, accounting=(IntercompanyAccountingDefined("FAB", "FABE", due_from="1381", due_to="2381"),))
    entry = record(
        "580.00", discount=discount("20.00", by_payment=True), remainder=difference("0.50"), shortfall=difference("0.30", penny=True)
    )
    vouchers = both(PAY, settled(INV, "1290"), entry, group=group)
    accounts = {voucher.company: {(line.posting_type, line.account) for line in voucher.lines} for voucher in vouchers.values()}
    assert accounts["FAB"] == {
        *(("accounts_receivable", "accounts_receivable"), ("due_to", "2381")),
        *(("cash_discount", "4400"), ("overpayment_underpayment", "4410")),
    }
    assert accounts["FABE"] == {("accounts_receivable", "1290"), ("due_from", "1380"), ("penny_difference", "4420")}


def test_each_line_takes_the_summary_account_of_the_document_it_changes() -> None:
    entry = record("580.00", discount=discount("20.00"), remainder=difference("0.50"), shortfall=difference("0.30"), gain=gain("1.00"))
    (voucher,) = post(books(), run(settled(PAY, "1220"), settled(HERE, "1210"), entry))
    summary = {line.rule: line.account for line in voucher.lines if line.posting_type == "accounts_receivable" and line.credit}
    assert summary == {"F-C17": "1210", "F-C04": "1210", "F-E02": "1210"}
    assert [line.account for line in voucher.lines if line.debit == money("580.00")] == ["1220"]
    assert [line.account for line in voucher.lines if line.debit == money("0.50")] == ["1220"]
    assert [line.account for line in voucher.lines if line.accounting_debit == money("1.00")] == ["1210"]


def test_due_to_and_due_from_have_the_dimensions_of_the_summary_account_beside_them() -> None:
    entry = record("580.00", discount=discount("20.00"), gain=gain("1.00", by_payment=True), remainder=difference("0.50"))
    vouchers = both(replace(PAY, currency="EUR"), replace(INV, currency="EUR"), entry)
    assert {line.dimensions["centre"] for line in vouchers["FAB"].lines} == {"MAIN"}
    assert {line.dimensions["centre"] for line in vouchers["FABE"].lines} == {"EAST"}


def test_a_company_that_is_not_defined_is_a_defect() -> None:
    with pytest.raises(
        PostingDefectError, match="FABX: receivable settlement voucher of PAY, run scenario/PAY, record 1: the company is not defined"
    ):
        post(books(), run(PAY, replace(INV, company="FABX"), record("600.00")))
