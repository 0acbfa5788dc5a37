"""Several statements in one: a round trip for all of them, in place of one for each.

Invariant: each select gives one column, and its answer is the list of that column's values, in the select's own order; of statements
that write, no two write the same row, so their order means nothing.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.delivery.ports import Connection

_PARAMETER: Final = re.compile(r"\$(\d+)")

Statement = tuple[str, "Sequence[Any]"]
"""A statement and its parameters, which it counts from $1."""


async def fetch_together(connection: Connection, selects: Sequence[Statement]) -> list[list[Any]]:
    """What each of the selects gives."""
    row = await connection.fetchrow(_selected(_counted(selects)), *_parameters(selects))
    return list(row)


async def write_together(connection: Connection, writes: Sequence[Statement]) -> None:
    """Does what these inserts, updates and deletes say. None begins with `with`, since what writes may not stand deeper than that."""
    if len(writes) > 1:
        await connection.execute(_written(_counted(writes)), *_parameters(writes))
    else:
        for statement, parameters in writes:
            await connection.execute(statement, *parameters)


def _counted(statements: Iterable[Statement]) -> tuple[tuple[str, int], ...]:
    return tuple((statement, len(parameters)) for statement, parameters in statements)


def _parameters(statements: Iterable[Statement]) -> Iterator[Any]:
    return (parameter for _, parameters in statements for parameter in parameters)


# What was put together is kept: there are as many texts as there are kinds of batches.


@cache
def _selected(statements: tuple[tuple[str, int], ...]) -> str:
    return "select " + ",\n".join(f"array({each})" for each in _counted_on(statements))


@cache
def _written(statements: tuple[tuple[str, int], ...]) -> str:
    return "with " + ",\n".join(f"w{number} as ({each})" for number, each in enumerate(_counted_on(statements))) + " select"


def _counted_on(statements: Iterable[tuple[str, int]]) -> Iterator[str]:
    """The statements, the parameters of each counted on from those of the one before."""
    before = 0
    for statement, parameters in statements:
        yield _PARAMETER.sub(partial(_moved, before), statement)
        before += parameters


def _moved(by: int, parameter: re.Match[str]) -> str:
    return f"${int(parameter[1]) + by}"
