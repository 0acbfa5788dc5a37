"""The notes of what batches have changed (migrations/0013): by them an instance knows whether what it folded ahead still holds.

Invariant: whoever changes a service's tables notes it in the same transaction, under the service's lock, so notes are numbered in the
order of the commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.delivery.ports import Connection
    from shared.delivery.together import Statement

MOST_NOTES: Final = 256
"""Notes that are kept: what was folded ahead of more of them is folded again."""
OF_ONE_MOMENT: Final = "set transaction isolation level repeatable read"
NOTE: Final = "insert into changes"


def note(writer: int, places: bytes | None) -> Statement:
    """What notes a batch's changes; `writer`: the instance, `places`: what was changed (ahead.changed), None: it was not looked at."""
    return f"{NOTE} (writer, places) values ($1, $2)", (writer, places)


async def be_of_one_moment(connection: Connection) -> None:
    """Has a transaction that has just begun see everything as it is now."""
    await connection.execute(OF_ONE_MOMENT)


async def bound_notes(connection: Connection) -> None:
    """Drops the oldest notes."""
    await connection.execute("delete from changes where number <= (select max(number) from changes) - $1::bigint", MOST_NOTES)
