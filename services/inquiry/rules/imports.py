"""What the companies' own systems said of vouchers: imported or failed, each once with its event.

Invariant: of all that was said of a voucher the last counts, by when the broker first had it; what settlement refused does not, until
it is sent again. A voucher need not be known: what is said of it before stays, and shows once it is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import EventRow, ImportedRow

STATES: Final = {"voucher.imported": "imported", "voucher.import-failed": "failed"}
NOTHING_SAID: Final = "no"
"""The state of a voucher of which its company's own system has said nothing yet."""


def imports(books: InquiryBooks, current: Iterable[EventRow]) -> dict[tuple[str, str], ImportedRow]:
    """By company and voucher what was said last; `current`: of each event the version that counts."""
    told = [row for row in current if row.type in STATES and not _is_refused(books, row)]
    return {(row.company, row.voucher): row for row in map(_imported, sorted(told, key=_place))}


def _is_refused(books: InquiryBooks, row: EventRow) -> bool:
    """Whether it was refused and not sent again since: the broker has a refusal after what is refused."""
    refused = books.refused_versions.get((row.source, row.id, row.digest))
    return refused is not None and refused.last_refused_at >= row.last_received_at


def _place(row: EventRow) -> tuple[Any, ...]:
    return row.received_at, row.offset, row.source, row.id


def _imported(row: EventRow) -> ImportedRow:
    said = orjson.loads(row.data)
    return ImportedRow(
        company=said["company"],
        voucher=said["voucher"],
        state=STATES[row.type],
        at=row.received_at,
        erp_number=said.get("erp_number"),
        message=said.get("message"),
        event_source=row.source,
        event_id=row.id,
    )
