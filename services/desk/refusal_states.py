"""What was done about refusals: sent again, or taken off the work list.

Invariant: the services keep what they refused, whatever becomes of it; that it is no longer to be worked on is noted beside it, in
the schema `desk`, and a refusal about which nothing was noted is open.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATES: Final = """
select distinct on (refusal) refusal, state from refusal_states where refusal = any($1::uuid[]) order by refusal, at desc, action desc
"""


class RefusalState(StrEnum):
    """What was done about a refusal."""

    OPEN = "open"
    RESENT = "resent"
    DISMISSED = "dismissed"


async def refusal_states(connection: Any, ids: Iterable[str]) -> dict[str, RefusalState]:
    """The state of each of these refusals, by its id as given. `connection` is one to the schema `desk` (`Schemas.desk`)."""
    wanted = list(ids)
    rows = await connection.fetch(_STATES, list(map(UUID, wanted)))
    known = {UUID(int=row["refusal"].int): RefusalState(row["state"]) for row in rows}
    return {id_: known.get(UUID(id_), RefusalState.OPEN) for id_ in wanted}
