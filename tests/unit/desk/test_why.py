"""Every line of every voucher says why it is there, in four languages, and what it says gives the posted amount."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from services.desk.rows import BooksOfAll
from services.desk.why.books import facts_in
from services.desk.why.explain import Explanation, explain
from services.desk.why.facts import Asked, Facts, Money, Parameter, Reversal
from services.desk.why.texts import Wording, texts
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from shared.events.envelope import EventRef
from shared.events.kinds import LANGUAGES
from shared.events.vouchers import Voucher
from shared.money import minor_unit
from shared.rulebook import rule_book
from tests.scenario_files import EXAMPLES, FILES, ROOT

CENT = Decimal("0.01")


class Line(NamedTuple):
    """A line of a scenario, and what is known about it."""

    name: str
    facts: Facts

    def __str__(self) -> str:
        voucher = self.facts.voucher
        return f"{self.name}: {voucher.company} {voucher.voucher} line {self.facts.place + 1}"


@cache
def books_of(path: Any) -> BooksOfAll:
    simulation = Simulation()
    for arrival in arrivals(load_scenario(path)):
        simulation.send(arrival.record)
    return simulation.books


@cache
def all_lines() -> tuple[Line, ...]:
    return tuple(
        Line(path.stem, facts_in(books_of(path), voucher, place))
        for path in FILES
        for voucher in books_of(path).posting.vouchers
        for place in range(len(voucher.lines))
    )


def lines_of(name: str) -> Iterator[Facts]:
    path = (ROOT / "tests" / "scenarios" if "/" in name else EXAMPLES) / f"{name}.yaml"
    books = books_of(path)
    for voucher in books.posting.vouchers:
        yield from (facts_in(books, voucher, place) for place in range(len(voucher.lines)))


def line(name: str, company: str, voucher: str, number: int) -> Facts:
    return next(
        facts for facts in lines_of(name) if (facts.voucher.company, facts.voucher.voucher, facts.place) == (company, voucher, number - 1)
    )


def said(facts: Facts, language: str = "en") -> str:
    return explain(facts, language).sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_every_scenario_is_explained(language: str) -> None:
    lines = all_lines()
    assert len(lines) > 5_000
    assert [str(each) for each in lines if not explain(each.facts, language).is_explained] == []


def test_no_sentence_has_an_empty_place_or_words_that_are_no_text() -> None:
    for each in all_lines():
        for language in LANGUAGES:
            sentence = said(each.facts, language)
            assert "{" not in sentence, each
            assert "None" not in sentence, each
            assert "  " not in sentence, each


def changed(facts: Facts, by: Decimal) -> Facts:
    """The same line, had another amount been posted."""
    posted = facts.line
    side = "debit" if posted.debit or (posted.accounting_debit and not posted.credit) else "credit"
    names = (side, f"accounting_{side}") if getattr(posted, side) else (f"accounting_{side}",)
    other = replace(posted, **{name: getattr(posted, name) + by for name in names})
    lines = [other if place == facts.place else each for place, each in enumerate(facts.voucher.lines)]
    voucher: Voucher = replace(facts.voucher, lines=lines)
    return replace(facts, voucher=voucher)


def test_a_line_that_had_another_amount_would_not_be_explained() -> None:
    for each in all_lines():
        other = changed(each.facts, 7 * minor_unit(each.facts.line.currency) + 13)
        assert not explain(other, "en").is_explained, each


def test_a_discount_of_another_tier_would_not_be_explained() -> None:
    facts = line("ic-4", "FABE", "AP-SET-000001", 3)
    assert facts.record is not None
    assert facts.record.why is not None
    why = {**facts.record.why, "discount": {**facts.record.why["discount"], "percent": Decimal(3)}}
    found = explain(replace(facts, record=structs.replace(facts.record, why=why)), "en")
    assert not found.is_explained
    assert found.sentence.startswith("Not explained: what is kept of it does not give 20.00.")


def test_the_discount_of_the_documented_example_is_said_in_full() -> None:
    assert said(line("ic-4", "FABE", "AP-SET-000001", 3)) == (
        "20.00 = 2 % of 1,000.00. The base is gross: there are no tax lines. Payment VPAY-7 is of 12 Mar 2026, and the tier runs to "
        "16 Mar 2026, that day included. Needed 1,000.00 − 20.00 = 980.00; paid 980.00. Where it is posted: FAB's centralized payments "  # noqa: RUF001 - signs of arithmetic
        "say cash discount: in the invoice company. Rules F-D02, F-D05, F-C04, F-C10."
    )


@pytest.mark.parametrize(
    ("language", "beginning"),
    [
        (
            "fr",
            "20,00 = 2 % de 1\u202f000,00. La base est le montant brut : il n'y a pas de lignes de TVA. Paiement VPAY-7 est du 12 mars",
        ),
        ("nl", "20,00 = 2% van 1.000,00. De grondslag is het brutobedrag: er zijn geen btw-regels. Betaling VPAY-7 is van 12 mrt. 2026,"),
        ("de", "20,00 = 2 % von 1.000,00."),
    ],
)
def test_amounts_and_dates_are_in_the_readers_form(language: str, beginning: str) -> None:
    assert said(line("ic-4", "FABE", "AP-SET-000001", 3), language).startswith(beginning)


def test_the_figures_are_the_same_in_every_language() -> None:
    for each in lines_of("cp-ar-4"):
        assert len({repr(explain(each, language).figures) for language in LANGUAGES}) == 1


def explained(name: str, rule: str, posting_type: str) -> Explanation:
    return next(explain(facts, "en") for facts in lines_of(name) if (facts.line.rule, facts.line.posting_type) == (rule, posting_type))


@pytest.mark.parametrize(
    ("name", "rule", "posting_type", "part"),
    [
        ("cp-ar-4", "F-C04", "cash_discount", "12.00 = 2 % × 600.00 ÷ 638.22 of 638.22. The base is the amount without sales tax."),  # noqa: RUF001 - signs of arithmetic
        ("mi-3", "F-C04", "cash_discount", "10.00 = 490.00 ÷ (1 − 2 %) × 2 %: a part is paid"),  # noqa: RUF001 - signs of arithmetic
        ("tmd-1", "F-D10", "cash_discount", "60.00 was entered as the cash discount of Invoice"),
        ("tco-1", "F-C04", "cash_discount", "after the last day of the tier"),
        ("ovp-4", "F-E05", "cash_discount", "Unspecific administration takes off what was paid too much: 3.00 − 1.00 = 2.00."),  # noqa: RUF001 - signs of arithmetic
        ("discounts/full-settlement", "F-B17", "cash_discount", "Full settlement adds what was still open: 18.37 + 81.63 = 100.00."),
        ("ovp-1", "F-E02", "overpayment_underpayment", "0.50 was left over on Payment"),
        ("differences/penny-difference", "F-E01", "penny_difference", "as a penny difference. "),
        ("cp-ar-3", "F-C07", "realized_gain", "12.90 USD = 736.62 USD, which it came to at the payment's rate, less 723.72 USD"),
        ("documented/tax-1", "F-D18", "sales_tax", "1.22 of 10.20 is sales tax"),
        ("currencies/rounding-unbalances-a-voucher", "F-E08", "penny_difference", "debits and credits then differ by 0.01 USD"),
        ("der-cp-ar-2p", "F-C05", "due_from", "goes through the intercompany account with FAB"),
        ("cp-ar-5", "F-C03", "due_from", "the primary payment."),
        ("documented/sum-1", "F-C17", "accounts_receivable", "it moves between their summary accounts"),
        ("cd-fx", "F-C09", "realized_loss", "less 784.00 EUR and 16.00 EUR at the payment's rate."),
        (
            *("cd-fx", "F-C09", "realized_loss"),
            (
                "The payment's rate: 1 USD = 0.8 EUR (rate of Payment PAY of FAB, 1 Mar 2015). "
                "The rate in the books: 1 USD = 1.1 EUR (rate of Invoice INV of FAB, 15 Feb 2015)."
            ),
        ),
        ("currencies/agreed-rate-between-payment-and-invoice", "F-C09", "realized_gain", "The payment's rate: 1 "),
        ("cp-ar-3", "F-C01", "due_to", "at 1 EUR = 1.2277 USD (rate of Payment PAY of FAB, 15 Feb 2015): 736.62 USD."),
        ("cp-ar-3", "F-A16", "accounts_receivable", "at the document's rate of 15 Jan 2015, 1 EUR = 1.2062 USD"),
        ("cd-fx", "F-C04", "cash_discount", "FAB's settlement parameters say rate of the cash discount: that of the payment's date."),
        (
            "currencies/four-currencies",
            "F-C01",
            "due_to",
            (
                "482.08 CHF, at 1 GBP = 1.2719 USD (rate of Payment P1 of US, 20 Jan 2026), "
                "1 USD = 0.8137 EUR (published rate of EU for 20 Jan 2026), 1 CHF"
            ),
        ),
    ],
)
def test_each_kind_of_line_says_what_decided(name: str, rule: str, posting_type: str, part: str) -> None:
    found = explained(name, rule, posting_type)
    assert part in found.sentence
    assert rule in found.rules


def test_a_gain_or_discount_across_companies_says_that_it_is_posted_where_it_is_posted() -> None:
    """Also where the option says otherwise: of a payment in P's or I's own accounting currency I posts the gain or loss."""
    seen = set()
    for each in all_lines():
        facts = each.facts
        lowering, raising = facts.lowering, facts.raising
        if each.name == "replaced":  # its option was another one when it was posted: these books know the last one alone
            continue
        if facts.voucher.kind != "settlement" or lowering is None or raising is None or lowering.company == raising.company:
            continue
        if facts.line.posting_type in {"realized_gain", "realized_loss", "cash_discount"}:
            found = explain(facts, "en")
            if "Where it is posted" not in found.sentence:
                continue
            in_invoice_company = facts.voucher.company == raising.company
            assert (" in the invoice company" in found.sentence) is in_invoice_company, each
            assert (" in the payment company" in found.sentence) is not in_invoice_company, each
            option = next((row["value"] for row in found.parameters if row["name"].startswith("post_")), "of no account")
            seen.add((facts.line.posting_type == "cash_discount", option))
            if option == "of no account":
                own = {lowering.accounting_currency, raising.accounting_currency}
                assert lowering.currency in own
                assert "F-C08" in found.rules
    assert seen >= {(True, "invoice"), (True, "payment"), (False, "invoice"), (False, "payment"), (False, "of no account")}


def test_a_mirrored_discount_says_that_the_vendor_payment_took_it() -> None:
    mirrored = line("ic-4", "FABW", "AR-SET-000001", 1)
    assert said(mirrored).startswith(
        "20.00 mirrors the cash discount that Payment VPAY-7 of FAB took on Invoice VI-7 of FABE: Invoice CI-7 of FABW is the same invoice"
    )
    assert said(replace(mirrored, bought=None)).startswith("20.00 mirrors the cash discount that the vendor payment took: Invoice CI-7")


def test_a_reversal_line_leads_to_the_line_that_it_mirrors() -> None:
    reversal = next(facts for facts in lines_of("der-rev-1") if facts.voucher.kind == "settlement_reversal")
    found = explain(reversal, "en")
    assert found.mirrors is not None
    assert found.mirrors["company"] == reversal.voucher.company
    mirrored = line("der-rev-1", found.mirrors["company"], found.mirrors["voucher"], found.mirrors["line"])
    assert (mirrored.line.debit, mirrored.line.credit) == (reversal.line.credit, reversal.line.debit)
    assert found.rules[0] == "C21"
    assert found.cause is None, "who reversed is not in these books"


def test_a_reversal_line_says_who_reversed_it_and_why() -> None:
    reversal = next(facts for facts in lines_of("der-rev-1") if facts.voucher.kind == "settlement_reversal")
    event = EventRef("/erp/fab", "UNDO-1")
    asked = explain(replace(reversal, reversal=Reversal(event, "paid twice")), "en")
    assert asked.cause == {"source": "/erp/fab", "id": "UNDO-1"}
    assert "Event UNDO-1 from /erp/fab asked for the reversal. Reason given: “paid twice”. Rules C21" in asked.sentence
    assert "mirrors line " in asked.sentence
    by_hand = explain(replace(reversal, reversal=Reversal(event, "", "ann")), "en")
    assert "ann had it reversed (event UNDO-1 from /erp/fab). Rules C21" in by_hand.sentence


def named(facts: Facts) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in explain(facts, "en").parameters}


def test_the_parameters_that_decide_a_discount_are_named_also_where_the_default_did() -> None:
    kinds = set()
    for each in all_lines():
        facts = each.facts
        if facts.voucher.kind != "settlement" or facts.raising is None or facts.record is None or facts.record.why is None:
            continue
        parameters = named(facts)
        invoice, why = facts.raising, facts.record.why
        is_discount = facts.line.rule == "F-C04" and facts.record.cash_discount > 0 == facts.record.credit_note_discount
        if is_discount and invoice.currency != invoice.accounting_currency:
            kinds.add(parameters["cash_discount_rate"]["of"])
            assert parameters["cash_discount_rate"]["value"] in {"invoice_date", "payment_date"}
            assert parameters["cash_discount_rate"]["company"] == invoice.company
        if is_discount and invoice.tax_lines:
            assert "tax_on_cash_discount" in parameters, each
        if is_discount and why.get("discount", {}).get("how") == "partial":
            assert "cash_discounts_for_partial_payments" in parameters, each
        if is_discount and why.get("discount", {}).get("lost"):
            assert parameters["cash_discount_administration"]["value"] == "unspecific", each
        if facts.line.rule == "F-E02":
            assert {"maximum_penny_difference", "over_under_policy"} <= parameters.keys(), each
    assert kinds == {"default", "settlement_parameters"}


def test_a_summary_account_of_a_posting_profile_says_so() -> None:
    profiles = [each.facts for each in all_lines() if each.facts.document is not None and each.facts.document.posting_profile is not None]
    found = [
        named(facts)["summary_account"] for facts in profiles if facts.line.rule == "F-A16" and facts.voucher.kind != "document_reversal"
    ]
    assert {each["of"] for each in found} >= {"posting_profile"}


def test_what_was_posted_before_reasons_were_written_is_explained_as_far_as_it_goes() -> None:
    for each in all_lines():
        if each.facts.record is not None and not each.facts.is_foreign and each.facts.line.rule in {"F-C01", "F-C02", "F-C04"}:
            before = replace(each.facts, record=structs.replace(each.facts.record, why=None))
            assert explain(before, "en").is_explained, each


def test_a_parameter_that_has_a_history_is_said_with_the_event_that_set_it() -> None:
    asked: list[Asked] = []

    def lookup(each: Asked) -> Parameter:
        asked.append(each)
        return Parameter(each, "invoice", "centralized_payments", EventRef("erp", "01a2"), "2026-11-29T20:34:15.873000Z")

    found = explain(replace(line("ic-4", "FABE", "AP-SET-000001", 3), lookup=lookup), "en")
    assert Asked("post_cash_discount", "FAB", "FABE", "payable") in asked
    assert found.parameters[-1]["event"] == {"source": "erp", "id": "01a2"}
    assert "So since 29 Nov 2026 20:34 UTC (event 01a2)." in found.sentence


def test_an_id_that_a_program_made_is_as_long_as_one_needs_to_know_it_again() -> None:
    words = Wording("en", codes=False)
    long = "01a22903-1f2e-7000-8000-000000000001"
    assert (
        words.text("set_by", {"since": "2026-11-29T20:34:15.873000Z", "event": long}) == "So since 29 Nov 2026 20:34 UTC (event 01a22903…)."
    )


def test_every_rule_that_a_sentence_names_is_in_the_rule_book() -> None:
    named = {rule for each in all_lines() for rule in explain(each.facts, "en").rules}
    assert named - rule_book().keys() == set()


def test_the_languages_have_the_same_texts_with_the_same_places() -> None:
    places = {language: {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in texts(language).items()} for language in LANGUAGES}
    assert all(places[language] == places["en"] for language in LANGUAGES)


def test_what_others_wrote_is_shown_as_what_it_is() -> None:
    facts = line("ic-4", "FABE", "AP-SET-000001", 3)
    assert facts.lowering is not None
    strange = replace(facts, lowering=structs.replace(facts.lowering, document="VPAY\u202e-7"))
    assert "Payment VPAY\\u202e-7 is of" in said(strange)


def test_an_amount_has_the_digits_of_its_currency() -> None:
    assert Wording("en", codes=True).money(Money(Decimal(1234567), "JPY"), code=True) == "1,234,567 JPY"
    assert Wording("de", codes=True).money(Money(Decimal("1234.5"), "KWD"), code=True) == "1.234,500 KWD"
