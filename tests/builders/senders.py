"""Events of every inbound type, the sender who may send them, and records on senders' own topics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.events.contract import CONTRACT, sender_topic
from shared.events.envelope import Record
from shared.events.reference import SenderDefined
from tests.builders.records import INVOICE, PAYMENT, binary

KINDS = ("invoices", "payments", "requests", "reference")
SENDER: dict[str, Any] = {"companies": ["FAB", "FABE"], "sources": ["erp"], "may": list(KINDS)}
"""Speaks for FAB and FABE, and for no other company."""

ASKED: dict[str, Any] = {"ledger": "payable", "settle": [{"company": "FAB", "document": "VPAY-7"}, {"company": "FABE", "document": "VI-7"}]}
_PAIR: dict[str, Any] = {"company": "FAB", "partner": "FABW"}
_TRADE: dict[str, Any] = {
    "seller": {"company": "FAB", "customer": "IC-EAST"},
    "buyer": {"company": "FABE", "vendor": "IC-WEST"},
    "payment_journal": "J",
}
_DAYS: dict[str, Any] = {"company": "FAB", "from": "2026-01-01", "to": "2026-01-31"}

OF_COMPANIES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "customer-invoice.posted": (INVOICE, ("/company",)),
    "vendor-invoice.posted": (INVOICE, ("/company",)),
    "customer-payment.posted": (PAYMENT, ("/company",)),
    "vendor-payment.posted": (PAYMENT, ("/company",)),
    "settlement.requested": (ASKED, ("/settle/0/company", "/settle/1/company")),
    "settlement-reversal.requested": ({"ledger": "payable", "payment": {"company": "FAB", "document": "P"}}, ("/payment/company",)),
    "document-reversal.requested": ({"ledger": "payable", "document": {"company": "FAB", "document": "P"}}, ("/document/company",)),
    "payment-reversal.requested": ({"ledger": "payable", "payment": {"company": "FAB", "document": "P"}}, ("/payment/company",)),
    "journal-approval.requested": ({"company": "FAB", "journal": "J", "document": "J-FABE-P-1"}, ("/company",)),
    "voucher.imported": ({"company": "FAB", "voucher": "AR-SET-000012", "erp_number": "GJ-4711"}, ("/company",)),
    "voucher.import-failed": ({"company": "FAB", "voucher": "AR-SET-000012", "message": "closed"}, ("/company",)),
    "company.defined": ({"company": "FAB", "currency": "USD"}, ("/company",)),
    "centralized-payments.defined": ({"company": "FAB"}, ("/company",)),
    "intercompany-accounting.defined": (_PAIR, ("/company",)),
    "settlement-parameters.defined": ({"company": "FAB", "ledger": "payable"}, ("/company",)),
    "posting-profile.defined": ({"company": "FAB", "posting_profile": "GEN"}, ("/company",)),
    "methods-of-payment.defined": ({"company": "FAB", "methods": ["EFT"]}, ("/company",)),
    "payment-journal.defined": ({"company": "FAB", "journal": "J"}, ("/company",)),
    "trading-relation.defined": (_TRADE, ("/seller/company", "/buyer/company")),
    "exchange-rate.published": ({"company": "FAB", "from": "EUR", "to": "USD", "date": "2026-01-01", "rate": "1.25"}, ("/company",)),
    "period.closed": (_DAYS, ("/company",)),
    "period.opened": (_DAYS, ("/company",)),
    "reference.withdrawn": ({"event": "payment-journal.defined", "company": "FAB", "journal": "J"}, ("/company",)),
}
"""Of each type that concerns companies: what SENDER may send, and where the companies stand."""

OF_THE_GROUP: list[tuple[str, dict[str, Any]]] = [
    ("party.defined", {"party": "NW", "customers": {"FAB": "4000"}}),
    ("centralized-payments-members.defined", {"members": ["FAB"]}),
    ("exchange-rate.published", {"from": "EUR", "to": "USD", "date": "2026-01-01", "rate": "1.25"}),
    ("reference.withdrawn", {"event": "exchange-rate.published", "from": "EUR", "to": "USD", "date": "2026-01-01"}),
    ("reference.withdrawn", {"event": "centralized-payments-members.defined"}),
]
"""What concerns no single company."""


def defined(**other: Any) -> SenderDefined:
    """SENDER as defined, but for what is said here."""
    return SenderDefined("erp-eu", **{**SENDER, **other})


def elsewhere(data: Any, field: str, company: str = "FABW") -> Any:
    """The data with another company in this place."""
    step, _, rest = field[1:].partition("/")
    if isinstance(data, list):
        return [elsewhere(each, f"/{rest}", company) if number == int(step) else each for number, each in enumerate(data)]
    return {**data, step: elsewhere(data[step], f"/{rest}", company) if rest else company}


def sent(name: str, data: Any, sender: str = "erp-eu", **attributes: str) -> Record:
    """A record on the sender's own topic for events of this type."""
    return binary(name, data, topic=sender_topic(CONTRACT[name].topic, sender), **attributes)


def on_topic_of(record: Record, sender: str) -> Record:
    """The same record on a sender's own topic."""
    return replace(record, topic=sender_topic(record.topic, sender))
