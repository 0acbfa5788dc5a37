"""The toy's wiring, and its process: `python -m tests.live.delivery.toy.service`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.delivery.service import Identity, Service
from shared.events.envelope import Topic
from shared.runtime.process import main
from shared.settings import load_settings
from tests.live.delivery.toy import rules
from tests.live.delivery.toy.rules import Books
from tests.live.delivery.toy.store import Store

if TYPE_CHECKING:
    from shared.events.envelope import Message, Outgoing


def _fold(books: Books, message: Message) -> list[Outgoing]:
    return [] if message.type == "company.defined" else rules.fold(books, message)


def _identity(message: Message) -> Identity:
    return message.ref, message.digest


SERVICE = Service(
    name="counter",
    store=Store,
    fold=_fold,
    new_books=lambda: Books(complete=True),
    subscriptions={Topic.INVOICES: None, Topic.REFERENCE: frozenset({"company.defined"})},
    identity=_identity,
    rejects_unreadable=lambda topic, _: topic in {Topic.INVOICES, Topic.REFERENCE},
    expire=rules.expire,
)

if __name__ == "__main__":
    main(SERVICE, load_settings())
