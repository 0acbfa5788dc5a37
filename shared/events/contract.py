"""The table of the event contract: each event type's name, its topic and what its data is.

Invariant: a type that is not in this table does not exist; the full CloudEvents type of a name is
`intercompany.<name>.v1`; the events of the four inbound topics come from other systems, the others from our own services.
A sender's own topic is an inbound one with the sender's name behind it; names of senders have no full stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import TypeAdapter

from shared.events import inbound, journals, reference, settlements, vouchers
from shared.events.envelope import Topic
from shared.events.reference import OWN_SOURCES, WEB

PREFIX: Final = "intercompany."
VERSION: Final = ".v1"
INBOUND_TOPICS: Final = frozenset({Topic.REFERENCE, Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS})


def sender_topic(topic: str, sender: str) -> str:
    """A sender's own topic of an inbound one: `intercompany.invoices.SENDER`."""
    return f"{topic}.{sender}"


def is_sender_topic(topic: str) -> bool:
    """Whether a topic is a sender's own."""
    return sender_of(topic) is not None


@lru_cache(maxsize=4096)
def sender_of(topic: str) -> str | None:
    """The sender whose own topic this is; None: a topic of the contract itself."""
    base, _, sender = topic.rpartition(".")
    return sender if base in INBOUND_TOPICS else None


@lru_cache(maxsize=4096)
def base_topic(topic: str) -> str:
    """The topic of the contract that a topic stands for: of a sender's own the inbound one, else itself."""
    return topic if sender_of(topic) is None else topic.rpartition(".")[0]


OPERATOR: Final = f"{OWN_SOURCES}command-line"
"""The source of what an operator's tool sends."""

_SENDS: Final = {Topic.JOURNALS: "payment", Topic.SETTLEMENTS: "settlement", Topic.VOUCHERS: "posting"}
"""The service that sends on a topic; rejections come from all."""


@lru_cache(maxsize=4096)
def is_of_its_sender(source: str, topic: str) -> bool:
    """Whether an event with this source may stand on this topic: nobody outside has a source of ours, nobody else sends on our topics."""
    base = base_topic(topic)
    if base in INBOUND_TOPICS:
        return source in {OPERATOR, WEB} or not source.lower().startswith(OWN_SOURCES)
    service = _SENDS.get(base)
    return service is None or source == f"{OWN_SOURCES}{service}" or source.startswith(f"{OWN_SOURCES}{service}/")


class Entry(NamedTuple):
    """Where events of a type are sent, and the class of their data."""

    topic: str
    data: type

    @property
    def inbound(self) -> bool:
        """Whether other systems send it."""
        return self.topic in INBOUND_TOPICS


def _on(topic: str, types: dict[str, type]) -> dict[str, Entry]:
    return {name: Entry(topic, data) for name, data in types.items()}


SAID_OF_VOUCHERS: Final[dict[str, type]] = {
    "voucher.imported": inbound.VoucherImported,
    "voucher.import-failed": inbound.VoucherImportFailed,
}
"""What the companies' own systems say of the vouchers that they take over: nothing is posted, nothing waits because of it."""

CONTRACT: Final[dict[str, Entry]] = {
    **_on(
        Topic.REFERENCE,
        {
            "company.defined": reference.CompanyDefined,
            "party.defined": reference.PartyDefined,
            "centralized-payments.defined": reference.CentralizedPaymentsDefined,
            "centralized-payments-members.defined": reference.CentralizedPaymentsMembersDefined,
            "intercompany-accounting.defined": reference.IntercompanyAccountingDefined,
            "settlement-parameters.defined": reference.SettlementParametersDefined,
            "posting-profile.defined": reference.PostingProfileDefined,
            "methods-of-payment.defined": reference.MethodsOfPaymentDefined,
            "payment-journal.defined": reference.PaymentJournalDefined,
            "trading-relation.defined": reference.TradingRelationDefined,
            "exchange-rate.published": reference.ExchangeRatePublished,
            "period.closed": reference.PeriodClosed,
            "period.opened": reference.PeriodOpened,
            "sender.defined": reference.SenderDefined,
            "reference.withdrawn": reference.ReferenceWithdrawn,
        },
    ),
    **_on(Topic.INVOICES, {"customer-invoice.posted": inbound.InvoicePosted, "vendor-invoice.posted": inbound.InvoicePosted}),
    **_on(Topic.PAYMENTS, {"customer-payment.posted": inbound.PaymentPosted, "vendor-payment.posted": inbound.PaymentPosted}),
    **_on(
        Topic.REQUESTS,
        {
            "settlement.requested": inbound.SettlementRequested,
            "settlement-reversal.requested": inbound.SettlementReversalRequested,
            "document-reversal.requested": inbound.DocumentReversalRequested,
            "payment-reversal.requested": inbound.PaymentReversalRequested,
            "journal-approval.requested": inbound.JournalApprovalRequested,
            **SAID_OF_VOUCHERS,
        },
    ),
    **_on(
        Topic.JOURNALS,
        {
            "payment-journal.posted": journals.PaymentJournal,
            "payment.refused": journals.PaymentRefused,
            "sales-payment-journal.created": journals.SalesPaymentJournal,
            "sales-payment-journal.posted": journals.SalesPaymentJournal,
            "sales-payment-journal.reversed": journals.SalesPaymentJournal,
            "sales-payment-journal.waiting": journals.SalesPaymentsReply,
            "sales-payment-journals.answered": journals.SalesPaymentsReply,
        },
    ),
    **_on(
        Topic.SETTLEMENTS,
        {
            "document.posted": settlements.DocumentPosted,
            "document.reversed": settlements.DocumentReversed,
            "settlement.posted": settlements.SettlementPosted,
            "settlement.reversed": settlements.SettlementReversed,
            "sales-payment-journal.approved": settlements.SalesPaymentJournalApproved,
            "sales-payment-journal.refused": settlements.SalesPaymentJournalRefused,
        },
    ),
    **_on(Topic.VOUCHERS, {"voucher.posted": vouchers.Voucher}),
    **_on(
        Topic.REJECTIONS,
        {
            "event.rejected": vouchers.Rejection,
            "event.waiting": vouchers.EventWaiting,
            "event.resumed": vouchers.EventWaiting,
        },
    ),
}


@cache
def adapter(data: type) -> TypeAdapter[Any]:
    """What reads the data of a class from JSON and says what is wrong with it; built once, when first needed."""
    return TypeAdapter(data)


@cache
def own_reader(data: type) -> msgspec.json.Decoder[Any]:
    """What reads the data of our own events, several times as fast; it checks types, not values, and names no field."""
    return msgspec.json.Decoder(data)


def full_type(name: str) -> str:
    """The CloudEvents type of an event's name."""
    return f"{PREFIX}{name}{VERSION}"


def short_type(full: str) -> str | None:
    """The event's name of a CloudEvents type; None if it is not in this contract, or of another version."""
    return _NAMES.get(full)


_NAMES: Final = {full_type(name): name for name in CONTRACT}


Check = Callable[[str, Any], Iterator[tuple[str, str]]]


def contradictions(name: str, data: Any) -> Iterator[tuple[str, str]]:
    """What contradicts in the data of an inbound or reference event: JSON pointers and what is wrong."""
    check: Check = _REFERENCE_CHECKS.get(type(data), inbound.contradictions)
    return check(name, data)


def completed(name: str, data: Any, source: str) -> Any:
    """The data of an inbound or reference event with what follows from the event alone filled in; changed in place."""
    complete = _COMPLETED.get(type(data))
    if complete is not None:
        complete(data)
    return inbound.completed(name, data, source)


def _complete_ledgers(data: reference.CentralizedPaymentsDefined | reference.PostingProfileDefined) -> None:
    """What says nothing of a ledger is left out."""
    for ledger in ("receivable", "payable"):
        if getattr(data, ledger) in (reference.PostingOptions(), reference.ProfileAccounts()):
            setattr(data, ledger, None)


_COMPLETED: Final[dict[type, Callable[[Any], None]]] = {
    reference.CompanyDefined: reference.complete_chart,
    reference.PartyDefined: reference.complete_party,
    reference.CentralizedPaymentsDefined: _complete_ledgers,
    reference.PostingProfileDefined: _complete_ledgers,
}

_REFERENCE_CHECKS: Final[dict[type, Check]] = {
    reference.PeriodClosed: reference.period_contradictions,
    reference.PeriodOpened: reference.period_contradictions,
    reference.ReferenceWithdrawn: reference.withdrawal_contradictions,
    reference.SenderDefined: reference.sender_contradictions,
}
