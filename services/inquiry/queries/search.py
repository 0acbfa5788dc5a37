"""What a text may mean: the id of an event or a settlement, a voucher, a document, an account, a company, a party.

Of documents, accounts and companies the case does not matter; parties are found by any words of their names, or the beginnings of them.

Invariant: at most 20 hits, exact ones first; each part is found by an index.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.inquiry.queries.companies import scope
from services.inquiry.queries.pages import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

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
 where lower(document collate "default") collate "C" = lower($2) collate "C" and company = any($1) order by document limit 20)
union all
(select case when lower(r.data ->> 'company') = lower($2) then 1 else 4 end, 'company', null, null, r.data ->> 'company',
 r.data ->> 'company', r.data ->> 'name' from reference_taken r
 where r.key >= 'company/' and r.key < 'company0' and r.type = 'company.defined' and r.data ->> 'company' = any($1)
 and (starts_with(lower(r.data ->> 'company'), lower($2)) or position(' ' || lower($2) in ' ' || lower(r.data ->> 'name')) > 0)
 and r.position = (select n.position from reference_taken n where n.key = r.key order by n.position desc limit 1) limit 20)
union all
(select 3, 'document', null, ledger, company, document, kind from documents
 where $5 and lower(document collate "default") collate "C" > lower($2) collate "C"
 and lower(document collate "default") collate "C" < lower($2) collate "C" || chr(1114111)
 and company = any($1) order by lower(document collate "default") collate "C" limit 20)
union all
(select 3, 'event', source, null, company, id, document from events
 where $5 and id > $2 and id < $2 || chr(1114111) and is_current and (company is null or company = any($1)) order by id limit 20)
union all
(select distinct 4, 'party', null, null, null, r.data ->> 'party', r.data ->> 'name' from reference_taken r
 where $5 and $7 <> '' and r.type = 'party.defined' and to_tsvector('simple', coalesce(r.data ->> 'name', '')) @@ to_tsquery('simple', $7)
 and r.position = (select n.position from reference_taken n where n.key = r.key order by n.position desc limit 1) limit 20)
order by rank, kind, name, company, source limit $6"""


_WITH_ACCOUNT: Final = """
select r.data ->> 'name' as name, r.data ->> 'customers' as customers, r.data ->> 'vendors' as vendors from reference_taken r
where r.type = 'party.defined' and to_tsvector('simple', coalesce(r.data ->> 'customers', '') || ' ' || coalesce(r.data ->> 'vendors', ''))
@@ plainto_tsquery('simple', $1)
and r.position = (select n.position from reference_taken n where n.key = r.key order by n.position desc limit 1)
limit 100"""
_ACCOUNTS: Final = {"customers": "receivable", "vendors": "payable"}


async def search(connection: Connection, q: str, companies: tuple[str, ...] | None = None) -> list[Row]:
    """What the text names, best first: `kind` (event, document, voucher, settlement, account, company, party), its names, and a `title`."""
    text = q.strip()
    if not text:
        return []
    series, _, number = text.rpartition("-")
    is_number = bool(series) and number.isdecimal() and int(number) <= LARGEST
    in_scope = await scope(connection, companies)
    found = await connection.fetch(
        _HITS,
        in_scope,
        text,
        series if is_number else None,
        int(number) if is_number else None,
        len(text) >= _SHORTEST_PREFIX,
        2 * MOST,
        " & ".join(f"{word}:*" for word in re.findall(r"[^\W_]+", text)),
    )
    of_account = [each for row in await connection.fetch(_WITH_ACCOUNT, text) for each in _accounts(row, text, set(in_scope))]
    exact = [each for each in found if each["rank"] == 1]
    hits: dict[tuple[Any, ...], Row] = {}
    for each in [*exact, *of_account, *found]:
        key = (each["kind"], each["source"], each["ledger"], each["company"], each["name"])
        hits.setdefault(key, {name: each[name] for name in ("kind", "source", "ledger", "company", "name", "title")})
    return list(hits.values())[:MOST]


def _accounts(row: Any, text: str, companies: set[str]) -> Iterator[Row]:
    """The accounts of a party that the text is, in the companies in scope."""
    for name, ledger in _ACCOUNTS.items():
        for company, said in orjson.loads(row[name] or "{}").items():
            for account in said if isinstance(said, list) else [said]:
                if company in companies and str(account).lower() == text.lower():
                    yield {"kind": "account", "source": None, "ledger": ledger, "company": company, "name": account, "title": row["name"]}
