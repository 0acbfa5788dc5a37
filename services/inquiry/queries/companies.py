"""The companies and parties that the reference data defines, and what they are called.

Invariant: the last version of an entity counts; a company's currency never changes, so any version says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.inquiry.queries.pages import PageOfRows, PageWanted, read_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.delivery.ports import Connection

Row = dict[str, Any]

_SCOPE: Final = """
select distinct data ->> 'company' as company from reference_taken
where key >= 'company/' and key < 'company0' and type = 'company.defined' order by 1"""
CURRENCY: Final = """
coalesce((
    select r.data ->> 'currency' from reference_taken r
    where r.key = 'company/' || replace(replace({company}, '%', '%25'), '/', '%2F') and r.type = 'company.defined' limit 1
), (select v.accounting_currency from vouchers v where v.company = {company} order by v.series, v.number limit 1))"""
"""The accounting currency of a company that has posted."""

_LAST: Final = """
not exists (select from reference_taken n where n.key = r.key and n.position > r.position)"""
_COMPANIES: Final = f"""
select r.key, r.data ->> 'company' as company, r.data::text as data, (
    select count(*) from documents d where d.company = r.data ->> 'company' and d.open <> 0
) as open, (
    select coalesce(json_agg(json_build_object('from', p.data -> 'from', 'to', p.data -> 'to', 'state', split_part(p.type, '.', 2))
        order by p.position), '[]')
    from reference_taken p where p.key >= replace(r.key, 'company/', 'period/') || '/'
    and p.key < replace(r.key, 'company/', 'period/') || '0'
    and case when exists (select from reference_taken n where n.key = p.key and n.position > p.position) then false else true end
)::text as periods
from reference_taken r where r.key >= 'company/' and r.key < 'company0' and r.type = 'company.defined' and {_LAST}
and ($1::text[] is null or r.data ->> 'company' = any($1)) and ($2::text[] is null or r.key > ($2::text[])[1])
and ($3::text is null or starts_with(lower(r.data ->> 'company'), lower($3)) or starts_with(lower(r.data ->> 'name'), lower($3)))
order by r.key limit $4"""
_COMPANY_NAMES: Final = f"""
select r.data ->> 'company' as company, r.data ->> 'name' as name from reference_taken r
where r.key >= 'company/' and r.key < 'company0' and r.type = 'company.defined' and {_LAST}"""
_PARTIES: Final = f"""
select r.key, r.data::text as data from reference_taken r
where r.key >= 'party/' and r.key < 'party0' and r.type = 'party.defined' and {_LAST}
and ($1::text[] is null or r.key > ($1::text[])[1])
and ($2::text is null or starts_with(lower(r.data ->> 'party'), lower($2)) or starts_with(lower(r.data ->> 'name'), lower($2)))
order by r.key limit $3"""
_NAMES: Final = """
select k.party, (
    select r.data ->> 'name' from reference_taken r
    where r.key = 'party/' || replace(replace(k.party, '%', '%25'), '/', '%2F') and r.type = 'party.defined'
    order by r.position desc limit 1
) as name from unnest($1::text[]) as k (party)"""
_CURRENCIES: Final = f"select c.company, {CURRENCY.format(company='c.company')} as currency from unnest($1::text[]) as c (company)"


@dataclass(frozen=True, slots=True)
class NamedSelection:
    """Companies or parties whose code or name begins with `q`; `companies` is the scope of the reader."""

    companies: tuple[str, ...] | None = None
    q: str | None = None


async def companies(connection: Connection, selection: NamedSelection, page: PageWanted) -> PageOfRows:
    """Companies by code: name, currency, language, periods, and how many documents are open.

    Of periods (`state`: closed or opened) that overlap the last one counts.
    """
    shown = await read_page(
        connection, page, _COMPANIES, selection.companies, page.texts(1), selection.q, place=lambda record: (record["key"],)
    )
    return PageOfRows([_company(record) for record in shown.records], shown.after, shown.total)


def _company(record: Any) -> Row:
    data = orjson.loads(record["data"])
    return {
        "company": record["company"],
        "name": data.get("name"),
        "currency": data["currency"],
        "language": data.get("language"),
        "periods": orjson.loads(record["periods"]),
        "open": record["open"],
    }


async def company_names(connection: Connection) -> dict[str, str]:
    """What all companies are called, by code; one without a name by its code."""
    return {row["company"]: row["name"] or row["company"] for row in await connection.fetch(_COMPANY_NAMES)}


async def parties(connection: Connection, selection: NamedSelection, page: PageWanted) -> PageOfRows:
    """Parties by id: name, and their accounts by company, those of the scope."""
    shown = await read_page(connection, page, _PARTIES, page.texts(1), selection.q, place=lambda record: (record["key"],))
    return PageOfRows([_party(orjson.loads(record["data"]), selection.companies) for record in shown.records], shown.after, shown.total)


def _party(data: Row, scope: tuple[str, ...] | None) -> Row:
    accounts = {
        name: {company: each for company, each in (data.get(name) or {}).items() if scope is None or company in scope}
        for name in ("customers", "vendors")
    }
    return {"party": data["party"], "name": data.get("name"), **accounts}


async def scope(connection: Connection, companies: tuple[str, ...] | None) -> list[str]:
    """The companies that a question is about: those given, or all that are defined."""
    return list(companies) if companies is not None else [row["company"] for row in await connection.fetch(_SCOPE)]


async def names(connection: Connection, parties: Iterable[str]) -> dict[str, str | None]:
    """What these parties are called; None: they have no name."""
    wanted = sorted(set(parties))
    return {row["party"]: row["name"] for row in await connection.fetch(_NAMES, wanted)}


async def currencies(connection: Connection, companies: Iterable[str]) -> dict[str, str]:
    """The accounting currencies of these companies, of those that are defined or have posted."""
    wanted = sorted(set(companies))
    return {row["company"]: row["currency"] for row in await connection.fetch(_CURRENCIES, wanted) if row["currency"]}
