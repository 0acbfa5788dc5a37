"""The parameters that decide where and within what something is posted, as they are in force now.

Invariant: a parameter that nobody has set says so (`of` is None) and has its default. The reference table keeps neither the event
nor the time of a definition: those are for a lookup that has its history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.desk.why.facts import Asked, Lookup, Parameter
from shared.reference import RECEIVABLE, SUMMARY_TYPE, Reference

if TYPE_CHECKING:
    from shared.events.values import Ledger

_DEFAULTS: Final = {"post_cash_discount": "invoice", "post_exchange_gain_or_loss": "payment"}
_ACCOUNTS: Final = frozenset({"due_to", "due_from"})


def lookup_in(reference: Reference) -> Lookup:
    """What is in force in this reference data."""
    return lambda asked: _found(reference, asked)


def _found(reference: Reference, asked: Asked) -> Parameter:
    if asked.name in _DEFAULTS:
        return _option(reference, asked)
    if asked.name in _ACCOUNTS and asked.partner is not None:
        defined = (asked.company, asked.partner) in reference.intercompany
        account = reference.intercompany_account(asked.company, asked.partner, asked.name)
        return Parameter(asked, account, "intercompany_accounting" if defined else None)
    if asked.name == "summary_account":
        return Parameter(asked, reference.main_account(asked.company, SUMMARY_TYPE[asked.ledger]), "chart")
    ledger: Ledger = "receivable" if asked.ledger == RECEIVABLE else "payable"
    value = getattr(reference.parameters(asked.company, ledger), asked.name)
    defined = (asked.company, ledger) in reference.settlement_parameters
    return Parameter(asked, str(value), "settlement_parameters" if defined else None)


def _option(reference: Reference, asked: Asked) -> Parameter:
    """Who posts: by the pair's intercompany accounting, else the company's centralized payments, else the default (F-C10)."""
    value = reference.posting_option(asked.name, asked.ledger, asked.company, asked.partner or "")
    if value is None:
        return Parameter(asked, _DEFAULTS[asked.name])
    pair = reference.intercompany.get((asked.company, asked.partner or ""))
    by_pair = pair is not None and getattr(pair, asked.name) is not None
    return Parameter(asked, value, "intercompany_accounting" if by_pair else "centralized_payments")
