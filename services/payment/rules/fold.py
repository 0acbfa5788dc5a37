"""The payment core: one message in, what the service says because of it out.

Invariant: no broker, no database, no clock; the same books and message give the same changes and events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.payment.rules.books import Books
from services.payment.rules.journals import mirror_run, post_approved, remove_refused, reverse_payment, reverse_settlements, take_reference
from services.payment.rules.payments import payment_journal
from shared.events.envelope import Message, Outgoing

_FOLDS: Final[dict[str, Callable[[Books, Message], list[Outgoing]]]] = {
    "customer-payment.posted": payment_journal,
    "vendor-payment.posted": payment_journal,
    "settlement.posted": mirror_run,
    "settlement.reversed": reverse_settlements,
    "document.reversed": reverse_payment,
    "sales-payment-journal.approved": post_approved,
    "sales-payment-journal.refused": remove_refused,
}


def fold(books: Books, message: Message) -> list[Outgoing]:
    """Takes one message in: changes the books and returns the events it causes.

    NotLoadedError if the books lack something; TypeError if the message is neither one of this service's nor a reference event.
    """
    return _FOLDS.get(message.type, take_reference)(books, message)
