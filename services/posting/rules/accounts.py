"""Posting types and the main accounts of a company's chart.

Invariant: a posting type without a main account in the company's chart stands for itself as account; the
account of an over- or underpayment falls back to that of the cash discount first (C7).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from shared.events.kinds import DEFAULT_OFFSET
from shared.events.reference import CompanyDefined

CASH_DISCOUNT: Final = "cash_discount"
OVERPAYMENT_UNDERPAYMENT: Final = "overpayment_underpayment"
PENNY_DIFFERENCE: Final = "penny_difference"
REALIZED_GAIN: Final = "realized_gain"
REALIZED_LOSS: Final = "realized_loss"
DUE_TO: Final = "due_to"
DUE_FROM: Final = "due_from"
SALES_TAX: Final = "sales_tax"

POSTING_TYPES: Final = frozenset(DEFAULT_OFFSET.values()) | {
    "accounts_receivable",
    "accounts_payable",
    CASH_DISCOUNT,
    OVERPAYMENT_UNDERPAYMENT,
    PENNY_DIFFERENCE,
    REALIZED_GAIN,
    REALIZED_LOSS,
    DUE_TO,
    DUE_FROM,
    SALES_TAX,
}


class PartyItem(Struct, frozen=True, gc=False):
    """The document whose balance a receivable or payable line changes: its party, the party's account, its number."""

    party: str | None
    account: str | None
    document: str | None


NO_ITEM: Final = PartyItem(None, None, None)
"""Of a line that changes no document's balance."""


class Account(Struct, frozen=True, gc=False):
    """Where a line goes: posting type, main account, dimensions, and the other company on `due_to` and `due_from`.

    `item` is the document whose balance it changes, on its summary account.
    """

    posting_type: str
    account: str
    dimensions: dict[str, str]
    partner: str | None = None
    item: PartyItem = NO_ITEM


def main_account(company: CompanyDefined, posting_type: str) -> str:
    """The main account of a posting type in the company's chart, the first of several (C7 for over- and underpayments).

    Without one the posting type stands for itself.
    """
    listed = company.accounts.get(posting_type)
    if not listed and posting_type == OVERPAYMENT_UNDERPAYMENT:
        listed = company.accounts.get(CASH_DISCOUNT)
    return listed[0] if listed else posting_type


def offset(company: CompanyDefined, account: str, default: str) -> tuple[str, str]:
    """The posting type and main account of an offset line whose account is a posting type or a main account.

    A main account has the posting type under which the chart lists it, `default` first where there are several, and
    `default` where there is none.
    """
    chart = company.accounts
    if account in chart or account in POSTING_TYPES:
        return account, main_account(company, account)
    if account in chart.get(default, ()):
        return default, account
    return next((posting_type for posting_type, listed in chart.items() if account in listed), default), account
