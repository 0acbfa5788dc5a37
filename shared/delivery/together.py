"""Several selects in one statement: a round trip for all of them, in place of one for each.

Invariant: each select gives one column, and its answer is the list of that column's values, in the select's own order.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection

_PARAMETER: Final = re.compile(r"\$(\d+)")

Select = tuple[str, "Sequence[Any]"]
"""A select of one column, and its parameters, which it counts from $1."""


async def fetch_together(connection: Connection, selects: Sequence[Select]) -> list[list[Any]]:
    """What each of the selects gives."""
    row = await connection.fetchrow(
        _statement(tuple((select, len(parameters)) for select, parameters in selects)),
        *(parameter for _, parameters in selects for parameter in parameters),
    )
    return list(row)


@cache
def _statement(selects: tuple[tuple[str, int], ...]) -> str:
    """One select of an array for each, their parameters counted on. Kept: there are as many as batches name different kinds of rows."""
    before, columns = 0, []
    for select, parameters in selects:
        columns.append(f"array({_PARAMETER.sub(lambda found, before=before: f'${int(found[1]) + before}', select)})")  # type: ignore[misc]
        before += parameters
    return "select " + ",\n".join(columns)
