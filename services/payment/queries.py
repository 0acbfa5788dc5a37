"""What others may read of the payment service's tables: sales payment journals as its rules have them.

Invariant: `connection` is one to the payment service's schema; the form of a stored journal is known here and in the store alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.events.contract import adapter
from shared.events.journals import SalesPaymentJournal

if TYPE_CHECKING:
    from shared.delivery.ports import Connection
    from shared.events.envelope import EventRef

_MIRRORS: Final = (
    "select status, data from journals where data->'payer'->>1 = $1 or (data->'mirrors'->>0 = $2 and data->'mirrors'->>1 = $3)"
)
_JOURNAL: Final = "select status, data from journals where company = $1 and document = $2"


async def mirrors_of(connection: Connection, payer: EventRef, company: str, document: str) -> list[tuple[str, SalesPaymentJournal]]:
    """Status and content of the sales payment journals that mirror a vendor payment."""
    return [_journal(row) for row in await connection.fetch(_MIRRORS, payer.id, company, document)]


async def journal_numbered(connection: Connection, company: str, document: str) -> list[tuple[str, SalesPaymentJournal]]:
    """Status and content of the sales payment journal of this number, if there is one."""
    return [_journal(row) for row in await connection.fetch(_JOURNAL, company, document)]


def _journal(row: Any) -> tuple[str, SalesPaymentJournal]:
    return row["status"], adapter(SalesPaymentJournal).validate_json(row["data"])
