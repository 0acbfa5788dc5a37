"""For whom a sender speaks: whether an event may come from the sender on whose own topic it came.

The broker's rights tie a principal to its topics, a topic's name is the sender's, and the sender's definition (an operator's
`sender.defined`) says for which companies it speaks, under which sources, and what it may send.

Invariant: what nobody has allowed is refused: a sender that is not defined, a type of event without a rule here; the
answer follows from the event and the definition alone, so that it is the same whatever else has arrived. Definitions of
senders never come from a sender (architecture/senders.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from shared.events import inbound, reference
from shared.events.contract import CONTRACT, INBOUND_TOPICS, sender_topic
from shared.events.envelope import Topic
from shared.events.values import shown

NOT_AUTHORISED: Final = "not-authorised"
ALL: Final = "*"
"""Among the companies of a sender: every company, and what concerns the whole group."""

SENDER_DEFINED: Final = "sender.defined"


def own_topics(definition: reference.SenderDefined) -> list[tuple[str, str]]:
    """Of each inbound topic whose events a sender may send: it, and the sender's own."""
    allowed = [topic for topic in sorted(INBOUND_TOPICS) if _kind_of(topic) in definition.may]
    return [(topic, sender_topic(topic, definition.sender)) for topic in allowed]


def _kind_of(topic: str) -> str:
    return topic.rpartition(".")[2]


class Concern(NamedTuple):
    """A company that an event speaks for, and where it stands in it (JSON pointer); None: the whole group."""

    field: str
    company: str | None


class NotAuthorised(NamedTuple):
    """Why an event may not come from its sender: the JSON pointer of what is outside, and what would be right."""

    field: str
    message: str


def not_authorised(sender: str, definition: reference.SenderDefined | None, name: str, source: str, data: Any) -> NotAuthorised | None:
    """What of an event is outside what its sender may; None: nothing is.

    `definition` is None where the sender is not defined; `name` is the event's type, `source` its source, `data` its data.
    """
    if definition is None:
        return NotAuthorised("", f"the sender {sender} is not defined: an operator defines it ({SENDER_DEFINED}), then it can be replayed")
    return _of_type(definition, name, data) or _of_sources(definition, source, data) or _of_companies(definition, data)


def concerns(data: Any) -> tuple[Concern, ...]:
    """The companies that an event speaks for (architecture/senders.md, "Which company an event concerns")."""
    rule = RULES.get(type(data))
    return (Concern("", None),) if rule is None else tuple(rule(data))


def _of_type(definition: reference.SenderDefined, name: str, data: Any) -> NotAuthorised | None:
    withdrawn = data.event if isinstance(data, reference.ReferenceWithdrawn) else None
    if SENDER_DEFINED in {name, withdrawn}:
        field = "/type" if withdrawn is None else "/event"
        return NotAuthorised(field, f"for whom a sender speaks is said by an operator on {Topic.REFERENCE}, never by a sender")
    kind = _kind_of(CONTRACT[name].topic)
    if kind not in definition.may:
        return NotAuthorised("/type", f"{name} is one of {kind}, and the sender {definition.sender} may send {', '.join(definition.may)}")
    return None


def _of_sources(definition: reference.SenderDefined, source: str, data: Any) -> NotAuthorised | None:
    """The event's own source, and that of an event which it asks to be taken back."""
    named = data.settlement_source if isinstance(data, inbound.SettlementReversalRequested) else None
    for field, said in (("/source", source), ("/settlement_source", named)):
        if said is not None and not said.startswith(tuple(definition.sources)):
            prefixes = ", ".join(map(shown, definition.sources))
            return NotAuthorised(
                field, f"{shown(said)} is not a source of the sender {definition.sender}: its sources begin with {prefixes}"
            )
    return None


def _of_companies(definition: reference.SenderDefined, data: Any) -> NotAuthorised | None:
    if ALL in definition.companies:
        return None
    companies = ", ".join(definition.companies) or "none"
    for field, company in concerns(data):
        if company is None:
            text = f"this concerns the whole group, and the sender {definition.sender} speaks for {companies} alone"
            return NotAuthorised(field, text)
        if company not in definition.companies:
            return NotAuthorised(field, f"the sender {definition.sender} does not speak for {company}: its companies are {companies}")
    return None


# Which company an event concerns


def _company(data: Any) -> Iterable[Concern]:
    yield Concern("/company", data.company)


def _group(_data: Any) -> Iterable[Concern]:
    yield Concern("", None)


def _marked(data: inbound.SettlementRequested) -> Iterable[Concern]:
    """A payment brings its own company's money to other companies' documents; a request disposes of what all of them have open."""
    for place, mark in enumerate(data.settle):
        yield Concern(f"/settle/{place}/company", mark.company)


def _settlement_reversed(data: inbound.SettlementReversalRequested) -> Iterable[Concern]:
    """Of an event's settlements the event's source decides: that event was authorised when it came."""
    if data.payment is not None:
        yield Concern("/payment/company", data.payment.company)


def _document_reversed(data: inbound.DocumentReversalRequested) -> Iterable[Concern]:
    yield Concern("/document/company", data.document.company)


def _payment_reversed(data: inbound.PaymentReversalRequested) -> Iterable[Concern]:
    yield Concern("/payment/company", data.payment.company)


def _trade(data: Any) -> Iterable[Concern]:
    yield Concern("/seller/company", data.seller.company)
    yield Concern("/buyer/company", data.buyer.company)


def _rate(data: reference.ExchangeRatePublished) -> Iterable[Concern]:
    yield Concern("/company", data.company)


def _withdrawn(data: reference.ReferenceWithdrawn) -> Iterable[Concern]:
    """That of what is withdrawn."""
    if data.seller is not None and data.buyer is not None:
        return _trade(data)
    return (Concern("/company", data.company),)


RULES: Final[dict[type, Callable[[Any], Iterable[Concern]]]] = {
    inbound.InvoicePosted: _company,
    inbound.PaymentPosted: _company,
    inbound.SettlementRequested: _marked,
    inbound.SettlementReversalRequested: _settlement_reversed,
    inbound.DocumentReversalRequested: _document_reversed,
    inbound.PaymentReversalRequested: _payment_reversed,
    inbound.JournalApprovalRequested: _company,
    inbound.VoucherImported: _company,
    inbound.VoucherImportFailed: _company,
    reference.CompanyDefined: _company,
    reference.PartyDefined: _group,
    reference.CentralizedPaymentsDefined: _company,
    reference.CentralizedPaymentsMembersDefined: _group,
    reference.IntercompanyAccountingDefined: _company,
    reference.SettlementParametersDefined: _company,
    reference.PostingProfileDefined: _company,
    reference.MethodsOfPaymentDefined: _company,
    reference.PaymentJournalDefined: _company,
    reference.TradingRelationDefined: _trade,
    reference.ExchangeRatePublished: _rate,
    reference.PeriodClosed: _company,
    reference.PeriodOpened: _company,
    reference.SenderDefined: _group,
    reference.ReferenceWithdrawn: _withdrawn,
}
"""Of each class of inbound events the companies concerned; a class that is not here concerns the whole group."""
