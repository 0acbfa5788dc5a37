"""What a settlement between two companies needs of the reference data, each thing there or missing.

It asks the functions that the settlement and payment services ask themselves, of the reference data as it is now.

Invariant: what is missing here is what a settlement would wait for or be refused for, under the same reason and key (events.md); what it
needs only in some cases is told apart and says in which.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from services.payment.rules.mirroring import posting_needs
from services.settlement.rules.refusals import is_member
from services.settlement.rules.run.compute import has_method, has_profile
from services.settlement.rules.run.conversion import published_rate
from shared import waiting
from shared.money import exact
from shared.reference import PAYABLE
from shared.waiting import Need, detail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.events.reference import TradingRelationDefined
    from shared.events.values import Ledger
    from shared.reference import Reference

Row = dict[str, Any]

MEMBER: Final = "member"
"""Beside the reasons of events.md: a company that is none is not waited for, the settlement is refused (not-a-member)."""
_RATE_DIGITS: Final = 10
ALWAYS: Final = "always"
ACROSS_CURRENCIES: Final = "across-currencies"
"""Only where the documents' currencies, or what differs, make it: a discount, a write-off, an exchange gain."""
OF_THIS_PROFILE: Final = "with-this-profile"
BY_THIS_METHOD: Final = "by-this-method"
OF_INTERCOMPANY_INVOICES: Final = "of-intercompany-invoices"


@dataclass(frozen=True, slots=True)
class PairQuestion:
    """A payment of `payer` for a document of `owner`, both of the party's accounts in the ledger, in a currency on a date."""

    payer: str
    owner: str
    ledger: Ledger
    party: str
    currency: str
    date: dt.date

    @property
    def companies(self) -> tuple[str, ...]:
        """The two companies, or the one."""
        return tuple(dict.fromkeys((self.payer, self.owner)))


@dataclass(frozen=True, slots=True)
class NeededThing:
    """Something that is needed: for what and which, as events.md has it, whether it is there, and when it is needed.

    `company`: in whose books; `found`: what is there, as texts (accounts, a rate).
    """

    company: str
    reason: str
    key: dict[str, str]
    is_there: bool
    when: str = ALWAYS
    found: tuple[str, ...] = ()

    def as_row(self) -> Row:
        """The thing as an object."""
        about = {"company": self.company, "for": self.reason, "key": self.key, "there": self.is_there}
        return {**about, "needed": self.when, "found": list(self.found)}


def pair_readiness(reference: Reference, asked: PairQuestion) -> list[NeededThing]:
    """Each thing that the settlement needs, in the order in which it would be missed."""
    found = list(_companies(reference, asked))
    if not all(thing.is_there for thing in found):
        return [*found, *_accounts(reference, asked)]
    return [
        *found,
        *_members(reference, asked),
        *_accounts(reference, asked),
        *_intercompany(reference, asked),
        *_rates(reference, asked),
        *_profiles_and_methods(reference, asked),
        *_periods(reference, asked),
        *_trading(reference, asked),
    ]


def is_ready(things: list[NeededThing]) -> bool:
    """Whether nothing is missing that is always needed."""
    return all(thing.is_there for thing in things if thing.when == ALWAYS)


def _thing(company: str, need: Need, *, is_there: bool, when: str = ALWAYS, found: tuple[str, ...] = ()) -> NeededThing:
    return NeededThing(company, need.reason, need.key, is_there, when, found)


def _companies(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    for company in asked.companies:
        yield _thing(company, waiting.for_company(company), is_there=reference.company(company) is not None)


def _members(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    for company in asked.companies if len(asked.companies) > 1 else ():
        yield NeededThing(company, MEMBER, detail(company=company), is_member(reference, company))


def accounts_of(reference: Reference, asked: PairQuestion, company: str) -> tuple[str, ...]:
    """The party's accounts in a company's ledger."""
    party = reference.parties.get(asked.party)
    if party is None:
        return ()
    listed = (party.vendors if asked.ledger == PAYABLE else party.customers).get(company, ())
    return tuple(account for account in listed if reference.party(asked.ledger, company, account) == asked.party)


def _accounts(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    for company in asked.companies:
        found = accounts_of(reference, asked, company)
        key = detail(company=company, ledger=asked.ledger, party=asked.party)
        yield NeededThing(company, "account", key, is_there=bool(found), found=found)


def _intercompany(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    if asked.payer == asked.owner:
        return
    for company, partner in ((asked.payer, asked.owner), (asked.owner, asked.payer)):
        there = reference.has_intercompany_accounting(company, partner)
        accounts = tuple(reference.intercompany_account(company, partner, each) for each in ("due_from", "due_to")) if there else ()
        yield _thing(company, waiting.for_intercompany_accounting(company, partner), is_there=there, found=accounts)


def _rates(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    """The payment's into the payer's own currency; the invoice's, and the payer's own, into the owner's."""
    own, owners = reference.currency(asked.payer), reference.currency(asked.owner)
    if asked.currency != own:
        rate = reference.rate(asked.payer, asked.currency, own, asked.date)
        yield _rate(asked, asked.payer, asked.currency, own, rate, ALWAYS)
    if asked.payer == asked.owner:
        return
    for currency in dict.fromkeys((asked.currency, own)):
        if currency == owners:
            continue
        published = published_rate(reference, asked.owner, asked.payer, currency, owners, asked.date)
        when = ALWAYS if currency == own and asked.currency != owners else ACROSS_CURRENCIES
        yield _rate(asked, asked.owner, currency, owners, None if published is None else published.rate, when)


def _rate(asked: PairQuestion, company: str, from_: str, to: str, rate: Fraction | None, when: str) -> NeededThing:  # noqa: PLR0913
    need = waiting.for_exchange_rate(company, from_, to, asked.date)
    return _thing(company, need, is_there=rate is not None, when=when, found=() if rate is None else (_in_digits(rate),))


def _in_digits(rate: Fraction) -> str:
    decimal = exact(rate)
    return format(decimal, "f") if decimal is not None else f"{float(rate):.{_RATE_DIGITS}f}"


def _profiles_and_methods(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    """What the payer may put on its payments, in the other company's books."""
    if asked.payer == asked.owner:
        return
    owner = asked.owner
    for profile in sorted(reference.posting_profiles.get(asked.payer, ())):
        there = has_profile(reference, owner, profile)
        yield _thing(owner, waiting.for_posting_profile(owner, profile), is_there=there, when=OF_THIS_PROFILE)
    for method in sorted(reference.methods.get(asked.payer, ())):
        there = has_method(reference, owner, method)
        yield _thing(owner, waiting.for_method_of_payment(owner, method), is_there=there, when=BY_THIS_METHOD)


def _periods(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    for company in asked.companies:
        is_open = not reference.is_closed(company, asked.date)
        yield _thing(company, waiting.for_period(company, asked.date), is_there=is_open)


def _trading(reference: Reference, asked: PairQuestion) -> Iterator[NeededThing]:
    """What mirroring a vendor payment in a seller's books needs, where the vendor is a company of the group (F-G03)."""
    if asked.ledger != PAYABLE:
        return
    when = OF_INTERCOMPANY_INVOICES
    for vendor in accounts_of(reference, asked, asked.owner):
        relations = [each for each in reference.trading.values() if (each.buyer.company, each.buyer.vendor) == (asked.owner, vendor)]
        for relation in relations:
            seller = relation.seller.company
            yield _thing(seller, waiting.for_trading_relation(seller, asked.owner, vendor), is_there=True, when=when)
            yield from _mirrored(reference, asked, relation)
        if not relations:
            key = detail(buyer=asked.owner, vendor=vendor)
            yield NeededThing(asked.owner, "trading-relation", key, is_there=False, when=when)


def _mirrored(reference: Reference, asked: PairQuestion, relation: TradingRelationDefined) -> Iterator[NeededThing]:
    seller, journal, when = relation.seller.company, relation.payment_journal, OF_INTERCOMPANY_INVOICES
    if reference.company(seller) is None:
        yield _thing(seller, waiting.for_company(seller), is_there=False, when=when)
        return
    same = reference.currency(seller) == reference.currency(asked.payer)
    rate = exact(Fraction(1)) if same else None  # the payment's own rate counts there
    for need in posting_needs(reference, seller, relation.seller.customer, asked.date, asked.currency, rate):
        yield _thing(seller, need, is_there=False, when=when)
    there = (seller, journal) in reference.payment_journals
    yield _thing(seller, waiting.for_payment_journal(seller, journal), is_there=there, when=when)
