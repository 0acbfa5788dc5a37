"""What a settlement between two companies needs, there or missing, as the settlement itself would miss it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.desk.readiness import NeededThing, PairQuestion, is_ready, pair_readiness
from shared.events import reference as events
from shared.reference import Reference

DAY = dt.date(2026, 3, 12)
ASKED = PairQuestion("FAB", "FABE", "payable", "P", "USD", DAY)

DEFINED: dict[str, Any] = {
    "payer": events.CompanyDefined(company="FAB", currency="USD"),
    "owner": events.CompanyDefined(company="FABE", currency="EUR"),
    "members": events.CentralizedPaymentsMembersDefined(members=["FAB", "FABE"]),
    "party": events.PartyDefined(party="P", vendors={"FAB": ["4050"], "FABE": ["4060"]}),
    "there": events.IntercompanyAccountingDefined(company="FAB", partner="FABE", due_from="1300"),
    "back": events.IntercompanyAccountingDefined(company="FABE", partner="FAB"),
    "rate": events.ExchangeRatePublished(from_="USD", to="EUR", date=DAY, rate=Decimal("0.9")),
    "profile": events.PostingProfileDefined(company="FABE", posting_profile="GEN"),
    "own profile": events.PostingProfileDefined(company="FAB", posting_profile="GEN"),
    "method": events.MethodsOfPaymentDefined(company="FABE", methods=["CHECK"]),
    "own method": events.MethodsOfPaymentDefined(company="FAB", methods=["CHECK"]),
    "relation": events.TradingRelationDefined(
        seller=events.Seller(company="FAB", customer="C-1"), buyer=events.Buyer(company="FABE", vendor="4060"), payment_journal="J"
    ),
    "journal": events.PaymentJournalDefined(company="FAB", journal="J"),
    "customer": events.PartyDefined(party="Q", customers={"FAB": ["C-1"]}),
}


def things(without: str | None = None, asked: PairQuestion = ASKED, **more: Any) -> list[NeededThing]:
    reference = Reference()
    for name, data in {**DEFINED, **more}.items():
        if name != without:
            reference.take(data)
    return pair_readiness(reference, asked)


def missing(found: list[NeededThing]) -> list[tuple[str, str, str]]:
    return [(thing.company, thing.reason, thing.when) for thing in found if not thing.is_there]


def test_with_everything_there_they_are_ready() -> None:
    found = things()
    assert missing(found) == []
    assert is_ready(found)
    assert [thing.reason for thing in found] == [
        *("company", "company", "member", "member", "account", "account", "intercompany-accounting", "intercompany-accounting"),
        *("exchange-rate", "posting-profile", "method-of-payment", "period", "period", "trading-relation", "payment-journal"),
    ]
    assert {thing.found for thing in found if thing.reason in {"account", "exchange-rate"}} == {("4050",), ("4060",), ("0.9",)}


@pytest.mark.parametrize(
    ("without", "expected", "ready"),
    [
        ("payer", [("FAB", "company", "always")], False),
        ("owner", [("FABE", "company", "always")], False),
        ("party", [("FAB", "account", "always"), ("FABE", "account", "always")], False),
        ("there", [("FAB", "intercompany-accounting", "always")], False),
        ("back", [("FABE", "intercompany-accounting", "always")], False),
        ("rate", [("FABE", "exchange-rate", "always")], False),
        ("relation", [("FABE", "trading-relation", "of-intercompany-invoices")], True),
        ("journal", [("FAB", "payment-journal", "of-intercompany-invoices")], True),
        ("customer", [("FAB", "account", "of-intercompany-invoices")], True),
    ],
)
def test_what_is_not_defined_is_missing(without: str, expected: list[tuple[str, str, str]], ready: bool) -> None:  # noqa: FBT001
    found = things(without)
    assert missing(found) == expected
    assert is_ready(found) == ready


@pytest.mark.parametrize(
    ("more", "expected", "ready"),
    [
        ({"members": events.CentralizedPaymentsMembersDefined(members=["FAB"])}, [("FABE", "member", "always")], False),
        (
            {"profile": events.PostingProfileDefined(company="FABE", posting_profile="X")},
            [("FABE", "posting-profile", "with-this-profile")],
            True,
        ),
        (
            {"method": events.MethodsOfPaymentDefined(company="FABE", methods=["X"])},
            [("FABE", "method-of-payment", "by-this-method")],
            True,
        ),
        ({"closed": events.PeriodClosed(company="FABE", from_=DAY, to=DAY)}, [("FABE", "period", "always")], False),
    ],
)
def test_what_is_defined_otherwise_is_missing(more: dict[str, Any], expected: list[tuple[str, str, str]], ready: bool) -> None:  # noqa: FBT001
    found = things(None, **more)
    assert missing(found) == expected
    assert is_ready(found) == ready


def test_where_nobody_has_said_which_all_will_do() -> None:
    without: dict[str, Any] = {
        "there": DEFINED["payer"],
        "back": DEFINED["payer"],
        "members": DEFINED["payer"],
        "profile": DEFINED["payer"],
    }
    assert missing(things(None, **without)) == []


def test_a_rate_that_is_too_old_for_the_company_is_missing_and_the_inverse_of_the_payers_will_do() -> None:
    old = events.ExchangeRatePublished(from_="USD", to="EUR", date=DAY - dt.timedelta(days=9), rate=Decimal("0.9"), company="FABE")
    strict = replace(DEFINED["owner"], maximum_rate_age_days=5)
    payers = events.ExchangeRatePublished(from_="EUR", to="USD", date=DAY, rate=Decimal("1.25"), company="FAB")
    assert missing(things(None, rate=old, owner=strict)) == [("FABE", "exchange-rate", "always")]
    found = things(None, rate=old, owner=strict, more=payers)
    assert [thing.found for thing in found if thing.reason == "exchange-rate"] == [("0.8",)]


def test_within_a_company_nothing_is_asked_of_others() -> None:
    found = things(None, replace(ASKED, owner="FAB"))
    assert {thing.reason for thing in found if thing.when == "always"} == {"company", "account", "period"}
    assert is_ready(found)


def test_in_a_third_currency_the_payers_rate_and_the_owners_of_both_currencies_are_named() -> None:
    found = things(None, replace(ASKED, currency="GBP"))
    rates = [(thing.company, thing.key["from"], thing.key["to"], thing.when) for thing in found if thing.reason == "exchange-rate"]
    assert rates == [
        ("FAB", "GBP", "USD", "always"),
        ("FABE", "GBP", "EUR", "across-currencies"),
        ("FABE", "USD", "EUR", "always"),
    ]
