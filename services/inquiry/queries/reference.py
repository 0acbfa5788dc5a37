"""The reference data: what is in force, what was in force at a time, and every version of an entity with the event that set it.

Invariant: of an entity's versions the last one up to the time counts; one that was withdrawn is not in force, and its versions stay.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from services.inquiry.queries.as_of import ALWAYS
from services.inquiry.queries.pages import PageOfRows, PageWanted, read_page
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.delivery.ports import Connection

Row = dict[str, Any]

WITHDRAWN: Final = "reference.withdrawn"


@dataclass(frozen=True, slots=True)
class ReferenceSelection:
    """Which entities: None selects all. `type`: as in events.md, `exchange-rate.published` say; `q`: the key begins with it, kind aside.

    `companies`: entities that name one of these (a trading relation: on either side), or no company at all.
    `at`: in force at that time; None: now.
    """

    companies: tuple[str, ...] | None = None
    type: str | None = None
    q: str | None = None
    at: dt.datetime | None = None


_IN_FORCE: Final = """
select r.key, r.position, r.type, r.data::text as data, r.event_source, r.event_id, r.from_time from reference_taken r
where r.from_time <= $1 and r.type <> 'reference.withdrawn' and ($2::text is null or r.type = $2)
and ($3::text is null or (r.key >= $3 and r.key < $3 || chr(1114111)))
and ($4::text[] is null or coalesce(r.data ->> 'company', r.data #>> '{seller,company}') is null
    or array[r.data ->> 'company', r.data #>> '{seller,company}', r.data #>> '{buyer,company}'] && $4)
and ($5::text[] is null or r.key > ($5::text[])[1])
and not exists (select from reference_taken n where n.key = r.key and n.position > r.position and n.from_time <= $1)
order by r.key limit $6"""
_VERSIONS: Final = """
select key, position, type, data::text as data, event_source, event_id, from_time from reference_taken
where key = $1 order by position"""

_VERSIONS_OF: Final = """
select key, position, type, data::text as data, event_source, event_id, from_time from reference_taken
where key = any($1) order by key, position"""
_DECIDED: Final = """
select r.reference, v.posted_at from vouchers v
left join records r on r.run_source = v.run_source and r.run_id = v.run_id and r.ledger = v.ledger and r.number = v.record
where v.company = $1 and v.series = $2 and v.number = $3"""


class DecidedWith(NamedTuple):
    """Versions before the position `below` counted; without one, those that were there when the voucher was posted."""

    below: int | None
    posted_at: dt.datetime

    def counts(self, version: Mapping[str, Any]) -> bool:
        """Whether this version of an entity was there."""
        if self.below is not None:
            return bool(version["position"] < self.below)
        return dt.datetime.fromisoformat(version["from"]) <= self.posted_at


async def reference(connection: Connection, selection: ReferenceSelection, page: PageWanted) -> PageOfRows:
    """The entities in force at the time asked for, by key."""
    kind = None if selection.type is None else selection.type.rpartition(".")[0]
    prefix = None if kind is None else f"{kind}/{selection.q or ''}"
    shown = await read_page(
        connection,
        page,
        _IN_FORCE,
        selection.at or ALWAYS,
        selection.type,
        prefix,
        selection.companies,
        page.texts(1),
        place=lambda each: (each["key"],),
    )
    return PageOfRows([_version(record) for record in shown.records], shown.after, shown.total)


async def entities(connection: Connection, keys: Sequence[str]) -> list[Row]:
    """Every version of these entities, of each the oldest first."""
    return [_version(record) for record in await connection.fetch(_VERSIONS_OF, list(keys))]


async def decided_with(connection: Connection, company: str, series: str, number: int) -> DecidedWith | None:
    """With which reference data what a voucher says was decided; None: the voucher is not read yet."""
    found = await connection.fetchrow(_DECIDED, company, series, number)
    return None if found is None else DecidedWith(found["reference"], found["posted_at"])


async def entity(connection: Connection, key: str) -> list[Row]:
    """Every version of an entity, the oldest first; a withdrawal is one of them. Empty: it was never defined."""
    return [_version(record) for record in await connection.fetch(_VERSIONS, key)]


def _version(record: Any) -> Row:
    return {
        "key": record["key"],
        "position": record["position"],
        "type": record["type"],
        "data": orjson.loads(record["data"]),
        "event": {"source": record["event_source"], "id": record["event_id"]},
        "from": instant(record["from_time"]),
    }
