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
    from collections.abc import AsyncIterator, Iterable

    from shared.delivery.ports import Connection

_JOURNAL: Final = "select status, first_source, first_id, data from journals"
_NEXT: Final = f"{_JOURNAL} where (company, document) > ($1, $2) order by company, document limit $3"
_PAGE: Final = 500
_NUMBERED: Final = f"{_JOURNAL} where company = $1 and document = $2"
_OF_KEYS: Final = f"{_JOURNAL} join unnest($1::text[], $2::text[]) as wanted (company, document) using (company, document)"
_SELLERS: Final = "select company from waiting where (run_id, run_source) in (select * from unnest($1::text[], $2::text[]))"
_WAITS: Final = """
select run_source as source, run_id as id, data->1->>0 as reason, (data->1->1)::text as key, since, sequence,
'sales payment' as what from waiting"""
WAITING: Final = WaitingList(
    first=f"{_WAITS} where (since, sequence) > ($1, $2) order by since, sequence limit $3",
    because_of=f"""
select distinct on (id, source, reason, what) * from (
{_WAITS} where (run_id, run_source) in (select * from unnest($1::text[], $2::text[]))) as found
order by id, source, reason, what, since, sequence""",  # noqa: S608 - the columns above
    named=f"{_WAITS} where run_id = $1 order by since, sequence",
    about="""
select sequence, 'vendor-payment.posted' as type, json_build_object(
    'seller', data->0->0, 'buyer', data->0->1, 'vendor', data->0->2, 'company', data->0->3->0, 'document', data->0->3->1,
    'currency', data->0->3->3, 'amount', data->0->5)::text as data from waiting where sequence = any($1)""",
    summary="select count(*) as number, min(since) as oldest from waiting",
    by_reason="select data->1->>0 as reason, null as company, count(*) as number, min(since) as oldest from waiting group by 1",
)


async def journal_pages(connection: Connection) -> AsyncIterator[list[SalesPayment]]:
    """All sales payment journals, by the seller's company and their number, a page at a time."""
    page: list[SalesPayment] = []
    while page := await journal_page(connection, page[-1].key if page else None):
        yield page


async def journal_page(connection: Connection, after: tuple[str, str] | None) -> list[SalesPayment]:
    """The next sales payment journals; None: from the first one on. Empty after the last one."""
    return [_journal(row) for row in await connection.fetch(_NEXT, *(after or ("", "")), _PAGE)]


async def journals_by_key(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], SalesPayment]:
    """The sales payment journals of these companies and numbers, those that there are."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    rows = await connection.fetch(_OF_KEYS, *columns) if columns else []
    return {journal.key: journal for journal in map(_journal, rows)}


async def companies_waiting(connection: Connection, events: Iterable[EventRef]) -> set[str]:
    """The sellers whose sales payments wait because of these events."""
    causes = list(events)
    rows = await connection.fetch(_SELLERS, [event.id for event in causes], [event.source for event in causes])
    return {row["company"] for row in rows}


async def journal_numbered(connection: Connection, company: str, document: str) -> SalesPayment | None:
    """The sales payment journal of this number, if there is one."""
    row = await connection.fetchrow(_NUMBERED, company, document)
    return None if row is None else _journal(row)


def _journal(row: Any) -> SalesPayment:
    data = read_stored(SalesPaymentJournal, row["data"])
    return SalesPayment(data, row["status"], EventRef(row["first_source"], row["first_id"]))
