"""Work that the database did not finish in time, told from a database that is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

_Done = TypeVar("_Done")


class OverdueError(TimeoutError):
    """The database was there, and did not finish the work of a batch in time."""


async def in_time(work: Awaitable[_Done]) -> _Done:
    """What the work gives; OverdueError if the database took longer for it than it may, which is not the database being away."""
    try:
        return await work
    except TimeoutError as error:
        raise OverdueError(str(error) or "the database did not answer in time") from error
