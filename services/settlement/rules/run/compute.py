"""A run from its open items to its records, and what must be there before it is posted (rules.md, "A run, step by step").

Invariant: the order of the steps is that of the rules, the order of what is waited for that of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.settlement.rules.run.cash_discount import reduce_by_overpayments, settle_fully
from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.differences import write_off
from services.settlement.rules.run.order import put_in_order
from services.settlement.rules.run.pairing import match_all
from services.settlement.rules.run.records import MadeRecord, make_records
from services.settlement.rules.run.state import Run
from shared.reference import Reference
from shared.waiting import for_intercompany_accounting, for_method_of_payment, for_period, for_posting_profile


def compute(run: Run, first_number: int) -> list[MadeRecord]:
    """Steps 2 to 7. WaitForError names the first thing, in the order of events.md, that holds the run back."""
    try:
        run.restart()
        put_in_order(run)
        match_all(run)
        reduce_by_overpayments(run)
        settle_fully(run)
        write_off(run)
        run.end_matching()
        records = make_records(run, first_number)
    except WaitForError as missing:
        _wait_for_accounting(run, run.looked_at)
        raise missing from None
    companies = list(dict.fromkeys([item.document.company for item in run.matched]))
    if len(companies) > 1:
        pairs = [(match.lowering.document.company, match.raising.document.company) for match in run.matches]
        _wait_for_accounting(run, dict.fromkeys(pairs))
        _wait_for_profiles(run, companies)
    _wait_for_periods(run, companies)
    return records


def _wait_for_accounting(run: Run, pairs: Iterable[tuple[str, str]]) -> None:
    """F-A08: each direction that is used must be defined, if any is; `pairs`: the companies of L and R."""
    for payment, invoice in pairs:
        for company, partner in ((payment, invoice), (invoice, payment)):
            if company != partner and not run.reference.has_intercompany_accounting(company, partner):
                raise WaitForError(for_intercompany_accounting(company, partner))


def _wait_for_profiles(run: Run, companies: list[str]) -> None:
    """F-A05, F-A06: across companies, a payment's profile and method must exist in every company that defines any."""
    payments = [item.document for item in run.matched if item.is_payment]
    for payment in payments:
        for company in companies:
            profile = payment.posting_profile
            if profile is not None and not has_profile(run.reference, company, profile):
                raise WaitForError(for_posting_profile(company, profile))
    for payment in payments:
        for company in companies:
            method = payment.method_of_payment
            if method is not None and not has_method(run.reference, company, method):
                raise WaitForError(for_method_of_payment(company, method))


def has_profile(reference: Reference, company: str, profile: str) -> bool:
    """Whether a payment with this posting profile may settle in a company: it defines the profile, or none at all (F-A05)."""
    profiles = reference.posting_profiles.get(company)
    return not profiles or profile in profiles


def has_method(reference: Reference, company: str, method: str) -> bool:
    """Whether a payment by this method may settle in a company: it defines the method, or none at all (F-A06)."""
    methods = reference.methods.get(company)
    return not methods or method in methods


def _wait_for_periods(run: Run, companies: list[str]) -> None:
    """C41: the date of any record in a closed period of any company of its records holds the whole run back."""
    for date in dict.fromkeys([match.date for match in run.matches]) if run.reference.periods else ():
        for company in companies:
            if run.reference.is_closed(company, date):
                raise WaitForError(for_period(company, date))
