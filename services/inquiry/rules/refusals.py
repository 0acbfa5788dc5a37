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
    row, earlier = _row(message), books.refusals.get(message.ref.id)
    if earlier is not None:
        first, last = min(earlier.at, row.at), max(earlier.again_at or earlier.at, row.at)
        row = earlier._replace(at=first, again_at=None if first == last else last)
    books.refusals.put(row.id, row)
    _take_refused_version(books, message)


def _row(message: Message) -> RefusalRow:
    data: Rejection = message.data
    return RefusalRow(
        id=message.ref.id,
        at=data.at or broker_time(message),
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


def _take_refused_version(books: InquiryBooks, message: Message) -> None:
    """That a version of an event was refused, and when last: each time that it is sent again and refused, the same refusal is told."""
    data: Rejection = message.data
    digest = _refused_version(data) if data.scope == WHOLE_EVENT else None
    if digest is None:
        return
    key = (_text(data.source), _text(data.event), digest)
    known = books.refused_versions.get(key)
    row = RefusedVersionRow(*key, data.code == CONFLICTING, max(broker_time(message), data.at or broker_time(message)))
    if known is not None:
        is_conflicting = row.is_conflicting or known.is_conflicting
        row = RefusedVersionRow(*key, is_conflicting, max(row.last_refused_at, known.last_refused_at))
    books.refused_versions.put(key, row)


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
