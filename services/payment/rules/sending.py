"""What the payment service says on `intercompany.journals` and `intercompany.rejections`, and by which key.

Invariant: what belongs to one party stays in order; what is told of a journal follows from its status.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.payment.rules.values import SalesPayment
from shared.events.emitting import Cause, Emitter
from shared.events.envelope import Outgoing
from shared.reference import Reference

EMITTER: Final = Emitter("intercompany/payment")


def partition_key(reference: Reference, ledger: str, company: str, account: str) -> str:
    """The party behind an account, else the account itself: what belongs together stays in order."""
    return reference.party(ledger, company, account) or f"{company}/{account}"


def journal_event(reference: Reference, journal: SalesPayment, cause: Cause, number: int) -> Outgoing:
    """`sales-payment-journal.created`, `.posted` or `.reversed`, by the journal's status."""
    key = partition_key(reference, "receivable", journal.data.company, journal.data.account)
    return EMITTER.emit(cause, f"sales-payment-journal.{journal.status}", number, key, journal.data)


def become(journal: SalesPayment, status: str) -> SalesPayment:
    """A journal with another status than it was made with: what is told of it then replies to no run."""
    return journal._replace(status=status, data=replace(journal.data, reply_count=0))
