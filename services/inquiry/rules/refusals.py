"""Refusals as rows, and which version of an event was refused as a whole.

Invariant: a refusal is known by its own id, so the same one told twice is one row, with the first and the last time; text has no NUL
character, which no table holds.
"""

from __future__ import annotations

import orjson

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import RefusalRow, RefusedVersionRow
from services.inquiry.rules.said import broker_time
from shared.events.codec import as_json, digest_said
from shared.events.contract import CONTRACT, short_type
from shared.events.envelope import Message
from shared.events.refusal import RefusedError
from shared.events.vouchers import Rejection

CONFLICTING = "conflicting-duplicate"
WHOLE_EVENT = "event"


def take_refusal(books: InquiryBooks, message: Message) -> None:
    """`event.rejected`."""
    data: Rejection = message.data
    told = data.at or broker_time(message)
    if (earlier := books.refusals.get(message.ref.id)) is not None:
        first, last = min(earlier.at, told), max(earlier.again_at or earlier.at, told)
        books.refusals.put(earlier.id, earlier._replace(at=first, again_at=None if first == last else last))
        return
    row = RefusalRow(
        id=message.ref.id,
        at=told,
        service=message.ref.source.rpartition("/")[2],
        source=_text(data.source),
        event=_text(data.event),
        type=None if data.type is None else _text(data.type),
        scope=data.scope,
        code=data.code,
        field=_text(data.field),
        message=_text(data.message),
        company=None if data.company is None else _text(data.company),
        document=None if data.document is None else _text(data.document),
        original=as_json(data.original).decode(),
    )
    books.refusals.put(row.id, row)
    digest = _refused_version(data) if data.scope == WHOLE_EVENT else None
    if digest is not None:
        key = (row.source, row.event, digest)
        known = books.refused_versions.get(key)
        is_conflicting = data.code == CONFLICTING or (known is not None and known.is_conflicting)
        books.refused_versions.put(key, RefusedVersionRow(*key, is_conflicting))


def _refused_version(data: Rejection) -> bytes | None:
    """The digest of the event that was refused; None if it could not be read, and so is not kept."""
    name = short_type(data.type or "")
    if name is None or not CONTRACT[name].inbound or "data" not in data.original:
        return None
    try:
        return digest_said(name, orjson.dumps(data.original["data"]), data.source)
    except RefusedError:
        return None


def _text(text: str) -> str:
    return text.replace("\0", "\N{SYMBOL FOR NULL}")
