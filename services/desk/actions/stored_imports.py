"""Files that people have imported, as rows of the schema `desk`: the file as it came, what its rows mean, and what became of them.

Invariant: rows are added, none is changed; a file is kept once, however often it is imported. `connection` is one to that schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from shared.rows import instant

if TYPE_CHECKING:
    from datetime import datetime

    from services.desk.actions.rules import ImportedFile
    from shared.delivery.ports import Connection

Row = dict[str, Any]

_KEEP_FILE: Final = "insert into imported_files (sha256, content) values ($1, $2) on conflict do nothing"
_KEEP: Final = """
insert into imports (action, at, name, sha256, mapping, companies, counts, rows) values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_SHOWN: Final = """
select a.id, a.at, a.actor, a.reason, a.state, a.companies as sent_for, i.name, encode(i.sha256, 'hex') as sha256,
octet_length(f.content) as size, i.companies, i.counts::text as counts"""
_FROM: Final = "from imports i join actions a on a.id = i.action join imported_files f using (sha256)"
_SELECTED: Final = """
where ($1::text[] is null or a.companies && $1 or i.companies && $1 or a.actor = $2) and ($3::text is null or a.actor = $3)
and ($4::bytea is null or i.sha256 = $4)
"""
_COUNT: Final = f"select count(*) from (select {_FROM} {_SELECTED} limit $5) as found"  # noqa: S608 - the conditions above
_LIST: Final = f"""
{_SHOWN} {_FROM} {_SELECTED} and ($5::timestamptz is null or (i.at, i.action) < ($5, $6::uuid)) order by i.at desc, i.action desc limit $7
"""
_ONE: Final = f"{_SHOWN}, i.mapping::text as mapping, i.rows::text as rows {_FROM} where i.action = $1"
_CONTENT: Final = "select f.content from imports i join imported_files f using (sha256) where i.action = $1"


@dataclass(frozen=True, slots=True)
class ImportSelection:
    """Which imports: None selects all. `companies`: those about one of these, or that `reader` did; `actor`: by this one; a digest."""

    companies: tuple[str, ...] | None = None
    reader: str | None = None
    actor: str | None = None
    sha256: bytes | None = None


async def keep_import(connection: Connection, action: str, at: datetime, file: ImportedFile) -> None:
    """Keeps the file that an action imports, and what became of its rows."""
    await connection.execute(_KEEP_FILE, file.sha256, file.content)
    said = tuple(orjson.dumps(each, default=str).decode() for each in (file.mapping, file.counts, file.rows))
    companies = None if file.companies is None else list(file.companies)
    await connection.execute(_KEEP, UUID(action), at, file.name, file.sha256, said[0], companies, *said[1:])


async def imports_of(connection: Connection, selection: ImportSelection, limit: int, after: tuple[datetime, str] | None) -> list[Row]:
    """The selected imports without their rows, the newest first; those after a place of this order."""
    place = (None, None) if after is None else (after[0], UUID(after[1]))
    return [_row(each) for each in await connection.fetch(_LIST, *_filters(selection), *place, limit)]


async def count_imports(connection: Connection, selection: ImportSelection, most: int) -> int:
    """How many imports are selected; no further than `most` is counted."""
    return int(await connection.fetchval(_COUNT, *_filters(selection), most))


async def import_of(connection: Connection, action: str) -> Row | None:
    """An import with its mapping and its rows; None if there is none."""
    found = await connection.fetchrow(_ONE, UUID(action))
    return None if found is None else _row(found)


async def content_of(connection: Connection, action: str) -> bytes:
    """The file of an import, which is there, as it came."""
    return bytes(await connection.fetchval(_CONTENT, UUID(action)))


def _filters(selection: ImportSelection) -> tuple[Any, ...]:
    companies = None if selection.companies is None else list(selection.companies)
    return (companies, selection.reader, selection.actor, selection.sha256)


def _row(found: Any) -> Row:
    row = {**found, "id": str(found["id"]), "at": instant(found["at"])}
    return row | {name: orjson.loads(row[name]) for name in ("counts", "mapping", "rows") if name in row}
