"""Why something waits: the order of the table, and the keys by which the stores find it, which are stored and must not change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise

import pytest

from shared import waiting
from shared.waiting import OF_DOCUMENTS, OF_SALES_PAYMENTS, OF_SETTLEMENTS, Need, rank

DAY = dt.date(2026, 3, 12)

NEEDS: list[tuple[Callable[[], Need], str, dict[str, str], tuple[str, ...]]] = [
    (lambda: waiting.for_company("FAB"), "company", {"company": "FAB"}, ("company", "FAB")),
    (
        lambda: waiting.for_account("payable", "FAB", "V"),
        "account",
        {"company": "FAB", "ledger": "payable", "account": "V"},
        ("account", "payable", "FAB", "V"),
    ),
    (
        lambda: waiting.for_exchange_rate("FAB", "USD", "EUR", DAY),
        "exchange-rate",
        {"company": "FAB", "from": "USD", "to": "EUR", "date": "2026-03-12"},
        ("exchange-rate", "EUR", "USD"),
    ),
    (lambda: waiting.for_period("FAB", DAY), "period", {"company": "FAB", "date": "2026-03-12"}, ("period", "FAB")),
    (
        lambda: waiting.for_intercompany_accounting("FAB", "FABE"),
        "intercompany-accounting",
        {"company": "FAB", "partner": "FABE"},
        ("intercompany-accounting", "FAB", "FABE"),
    ),
    (
        lambda: waiting.for_posting_profile("FAB", "GEN"),
        "posting-profile",
        {"company": "FAB", "posting_profile": "GEN"},
        ("posting-profile", "FAB", "GEN"),
    ),
    (
        lambda: waiting.for_method_of_payment("FAB", "EFT"),
        "method-of-payment",
        {"company": "FAB", "method": "EFT"},
        ("method-of-payment", "FAB", "EFT"),
    ),
    (
        lambda: waiting.for_trading_relation("FABW", "FABE", "V"),
        "trading-relation",
        {"seller": "FABW", "buyer": "FABE", "vendor": "V"},
        ("trading-relation", "FABW", "FABE", "V"),
    ),
    (
        lambda: waiting.for_payment_journal("FABW", "J"),
        "payment-journal",
        {"company": "FABW", "journal": "J"},
        ("payment-journal", "FABW", "J"),
    ),
]


@pytest.mark.parametrize(("need", "reason", "key", "wake_key"), NEEDS, ids=[reason for _, reason, *_ in NEEDS])
def test_what_waits_says_what_is_missing_and_is_found_by_the_key_that_is_stored(
    need: Callable[[], Need], reason: str, key: dict[str, str], wake_key: tuple[str, ...]
) -> None:
    assert need() == Need(reason, key, wake_key)


def test_of_several_reasons_that_of_the_document_comes_first_then_the_settlements_then_the_sales_payments() -> None:
    ranks = [rank(reason, of_document=True) for reason in OF_DOCUMENTS]
    ranks += [rank(reason, of_document=False) for reason in (*OF_SETTLEMENTS, *OF_SALES_PAYMENTS)]
    assert all(one < other for one, other in pairwise(ranks))
    assert rank("reservation", of_document=True) == rank("reservation", of_document=False)
