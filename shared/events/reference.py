"""The reference events of a group (events.md, "Reference data"): one entity each, its fields and its key.

Invariant: a later event replaces the earlier one of the same compaction key; `name` is optional everywhere it
occurs; what is left out has the default of scenarios.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from shared.events.kinds import DOCUMENT_KINDS
from shared.events.values import MOST_ENTRIES, AmountOrZero, Contract, Currency, Id, IsoDate, Ledger, Rate, Text, refuse_value, shown

Poster = Literal["invoice", "payment"]
ById = Annotated[dict[Id, Id], Field(max_length=MOST_ENTRIES)]

_DIRECTIONS: Final = ("ascending", "descending")
_ORDERED_ATTRIBUTES: Final = ("transaction_date", "due_date", "transaction_amount", "cash_discount_date", "voucher")


def _priority(entry: dict[str, Any]) -> dict[str, Any]:
    if len(entry) != 1:
        refuse_value(f"{shown(entry)} names {len(entry)} attributes: each entry has exactly one")
    attribute, order = next(iter(entry.items()))
    if attribute == "transaction_type":
        if not isinstance(order, list) or not order or any(kind not in DOCUMENT_KINDS for kind in order):
            refuse_value(f"{shown(order)} is not a list of kinds: {', '.join(DOCUMENT_KINDS)}")
    elif attribute not in _ORDERED_ATTRIBUTES:
        refuse_value(f"{shown(attribute)} is not an attribute to settle by: {', '.join((*_ORDERED_ATTRIBUTES, 'transaction_type'))}")
    elif order not in _DIRECTIONS:
        refuse_value(f"{shown(order)} is neither ascending nor descending")
    return entry


Priority = Annotated[dict[str, Any], AfterValidator(_priority)]
"""`{attribute: ascending | descending}` or `{transaction_type: [kinds in order]}`."""


@dataclass(slots=True)
class CompanyDefined(Contract):
    """A legal entity: its accounting currency and its chart (posting type to main account)."""

    company: Id
    currency: Currency
    name: Text | None = None
    accounts: ById = field(default_factory=dict)
    language: Id = "en"


@dataclass(slots=True)
class PartyDefined(Contract):
    """A party of the address book: its customer and vendor accounts, and their groups, by company (F-A04)."""

    party: Id
    name: Text | None = None
    customers: ById = field(default_factory=dict)
    vendors: ById = field(default_factory=dict)
    customer_groups: ById = field(default_factory=dict)
    vendor_groups: ById = field(default_factory=dict)


@dataclass(slots=True)
class PostingOptions(Contract):
    """Which company posts the cash discount, and which the gain or loss; None: not said here (F-A11)."""

    post_cash_discount: Poster | None = None
    post_exchange_gain_or_loss: Poster | None = None


@dataclass(slots=True)
class CentralizedPaymentsDefined(Contract):
    """The posting options of a paying company, for both ledgers and for each of its own."""

    company: Id
    post_cash_discount: Poster | None = None
    post_exchange_gain_or_loss: Poster | None = None
    receivable: PostingOptions | None = None
    payable: PostingOptions | None = None


@dataclass(slots=True)
class CentralizedPaymentsMembersDefined(Contract):
    """The only companies that may settle across (F-A03)."""

    members: Annotated[list[Id], Field(max_length=MOST_ENTRIES)]


@dataclass(slots=True)
class IntercompanyAccountingDefined(Contract):
    """The accounts in the books of `company` towards `partner` (F-A08); None: those of the company's chart."""

    company: Id
    partner: Id
    due_from: Id | None = None
    due_to: Id | None = None
    post_cash_discount: Poster | None = None
    post_exchange_gain_or_loss: Poster | None = None


@dataclass(slots=True)
class SettlementParametersDefined(Contract):
    """The settlement parameters of a company and ledger. The limits are in the company's accounting currency."""

    company: Id
    ledger: Ledger
    automatic_settlement: bool = False
    settlement_priority: Annotated[list[Priority], Field(max_length=20)] = field(default_factory=list)
    cash_discounts_for_partial_payments: bool = False
    cash_discounts_for_credit_notes: bool = False
    cash_discount_administration: Literal["specific", "unspecific"] = "specific"
    maximum_penny_difference: AmountOrZero = Decimal("0.00")
    maximum_overpayment_or_underpayment: AmountOrZero = Decimal("0.00")
    over_under_policy: Literal["classic", "only_with_cash_discount"] = "classic"
    cash_discount_base: Literal["net_of_sales_tax", "gross"] = "net_of_sales_tax"
    cash_discount_rate: Literal["invoice_date", "payment_date"] = "invoice_date"


@dataclass(slots=True)
class ProfileAccounts(Contract):
    """Summary main accounts of a posting profile: for an account, for a group, for all (F-A16)."""

    all: Id | None = None
    groups: ById = field(default_factory=dict)
    accounts: ById = field(default_factory=dict)


@dataclass(slots=True)
class PostingProfileDefined(Contract):
    """A posting profile of a company."""

    company: Id
    posting_profile: Id
    receivable: ProfileAccounts | None = None
    payable: ProfileAccounts | None = None


@dataclass(slots=True)
class MethodsOfPaymentDefined(Contract):
    """The methods of payment that a company defines (F-A06)."""

    company: Id
    methods: Annotated[list[Id], Field(max_length=MOST_ENTRIES)]


@dataclass(slots=True)
class PaymentJournalDefined(Contract):
    """A payment journal of a company and its offset, a posting type or main account."""

    company: Id
    journal: Id
    offset: Id = "cash"


@dataclass(slots=True)
class Seller(Contract):
    """The selling company, and the customer account of the buyer there."""

    company: Id
    customer: Id


@dataclass(slots=True)
class Buyer(Contract):
    """The buying company, and the vendor account of the seller there."""

    company: Id
    vendor: Id


@dataclass(slots=True)
class TradingRelationDefined(Contract):
    """Who sells to whom in the group, and in which journal of the seller the buyer's payments are mirrored (F-G03)."""

    seller: Seller
    buyer: Buyer
    payment_journal: Id
    post_automatically: bool = False


@dataclass(slots=True)
class ExchangeRatePublished(Contract):
    """1 unit of `from` in `to` from `date` on, for one company or (None) for all that have no rate of their own."""

    from_: Annotated[Currency, Field(alias="from")]
    to: Currency
    date: IsoDate
    rate: Rate
    company: Id | None = None


@dataclass(slots=True)
class PeriodClosed(Contract):
    """The dates `from` to `to`, both included, are closed for posting in the company."""

    company: Id
    from_: Annotated[IsoDate, Field(alias="from")]
    to: IsoDate


@dataclass(slots=True)
class PeriodOpened(Contract):
    """The dates `from` to `to`, both included, are open for posting in the company again."""

    company: Id
    from_: Annotated[IsoDate, Field(alias="from")]
    to: IsoDate


def compaction_key(data: Any) -> str:
    """The record key of a reference event: entity kind and id; the later record of a key stands for all before it."""
    kind, parts = _KEYS[type(data)](data)
    return "/".join((kind, *(str(part) for part in parts)))


def period_contradictions(_event_type: str, data: PeriodClosed | PeriodOpened) -> Iterator[tuple[str, str]]:
    """A period that ends before it begins."""
    if data.to < data.from_:
        yield "/to", f"{data.to} is before {data.from_}: a period ends on or after its first day"


def _relation(data: TradingRelationDefined) -> tuple[Any, ...]:
    return (data.seller.company, data.seller.customer, data.buyer.company, data.buyer.vendor)


_KEYS: Final[dict[type, Callable[[Any], tuple[str, tuple[Any, ...]]]]] = {
    CompanyDefined: lambda data: ("company", (data.company,)),
    PartyDefined: lambda data: ("party", (data.party,)),
    CentralizedPaymentsDefined: lambda data: ("centralized-payments", (data.company,)),
    CentralizedPaymentsMembersDefined: lambda _: ("centralized-payments-members", ()),
    IntercompanyAccountingDefined: lambda data: ("intercompany-accounting", (data.company, data.partner)),
    SettlementParametersDefined: lambda data: ("settlement-parameters", (data.company, data.ledger)),
    PostingProfileDefined: lambda data: ("posting-profile", (data.company, data.posting_profile)),
    MethodsOfPaymentDefined: lambda data: ("methods-of-payment", (data.company,)),
    PaymentJournalDefined: lambda data: ("payment-journal", (data.company, data.journal)),
    TradingRelationDefined: lambda data: ("trading-relation", _relation(data)),
    ExchangeRatePublished: lambda data: ("exchange-rate", (data.company or "*", data.from_, data.to, data.date)),
    PeriodClosed: lambda data: ("period", (data.company, data.from_, data.to)),
    PeriodOpened: lambda data: ("period", (data.company, data.from_, data.to)),
}
