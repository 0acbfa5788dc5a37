"""What a text may mean: the exact id of an event or a settlement, a voucher number, a document, the beginning of one, a party's name.

Invariant: at most 20 hits, exact ones first; each part is found by an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.inquiry.queries.companies import scope
from services.inquiry.queries.pages import LARGEST

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

Row = dict[str, Any]

MOST: Final = 20

_SHORTEST_PREFIX: Final = 2
"""Characters from which on a text is looked for as the beginning of something."""

_HITS: Final = """
(select 1 as rank, 'event' as kind, source, null as ledger, company, id as name, document as title from events
 where id = $2 and is_current and (company is null or company = any($1)) limit 20)
union all
(select 1, 'document', null, ledger, company, document, kind from documents where document = $2 and company = any($1) limit 20)
union all
(select 1, 'voucher', null, ledger, company, $2, kind from vouchers
 where company = any($1) and series = $3 and number = $4 limit 20)
union all
(select distinct 1, 'settlement', run_source, ledger, null, run_id, null from records
 where run_id = $2 and (lowering_company = any($1) or raising_company = any($1)) limit 20)
union all
(select 1, 'party', null, null, null, data ->> 'party', data ->> 'name' from reference_taken
 where key = 'party/' || replace(replace($2, '%', '%25'), '/', '%2F') and type = 'party.defined' order by position desc limit 1)
union all
(select 2, 'document', null, ledger, company, document, kind from documents
 where $5 and document > $2 and document < $2 || chr(1114111) and company = any($1) order by document limit 20)
union all
(select 2, 'event', source, null, company, id, document from events
 where $5 and id > $2 and id < $2 || chr(1114111) and is_current and (company is null or company = any($1)) order by id limit 20)
union all
(select distinct 3, 'party', null, null, null, data ->> 'party', data ->> 'name' from reference_taken
 where $5 and type = 'party.defined' and lower(data ->> 'name') collate "C" >= lower($2) collate "C"
 and lower(data ->> 'name') collate "C" < lower($2) collate "C" || chr(1114111) limit 20)
order by rank, kind, name, company, source limit $6"""


async def search(connection: Connection, q: str, companies: tuple[str, ...] | None = None) -> list[Row]:
    """What the text names, best first: `kind` (event, document, voucher, settlement, party), what names it, and a `title`."""
    text = q.strip()
    if not text:
        return []
    series, _, number = text.rpartition("-")
    is_number = bool(series) and number.isdecimal() and int(number) <= LARGEST
    found = await connection.fetch(
        _HITS,
        await scope(connection, companies),
        text,
        series if is_number else None,
        int(number) if is_number else None,
        len(text) >= _SHORTEST_PREFIX,
        2 * MOST,
    )
    hits: dict[tuple[Any, ...], Row] = {}
    for each in found:
        key = (each["kind"], each["source"], each["ledger"], each["company"], each["name"])
        hits.setdefault(key, {name: each[name] for name in ("kind", "source", "ledger", "company", "name", "title")})
    return list(hits.values())[:MOST]
