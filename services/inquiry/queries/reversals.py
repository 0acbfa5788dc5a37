"""What reversed something: the event that asked for it, and the reason that it gave.

Invariant: one statement; the reason is the one that was told with the reversal, else the one of the event itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

_REVERSED_BY: Final = """
select v.first_source, v.first_id, coalesce(nullif(r.reason, ''), nullif(d.reason, ''), e.data ->> 'reason', '') as reason
from vouchers v
left join record_reversals r on r.run_id = v.run_id and r.run_source = v.run_source and r.ledger = v.ledger and r.number = v.record
left join document_reversals d on v.run_id is null and d.ledger = v.ledger and d.company = v.company and d.document = v.document
left join events e on e.source = v.first_source and e.id = v.first_id and e.is_current
where v.company = $1 and v.series = $2 and v.number = $3"""


class ReversedBy(NamedTuple):
    """The event from outside that asked for a reversal; `reason` is empty if it gave none."""

    event: EventRef
    reason: str


async def reversed_by(connection: Connection, company: str, series: str, number: int) -> ReversedBy | None:
    """What asked for a reversal, by its voucher; None of one that was not read here."""
    row = await connection.fetchrow(_REVERSED_BY, company, series, number)
    return None if row is None else ReversedBy(EventRef(row["first_source"], row["first_id"]), row["reason"])
