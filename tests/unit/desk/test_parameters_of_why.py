"""The parameters that a sentence names: in force now, or as they were, with the event that set them."""

from __future__ import annotations

from typing import Any

from services.desk.why.facts import Asked, Parameter
from services.desk.why.parameters import keys_asked, lookup_in, lookup_of
from shared.events.envelope import EventRef
from shared.events.reference import SettlementParametersDefined
from shared.reference import Reference

OPTION = Asked("post_cash_discount", "FAB", "FABE", "payable")
LIMIT = Asked("maximum_overpayment_or_underpayment", "FAB", None, "payable")


def version(position: int, key: str, type_: str, **data: Any) -> dict[str, Any]:
    event = {"source": "erp", "id": f"e{position}"}
    return {"key": key, "position": position, "type": type_, "data": data, "event": event, "from": f"2026-03-0{position}"}


VERSIONS = [
    version(1, "centralized-payments/FAB", "centralized-payments.defined", company="FAB", post_cash_discount="invoice"),
    version(2, "centralized-payments/FAB", "centralized-payments.defined", company="FAB", post_cash_discount="payment"),
    version(3, "intercompany-accounting/FAB/FABE", "intercompany-accounting.defined", company="FAB", partner="FABE",
            post_cash_discount="invoice"),
    version(4, "intercompany-accounting/FAB/FABE", "reference.withdrawn", event="intercompany-accounting.defined", company="FAB",
            partner="FABE"),
]  # fmt: skip


def at(position: int) -> Parameter:
    return lookup_of(VERSIONS, lambda each: each["position"] <= position)(OPTION)


def test_before_anything_is_set_the_default_counts_and_says_so() -> None:
    assert at(0) == Parameter(OPTION, "invoice")


def test_the_last_version_that_was_there_counts_with_its_event() -> None:
    assert at(1) == Parameter(OPTION, "invoice", "centralized_payments", EventRef("erp", "e1"), "2026-03-01")
    assert at(2) == Parameter(OPTION, "payment", "centralized_payments", EventRef("erp", "e2"), "2026-03-02")


def test_the_pairs_own_option_counts_first_until_it_is_withdrawn() -> None:
    assert at(3) == Parameter(OPTION, "invoice", "intercompany_accounting", EventRef("erp", "e3"), "2026-03-03")
    assert at(4) == at(2)


def test_what_is_in_force_now_has_neither_event_nor_time() -> None:
    reference = Reference()
    assert lookup_in(reference)(LIMIT) == Parameter(LIMIT, "0")
    reference.take(SettlementParametersDefined("FAB", "payable", maximum_overpayment_or_underpayment=1))  # type: ignore[arg-type]
    assert lookup_in(reference)(LIMIT) == Parameter(LIMIT, "1", "settlement_parameters")


def test_what_may_be_asked_for_is_known_beforehand() -> None:
    assert keys_asked(["FABE", "FAB", "FAB"], "payable") == [
        *("company/FAB", "company/FABE"),
        *("settlement-parameters/FAB/payable", "settlement-parameters/FABE/payable"),
        *("centralized-payments/FAB", "centralized-payments/FABE"),
        *("intercompany-accounting/FAB/FABE", "intercompany-accounting/FABE/FAB"),
    ]
