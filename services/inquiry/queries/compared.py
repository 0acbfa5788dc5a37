"""The last comparison of the services' books, as the process of this service keeps it for who asks (services/desk/regular_checks.py).

Invariant: there is one, the last; whichever instance made it, all show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.delivery.ports import Connection

Row = dict[str, Any]

_READ: Final = "select began_at, ended_at, runs::text as runs from last_comparison"
_KEEP: Final = """
insert into last_comparison (began_at, ended_at, runs) values ($1, $2, $3::text::json)
on conflict (is_last) do update set began_at = excluded.began_at, ended_at = excluded.ended_at, runs = excluded.runs"""

_ALONE: Final = "select pg_try_advisory_lock(hashtextextended(current_schema() || '.comparison', 0))"


class KeptComparison(NamedTuple):
    """When it began and ended, and by comparison what was found: `seconds`, `failing` (runs one after the other), `places`, `checks`."""

    began_at: datetime
    ended_at: datetime
    runs: Mapping[str, Row]


async def last_comparison(connection: Connection) -> KeptComparison | None:
    """The last one; None: there was none yet."""
    row = await connection.fetchrow(_READ)
    return None if row is None else KeptComparison(row["began_at"], row["ended_at"], orjson.loads(row["runs"]))


async def keep_comparison(connection: Connection, made: KeptComparison) -> None:
    """Keeps one in the place of the last."""
    await connection.execute(_KEEP, made.began_at, made.ended_at, orjson.dumps(made.runs).decode())


async def compares_alone(session: Connection) -> bool:
    """Whether no other instance compares, for as long as this session lasts; False: one does."""
    return bool(await session.fetchval(_ALONE))
