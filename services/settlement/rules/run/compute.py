"""A run from its claims to its records, and what must be there before it is posted (rules.md, "A run, step by step")."""

from __future__ import annotations

from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.differences import settle_differences
from services.settlement.rules.run.order import put_in_order
from services.settlement.rules.run.pairing import pair_up
from services.settlement.rules.run.records import Recorded, make_records
from services.settlement.rules.run.state import Run
from services.settlement.rules.values import Need, detail
from shared.events.settlements import SettledDocument


def compute(run: Run, first_number: int) -> tuple[list[SettledDocument], list[Recorded]]:
    """Steps 2 to 7. WaitForError names the first thing, in the order of events.md, that holds the run back."""
    try:
        put_in_order(run)
        pair_up(run)
        settle_differences(run)
        documents, recorded = make_records(run, first_number)
    except WaitForError as missing:
        _wait_for_accounting(run)
        raise missing from None
    _wait_for_accounting(run)
    _wait_for_profiles(run)
    _wait_for_periods(run)
    return documents, recorded


def _wait_for_accounting(run: Run) -> None:
    """F-A08: each direction that is used must be defined, if any is."""
    pairs = [(pair.lowering, pair.raising) for pair in run.pairs]
    if run.pairing is not None:
        pairs.append(run.pairing)
    for lowering, raising in pairs:
        payer, invoice = lowering.document.company, raising.document.company
        for company, partner in ((payer, invoice), (invoice, payer)):
            if company != partner and not run.reference.has_intercompany_accounting(company, partner):
                key = detail(company=company, partner=partner)
                raise WaitForError(Need("intercompany-accounting", key, ("intercompany-accounting", company, partner)))


def _wait_for_profiles(run: Run) -> None:
    """F-A05, F-A06: across companies, a payment's profile and method must exist in every company that defines any."""
    companies = run.companies()
    payments = list(
        {claim.document.key: claim.document for pair in run.pairs for claim in (pair.lowering, pair.raising) if claim.is_payment}.values()
    )
    if len(companies) < 2:  # noqa: PLR2004 - across companies
        return
    for payment in payments:
        for company in companies:
            profiles = run.reference.posting_profiles.get(company)
            if payment.posting_profile is not None and profiles and payment.posting_profile not in profiles:
                key = detail(company=company, posting_profile=payment.posting_profile)
                raise WaitForError(Need("posting-profile", key, ("posting-profile", company, payment.posting_profile)))
    for payment in payments:
        for company in companies:
            methods = run.reference.methods.get(company)
            if payment.method_of_payment is not None and methods and payment.method_of_payment not in methods:
                key = detail(company=company, method=payment.method_of_payment)
                raise WaitForError(Need("method-of-payment", key, ("method-of-payment", company, payment.method_of_payment)))


def _wait_for_periods(run: Run) -> None:
    """C41: the date of any record in a closed period of any company of its records holds the whole run back."""
    for pair in run.pairs:
        for company in run.companies():
            if run.reference.is_closed(company, pair.date):
                raise WaitForError(period_need(company, pair.date.isoformat()))


def period_need(company: str, day: str) -> Need:
    """The wait for a period of a company to be opened."""
    return Need("period", detail(company=company, date=day), ("period", company))
