"""What was done about refusals: sent again, or taken off the work list.

Invariant: the services keep what they refused, whatever becomes of it; that it is no longer to be worked on is noted beside it, in
the schema `desk`, and a refusal about which nothing was noted is open. One that was sent again and refused again is open again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_STATES: Final = """
select distinct on (refusal) refusal, at, state from refusal_states where refusal = any($1::uuid[])
order by refusal, at desc, action desc
"""


class RefusalState(StrEnum):
    """What was done about a refusal."""

    OPEN = "open"
    RESENT = "resent"
    DISMISSED = "dismissed"


async def refusal_states(
    connection: Any, ids: Iterable[str], again: Mapping[str, datetime | None] | None = None
) -> dict[str, RefusalState]:
    """The state of each of these refusals, by its id as given.

    `connection` is one to the schema `desk` (`Schemas.desk`); `again`: when each was refused again for the same reason
    (`RefusedEvent.again_at`).
    """
    wanted = list(ids)
    rows = await connection.fetch(_STATES, list(map(UUID, wanted)))
    noted = {str(row["refusal"]): (RefusalState(row["state"]), row["at"]) for row in rows}
    return {id_: _now(noted.get(str(UUID(id_))), (again or {}).get(id_)) for id_ in wanted}


def _now(noted: tuple[RefusalState, datetime] | None, again: datetime | None) -> RefusalState:
    if noted is None:
        return RefusalState.OPEN
    state, at = noted
    return RefusalState.OPEN if state is RefusalState.RESENT and again is not None and again > at else state
