"""The documented examples: each figure is read from its scenario file, what the settlement service says is written by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from shared.events.settlements import DocumentPosted, SettlementPosted
from shared.events.vouchers import EventName, Voucher
from tests.builders.posting import (
    RUN,
    books,
    difference,
    discount,
    document,
    expected,
    gain,
    post,
    record,
    reversed_record,
    run,
    settled,
    written,
)

INV_AR = document("INV", "invoice", "600.00", company="FABE", currency="EUR", rate="1.2062")
PAY_AR = document("PAY", "payment", "600.00", currency="EUR", rate="1.2277")
INV_TAX = document(
    "INV", "invoice", "638.22", company="FABE", currency="EUR", rate="1.2062", lines=(("sales", "600.00"), ("sales_tax", "38.22"))
)
PAY_TAX = document("PAY", "payment", "626.22", currency="EUR", rate="1.2277")
INV_AP = replace(
    document("INV", "invoice", "600.00", ledger="payable", company="FABE", currency="EUR", rate="1.2062"),
    lines=document("INV", "invoice", "600.00", lines=(("expense", "564.07"), ("sales_tax", "35.93"))).lines,
)
PAY_AP = document("PAY", "payment", "588.72", ledger="payable", currency="EUR", rate="1.2277")
INV_100 = document("INV", "invoice", "100.00", company="FABW")
CN_25 = document("CN", "credit_note", "25.00", company="FABE")
PAY_75 = document("PAY", "payment", "75.00")
TAX_RECORD = record("626.22", "768.81", discount=discount("12.00", "14.47"), gain=gain("13.46", by_payment=True))
HUB = SettlementPosted(
    *("receivable", RUN, "4050", 0, [settled(PAY_75), settled(CN_25), settled(INV_100)]),
    [record("25.00", enlarges=True), record("100.00", number=2, raising=2)],
)
INV_2P = document("INV", "invoice", "600.00", company="FABE")
PAY_2P = document("PAY", "payment", "580.00")
INV_OVP, PAY_OVP = document("INV", "invoice", "105.00"), document("PAY", "payment", "95.00")
CN_100, REFUND = document("CN", "credit_note", "100.00"), document("REFUND", "refund", "98.00")
INV_PVC = document("Inv-10070", "invoice", "1000.00", ledger="payable")
CN_PVC = document("CR-10070", "credit_note", "200.00", ledger="payable")
INV_FX = document("INV", "invoice", "1000.00", currency="USD", own="EUR", rate="1.10")
PAY_FX = document("PAY", "payment", "980.00", currency="USD", own="EUR", rate="0.80")

EXAMPLES: dict[str, tuple[list[DocumentPosted], SettlementPosted]] = {
    "cp-ar-3": ([INV_AR, PAY_AR], run(PAY_AR, INV_AR, record("600.00", "736.62", gain=gain("12.90", by_payment=True)))),
    "der-cp-ar-3i": ([INV_AR, PAY_AR], run(PAY_AR, INV_AR, record("600.00", "736.62", gain=gain("12.90")))),
    "cp-ar-4": ([INV_TAX, PAY_TAX], run(PAY_TAX, INV_TAX, TAX_RECORD)),
    "cp-ap-4": (
        [INV_AP, PAY_AP],
        run(
            *(PAY_AP, INV_AP),
            record("588.72", "722.77", discount=discount("11.28", "13.61"), gain=gain("-12.66", by_payment=True)),
            ledger="payable",
        ),
    ),
    "cp-ar-5": ([INV_100, CN_25, PAY_75], HUB),
    "der-cp-ar-2p": ([INV_2P, PAY_2P], run(PAY_2P, INV_2P, record("580.00", discount=discount("20.00", by_payment=True)))),
    "ovp-1": ([INV_OVP, PAY_OVP], run(PAY_OVP, INV_OVP, record("94.50", discount=discount("10.50"), remainder=difference("0.50")))),
    "part-ar-3": ([], run(CN_100, REFUND, record("98.00", credit_note_discount=discount("2.00")))),
    "pvc-1": (
        [],
        run(CN_PVC, INV_PVC, record("198.00", discount=discount("2.00"), credit_note_discount=discount("2.00")), ledger="payable"),
    ),
    "cd-fx": (
        [INV_FX, PAY_FX],
        run(PAY_FX, INV_FX, record("980.00", "784.00", discount=discount("20.00", "16.00"), gain=gain("-300.00"))),
    ),
}


def posted(example: str) -> list[Voucher]:
    group = books()
    if example == "cd-fx":
        company = replace(group.reference.companies["FAB"], currency="EUR")
        group = books(company)
    documents, settlement = EXAMPLES[example]
    return post(group, *documents, settlement)


@pytest.mark.parametrize("example", EXAMPLES)
def test_settlements_post_what_the_example_says(example: str) -> None:
    vouchers = [voucher for voucher in posted(example) if voucher.kind == "settlement"]
    companies = {voucher.company for voucher in vouchers}
    assert companies, "the example settles something"
    for company in companies:
        mine = [voucher for voucher in vouchers if voucher.company == company]
        assert written(*mine) == expected(example, company, "settlement")


@pytest.mark.parametrize("example", [example for example, (documents, _) in EXAMPLES.items() if documents])
def test_documents_post_what_the_example_says(example: str) -> None:
    vouchers = [voucher for voucher in posted(example) if voucher.kind != "settlement"]
    for voucher in vouchers:
        assert written(voucher) == expected(example, voucher.company, voucher.kind, voucher.document)
    assert len(vouchers) == len(EXAMPLES[example][0])


def test_a_record_makes_one_voucher_in_each_company_and_the_hub_one_for_each_pair() -> None:
    vouchers = [voucher for voucher in posted("cp-ar-5") if voucher.kind == "settlement"]
    assert [(voucher.company, voucher.record, voucher.document) for voucher in vouchers] == [
        ("FAB", 1, "PAY"),
        ("FABE", 1, "PAY"),
        ("FAB", 2, "PAY"),
        ("FABW", 2, "PAY"),
    ]
    assert {voucher.settlement for voucher in vouchers} == {EventName(*RUN)}


def test_without_a_primary_the_voucher_has_the_number_of_each_records_lowering_document() -> None:
    group = books()
    vouchers = post(group, run(CN_25, INV_100, record("25.00")))
    assert [(voucher.company, voucher.document) for voucher in vouchers] == [("FABE", "CN"), ("FABW", "CN")]


def test_a_reversal_mirrors_the_lines_in_every_company() -> None:
    group = books()
    post(group, INV_TAX, PAY_TAX, run(PAY_TAX, INV_TAX, TAX_RECORD))
    mirrors = post(group, reversed_record(date(2015, 3, 1)))
    assert [(voucher.company, voucher.kind, voucher.voucher) for voucher in mirrors] == [
        ("FAB", "settlement_reversal", "AR-SRV-000001"),
        ("FABE", "settlement_reversal", "AR-SRV-000001"),
    ]
    assert {(voucher.date, voucher.document) for voucher in mirrors} == {(date(2015, 3, 1), "PAY")}
    for voucher in mirrors:
        assert written(voucher) == expected("der-rev-1", voucher.company, "settlement_reversal")
        assert {line.rule for line in voucher.lines} == {"C21"}


def test_the_vouchers_of_a_reversal_name_run_record_and_partner_as_those_they_mirror() -> None:
    group = books()
    originals = post(group, INV_TAX, PAY_TAX, run(PAY_TAX, INV_TAX, TAX_RECORD))[2:]
    mirrors = post(group, reversed_record(date(2015, 3, 1)))
    assert {(voucher.settlement, voucher.record) for voucher in (*originals, *mirrors)} == {(EventName(*RUN), 1)}
    assert [[line.partner for line in voucher.lines] for voucher in mirrors] == [
        [line.partner for line in each.lines] for each in originals
    ]
    assert "Reversal of settlement PAY: due to FABE" in {line.text for line in mirrors[0].lines}


def test_after_a_reversal_the_balances_are_those_of_the_documents_alone() -> None:
    group = books()
    post(group, INV_TAX, PAY_TAX)
    before = {
        key: (balance.debit - balance.credit, balance.accounting_debit - balance.accounting_credit)
        for key, balance in group.balances.items()
    }
    post(group, run(PAY_TAX, INV_TAX, TAX_RECORD), reversed_record())
    after = {
        key: (balance.debit - balance.credit, balance.accounting_debit - balance.accounting_credit)
        for key, balance in group.balances.items()
    }
    nothing = (Decimal(0), Decimal(0))
    assert {key: net for key, net in after.items() if net != nothing} == before
    assert len(after) > len(before), "due to, due from, discount and gain have been used"
