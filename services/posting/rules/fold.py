"""The posting core: one message of the settlement service in, the vouchers it makes out, in the order of their numbers.

Invariant: the id of each `voucher.posted` follows from the message that caused it, so the same message gives the
same events; reference data is taken over and makes no voucher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from services.posting.rules.books import Books
from services.posting.rules.documents import document_voucher
from services.posting.rules.records_posting import settlement_vouchers
from services.posting.rules.reversals import document_reversal_voucher, settlement_reversal_vouchers
from services.posting.rules.voucher_draft import VoucherDraft, post
from shared.events.emitting import Emitter, caused_by
from shared.events.envelope import Message, Outgoing

EMITTER: Final = Emitter("intercompany/posting")
VOUCHER_POSTED: Final = "voucher.posted"

_DRAFTS: Final[dict[str, Callable[[Books, Any], Iterable[VoucherDraft]]]] = {
    "document.posted": lambda books, data: (document_voucher(books.reference, data),),
    "document.reversed": lambda books, data: (document_reversal_voucher(books, data),),
    "settlement.posted": lambda books, data: settlement_vouchers(books.reference, data),
    "settlement.reversed": settlement_reversal_vouchers,
}
_OF_REFERENCE_ALONE: Final = frozenset({"document.posted", "settlement.posted"})
"""What needs no other voucher."""
POSTED_FROM: Final = frozenset(_DRAFTS)
"""The message types of `intercompany.settlements` that make vouchers."""


def fold(books: Books, message: Message) -> list[Outgoing]:
    """Posts one message: the `voucher.posted` events it causes.

    NotLoadedError if the books lack something; PostingDefectError if a voucher cannot be posted, TypeError if the message is
    neither one to post from nor a reference event.
    """
    make = _DRAFTS.get(message.type)
    if make is None:
        books.take_reference(message)
        return []
    prepared = books.prepared.get(message.ref) if books.reference is books.prepared_by else None
    posted, cause = post(books, make(books, message.data) if prepared is None else prepared), caused_by(message)
    return [EMITTER.emit(cause, VOUCHER_POSTED, number, voucher.company, voucher) for number, voucher in enumerate(posted)]


def prepare(books: Books, message: Message) -> None:
    """Writes the vouchers of a message that follow from it and the reference data alone, but for their numbers, into `prepared`.

    PostingDefectError if one cannot be posted.
    """
    if message.type in _OF_REFERENCE_ALONE:
        drafts = list(_DRAFTS[message.type](books, message.data))
        for draft in drafts:
            draft.content()
        books.prepared[message.ref] = drafts
        books.prepared_by = books.reference
