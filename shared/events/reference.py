"""The reference events of a group (events.md, "Reference data"): one entity each, its fields and its key.

Invariant: a later event replaces the earlier one of the same compaction key, a withdrawal too; different entities have
different keys, whatever stands in their ids; `name` is optional everywhere it occurs; what is left out has the default of
scenarios.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field

from shared.events.kinds import DOCUMENT_KINDS
from shared.events.values import (
    MOST_ENTRIES,
    AmountOrZero,
    Contract,
    Currency,
    Days,
    Id,
    IsoDate,
    Ledger,
    OneOrMore,
    Rate,
    SenderId,
    Source,
    Text,
    refuse_value,
    shown,
)

MessageKind = Literal["invoices", "payments", "requests", "reference"]
"""What a sender may send: the events of the inbound topic of this name."""

OWN_SOURCES: Final = "intercompany/"
"""How the sources of the services' own events begin."""
WEB: Final = f"{OWN_SOURCES}web"
"""The source of what people ask for over HTTP. It has a sender of its own where senders are held to their definitions."""

Poster = Literal["invoice", "payment"]
ById = Annotated[dict[Id, Id], Field(max_length=MOST_ENTRIES)]
ListsById = Annotated[dict[Id, OneOrMore], Field(max_length=MOST_ENTRIES)]

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
    """A legal entity: its accounting currency, which never changes, and its chart.

    `accounts` is posting type to main accounts: the first is posted to where nothing else is said, a line on any of them
    has the posting type. `maximum_rate_age_days`: a published rate that is older on the day it is needed does not count for
    the company; None: however old it is.
    """

    company: Id
    currency: Currency
    name: Text | None = None
    accounts: ListsById = field(default_factory=dict)
    language: Id = "en"
    maximum_rate_age_days: Days | None = None


@dataclass(slots=True)
class PartyDefined(Contract):
    """A party of the address book: by company its customer and vendor accounts, several too, and their groups (F-A04)."""

    party: Id
    name: Text | None = None
    customers: ListsById = field(default_factory=dict)
    vendors: ListsById = field(default_factory=dict)
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
    maximum_penny_difference: AmountOrZero = Decimal(0)
    maximum_overpayment_or_underpayment: AmountOrZero = Decimal(0)
    over_under_policy: Literal["classic", "only_with_cash_discount"] = "classic"
    cash_discount_base: Literal["net_of_sales_tax", "gross"] = "net_of_sales_tax"
    cash_discount_rate: Literal["invoice_date", "payment_date"] = "invoice_date"
    tax_on_cash_discount: Literal["unchanged", "reduced"] = "unchanged"


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


@dataclass(slots=True)
class SenderDefined(Contract):
    """For whom a sender speaks: the companies (`*`: all), the prefixes of its events' sources, what it may send."""

    sender: SenderId
    companies: OneOrMore
    sources: Annotated[list[Source], Field(min_length=1, max_length=100)]
    may: Annotated[list[MessageKind], Field(min_length=1, max_length=4)]


@dataclass(slots=True)
class ReferenceWithdrawn(Contract):
    """Takes back what `event`, a type's name, has defined under these key fields; it can be defined again."""

    event: Text
    company: Id | None = None
    partner: Id | None = None
    ledger: Ledger | None = None
    posting_profile: Id | None = None
    journal: Id | None = None
    seller: Seller | None = None
    buyer: Buyer | None = None
    from_: Annotated[Currency | None, Field(alias="from")] = None
    to: Currency | None = None
    date: IsoDate | None = None
    sender: SenderId | None = None


class Entity(NamedTuple):
    """What is defined by a type of event: the first part of its key, and the key fields; `optional` may be left out."""

    kind: str
    fields: tuple[str, ...]
    optional: frozenset[str] = frozenset()


_RATE_FIELDS: Final = ("company", "from", "to", "date")
WITHDRAWABLE: Final[dict[str, Entity]] = {
    "intercompany-accounting.defined": Entity("intercompany-accounting", ("company", "partner")),
    "settlement-parameters.defined": Entity("settlement-parameters", ("company", "ledger")),
    "posting-profile.defined": Entity("posting-profile", ("company", "posting_profile")),
    "methods-of-payment.defined": Entity("methods-of-payment", ("company",)),
    "payment-journal.defined": Entity("payment-journal", ("company", "journal")),
    "trading-relation.defined": Entity("trading-relation", ("seller", "buyer")),
    "centralized-payments.defined": Entity("centralized-payments", ("company",)),
    "centralized-payments-members.defined": Entity("centralized-payments-members", ()),
    "exchange-rate.published": Entity("exchange-rate", _RATE_FIELDS, frozenset({"company"})),
    "sender.defined": Entity("sender", ("sender",)),
}
"""What can be withdrawn, by the name of the event that defines it."""

_KEY_FIELDS: Final = ("company", "partner", "ledger", "posting_profile", "journal", "seller", "buyer", "from", "to", "date", "sender")

_ENTITIES: Final[dict[type, Entity]] = {
    CompanyDefined: Entity("company", ("company",)),
    PartyDefined: Entity("party", ("party",)),
    CentralizedPaymentsDefined: WITHDRAWABLE["centralized-payments.defined"],
    CentralizedPaymentsMembersDefined: WITHDRAWABLE["centralized-payments-members.defined"],
    IntercompanyAccountingDefined: WITHDRAWABLE["intercompany-accounting.defined"],
    SettlementParametersDefined: WITHDRAWABLE["settlement-parameters.defined"],
    PostingProfileDefined: WITHDRAWABLE["posting-profile.defined"],
    MethodsOfPaymentDefined: WITHDRAWABLE["methods-of-payment.defined"],
    PaymentJournalDefined: WITHDRAWABLE["payment-journal.defined"],
    TradingRelationDefined: WITHDRAWABLE["trading-relation.defined"],
    ExchangeRatePublished: WITHDRAWABLE["exchange-rate.published"],
    SenderDefined: WITHDRAWABLE["sender.defined"],
    PeriodClosed: Entity("period", ("company", "from", "to")),
    PeriodOpened: Entity("period", ("company", "from", "to")),
}


def compaction_key(data: Any) -> str:
    """The record key of a reference event: entity kind and id; the later record of a key stands for all before it.

    A withdrawal has the key of what it withdraws. A part that is left out (the company of a rate for all) is empty.
    """
    entity = WITHDRAWABLE[data.event] if isinstance(data, ReferenceWithdrawn) else _ENTITIES[type(data)]
    return entity_key(entity.kind, *(part for name in entity.fields for part in _parts(_value(data, name))))


def entity_key(kind: str, *parts: str) -> str:
    """The key of an entity of this kind with these key fields."""
    return "/".join((kind, *(part.replace("%", "%25").replace("/", "%2F") for part in parts)))


def _value(data: Any, name: str) -> Any:
    return data.from_ if name == "from" else getattr(data, name)


def _parts(value: Any) -> tuple[str, ...]:
    if isinstance(value, Seller):
        return (value.company, value.customer)
    if isinstance(value, Buyer):
        return (value.company, value.vendor)
    return ("" if value is None else str(value),)


# What contradicts


def period_contradictions(_event_type: str, data: PeriodClosed | PeriodOpened) -> Iterator[tuple[str, str]]:
    """A period that ends before it begins."""
    if data.to < data.from_:
        yield "/to", f"{data.to} is before {data.from_}: a period ends on or after its first day"


def not_withdrawable(event: Any) -> str | None:
    """What is wrong with withdrawing what events of this name define; None: it can be withdrawn."""
    if not isinstance(event, str) or event.strip() in WITHDRAWABLE:
        return None
    return f"{shown(event)} cannot be withdrawn: what can be is {', '.join(WITHDRAWABLE)}"


def withdrawal_contradictions(_event_type: str, data: ReferenceWithdrawn) -> Iterator[tuple[str, str]]:
    """A withdrawal of what cannot be withdrawn, or whose key fields are not those of what it names."""
    entity = WITHDRAWABLE.get(data.event)
    if entity is None:
        yield "/event", not_withdrawable(data.event) or ""
        return
    key = ", ".join(entity.fields) or "nothing else"
    for name in _KEY_FIELDS:
        value = _value(data, name)
        if value is None and name in entity.fields and name not in entity.optional:
            yield f"/{name}", f"the field is missing: {data.event} is withdrawn by {key}"
        elif value is not None and name not in entity.fields:
            yield f"/{name}", f"{name} is not a key field of {data.event}, which is withdrawn by {key}"


def sender_contradictions(_event_type: str, data: SenderDefined) -> Iterator[tuple[str, str]]:
    """Sources that would let a sender speak as one of the services."""
    for place, source in enumerate(data.sources):
        if source.startswith(OWN_SOURCES) and source != WEB:
            yield (
                f"/sources/{place}",
                f"{shown(source)} is a source of the services themselves: no sender has one that begins with {OWN_SOURCES}",
            )


# What follows from the event alone


def complete_chart(data: CompanyDefined) -> None:
    """A posting type without a main account is one that is left out."""
    data.accounts = _without_empty(data.accounts)


def complete_party(data: PartyDefined) -> None:
    """A company in which a party has no account is one that is left out."""
    data.customers, data.vendors = _without_empty(data.customers), _without_empty(data.vendors)


def _without_empty(lists: dict[str, list[str]]) -> dict[str, list[str]]:
    return {key: values for key, values in lists.items() if values}
