"""What the payment service hears, written briefly: runs of the settlement service, reference data, approvals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.payment.rules import Books, fold
from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef, Message, Outgoing
from shared.events.journals import SalesPaymentJournal
from shared.events.reference import Buyer, CompanyDefined, PartyDefined, PaymentJournalDefined, Seller, TradingRelationDefined
from shared.events.settlements import (
    Difference,
    Discount,
    SalesPaymentJournalApproved,
    SettledDocument,
    SettlementPosted,
    SettlementRecord,
)

DAY = date(2026, 3, 12)
RUN = EventRef("scenario", "VPAY-7")
NUMBER = "ARPAY-IC-FAB-VPAY-7-1"
WEST = PartyDefined("WEST", vendors={"FAB": ["IC-WEST"], "FABE": ["IC-WEST"]})
EAST = PartyDefined("EAST", customers={"FABW": ["IC-EAST"]})
FABW = CompanyDefined("FABW", "USD")
JOURNAL = PaymentJournalDefined("FABW", "ARPAY-IC", "bank")
_About = tuple[date, str, str, Decimal, str, dict[str, str]]
_NAMES = {entry.data: name for name, entry in CONTRACT.items()}


def relation(seller: str = "FABW", buyer: str = "FABE", *, automatic: bool = True, journal: str = "ARPAY-IC") -> TradingRelationDefined:
    return TradingRelationDefined(Seller(seller, "IC-EAST"), Buyer(buyer, "IC-WEST"), journal, automatic)


def payment(document: str = "VPAY-7", *, currency: str = "USD", rate: str = "1", mark: int = 0, kind: str = "payment") -> SettledDocument:
    """A lowering document of FAB, which keeps its books in USD."""
    event = EventRef("scenario", document)
    about: _About = (DAY, currency, "USD", Decimal(rate), "2000", {})
    return SettledDocument("FAB", document, kind, "IC-WEST", *about, mark=mark, event=event)


def invoice(document: str, mark: int = 0, *, seller: str | None = "FABW", company: str = "FABE", currency: str = "USD") -> SettledDocument:
    """A vendor invoice; the seller's invoice has the same number with C- before it."""
    about: _About = (DAY, currency, "USD", Decimal(1), "2000", {})
    return SettledDocument(
        company, document, "invoice", "IC-WEST", *about, seller, f"C-{document}" if seller is not None else None, mark=mark
    )


def record(  # noqa: PLR0913 - a record has as many parts
    lowering: int,
    raising: int,
    amount: str,
    *,
    discount: str = "",
    left: str = "",
    penny: bool = False,
    enlarges: bool = False,
    applied: str = "",
) -> SettlementRecord:
    zero, given = Decimal(0), Decimal(amount)
    taken = (
        Discount(Decimal(discount), zero, posted_by_payment=False, posted_accounting_amount=zero, account=None, rule="", parts=[])
        if discount
        else None
    )
    difference = Difference(Decimal(left), Decimal(left), penny) if left else None
    own = Decimal(applied or amount)
    return SettlementRecord(1, DAY, lowering, raising, enlarges, given, own, zero, zero, discount=taken, remainder=difference)


def run(
    documents: list[SettledDocument],
    *records: SettlementRecord,
    primary: int | None = None,
    reply_expected: bool = True,
    ref: EventRef = RUN,
) -> SettlementPosted:
    return SettlementPosted("payable", ref, "WEST", primary, documents, list(records), reply_expected)


IC_4 = run([payment(), invoice("VI-7")], record(0, 1, "980.00", discount="20.00"))
"""The run of ic-4: 980.00 and a discount of 20.00 for an invoice of 1,000.00."""


def approved(document: str = NUMBER, by: str = "APPROVE") -> SalesPaymentJournalApproved:
    return SalesPaymentJournalApproved("FABW", document, EventRef("scenario", by))


class Payment:
    """The service's core with its books; what it is told gets ids and times in order."""

    def __init__(self, *reference: Any) -> None:
        self.books = Books(complete=True)
        self.count = 0
        for data in reference:
            self.hear(data)

    def hear(self, data: Any, *, id_: str = "", name: str = "", replay: int = 0, trace: str | None = None) -> list[Outgoing]:
        """Folds a message with this data; what the service says because of it."""
        outgoing = fold(self.books, replace(self.message(data, id_=id_, name=name, replay=replay), traceparent=trace))
        self.books.commit()
        return outgoing

    def message(self, data: Any, *, id_: str = "", name: str = "", replay: int = 0) -> Message:
        """A message with this data, the next in order."""
        self.count += 1
        ref = EventRef("intercompany/settlement" if isinstance(data, SettlementPosted) else "scenario", id_ or f"M-{self.count}")
        time = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=self.count)
        first = EventRef("scenario", "FIRST")
        return Message(ref, name or _NAMES[type(data)], data, time, b"digest", cause=ref, first=first, replay=replay)

    def statuses(self) -> dict[str, str]:
        """The journals by number, and the status of each."""
        return {each.data.document: each.status for each in self.books.journals}

    def waits(self) -> list[tuple[str, str]]:
        """What waits: the event and what it waits for."""
        return [(each.event.id, each.reason) for each in self.books.list_waiting()]


def ready(*, automatic: bool = True) -> Payment:
    """A service that knows all that a journal of IC_4 needs."""
    return Payment(relation(automatic=automatic), JOURNAL, FABW, WEST, EAST)


def said(outgoing: list[Outgoing]) -> list[str]:
    """The types of what was said, without what they have in common."""
    return [each.type.removeprefix("sales-payment-") for each in outgoing]


def journal(outgoing: Outgoing) -> SalesPaymentJournal:
    assert isinstance(outgoing.data, SalesPaymentJournal)
    return outgoing.data


def marked(outgoing: Outgoing) -> list[tuple[str, str, str]]:
    """The marks of a journal: seller's invoice, amount to settle, cash discount to take."""
    return [(mark.document, str(mark.amount_to_settle), str(mark.cash_discount_to_take)) for mark in journal(outgoing).marks]
