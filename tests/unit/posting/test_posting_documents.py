"""The voucher of a document: sides, offset accounts, rounding; and the mirror of a payment's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.posting.rules import PostingDefectError
from shared.events.kinds import DEFAULT_OFFSET, LANGUAGES
from shared.events.reference import CompanyDefined
from shared.events.vouchers import VoucherLine
from tests.builders.posting import books, document, lines, money, post, reversed_document, written

KINDS = ("invoice", "credit_note", "interest_note", "collection_letter", "payment_fee", "refund", "payment")
LOWERS = ("credit_note", "payment")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ledger", ["receivable", "payable"])
def test_raising_documents_are_debits_of_a_customer_and_credits_of_a_vendor(ledger: str, kind: str) -> None:
    (voucher,) = post(books(), document("D", kind, "100.00", ledger=ledger))
    summary, side, other = ("accounts_receivable", "dr", "cr") if ledger == "receivable" else ("accounts_payable", "cr", "dr")
    if kind in LOWERS:
        side, other = other, side
    assert written(voucher) == lines(f"{summary} {side} 100.00", f"{DEFAULT_OFFSET[ledger, kind]} {other} 100.00")
    assert (voucher.kind, voucher.company, voucher.document, voucher.record) == (kind, "FAB", "D", None)


def test_every_kind_has_a_series_of_its_own_in_each_ledger_and_company() -> None:
    group = books()
    said = [
        document(f"{kind}-{number}", kind, "1.00", ledger=ledger, company=company)
        for number in (1, 2)
        for company in ("FAB", "FABE")
        for ledger in ("receivable", "payable")
        for kind in KINDS
    ]
    numbers = [(voucher.company, voucher.voucher) for voucher in post(group, *said)]
    assert len(set(numbers)) == len(said)
    assert len({(company, voucher[:-6]) for company, voucher in numbers}) == len(said) // 2
    assert {voucher[-6:] for _, voucher in numbers} == {"000001", "000002"}
    assert ("FABE", "AP-CRN-000002") in numbers


@pytest.mark.parametrize(
    ("account", "posting_type", "main_account"),
    [
        ("expense", "expense", "6000"),
        ("sales_tax", "sales_tax", "sales_tax"),
        ("freight", "freight", "6400"),
        ("6400", "freight", "6400"),
        ("6000", "expense", "6000"),
        ("6001", "expense", "6001"),
        ("9999", "expense", "9999"),
    ],
)
def test_an_offset_account_is_a_posting_type_or_a_main_account(account: str, posting_type: str, main_account: str) -> None:
    chart = {"other": ["6000"], "expense": ["6000", "6001"], "freight": ["6400"]}
    invoice = document("D", "invoice", "100.00", ledger="payable", lines=((account, "100.00"),))
    (voucher,) = post(books(CompanyDefined("FAB", "USD", accounts=chart)), invoice)
    assert (voucher.lines[1].posting_type, voucher.lines[1].account) == (posting_type, main_account)


def test_a_negative_offset_line_is_on_the_other_side() -> None:
    (voucher,) = post(books(), document("D", "invoice", "90.00", lines=(("sales", "100.00"), ("sales_returns", "-10.00"))))
    assert written(voucher) == lines("accounts_receivable dr 90.00", "sales cr 100.00", "sales_returns dr 10.00")


def test_rules_of_the_lines() -> None:
    invoice = document("D", "invoice", "110.00", lines=(("sales", "100.00"), ("sales_tax", "10.00")))
    payment = document("P", "payment", "10.00")
    vouchers = post(books(), invoice, payment)
    assert [[line.rule for line in voucher.lines] for voucher in vouchers] == [["F-A16", "F-A18", "F-C19"], ["F-A16", "F-A02"]]


def test_a_line_has_its_own_dimensions_or_the_documents() -> None:
    invoice = document("D", "invoice", "30.00", lines=(("sales", "10.00", {"centre": "B"}), ("sales", "20.00")), dimensions={"centre": "A"})
    (voucher,) = post(books(), invoice)
    assert [line.dimensions["centre"] for line in voucher.lines] == ["A", "B", "A"]


# Rounding


def test_each_line_is_rounded_by_itself_and_the_rest_is_a_penny_difference() -> None:
    thirds = (("sales", "0.33"), ("sales", "0.33"), ("sales", "0.34"))
    (voucher,) = post(books(), document("D", "invoice", "1.00", currency="EUR", rate="1.5", lines=thirds))
    assert written(voucher) == lines(
        *("accounts_receivable dr 1.00 1.50", "sales cr 0.33 0.50", "sales cr 0.33 0.50", "sales cr 0.34 0.51"),
        "penny_difference dr 0.00 0.01",
    )
    penny = voucher.lines[-1]
    assert (penny.rule, penny.currency) == ("F-E08", "EUR")


@pytest.mark.parametrize(("rate", "value"), [("2", "20.00"), ("0.5", "5.00"), ("1", "10.00")])
def test_a_line_is_worth_its_amount_at_the_rate_of_the_document(rate: str, value: str) -> None:
    (voucher,) = post(books(), document("D", "invoice", "10.00", currency="EUR", rate=rate, lines=(("sales", "10.00"),)))
    assert written(voucher) == lines(f"accounts_receivable dr 10.00 {value}", f"sales cr 10.00 {value}")


def test_a_penny_difference_on_the_other_side() -> None:
    thirds = (("sales", "0.33"), ("sales", "0.33"), ("sales", "0.34"))
    (voucher,) = post(books(), document("D", "credit_note", "1.00", currency="EUR", rate="1.5", lines=thirds))
    penny = voucher.lines[-1]
    assert (penny.posting_type, penny.accounting_debit, penny.accounting_credit) == ("penny_difference", money("0.00"), money("0.01"))


def test_lines_round_to_the_digits_of_the_accounting_currency() -> None:
    group = books(CompanyDefined("FAB", "JPY"))
    invoice = document("D", "invoice", "10.00", own="JPY", rate="120.55", lines=(("sales", "3.33"), ("sales", "6.67")))
    (voucher,) = post(group, invoice)
    assert [line.accounting_debit + line.accounting_credit for line in voucher.lines] == [
        money("1206"),
        money("401"),
        money("804"),
        money("1"),
    ]


def test_as_many_units_as_there_are_lines_are_rounding_one_more_is_a_defect() -> None:
    invoice = document("D", "invoice", "1.00", currency="EUR", rate="1.5", lines=(("sales", "1.00"),))
    invoice.accounting_amount = money("1.52")
    (voucher,) = post(books(), invoice)
    assert voucher.lines[-1].accounting_credit == money("0.02")
    invoice.accounting_amount = money("1.53")
    with pytest.raises(
        PostingDefectError, match=r"FAB: receivable invoice voucher of D: debits less credits are 0\.03 USD, more than rounding"
    ):
        post(books(), invoice)


def test_lines_that_do_not_add_up_are_a_defect_and_take_no_number() -> None:
    group = books()
    off = r"debits less credits are 0\.01 USD and, in accounting currency, 0\.00 USD, not zero"
    with pytest.raises(PostingDefectError, match=f"FAB: receivable invoice voucher of D: {off}"):
        post(group, document("D", "invoice", "100.00", lines=(("sales", "99.99"),)))
    group.rollback()
    (voucher,) = post(group, document("D", "invoice", "100.00"))
    assert voucher.voucher == "AR-INV-000001"


def test_a_line_keeps_the_accounting_amount_that_the_exact_rate_gave_it() -> None:
    invoice = document("D", "invoice", "10.00", currency="EUR", rate="1.1", lines=(("sales", "5.00"), ("sales", "5.00")))
    given = [replace(line, accounting_amount=money(value)) for line, value in zip(invoice.lines, ("5.51", "5.49"), strict=True)]
    (voucher,) = post(books(), replace(invoice, lines=given))
    assert written(voucher) == lines("accounts_receivable dr 10.00 11.00", "sales cr 5.00 5.51", "sales cr 5.00 5.49")


# Reversal


def test_a_payment_reversal_mirrors_the_payments_voucher_and_not_its_settlements() -> None:
    group = books(CompanyDefined("FAB", "USD", accounts={"cash": ["1010"]}))
    payment = document("P", "payment", "10.00", currency="EUR", rate="1.1")
    post(group, payment)
    group.reference.take(CompanyDefined("FAB", "USD", accounts={"cash": ["1099"]}))
    (voucher,) = post(group, reversed_document("P", date_=date(2015, 4, 1)))
    assert written(voucher) == lines("accounts_receivable dr 10.00 11.00", "cash cr 10.00 11.00")
    assert [line.account for line in voucher.lines] == ["accounts_receivable", "1010"]
    assert (voucher.kind, voucher.voucher, voucher.document, voucher.date) == ("payment_reversal", "AR-PRV-000001", "P", date(2015, 4, 1))


def test_a_reversal_of_what_has_no_voucher_is_a_defect() -> None:
    with pytest.raises(PostingDefectError, match="FAB: there is no voucher of the receivable document P to mirror"):
        post(books(), document("P", "invoice", "10.00", company="FABE"), reversed_document("P"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_of_any_kind_is_reversed_by_its_mirror_and_no_other_voucher(kind: str) -> None:
    group = books()
    (original,) = post(group, replace(document("D", kind, "10.00", lines=(("sales", "12.00"), ("sales_tax", "-2.00"))), reference="ERP 7"))
    post(group, document("D", kind, "99.00", ledger="payable"))
    (voucher,) = post(group, reversed_document("D", date_=date(2015, 4, 1)))
    assert voucher.kind == ("payment_reversal" if kind == "payment" else "document_reversal")
    assert (voucher.voucher, voucher.document, voucher.reference) == (f"AR-{'PRV' if kind == 'payment' else 'DRV'}-000001", "D", "ERP 7")
    assert [(line.posting_type, line.debit, line.credit) for line in voucher.lines] == [
        (line.posting_type, line.credit, line.debit) for line in original.lines
    ]
    assert {line.rule for line in voucher.lines} == {"C21"}
    (again,) = post(group, document("E", kind, "1.00"))
    assert again.document == "E"


# Reference and text


def test_a_documents_voucher_has_its_reference_and_its_text_on_every_line() -> None:
    group = books(CompanyDefined("FAB", "USD"))
    odd = document("V", "invoice", "10.00", currency="EUR", rate="1.005", lines=(("sales", "3.33"), ("sales", "6.67")))
    (voucher,) = post(group, replace(odd, reference="CI-7/26", text="Steel"))
    assert voucher.reference == "CI-7/26"
    assert {line.text for line in voucher.lines} == {"Steel"}
    (reversal,) = post(group, replace(reversed_document("V"), text="Steel"))
    assert {line.text for line in reversal.lines} == {"Steel"}


def test_without_a_text_the_lines_have_that_of_their_language_and_without_a_reference_the_voucher_has_none() -> None:
    (voucher,) = post(books(), document("V", "invoice", "10.00"))
    assert (voucher.reference, voucher.lines[0].text) == (None, "Invoice V: accounts receivable")


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Reversal of document"), ("fr", "Annulation du document"), ("nl", "Terugboeking van document"), ("de", "Storno des Belegs")],
)
def test_a_reversal_of_a_document_has_words_in_every_language(language: str, words: str) -> None:
    group = books(CompanyDefined("FAB", "USD", language=language))
    post(group, document("V", "invoice", "10.00"))
    (voucher,) = post(group, reversed_document("V"))
    assert voucher.lines[0].text.startswith(f"{words} V: ")


# Texts


def text(language: str, line: int) -> str:
    (voucher,) = post(books(CompanyDefined("FAB", "USD", language=language)), document("P {}", "payment", "10.00"))
    return voucher.lines[line].text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Payment P {}: accounts receivable"),
        ("fr", "Paiement P {}: clients"),
        ("nl", "Betaling P {}: debiteuren"),
        ("de-CH", "Zahlung P {}: Debitoren"),
        ("ja", "Payment P {}: accounts receivable"),
    ],
)
def test_texts_are_in_the_companys_language(language: str, words: str) -> None:
    assert text(language, 0) == words


def test_every_language_has_words_for_every_kind_and_posting_type() -> None:
    seen: dict[str, list[str]] = {}
    for language in LANGUAGES:
        group = books(CompanyDefined("FAB", "USD", language=language))
        said = [document(kind.replace("_", "-"), kind, "1.00", ledger=ledger) for ledger in ("receivable", "payable") for kind in KINDS]
        found: list[VoucherLine] = [line for voucher in post(group, *said) for line in voucher.lines]
        seen[language] = [line.text for line in found]
        assert all("_" not in line.text for line in found)
    assert len({tuple(words) for words in seen.values()}) == len(LANGUAGES)
