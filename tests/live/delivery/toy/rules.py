"""The toy's core: counts the invoices of each company and says each as a voucher.

An invoice of the company BUG is a defect of this core, one of the company FREE is refused, and one with a document that
names another company (`LINK-FAB`) counts there too, which the store does not foresee.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from shared import working_set
from shared.events.envelope import EventRef, Message, Outgoing, Topic, derived_id
from shared.events.vouchers import Voucher, rejection
from shared.working_table import Table

if TYPE_CHECKING:
    from datetime import datetime

    from shared.events.inbound import InvoicePosted

SOURCE = "intercompany/counter"


class Count(NamedTuple):
    """How many invoices a company has, and their sum."""

    company: str
    number: int
    total: Decimal


class Books(working_set.Books):
    """The counts."""

    def __init__(self, *, complete: bool = False) -> None:
        super().__init__(complete=complete)
        self.counts: Table[str, Count] = self.table("counts")


def fold(books: Books, message: Message) -> list[Outgoing]:
    """Counts one invoice, or refuses it, or fails on it."""
    invoice: InvoicePosted = message.data
    if invoice.company == "FREE":
        books.freed_ids.add(message.ref)
        return [_refusal(message)]
    number = _counted(books, invoice.company, invoice.amount)
    if invoice.company == "BUG":
        msg = "a defect of the core"
        raise RuntimeError(msg)
    if invoice.document.startswith("LINK-"):
        _counted(books, invoice.document.removeprefix("LINK-"), invoice.amount)
    return [_voucher(message, invoice, number)]


def expire(books: Books, older_than: datetime) -> list[Outgoing]:
    """Nothing waits here: what is counted is put back to nothing, so that a test can see it."""
    assert older_than.tzinfo is not None
    for count in list(books.counts):
        books.counts.put(count.company, count._replace(number=0))
    return []


def _counted(books: Books, company: str, amount: Decimal) -> int:
    before = books.counts.get(company) or Count(company, 0, Decimal(0))
    books.counts.put(company, Count(company, before.number + 1, before.total + amount))
    return before.number + 1


def _voucher(message: Message, invoice: InvoicePosted, number: int) -> Outgoing:
    about = ("receivable", invoice.kind, invoice.date, invoice.document)
    voucher = Voucher(str(number), "", number, invoice.company, invoice.currency, *about, [])
    ref = EventRef(SOURCE, derived_id(message.ref, message.time, "counted", 0))
    return Outgoing(Topic.VOUCHERS, invoice.company, "voucher.posted", ref, voucher, message.time, message.ref, message.ref)


def _refusal(message: Message) -> Outgoing:
    said = rejection(message.ref, "event", "not-a-member", "/company", "FREE is refused", {})
    ref = EventRef(SOURCE, derived_id(message.ref, message.time, "rejected", 0))
    return Outgoing(Topic.REJECTIONS, "", "event.rejected", ref, said, message.time, message.ref, message.ref)
