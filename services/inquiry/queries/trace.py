"""What came of something, and what it came of: a graph from an event, a document, a voucher or a settlement run.

Followed are documents and runs, from whichever end one begins: from a document the runs that it has part in, the payment and the invoice
that mirror it or that it mirrors; from a run its documents and the sales payments that it made. So it does not matter with which of its
names one begins, as long as it is not more than can be shown; then what is nearest is shown.

Invariant: four statements whatever is found; at most MOST nodes, then it says that it is truncated. What waits and what was taken is at
its owners: the caller asks them, once, for the events that were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.inquiry.queries.trace_graph import MOST, FoundForTrace, Graph, graph
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from shared.delivery.ports import Connection

    Row = dict[str, Any]
    Waits = Callable[[frozenset[EventRef]], Awaitable[Iterable[Row]]]
    """Gives what waits because of these events, as the desk shows it: rows with `event`, `source`, `for`, `key`, `since`."""
    Taken = Callable[[frozenset[EventRef]], Awaitable[set[EventRef]]]
    """Gives those of these events that the services have taken."""


@dataclass(frozen=True, slots=True)
class TraceStart:
    """Where to begin: whatever is given, all of it (a name of which nobody knows what it is: as event, document and settlement).

    `source` narrows `event` and `settlement`; `company` and `ledger` narrow `document`; `company` narrows `voucher` (series-number), a
    number that each company may have.
    """

    event: str | None = None
    source: str | None = None
    document: str | None = None
    company: str | None = None
    ledger: str | None = None
    voucher: str | None = None
    settlement: str | None = None


_OF_VOUCHER: Final = """
select case when run_id is null then 'document' else 'run' end, coalesce(run_source, ledger), coalesce(run_id, v.company),
case when run_id is null then document else '' end from vouchers v"""
_COMPANIES: Final = """
case when $4::text is null then (
    select array_agg(distinct data ->> 'company') from reference_taken
    where key >= 'company/' and key < 'company0' and type = 'company.defined'
) else array[$4::text] end"""
"""Of a voucher's number alone each company is asked, by the key of its vouchers."""
_WALK: Final = f"""
with recursive walk (kind, a, b, c) as (
    (
        select 'document', ledger, company, document from documents where event_id = $1 and ($2::text is null or event_source = $2)
        union select 'document', ledger, company, document from documents
        where document = $3 and ($4::text is null or company = $4) and ($5::text is null or ledger = $5)
        union select 'document', 'receivable', company, document from journals
        where document = $3 and ($4::text is null or company = $4) and coalesce($5, 'receivable') = 'receivable'
        union select 'run', run_source, run_id, '' from records where run_id = $6 and ($2::text is null or run_source = $2)
        union select 'run', run_source, run_id, '' from records where run_id = $1 and ($2::text is null or run_source = $2)
        union select 'document', ledger, company, document from document_reversals
        where event_id = $1 and ($2::text is null or event_source = $2)
        union select 'run', run_source, run_id, '' from record_reversals where event_id = $1 and ($2::text is null or event_source = $2)
        union select 'document', 'receivable', company, document from journals
        where approval_id = $1 and ($2::text is null or approval_source = $2)
        union {_OF_VOUCHER} where v.company = any({_COMPANIES}) and v.series = $7 and v.number = $8
        union {_OF_VOUCHER} where first_id = $1 and ($2::text is null or first_source = $2)
    )
    union
    select n.kind, n.a, n.b, n.c from walk w cross join lateral (
        select 'run' as kind, r.run_source as a, r.run_id as b, '' as c from records r
        where w.kind = 'document' and r.lowering_document = w.c and r.lowering_company = w.b and r.ledger = w.a
        union all select 'run', r.run_source, r.run_id, '' from records r
        where w.kind = 'document' and r.raising_document = w.c and r.raising_company = w.b and r.ledger = w.a
        union all select 'document', 'receivable', j.company, j.document from journals j
        where w.kind = 'document' and w.a = 'payable' and j.payer_document = w.c and j.payer_company = w.b
        union all select 'document', 'payable', j.payer_company, j.payer_document from journals j
        where w.kind = 'document' and w.a = 'receivable' and j.company = w.b and j.document = w.c
        union all select 'document', 'receivable', j.company, j.document from journals j
        where w.kind = 'run' and j.run_id = w.b and j.run_source = w.a
        union all select 'run', j.run_source, j.run_id, '' from journals j
        where w.kind = 'document' and w.a = 'receivable' and j.company = w.b and j.document = w.c
        union all select 'document', r.ledger, side.company, side.document from records r
        cross join lateral (values (lowering_company, lowering_document), (raising_company, raising_document)) side (company, document)
        where w.kind = 'run' and r.run_id = w.b and r.run_source = w.a
        union all select 'document', 'receivable', d.ic_company, d.ic_document from documents d
        where w.kind = 'document' and w.a = 'payable' and d.ledger = 'payable' and d.company = w.b and d.document = w.c
        and d.ic_document is not null
        union all select 'document', 'payable', d.company, d.document from documents d
        where w.kind = 'document' and w.a = 'receivable' and d.ic_document = w.c and d.ic_company = w.b and d.ledger = 'payable'
    ) as n
), walked as (
    select kind, a, b, c from walk limit {MOST + 1}
)
select w.kind, w.a, w.b, w.c, r.*, r.why::text as decided, x.event_source as reversal_source, x.event_id as reversal_id
from walked w
left join lateral (select * from records r where w.kind = 'run' and r.run_id = w.b and r.run_source = w.a offset 0) as r on true
left join lateral (
    select * from record_reversals x
    where x.run_id = r.run_id and x.run_source = r.run_source and x.ledger = r.ledger and x.number = r.number offset 0
) as x on true
order by w.kind, r.run_source, r.run_id, r.ledger, r.number limit {2 * MOST + 2}"""
_DOCUMENTS: Final = """
select k.ledger, k.company, k.document, d.kind, d.sign, d.party, d.account, d.date, d.currency, d.amount, d.open, d.reversed_on,
d.event_source, d.event_id, d.first_source, d.first_id, d.ic_company, d.ic_document, d.posted_at,
x.event_source as reversal_source, x.event_id as reversal_id,
j.journal, j.status, j.date as journal_date, j.currency as journal_currency, j.amount as journal_amount, j.payer_company,
j.payer_document, j.payer_source, j.payer_id, j.approval_source, j.approval_id
from unnest($1::text[], $2::text[], $3::text[]) as k (ledger, company, document)
left join documents d using (ledger, company, document) left join document_reversals x using (ledger, company, document)
left join journals j on k.ledger = 'receivable' and j.company = k.company and j.document = k.document"""
_VOUCHERS: Final = f"""
select v.*, l.line, l.posting_type, l.account, l.partner, l.party, l.party_account, l.settles, l.currency, l.debit, l.credit,
l.accounting_debit, l.accounting_credit, l.dimensions, l.text, l.rule
from (
    select v.* from (
        select v.company, v.series, v.number from unnest($1::text[], $2::text[], $3::text[]) as k (ledger, company, document)
        join vouchers v on v.document = k.document and v.company = k.company and v.ledger = k.ledger and v.run_id is null
        union select v.company, v.series, v.number from unnest($4::text[], $5::text[]) as k (run_source, run_id)
        join vouchers v on v.run_id = k.run_id and v.run_source = k.run_source
    ) as k join vouchers v using (company, series, number) order by v.posted_at, v.company, v.series, v.number limit {MOST + 1}
) as v left join lateral (
    select * from lines l where l.company = v.company and l.series = v.series and l.number = v.number offset 0
) as l on true order by v.posted_at, v.company, v.series, v.number, l.line"""
_EVENTS: Final = f"""
select k.source, k.id, e.type, e.received_at, e.last_received_at, e.company, e.document, (
    select coalesce(json_agg(json_build_object('id', f.id, 'at', f.at, 'again_at', f.again_at, 'service', f.service, 'scope', f.scope,
        'code', f.code, 'field', f.field, 'message', f.message, 'original', f.original) order by f.at, f.id), '[]')
    from refusals f where f.event = k.id and f.source = k.source
)::text as refusals
from (
    select source, id from unnest($1::text[], $2::text[]) as k (source, id)
    union select source, id from events where id = $3 and is_current and ($4::text is null or source = $4)
    union select source, event from refusals where event = $3 and ($4::text is null or source = $4)
    union (
        select source, id from events where document = $5 and is_current and ($6::text is null or company = $6) limit {MOST}
    )
) as k left join events e on e.source = k.source and e.id = k.id and e.is_current order by k.source, k.id"""


async def trace(connection: Connection, start: TraceStart, waits: Waits | None = None, taken: Taken | None = None) -> Graph:
    """The graph from where it is begun, with the lines of the vouchers; empty if that names nothing.

    Without `taken` an event of which nothing came is taken for one that was not.
    """
    found = FoundForTrace(truncated=False)
    await _walk(connection, start, found)
    runs = [[getattr(run, name) for run in found.runs] for name in EventRef._fields]
    found.documents = await connection.fetch(_DOCUMENTS, *_columns(found.document_keys()))
    found.take_vouchers(await connection.fetch(_VOUCHERS, *_columns(found.followed), *runs))
    found.limit_to_most()
    refs = sorted(found.event_refs())
    sources, ids = [ref.source for ref in refs], [ref.id for ref in refs]
    found.events = await connection.fetch(_EVENTS, sources, ids, start.event, start.source, start.document, start.company)
    if waits is not None:
        found.waits = list(await waits(frozenset(EventRef(each["source"], each["id"]) for each in found.events)))
    without_effect = frozenset(EventRef(each["source"], each["id"]) for each in found.events) - set(refs)
    if taken is not None and without_effect:
        found.taken = await taken(without_effect)
    return graph(found)


async def _walk(connection: Connection, start: TraceStart, found: FoundForTrace) -> None:
    series, _, number = (start.voucher or "").rpartition("-")
    is_voucher = number.isdecimal() and len(number) < len(str(2**63))
    rows = await connection.fetch(
        _WALK,
        start.event,
        start.source,
        start.document,
        start.company,
        start.ledger,
        start.settlement,
        series if is_voucher else None,
        int(number) if is_voucher else None,
    )
    nodes = dict.fromkeys((row["kind"], row["a"], row["b"], row["c"]) for row in rows)
    found.truncated = len(nodes) > MOST
    for kind, *name in list(nodes)[:MOST]:
        if kind == "run":
            found.runs.append(EventRef(*name[:2]))
        else:
            found.followed.append((name[0], name[1], name[2]))
    runs = set(found.runs)
    found.records = [row for row in rows if row["number"] is not None and EventRef(row["run_source"], row["run_id"]) in runs]


def _columns(keys: Iterable[tuple[str, str, str]]) -> list[list[str]]:
    return [list(column) for column in zip(*keys, strict=True)] or [[], [], []]
