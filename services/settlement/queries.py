"""What others may read of the settlement service's tables: documents, settlement records, what waits, reference data.

Invariant: `connection` is one to the settlement service's schema; rows are read by the service's own readers (stored_tables),
so their form is known in one place; a large ledger is read page by page. Nothing is changed here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from services.settlement.rules.values import DocumentKey, RecordInForce, RecordKey
from services.settlement.stored_tables import TABLES, joined
from shared.delivery.columns import texts
from shared.delivery.reference_table import ReferenceTable
from shared.delivery.waiting_list import WaitingList, waiting_row
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.settlement.rules.values import Document, Parked, ReservedSalesPayment
    from shared.delivery.ports import Connection
    from shared.reference import Reference
    from shared.waiting import WaitingRow

_PAGE: Final = 500
"""Rows read at once: some have their lists of dimensions with them."""
_NEXT: Final = """
select ledger, company, document, body from documents
where (ledger, company, document) > ($1, $2, $3) and ($4::text is null or company = $4) and ($5::text is null or party = $5)
order by ledger, company, document limit $6
"""
_NEXT_RECORDS: Final = """
select run_id, run_source, ledger, number, body from records
where (run_id, run_source, ledger, number) > ($1, $2, $3, $4) order by run_id, run_source, ledger, number limit $5
"""
_OF_EVENT: Final = "select body from documents where event_id = $1"
_OF_NUMBER: Final = """
select body from documents where ledger in ('receivable', 'payable') and document = $1
and company in (select data->>'company' from reference where type = 'company.defined')
"""
_PLAIN: Final = "replace(normalize(d.document, nfkc), ' ', '')"
_MAY_READ_OTHERWISE: Final = "(octet_length(d.document) <> char_length(d.document) or position(' ' in d.document) > 0)"
THAT_READ: Final = f"""
with k as (select * from unnest($1::text[], $2::text[], $3::text[]) as k (ledger, company, document))
select d.ledger, d.company, d.document from k join documents d using (ledger, company, document)
union all
select d.ledger, d.company, d.document from k join documents d
on {_PLAIN} = k.document and d.company = k.company and d.ledger = k.ledger and {_MAY_READ_OTHERWISE} and {_PLAIN} <> d.document
"""  # noqa: S608 - an expression of our own
"""What reads as it is written is found by its key, the few others by the index on them (documents_that_read_otherwise)."""
_OF_RUN: Final = "select body from records where run_id = $1"
_WAITS: Final = """
select event_source as source, event_id as id, body->'need'->>0 as reason, (body->'need'->1)::text as key,
since, sequence, body->>'stage' as what from waiting"""
WAITING: Final = WaitingList(
    first=f"{_WAITS} where (since, sequence) > ($1, $2) order by since, sequence limit $3",
    because_of=f"""
select distinct on (id, source, reason, what) * from (
{_WAITS} where (event_id, event_source) in (select * from unnest($1::text[], $2::text[]))) as found
order by id, source, reason, what, since, sequence""",  # noqa: S608 - the columns above
    named=f"{_WAITS} where event_id = $1 order by since, sequence",
    about="""
select w.sequence, case when told.is_payment then case s->>'ledger' when 'payable' then 'vendor' else 'customer' end || '-payment.posted'
    else w.body->'message'->>'type' end as type, json_build_object(
    'company', d->'company', 'account', d->'account', 'document', d->'document', 'payment', d->'payment', 'primary', d->'primary',
    'ledger', s->'ledger', 'currency', d->'currency', 'amount', d->'amount', 'settle', (
        select json_agg(json_build_object('company', m->'company', 'document', m->'document'))
        from json_array_elements(case json_typeof(d->'settle') when 'array' then d->'settle' end) as m)
)::text as data
from waiting w cross join lateral (select (w.body->'message'->>'data')::json as s) as said
cross join lateral (select json_typeof(s->'payment'->'amount') is not null as is_payment) as told
cross join lateral (select case when is_payment then s->'payment' else s end as d) as event where w.sequence = any($1)""",
    summary="select count(*) as number, min(since) as oldest from waiting",
    # Of a million that wait the bodies are not read: what wakes says it, under the names of settlement/rules/waiting.py.
    by_reason="""
select case kind when 'free' then 'reservation' when 'event' then 'document' when 'journal' then 'document' when 'answers' then 'document'
    when 'automatic' then 'document' else kind end as reason, case kind when 'period' then split_part(wakes, chr(31), 2) end as company,
    count(*) as number, min(since) as oldest
from (select split_part(wakes, chr(31), 1) as kind, wakes, since from waiting) as waits group by 1, 2""",
)
_OVER: Final = f"""
select k.key as document, w.* from unnest($1::text[]) as k (key) cross join lateral (
    (select true as reserves, * from (
        {_WAITS} where reserves @> array[k.key] offset 0) as held order by sequence limit {{most}})
    union all (select false, * from (
        {_WAITS} where concerns @> array[k.key] and cardinality(concerns) > 0 offset 0) as held order by sequence limit {{most}})
) as w order by w.sequence"""  # noqa: S608 - the columns above
MOST_OVER_ONE: Final = 20
OVER: Final = _OVER.format(most=MOST_OVER_ONE)
"""What holds a document is found by its index and not, as the limit would suggest, by going through all that waits in order."""
_RESERVING: Final = """
select k.key as document, j.body from unnest($1::text[]) as k (key) cross join lateral (
    select body from journals where reserves @> array[k.key] and cardinality(reserves) > 0 offset 0
) as j"""
_PARKED: Final = """
select body from waiting where (event_id, event_source) in (select * from unnest($1::text[], $2::text[])) order by sequence"""
_IN_FORCE: Final = "select key, type, data from reference order by position"
_PLACE: Final = {name: f"r.body->>{place}" for place, name in enumerate(RecordInForce.__struct_fields__)}
"""How the JSON of a record has its fields: in their order."""
_TAKEN: Final = " union all ".join(
    f"""select k.*, ({_PLACE["taken_from_" + side]})::numeric as amount, ({_PLACE["accounting_amount_from_" + side]})::numeric as value
    from k join records r on r.{side}_document = k.document and r.{side}_company = k.company and r.ledger = k.ledger
    where not coalesce(({_PLACE["is_reversed"]})::boolean, false)"""  # noqa: S608 - the places above
    for side in ("lowering", "raising")
)
_TAKEN_OF: Final = f"""
with k as (select * from unnest($1::text[], $2::text[], $3::text[]) as k (ledger, company, document))
select ledger, company, document, count(*) as records, sum(amount) as amount, sum(value) as value from ({_TAKEN}) as taken
group by ledger, company, document"""  # noqa: S608 - as above
_NEXT_JOURNALS: Final = (
    "select company, document, body from journals where (company, document) > ($1, $2) order by company, document limit $3"
)
_NEXT_PENDING: Final = """
select run_source, run_id, body from pending_replies where (run_id, run_source) > ($1, $2) order by run_id, run_source limit $3"""


class ReferenceInForce(NamedTuple):
    """A reference event in force: its type (without prefix and version) and data."""

    type: str
    data: dict[str, Any]


class TakenFrom(NamedTuple):
    """What the records in force take of a document, in its currency and in its company's, and how many they are."""

    amount: Decimal
    accounting_amount: Decimal
    records: int


class Holds(NamedTuple):
    """What holds a document, in order of arrival: the runs that wait and have reserved it, reversals that wait for it, journals.

    `journals`: sales payment journals that are created and reserve it until they are approved. At most MOST_OVER_ONE of each.
    """

    reserving: list[WaitingRow]
    reversing: list[WaitingRow]
    journals: list[ReservedSalesPayment]


async def documents(connection: Connection, company: str | None = None, party: str | None = None) -> AsyncIterator[Document]:
    """All posted documents, by ledger, company and number."""
    last = ("", "", "")
    while True:
        rows = await connection.fetch(_NEXT, *last, company, party, _PAGE)
        for row in rows:
            yield TABLES["documents"].read(row["body"])[1]
        if len(rows) < _PAGE:
            return
        last = (rows[-1]["ledger"], rows[-1]["company"], rows[-1]["document"])


async def record_pages(connection: Connection) -> AsyncIterator[list[RecordInForce]]:
    """All settlement records, reversed ones too, a page at a time."""
    page: list[RecordInForce] = []
    while page := await record_page(connection, page[-1].key if page else None):
        yield page


async def record_page(connection: Connection, after: RecordKey | None) -> list[RecordInForce]:
    """The next settlement records, reversed ones too; None: from the first one on. Empty after the last one."""
    last = ("", "", "", -1) if after is None else (after.run.id, after.run.source, after.ledger, after.number)
    rows = await connection.fetch(_NEXT_RECORDS, *last, _PAGE)
    return [TABLES["records"].read(row["body"])[1] for row in rows]


async def document_page(connection: Connection, after: DocumentKey | None) -> list[Document]:
    """The next documents; None: from the first one on. Empty after the last one."""
    rows = await connection.fetch(_NEXT, *(after or ("", "", "")), None, None, _PAGE)
    return [TABLES["documents"].read(row["body"])[1] for row in rows]


async def taken_of(connection: Connection, keys: Iterable[DocumentKey]) -> dict[DocumentKey, TakenFrom]:
    """What the records in force take of these documents; those of which any takes something."""
    rows = await connection.fetch(_TAKEN_OF, *_columns(keys))
    return {
        DocumentKey(row["ledger"], row["company"], row["document"]): TakenFrom(row["amount"], row["value"], row["records"]) for row in rows
    }


async def records_by_key(connection: Connection, keys: Iterable[RecordKey]) -> dict[RecordKey, RecordInForce]:
    """The settlement records with these keys, reversed ones too, those that there are."""
    stored = TABLES["records"]
    named = [stored.key(key) for key in keys]
    rows = await connection.fetch(stored.select, *texts(named)) if named else []
    return dict(stored.read(row["body"]) for row in rows)


async def journal_page(connection: Connection, after: tuple[str, str] | None) -> list[ReservedSalesPayment]:
    """The next sales payment journals; None: from the first one on. Empty after the last one."""
    rows = await connection.fetch(_NEXT_JOURNALS, *(after or ("", "")), _PAGE)
    return [TABLES["journals"].read(row["body"])[1] for row in rows]


async def journals_by_key(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], ReservedSalesPayment]:
    """The sales payment journals of these companies and numbers, those that there are."""
    named = list(keys)
    rows = await connection.fetch(TABLES["journals"].select, *texts(named)) if named else []
    found = (TABLES["journals"].read(row["body"])[1] for row in rows)
    return {(each.company, each.document): each for each in found}


async def pending_page(connection: Connection, after: EventRef | None) -> list[EventRef]:
    """The next runs and approvals whose sales payments are not answered yet; None: from the first one on."""
    rows = await connection.fetch(_NEXT_PENDING, *((after.id, after.source) if after else ("", "")), _PAGE)
    return [EventRef(row["run_source"], row["run_id"]) for row in rows]


async def pending(connection: Connection, run: EventRef) -> bool:
    """Whether a run's or an approval's sales payments are not answered yet."""
    return bool(await connection.fetch(TABLES["pending_replies"].select, *texts([run])))


async def documents_named(connection: Connection, name: str) -> list[Document]:
    """The documents that an event of this id posted, and those with this number."""
    rows = [*await connection.fetch(_OF_EVENT, name), *await connection.fetch(_OF_NUMBER, name)]
    found = dict(TABLES["documents"].read(row["body"]) for row in rows)
    return list(found.values())


async def documents_by_key(connection: Connection, keys: Iterable[DocumentKey]) -> dict[DocumentKey, Document]:
    """The documents with these keys, those that there are."""
    named = list(keys)
    rows = await connection.fetch(TABLES["documents"].select, *texts(named)) if named else []
    return dict(TABLES["documents"].read(row["body"]) for row in rows)


async def documents_that_read(connection: Connection, keys: Iterable[DocumentKey]) -> list[DocumentKey]:
    """The documents whose numbers, after NFKC and without spaces, are those of these keys."""
    rows = await connection.fetch(THAT_READ, *_columns(keys))
    return [DocumentKey(row["ledger"], row["company"], row["document"]) for row in rows]


async def holds(connection: Connection, keys: Iterable[DocumentKey]) -> dict[DocumentKey, Holds]:
    """What holds these documents, of those that something does: two statements, however many there are."""
    wanted = {joined(key): key for key in keys}
    found: dict[DocumentKey, Holds] = {}
    for row in await connection.fetch(OVER, list(wanted)):
        held = found.setdefault(wanted[row["document"]], Holds([], [], []))
        (held.reserving if row["reserves"] else held.reversing).append(waiting_row(row))
    for row in await connection.fetch(_RESERVING, list(wanted)):
        journal = TABLES["journals"].read(row["body"])[1]
        found.setdefault(wanted[row["document"]], Holds([], [], [])).journals.append(journal)
    return found


async def records_of_run(connection: Connection, run_id: str) -> list[RecordInForce]:
    """The records, reversed ones too, of all runs with this id."""
    return [TABLES["records"].read(row["body"])[1] for row in await connection.fetch(_OF_RUN, run_id)]


async def record(connection: Connection, key: RecordKey) -> RecordInForce | None:
    """A settlement record, reversed or not; None if there is none."""
    stored = TABLES["records"]
    rows = await connection.fetch(stored.select, *texts([stored.key(key)]))
    return stored.read(rows[0]["body"])[1] if rows else None


async def records_of_document(connection: Connection, key: DocumentKey) -> list[RecordInForce]:
    """The records, reversed ones too, that a document has part in."""
    rows = await connection.fetch(TABLES["records"].indexes["document"].select, *_columns([key]), None)
    return [TABLES["records"].read(row["body"])[1] for row in rows]


async def parked_of(connection: Connection, events: Iterable[EventRef]) -> list[Parked]:
    """What these events caused to wait, whole."""
    causes = list(events)
    rows = await connection.fetch(_PARKED, [event.id for event in causes], [event.source for event in causes])
    return [TABLES["waiting"].read(row["body"])[1] for row in rows]


async def reference(connection: Connection) -> Reference:
    """The reference data in force."""
    return await ReferenceTable().current(connection)


async def reference_events(connection: Connection) -> dict[str, ReferenceInForce]:
    """The reference events in force, by compaction key, in the order in which they were taken."""
    return {row["key"]: ReferenceInForce(row["type"], orjson.loads(row["data"])) for row in await connection.fetch(_IN_FORCE)}


def _columns(keys: Iterable[DocumentKey]) -> list[list[str]]:
    return [list(column) for column in zip(*keys, strict=True)] or [[], [], []]
