"""How rows stand in the inquiry service's tables: what inserts them, and what brings derived columns up to date.

Invariant: every statement takes arrays, one per column, so it is one whatever the size of a batch; each gives the same tables
whichever batch comes first, and does nothing when it is run again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, get_type_hints

from services.inquiry.rules.books import STATUSES
from services.inquiry.rules.imports import NOTHING_SAID, STATES
from services.inquiry.rules.projection import KEYS
from services.inquiry.rules.rows import (
    BetweenDayRow,
    BetweenMonthRow,
    DailyRow,
    DocumentReversalRow,
    DocumentRow,
    EventRow,
    ImportedRow,
    JournalRefusalRow,
    JournalRow,
    RecordReversalRow,
    RecordRow,
    ReferenceRow,
    RefusalRow,
    RefusedVersionRow,
    VoucherRow,
)

_ROWS: Final[dict[str, type[Any]]] = {
    "events": EventRow,
    "refused_versions": RefusedVersionRow,
    "documents": DocumentRow,
    "document_reversals": DocumentReversalRow,
    "records": RecordRow,
    "record_reversals": RecordReversalRow,
    "vouchers": VoucherRow,
    "daily": DailyRow,
    "between_months": BetweenMonthRow,
    "between_days": BetweenDayRow,
    "journals": JournalRow,
    "journal_refusals": JournalRefusalRow,
    "refusals": RefusalRow,
    "reference_history": ReferenceRow,
    "imported": ImportedRow,
}
_JSON: Final = frozenset({"data", "original", "why"})
_TYPES: Final[dict[Any, str]] = {
    str: "text",
    str | None: "text",
    int: "bigint",
    int | None: "bigint",
    bool: "boolean",
    bytes: "bytea",
    Decimal: "numeric",
    Decimal | None: "numeric",
    dt.date: "date",
    dt.date | None: "date",
    dt.datetime: "timestamptz",
    dt.datetime | None: "timestamptz",
}


def _columns(table: str) -> str:
    return ", ".join(f'"{name}"' for name in _ROWS[table]._fields)


def _unnest(table: str) -> str:
    """The rows of a table, given as one array per column."""
    hints = get_type_hints(_ROWS[table])
    types = ["json" if name in _JSON else _TYPES[hints[name]] for name in _ROWS[table]._fields]
    return f"unnest({', '.join(f'${number}::{type_}[]' for number, type_ in enumerate(types, start=1))}) as n ({_columns(table)})"


def _new(table: str) -> str:
    """Rows that are there already stay."""
    return f"insert into {table} ({_columns(table)}) select * from {_unnest(table)} on conflict do nothing"  # noqa: S608 - our own names


def _same(one: str, other: str, table: str) -> str:
    return " and ".join(f"{one}.{column} = {other}.{column}" for column in KEYS[table])


# Events

_FIRST: Final = (
    '(excluded.received_at, excluded.topic, excluded.partition, excluded."offset") < (e.received_at, e.topic, e.partition, e."offset")'
)
_LAST: Final = "(excluded.last_received_at, excluded.last_offset) > (e.last_received_at, e.last_offset)"
_OF_THE_FIRST: Final = ", ".join(
    f"{name} = case when {_FIRST} then excluded.{name} else e.{name} end"
    for name in ("time", "topic", "partition", '"offset"', "received_at")
)
_OF_THE_LAST: Final = ", ".join(
    f"{name} = case when {_LAST} then excluded.{name} else e.{name} end" for name in ("last_received_at", "last_offset")
)
RECEIVED_AGAIN: Final = f"on conflict (source, id, digest) do update set {_OF_THE_FIRST}, {_OF_THE_LAST} where {_FIRST} or {_LAST}"
"""Of an event `e` that is there already: where and when it was received first and last."""
SAVE_EVENTS: Final = f"""
insert into events as e ({_columns("events")}, is_current) select n.*, true from {_unnest("events")} {RECEIVED_AGAIN}"""  # noqa: S608 - our own names
REFUSED_AGAIN: Final = """on conflict (source, id, digest) do update set is_conflicting = e.is_conflicting or excluded.is_conflicting,
    last_refused_at = greatest(e.last_refused_at, excluded.last_refused_at)
where excluded.is_conflicting and not e.is_conflicting or excluded.last_refused_at > e.last_refused_at"""
"""Of a refused version `e` that is there already: whether its id was taken by other data, and when it was refused last."""
SAVE_REFUSED_VERSIONS: Final = f"""
insert into refused_versions as e ({_columns("refused_versions")}) select * from {_unnest("refused_versions")} {REFUSED_AGAIN}"""  # noqa: S608
CHOOSE_CURRENT: Final = """
update events e set is_current = ranked.is_first from (
    select v.source, v.id, v.digest, row_number() over (
        partition by v.source, v.id
        order by coalesce(r.is_conflicting, false), r.digest is null desc, v.last_received_at desc, v.last_offset desc, v.digest desc
    ) = 1 as is_first
    from (select distinct source, id from unnest($1::text[], $2::text[]) as k (source, id)) named
    join events v using (source, id) left join refused_versions r using (source, id, digest)) ranked
where e.source = ranked.source and e.id = ranked.id and e.digest = ranked.digest and e.is_current <> ranked.is_first"""

# What was said of vouchers

_OF_IMPORTS: Final = f"e.type in ({', '.join(map(repr, STATES))})"
_STATE: Final = f"case e.type {' '.join(f'when {name!r} then {state!r}' for name, state in STATES.items())} end"
_SAID_OF_THEM: Final = ", ".join(f"{name} = excluded.{name}" for name in ImportedRow._fields if name not in KEYS["imported"])
_NAMED_BY_EVENTS: Final = f"""
select distinct e.company, e.data ->> 'voucher' as voucher
from (select distinct source, id from unnest($1::text[], $2::text[]) as k (source, id)) k join events e using (source, id)
where {_OF_IMPORTS}"""  # noqa: S608 - our own names
_NAMED_BY_ANY: Final = f"select distinct e.company, e.data ->> 'voucher' as voucher from events e where {_OF_IMPORTS}"  # noqa: S608
_TELL: Final = f"""
with named as materialized ({{named}}), told as materialized (
    select distinct on (n.company, n.voucher) n.company, n.voucher, {_STATE} as state, e.received_at as at,
        e.data ->> 'erp_number' as erp_number, e.data ->> 'message' as message, e.source as event_source, e.id as event_id
    from named n join events e on e.company = n.company and e.data ->> 'voucher' = n.voucher and {_OF_IMPORTS} and e.is_current
    left join refused_versions r on r.source = e.source and r.id = e.id and r.digest = e.digest
    where r.digest is null or r.last_refused_at < e.last_received_at
    order by n.company, n.voucher, e.received_at desc, e."offset" desc, e.source desc, e.id desc
), gone as (
    delete from imported i using named n where i.company = n.company and i.voucher = n.voucher
    and not exists (select from told t where t.company = i.company and t.voucher = i.voucher)
), saved as (
    insert into imported ({_columns("imported")}) select {_columns("imported")} from told
    on conflict (company, voucher) do update set {_SAID_OF_THEM}
)
update vouchers v set import_state = coalesce(t.state, '{NOTHING_SAID}') from (
    select company, voucher, substring(voucher from '^(.*)-') as series, substring(voucher from '[0-9]+$')::bigint as number from named
) n left join told t using (company, voucher)
where v.company = n.company and v.series = n.series and v.number = n.number and v.import_state <> coalesce(t.state, '{NOTHING_SAID}')"""  # noqa: S608
TELL_IMPORTS: Final = _TELL.format(named=_NAMED_BY_EVENTS)
"""What was said last of the vouchers that these events speak of; at the vouchers too, where they are there."""
TELL_ALL_IMPORTS: Final = _TELL.format(named=_NAMED_BY_ANY)

# Documents

_TERMS: Final = """coalesce((e.data ->> 'due_date')::date, case when {row}.kind = 'payment' then {row}.date end),
    case when json_array_length(e.data -> 'cash_discounts') > 0 then e.data -> 'cash_discounts' end, e.data ->> 'credits',
    e.data -> 'intercompany_invoice' ->> 'company', e.data -> 'intercompany_invoice' ->> 'document'"""
_TERM_COLUMNS: Final = "due_date, cash_discounts, credits, ic_company, ic_document"
_SAID: Final = tuple(f'"{name}"' for name in DocumentRow._fields if name != "due_date")
SAVE_DOCUMENTS: Final = f"""
insert into documents ({", ".join(_SAID)}, {_TERM_COLUMNS}, open, open_accounting)
select {", ".join(f"n.{name}" for name in _SAID)}, {_TERMS.format(row="n")}, n.amount, n.accounting_amount
from {_unnest("documents")} left join events e on e.source = n.event_source and e.id = n.event_id and e.is_current
on conflict do nothing"""  # noqa: S608 - our own names
UPDATE_TERMS: Final = f"""
update documents d set ({_TERM_COLUMNS}) = (select {_TERMS.format(row="d")})
from events e join (select distinct source, id from unnest($1::text[], $2::text[]) as k (source, id)) named using (source, id)
where e.is_current and d.event_source = e.source and d.event_id = e.id"""  # noqa: S608 - our own names
SAVE_DOCUMENT_REVERSALS: Final = _new("document_reversals")
MARK_DOCUMENTS: Final = """
update documents d set reversed_on = r.date, reversed_at = r.posted_at
from document_reversals r join unnest($1::text[], $2::text[], $3::text[]) as k (ledger, company, document) using (ledger, company, document)
where d.ledger = r.ledger and d.company = r.company and d.document = r.document and d.reversed_on is null"""
UPDATE_OPEN: Final = """
update documents d set open = s.open, open_accounting = s.open_accounting from (
    select o.ledger, o.company, o.document,
        case when o.reversed_on is null then o.amount else 0 end - coalesce(sum(t.amount), 0) as open,
        case when o.reversed_on is null then o.accounting_amount else 0 end - coalesce(sum(t.value), 0) as open_accounting
    from unnest($1::text[], $2::text[], $3::text[]) as k (ledger, company, document)
    join documents o using (ledger, company, document)
    left join takes t on t.ledger = o.ledger and t.company = o.company and t.document = o.document and t.reversed_on is null
    group by o.ledger, o.company, o.document) s
where d.ledger = s.ledger and d.company = s.company and d.document = s.document
and (d.open, d.open_accounting) is distinct from (s.open, s.open_accounting)"""

# Settlement records

SAVE_RECORDS: Final = f"{_new('records')} returning run_source, run_id, ledger, number"
SAVE_RECORD_REVERSALS: Final = _new("record_reversals")
_OF_RECORDS: Final = "unnest($1::text[], $2::text[], $3::text[], $4::int[]) as k (run_source, run_id, ledger, number)"


def _mark(table: str) -> str:
    return f"""
update {table} t set reversed_on = r.date, reversed_at = r.posted_at
from record_reversals r join {_OF_RECORDS} using (run_source, run_id, ledger, number)
where {_same("t", "r", "records")} and t.reversed_on is null"""  # noqa: S608 - our own names


MARK_RECORDS: Final = _mark("records")
MARK_TAKES: Final = f"{_mark('takes')} returning t.ledger, t.company, t.document"

# Vouchers

_NAME: Final = "n.series || '-' || lpad(n.number::text, greatest(length(n.number::text), 6), '0')"
SAVE_VOUCHERS: Final = f"""
insert into vouchers ({_columns("vouchers")}, import_state)
select n.*, coalesce((select i.state from imported i where i.company = n.company and i.voucher = {_NAME}), '{NOTHING_SAID}')
from {_unnest("vouchers")} on conflict do nothing returning company, series, number"""  # noqa: S608 - our own names
_SUMMED: Final = ("debit", "credit", "accounting_debit", "accounting_credit", "lines")


def _add(table: str, more: str = "") -> str:
    """Sums are added to those that are there."""
    sums = ", ".join(f"{name} = t.{name} + excluded.{name}" for name in _SUMMED)
    return f"""
insert into {table} as t ({_columns(table)}) select * from {_unnest(table)}
on conflict ({", ".join(KEYS[table])}) do update set {sums}{more}"""  # noqa: S608 - our own names


ADD_TO_DAYS: Final = _add("daily")
ADD_TO_MONTHS: Final = _add("between_months", ", last_date = greatest(t.last_date, excluded.last_date)")
ADD_BETWEEN_DAYS: Final = _add("between_days")

# Journals

_RANK: Final = f"array_position(array[{', '.join(map(repr, STATUSES))}], {{row}}.status)"
_JOURNAL_COLUMNS: Final = ", ".join(f"{name} = excluded.{name}" for name in JournalRow._fields if name not in KEYS["journals"])
SAVE_JOURNALS: Final = f"""
insert into journals as j ({_columns("journals")}) select * from {_unnest("journals")}
on conflict (company, document) do update set {_JOURNAL_COLUMNS}
where {_RANK.format(row="excluded")} > {_RANK.format(row="j")}"""  # noqa: S608 - our own names
SAVE_JOURNAL_REFUSALS: Final = _new("journal_refusals")
REFUSE_JOURNALS: Final = """
update journals j set status = 'refused', changed_at = r.refused_at
from journal_refusals r join unnest($1::text[], $2::text[]) as k (company, document) using (company, document)
where j.company = r.company and j.document = r.document and j.status <> 'refused'"""

SAVE_REFUSALS: Final = f"""
insert into refusals as r ({_columns("refusals")}) select * from {_unnest("refusals")}
on conflict (id) do update set at = least(r.at, excluded.at), again_at = nullif(
    greatest(r.at, r.again_at, excluded.at, excluded.again_at), least(r.at, excluded.at)
)"""  # noqa: S608 - our own names
"""Refused again is the same refusal, told with another time; what is read twice has the same."""
SAVE_REFERENCE: Final = _new("reference_history")


def arrays(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as one array per column, so many columns as `width`, where there may be no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
