"""The reference data answers what a rule asks: which rate, whose option, which account, which period."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from shared.events.reference import (
    Buyer,
    CentralizedPaymentsDefined,
    CentralizedPaymentsMembersDefined,
    CompanyDefined,
    ExchangeRatePublished,
    IntercompanyAccountingDefined,
    MethodsOfPaymentDefined,
    PartyDefined,
    PaymentJournalDefined,
    PeriodClosed,
    PeriodOpened,
    PostingOptions,
    PostingProfileDefined,
    ProfileAccounts,
    ReferenceWithdrawn,
    Seller,
    SettlementParametersDefined,
    TradingRelationDefined,
)
from shared.reference import AccountKey, Reference

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


def _reference(*events: Any) -> Reference:
    reference = Reference()
    for event in events:
        reference.take(event)
    return reference


def _rate(from_: str, to: str, rate: str, on: date = JANUARY, company: str | None = None) -> ExchangeRatePublished:
    return ExchangeRatePublished(from_, to, on, Decimal(rate), company)


OWN, OWN_BACK = _rate("EUR", "USD", "1.1", company="FAB"), _rate("USD", "EUR", "0.5", company="FAB")
ALL, ALL_BACK = _rate("EUR", "USD", "1.3"), _rate("USD", "EUR", "0.25")


@pytest.mark.parametrize(
    ("published", "rate"),
    [
        ([OWN, OWN_BACK, ALL, ALL_BACK], Fraction(11, 10)),
        ([OWN_BACK, ALL, ALL_BACK], Fraction(2)),
        ([ALL, ALL_BACK], Fraction(13, 10)),
        ([ALL_BACK], Fraction(4)),
        ([], None),
    ],
)
def test_the_companys_rate_before_the_general_one_and_direct_before_inverse(published: list[Any], rate: Fraction | None) -> None:
    assert _reference(*published).rate("FAB", "EUR", "USD", JANUARY) == rate


@pytest.mark.parametrize(
    ("published", "rate"),
    [
        ([OWN, OWN_BACK, ALL, ALL_BACK], Fraction(10, 11)),
        ([OWN_BACK, ALL, ALL_BACK], Fraction(1, 2)),
        ([ALL, ALL_BACK], Fraction(10, 13)),
        ([ALL_BACK], Fraction(1, 4)),
        ([], None),
    ],
)
def test_out_of_a_companys_own_currency_a_rate_is_the_inverse_of_the_one_into_it(published: list[Any], rate: Fraction | None) -> None:
    assert _reference(CompanyDefined("FAB", "USD"), *published).rate("FAB", "USD", "EUR", JANUARY) == rate


def test_a_rate_is_the_latest_on_or_before_the_date_whichever_came_first() -> None:
    for order in ([ALL, _rate("EUR", "USD", "1.4", FEBRUARY)], [_rate("EUR", "USD", "1.4", FEBRUARY), ALL]):
        reference = _reference(*order)
        assert reference.rate("FAB", "EUR", "USD", date(2025, 12, 31)) is None
        assert reference.rate("FAB", "EUR", "USD", date(2026, 1, 31)) == Fraction(13, 10)
        assert reference.rate("FAB", "EUR", "USD", FEBRUARY) == Fraction(14, 10)


def test_a_rate_published_again_replaces_the_one_of_its_day_and_no_other() -> None:
    reference = _reference(ALL, _rate("EUR", "USD", "1.4", FEBRUARY), _rate("EUR", "USD", "1.5", FEBRUARY))
    assert reference.rate("FAB", "EUR", "USD", JANUARY) == Fraction(13, 10)
    assert reference.rate("FAB", "EUR", "USD", FEBRUARY) == Fraction(3, 2)


@pytest.mark.parametrize(("published", "rate"), [([ALL], Fraction(13, 10)), ([ALL_BACK], Fraction(4))])
def test_a_rate_older_than_the_company_allows_is_none_whichever_way_it_was_published(published: list[Any], rate: Fraction) -> None:
    reference = _reference(CompanyDefined("FAB", "GBP", maximum_rate_age_days=30), *published)
    assert reference.rate("FAB", "EUR", "USD", date(2026, 1, 31)) == rate
    assert reference.rate("FAB", "EUR", "USD", FEBRUARY) is None


def test_a_currency_is_worth_itself() -> None:
    assert _reference().rate("FAB", "EUR", "EUR", JANUARY) == 1


BY_LEDGER = CentralizedPaymentsDefined(
    "FAB",
    post_cash_discount="payment",
    receivable=PostingOptions(post_cash_discount="invoice"),
    payable=PostingOptions(post_exchange_gain_or_loss="invoice"),
)


@pytest.mark.parametrize(
    ("ledger", "partner", "discount", "gain"),
    [
        ("receivable", "FABE", "payment", "invoice"),  # the pair says both
        ("payable", "FABE", "payment", "invoice"),
        ("receivable", "FABW", "invoice", None),  # the ledger's own entry
        ("payable", "FABW", "payment", "invoice"),  # it, then the company's
        ("payable", "FABN", "payment", "invoice"),  # the pair is defined and says nothing
    ],
)
def test_the_pairs_option_before_the_ledgers_before_the_companys(ledger: str, partner: str, discount: str, gain: str | None) -> None:
    pair = IntercompanyAccountingDefined("FAB", "FABE", post_cash_discount="payment", post_exchange_gain_or_loss="invoice")
    reference = _reference(BY_LEDGER, pair, IntercompanyAccountingDefined("FAB", "FABN", due_to="2380"))
    assert reference.posting_option("post_cash_discount", ledger, "FAB", partner) == discount
    assert reference.posting_option("post_exchange_gain_or_loss", ledger, "FAB", partner) == gain


def test_a_company_that_says_nothing_has_no_option() -> None:
    assert _reference(BY_LEDGER).posting_option("post_cash_discount", "payable", "FABE", "FAB") is None


PROFILE = PostingProfileDefined(
    "FAB",
    "GEN",
    receivable=ProfileAccounts(all="1200", groups={"DOM": "1210"}, accounts={"C-1": "1220"}),
    payable=ProfileAccounts(groups={"DOM": "2210"}),
)
PARTY = PartyDefined(
    "NW", customers={"FAB": ["C-1"]}, vendors={"FAB": ["V-1"]}, customer_groups={"FAB": "DOM"}, vendor_groups={"FAB": "DOM"}
)
OTHER = PartyDefined("AW", customers={"FAB": ["C-2"]}, customer_groups={"FAB": "DOM"})
THIRD = PartyDefined("CO", customers={"FAB": ["C-3"]}, vendors={"FAB": ["V-3"]})
CHART = CompanyDefined("FAB", "USD", accounts={"accounts_receivable": ["1000"], "accounts_payable": ["2000"]})


@pytest.mark.parametrize(
    ("ledger", "account", "profile", "summary"),
    [
        ("receivable", "C-1", "GEN", "1220"),
        ("receivable", "C-2", "GEN", "1210"),
        ("receivable", "C-3", "GEN", "1200"),
        ("payable", "V-1", "GEN", "2210"),
        ("payable", "V-3", "GEN", "2000"),
        ("receivable", "C-1", None, "1000"),
        ("receivable", "C-1", "OLD", "1000"),
    ],
)
def test_a_profile_is_searched_account_group_all_and_then_the_chart(ledger: str, account: str, profile: str | None, summary: str) -> None:
    reference = _reference(CHART, PROFILE, PostingProfileDefined("FAB", "NEW"), PARTY, OTHER, THIRD)
    assert reference.summary_account(AccountKey(ledger, "FAB", account), profile) == summary


def test_without_a_chart_a_posting_type_stands_for_itself() -> None:
    reference = _reference(CompanyDefined("FAB", "USD"))
    assert reference.main_account("FAB", "cash") == reference.main_account("FABX", "cash") == "cash"


def test_a_party_defined_again_gives_up_the_accounts_it_has_no_more() -> None:
    reference = _reference(PROFILE, CHART, PARTY, PartyDefined("NW", customers={"FAB": ["C-9"]}))
    assert reference.party("receivable", "FAB", "C-1") is None
    assert reference.party("payable", "FAB", "V-1") is None
    assert reference.party("receivable", "FAB", "C-9") == "NW"
    assert reference.group_of == {}


def test_an_account_that_another_party_has_taken_stays_with_it() -> None:
    taken = PartyDefined("AW", customers={"FAB": ["C-1"]}, customer_groups={"FAB": "EXP"})
    reference = _reference(PARTY, taken, PartyDefined("NW"))
    assert reference.party("receivable", "FAB", "C-1") == "AW"
    assert reference.group_of == {AccountKey("receivable", "FAB", "C-1"): "EXP"}


def test_the_last_word_on_a_day_counts_and_the_ends_are_closed_too() -> None:
    reference = _reference(PeriodClosed("FAB", JANUARY, date(2026, 3, 31)), PeriodOpened("FAB", FEBRUARY, FEBRUARY))
    closed = [
        day for day in (date(2025, 12, 31), JANUARY, FEBRUARY, date(2026, 3, 31), date(2026, 4, 1)) if reference.is_closed("FAB", day)
    ]
    assert closed == [JANUARY, date(2026, 3, 31)]
    assert not reference.is_closed("FABE", JANUARY)


def test_a_period_closed_again_is_closed() -> None:
    january = (JANUARY, date(2026, 1, 31))
    reference = _reference(PeriodClosed("FAB", *january), PeriodOpened("FAB", *january), PeriodClosed("FAB", *january))
    assert reference.is_closed("FAB", JANUARY)
    assert len(reference.periods["FAB"]) == 1


def test_parameters_that_are_not_defined_are_the_defaults() -> None:
    defined = SettlementParametersDefined("FAB", "payable", automatic_settlement=True)
    reference = _reference(defined)
    assert reference.parameters("FAB", "payable") is defined
    assert reference.parameters("FAB", "receivable") == SettlementParametersDefined("FAB", "receivable")


def test_intercompany_accounting_is_by_direction_and_needed_only_where_the_group_defines_any() -> None:
    reference = _reference(CHART)
    assert reference.has_intercompany_accounting("FAB", "FABE")
    reference.take(IntercompanyAccountingDefined("FAB", "FABE", due_from="1380"))
    assert reference.has_intercompany_accounting("FAB", "FABE")
    assert not reference.has_intercompany_accounting("FABE", "FAB")
    assert reference.intercompany_account("FAB", "FABE", "due_from") == "1380"
    assert reference.intercompany_account("FAB", "FABE", "due_to") == "due_to"
    assert reference.intercompany_account("FABE", "FAB", "due_from") == "due_from"


def test_what_is_not_reference_data_is_an_error() -> None:
    with pytest.raises(TypeError, match="str is not a reference event"):
        _reference("nothing")


def test_a_copy_does_not_change_with_the_original() -> None:
    reference = _reference(CHART, PROFILE, PARTY, ALL, PeriodClosed("FAB", JANUARY, FEBRUARY))
    copy = reference.copy()
    for event in (
        OTHER,
        OWN,
        _rate("EUR", "USD", "9", JANUARY),
        PeriodOpened("FAB", JANUARY, FEBRUARY),
        PostingProfileDefined("FAB", "NEW"),
    ):
        copy.take(event)
    assert reference.party("receivable", "FAB", "C-2") is None
    assert reference.rate("FAB", "EUR", "USD", JANUARY) == Fraction(13, 10)
    assert reference.is_closed("FAB", JANUARY)
    assert set(reference.posting_profiles["FAB"]) == {"GEN"}


# Several accounts, several parties


def test_a_party_may_have_several_accounts_in_a_company_with_one_group() -> None:
    reference = _reference(PartyDefined("P", customers={"FAB": ["C1", "C2"]}, customer_groups={"FAB": "DOM"}))
    assert [reference.party("receivable", "FAB", account) for account in ("C1", "C2", "C3")] == ["P", "P", None]
    assert {key.account: group for key, group in reference.group_of.items()} == {"C1": "DOM", "C2": "DOM"}


def test_of_several_parties_that_name_an_account_the_one_defined_last_has_it() -> None:
    one, other = (
        PartyDefined("ONE", customers={"FAB": ["C1"]}, customer_groups={"FAB": "A"}),
        PartyDefined("TWO", customers={"FAB": ["C1"]}),
    )
    key = AccountKey("receivable", "FAB", "C1")
    for order, owner, group in (((one, other), "TWO", None), ((other, one), "ONE", "A"), ((one, other, one), "ONE", "A")):
        reference = _reference(*order)
        assert (reference.party(*key), reference.group_of.get(key)) == (owner, group)


def test_an_account_that_its_last_party_gives_up_goes_to_the_one_before_and_at_last_to_none() -> None:
    one = PartyDefined("ONE", vendors={"FAB": ["V1"]}, vendor_groups={"FAB": "A"})
    two = PartyDefined("TWO", vendors={"FAB": ["V1"]})
    reference = _reference(one, two, PartyDefined("TWO"))
    assert reference.party("payable", "FAB", "V1") == "ONE"
    assert reference.group_of == {AccountKey("payable", "FAB", "V1"): "A"}
    reference.take(PartyDefined("ONE"))
    assert reference.party("payable", "FAB", "V1") is None
    assert reference.group_of == {}


def test_the_first_of_several_main_accounts_is_posted_to() -> None:
    reference = _reference(CompanyDefined("FAB", "USD", accounts={"sales_tax": ["3806", "3801"]}))
    assert reference.main_account("FAB", "sales_tax") == "3806"


def test_the_currency_of_a_company_never_changes_the_rest_of_it_may() -> None:
    reference = _reference(CompanyDefined("FAB", "USD"))
    assert reference.contradiction(CompanyDefined("FAB", "USD", accounts={"cash": ["1010"]})) is None
    assert reference.contradiction(CompanyDefined("FABE", "EUR")) is None
    field, message = reference.contradiction(CompanyDefined("FAB", "EUR")) or ("", "")
    assert (field, "keeps its books in USD" in message) == ("/currency", True)


# Withdrawals

SELLER, BUYER = Seller("FABW", "IC-EAST"), Buyer("FABE", "IC-WEST")


def test_what_is_withdrawn_is_as_if_it_had_never_been_defined() -> None:
    reference = _reference(
        IntercompanyAccountingDefined("FAB", "FABE"),
        SettlementParametersDefined("FAB", "payable", automatic_settlement=True),
        PostingProfileDefined("FAB", "GEN", ProfileAccounts("1200")),
        PostingProfileDefined("FAB", "OTHER", ProfileAccounts("1300")),
        MethodsOfPaymentDefined("FAB", ["CHECK"]),
        PaymentJournalDefined("FABW", "ARPAY"),
        TradingRelationDefined(SELLER, BUYER, "ARPAY"),
        CentralizedPaymentsDefined("FAB", post_cash_discount="payment"),
        CentralizedPaymentsMembersDefined(["FAB"]),
        OWN,
        ALL,
        ReferenceWithdrawn("intercompany-accounting.defined", "FAB", "FABE"),
        ReferenceWithdrawn("settlement-parameters.defined", "FAB", ledger="payable"),
        ReferenceWithdrawn("posting-profile.defined", "FAB", posting_profile="GEN"),
        ReferenceWithdrawn("methods-of-payment.defined", "FAB"),
        ReferenceWithdrawn("payment-journal.defined", "FABW", journal="ARPAY"),
        ReferenceWithdrawn("trading-relation.defined", seller=SELLER, buyer=BUYER),
        ReferenceWithdrawn("centralized-payments.defined", "FAB"),
        ReferenceWithdrawn("centralized-payments-members.defined"),
        ReferenceWithdrawn("exchange-rate.published", "FAB", from_="EUR", to="USD", date=JANUARY),
    )
    assert reference.has_intercompany_accounting("FAB", "FABW")
    assert not reference.parameters("FAB", "payable").automatic_settlement
    assert list(reference.posting_profiles["FAB"]) == ["OTHER"]
    assert (reference.methods, reference.payment_journals, reference.trading) == ({}, {}, {})
    assert reference.posting_option("post_cash_discount", "payable", "FAB", "FABE") is None
    assert reference.members is None
    assert reference.rate("FAB", "EUR", "USD", FEBRUARY) == Fraction(13, 10)


@pytest.mark.parametrize(
    "event", ["posting-profile.defined", "methods-of-payment.defined", "trading-relation.defined", "exchange-rate.published"]
)
def test_what_is_not_there_is_withdrawn_already(event: str) -> None:
    withdrawn = ReferenceWithdrawn(event, "FAB", posting_profile="GEN", seller=SELLER, buyer=BUYER, from_="EUR", to="USD", date=JANUARY)
    reference = _reference(withdrawn, withdrawn)
    assert (reference.members, reference.methods, reference.trading, reference.rate("FAB", "EUR", "USD", JANUARY)) == (None, {}, {}, None)


def test_a_relation_with_another_customer_account_is_another_relation() -> None:
    other = TradingRelationDefined(Seller("FABW", "IC-2"), BUYER, "SECOND")
    reference = _reference(TradingRelationDefined(SELLER, BUYER, "FIRST"), other)
    place = ("FABW", "FABE", "IC-WEST")
    assert reference.trading[place].payment_journal == "SECOND"
    reference.take(ReferenceWithdrawn("trading-relation.defined", seller=other.seller, buyer=BUYER))
    assert reference.trading[place].payment_journal == "FIRST"


def test_rates_taken_after_a_copy_are_in_one_of_the_two_alone() -> None:
    reference = _reference(ALL)
    copied = reference.copy()
    reference.take(_rate("EUR", "USD", "1.4", FEBRUARY))
    copied.take(_rate("EUR", "USD", "1.5", FEBRUARY))
    assert reference.rate("FAB", "EUR", "USD", FEBRUARY) == Fraction(14, 10)
    assert copied.rate("FAB", "EUR", "USD", FEBRUARY) == Fraction(15, 10)


def test_the_rates_of_a_pair_are_kept_in_one_list_however_many_are_taken() -> None:
    reference = Reference()
    reference.take(ALL)
    kept = reference.rates[None, "EUR", "USD"]
    for day in range(2, 29):
        reference.take(_rate("EUR", "USD", "1.4", date(2026, 1, day)))
    assert reference.rates[None, "EUR", "USD"] is kept
    assert len(kept) == 28
