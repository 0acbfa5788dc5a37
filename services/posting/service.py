"""The wiring of the posting service: it takes what the settlement service posts, and of the reference data what lines need.

Invariant: of the reference data posting keeps the companies (charts, languages) and the intercompany accounting
alone, so its memory does not grow with the parties. What cannot be read on `intercompany.settlements` is posting's to
report; reference data is the settlement service's.
"""

from __future__ import annotations

from typing import Final

from services.posting.rules import Books, fold, prepare
from services.posting.rules.fold import POSTED_FROM
from services.posting.store import Store
from shared.delivery.service import Identity, Service
from shared.events.envelope import Message, Topic


def _identity(message: Message) -> Identity:
    return message.ref, message.digest


SERVICE: Final = Service(
    name="posting",
    store=Store,
    fold=fold,
    prepare=prepare,
    new_books=lambda: Books(complete=True),
    subscriptions={
        Topic.SETTLEMENTS: POSTED_FROM,
        Topic.REFERENCE: frozenset({"company.defined", "intercompany-accounting.defined", "reference.withdrawn"}),
    },
    publishes=frozenset({Topic.VOUCHERS, Topic.REJECTIONS}),
    identity=_identity,
    rejects_unreadable=lambda topic, _: topic == Topic.SETTLEMENTS,
)
