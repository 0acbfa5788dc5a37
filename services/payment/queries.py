"""What others may read of the payment service's tables: sales payment journals and what waits, as its rules have them.

Invariant: `connection` is one to the payment service's schema; the form of a stored value is known here and in the store alone.
Nothing is changed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.payment.rules.values import SalesPayment
from shared.delivery.waiting_list import WaitingList
from shared.events.codec import read_stored
from shared.events.envelope import EventRef
from shared.events.journals import SalesPaymentJournal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.delivery.ports import Connection

_JOURNAL: Final = "select status, first_source, first_id, data from journals"
MIRRORS: Final = f"{_JOURNAL} where data->'payer'->>1 = $1 or (data->'mirrors'->>0 = $2 and data->'mirrors'->>1 = $3)"
_NUMBERED: Final = f"{_JOURNAL} where company = $1 and document = $2"
_SELLERS: Final = """
select company from waiting where (run_id, run_source) in (select * from unnest($1::text[], $2::text[])) union
select company from approvals where (event, source) in (select * from unnest($1::text[], $2::text[]))"""
_JOURNALS_WAIT: Final = """
select run_source as source, run_id as id, data->1->>0 as reason, (data->1->1)::text as key, since, sequence,
'sales payment' as what from waiting"""
_APPROVALS_WAIT: Final = """
select source, event as id, data->9->>0 as reason, (data->9->1)::text as key, since, sequence, 'approval' as what from approvals"""
WAITING: Final = WaitingList(
    first=f"""
({_JOURNALS_WAIT} where (since, sequence) > ($1, $2) order by since, sequence limit $3) union all
({_APPROVALS_WAIT} where (since, sequence) > ($1, $2) order by since, sequence limit $3) order by since, sequence limit $3""",
    because_of=f"""select distinct on (id, source, reason, what) * from (
{_JOURNALS_WAIT} where (run_id, run_source) in (select * from unnest($1::text[], $2::text[])) union all
{_APPROVALS_WAIT} where (event, source) in (select * from unnest($1::text[], $2::text[]))) as found
order by id, source, reason, what, since, sequence""",  # noqa: S608 - the columns above
    named=f"{_JOURNALS_WAIT} where run_id = $1 union all {_APPROVALS_WAIT} where event = $1 order by since, sequence",
    about="""
select sequence, 'vendor-payment.posted' as type, json_build_object(
    'seller', data->0->0, 'buyer', data->0->1, 'vendor', data->0->2, 'company', data->0->3->0, 'document', data->0->3->1,
    'currency', data->0->3->3, 'amount', data->0->5)::text as data from waiting where sequence = any($1)
union all
select sequence, 'journal-approval.requested', json_build_object('company', data->2, 'document', data->4)::text
from approvals where sequence = any($1)""",
)


async def companies_waiting(connection: Connection, events: Iterable[EventRef]) -> set[str]:
    """The sellers whose sales payments, or approvals of them, wait because of these events."""
    causes = list(events)
    rows = await connection.fetch(_SELLERS, [event.id for event in causes], [event.source for event in causes])
    return {row["company"] for row in rows}


async def mirrors_of(connection: Connection, payer: EventRef, company: str, document: str) -> list[SalesPayment]:
    """The sales payment journals that mirror a vendor payment: those of its event, and those of the document."""
    return [_journal(row) for row in await connection.fetch(MIRRORS, payer.id, company, document)]


async def journal_numbered(connection: Connection, company: str, document: str) -> SalesPayment | None:
    """The sales payment journal of this number, if there is one."""
    row = await connection.fetchrow(_NUMBERED, company, document)
    return None if row is None else _journal(row)


def _journal(row: Any) -> SalesPayment:
    data = read_stored(SalesPaymentJournal, row["data"])
    return SalesPayment(data, row["status"], EventRef(row["first_source"], row["first_id"]))
