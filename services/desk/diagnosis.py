"""What support needs to know of a running product, as one object: versions, settings, how the services stand, what went wrong last.

Invariant: nothing secret is in it, and nothing of the books but what the error of a message that was put aside repeats; what
cannot be had says why in its place, and keeps nothing else out.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from services.desk import rejections
from services.desk.flow import Rates, flow
from services.desk.put_aside import failed, failed_row, gap_row, gaps
from services.desk.regular_looks import MOST_REFUSALS
from services.desk.topic_ends import ends_once
from services.desk.waiting import KEEPING, extents_of_waiting
from services.inquiry.queries.compared import last_comparison
from services.registry import INQUIRY
from shared.postgresql.migrations import applied
from shared.rows import instant
from shared.settings_shown import shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from services.desk.schemas import Schemas

Row = dict[str, Any]

LIBRARIES: Final = ("aiokafka", "asyncpg", "fastapi", "faststream", "msgspec", "opentelemetry-sdk", "pydantic", "uvicorn")
MOST_SHOWN: Final = 50
"""Messages put aside, gaps and problems that are listed."""
LONGEST_ERROR: Final = 500
ANSWERED_WITHIN: Final = 30.0
"""Seconds that each part is waited for."""


async def diagnosis(schemas: Schemas, now: datetime) -> Row:
    """All of it. Nothing is raised: what fails is named where it would stand.

    All is asked at the same time: where the database is silent, one time limit is waited for and not one for each part.
    """
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "database": lambda: _database(schemas),
        "broker": lambda: _broker(schemas),
        "services": lambda: _services(schemas),
        "waiting": lambda: _waiting(schemas, now),
        "refusals": lambda: _refusals(schemas),
        "failed": lambda: _failed(schemas),
        "gaps": lambda: _first_of(gaps(schemas), gap_row),
        "last_comparison": lambda: _compared(schemas),
    }
    answers = await asyncio.gather(*(_or_why(each) for each in asked.values()))
    return {
        "at": instant(now),
        "version": version("intercompany"),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "settings": shown(schemas.settings),
        **dict(zip(asked, answers, strict=True)),
    }


async def _or_why(asked: Callable[[], Awaitable[Any]]) -> Any:
    try:
        async with asyncio.timeout(ANSWERED_WITHIN):
            return await asked()
    except TimeoutError:
        return {"error": "no answer in time"}
    except Exception as error:  # noqa: BLE001 - a product that is half away is what this is for
        return {"error": f"{type(error).__name__}: {error}"[:LONGEST_ERROR]}


async def _broker(schemas: Schemas) -> Row:
    """How many partitions of the topics answer that inquiry reads."""
    ends = await ends_once(schemas.settings)
    return {"error": "the broker does not answer"} if ends is None else {"partitions": len(ends)}


async def _database(schemas: Schemas) -> Row:
    names = await schemas.names()
    found: Row = {"schemas": {}}
    for name in names:
        async with schemas.of(name) as connection:
            found["version"] = await connection.fetchval("show server_version")
            found["schemas"][schemas.settings.schema_name(name)] = await applied(connection)
    return found


async def _services(schemas: Schemas) -> list[Row]:
    """As `/v1/flow` has them, without rates: there is one look."""
    return [each.as_row() for each in await flow(schemas, await ends_once(schemas.settings), Rates(), 0.0)]


async def _waiting(schemas: Schemas, now: datetime) -> list[Row]:
    return [
        {"service": service, "for": each.reason, "number": each.number, "oldest_seconds": round((now - each.oldest).total_seconds())}
        for service in KEEPING
        for each in await extents_of_waiting(schemas, service)
    ]


async def _refusals(schemas: Schemas) -> Row:
    """Of the newest: how many by service, code and scope."""
    found = await rejections.refused(schemas, limit=MOST_REFUSALS)
    counted = Counter((each.service, each.rejection.code, each.rejection.scope) for each in found)
    return {
        "of_the_newest": len(found),
        "last_at": instant(found[-1].rejected_at) if found else None,
        "numbers": [
            {"service": service, "code": code, "scope": scope, "number": number} for (service, code, scope), number in counted.most_common()
        ],
    }


async def _failed(schemas: Schemas) -> list[Row]:
    rows = await _first_of(failed(schemas), failed_row)
    return [{**row, "error": str(row["error"])[:LONGEST_ERROR]} for row in rows]


async def _first_of(found: AsyncIterator[tuple[Any, ...]], as_row: Callable[..., Row]) -> list[Row]:
    """So many as are listed."""
    rows: list[Row] = []
    async for each in found:
        rows.append(as_row(*each))
        if len(rows) == MOST_SHOWN:
            break
    return rows


async def _compared(schemas: Schemas) -> Row | None:
    """The last regular comparison: which checks hold, and in how many places the others do not."""
    async with schemas.of(INQUIRY.name) as connection:
        last = await last_comparison(connection)
    if last is None:
        return None
    runs = {
        name: {
            **{key: run[key] for key in ("seconds", "failing", "places")},
            "checks": [{"check": each["check"], "holds": each["holds"], "problems": len(each["problems"])} for each in run["checks"]],
        }
        for name, run in last.runs.items()
    }
    return {"began_at": instant(last.began_at), "ended_at": instant(last.ended_at), **runs}
