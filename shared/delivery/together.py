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

WITH: Final = "with "
Statement = tuple[str, "Sequence[Any]"]
"""A statement and its parameters, which it counts from $1."""


async def fetch_together(connection: Connection, selects: Sequence[Statement]) -> list[list[Any]]:
    """What each of the selects gives."""
    row = await connection.fetchrow(_selected(_shapes(selects)), *_parameters(selects))
    return list(row)


async def write(connection: Connection, writes: Sequence[Statement], later: list[Statement] | None) -> None:
    """Adds what is to be written to `later`; does it at once where there is no such list."""
    if later is not None:
        later += writes
        return
    for statement, parameters in writes:
        await connection.execute(statement, *parameters)


def written_with(statement: Statement, writes: Sequence[Statement]) -> Statement:
    """A statement that begins with `with`, preceded by what these inserts, updates and deletes do.

    None of them begins with `with` itself: what writes may not stand deeper than that.
    """
    text, parameters = statement
    return (_written(text, len(parameters), _shapes(writes)), [*parameters, *_parameters(writes)]) if writes else statement


def _shapes(statements: Iterable[Statement]) -> tuple[tuple[str, int], ...]:
    return tuple((statement, len(parameters)) for statement, parameters in statements)


def _parameters(statements: Iterable[Statement]) -> Iterator[Any]:
    return (parameter for _, parameters in statements for parameter in parameters)


# What was put together is kept: there are as many texts as there are kinds of batches.


@cache
def _selected(statements: tuple[tuple[str, int], ...]) -> str:
    return "select " + ",\n".join(f"array({each})" for each in _renumbered(0, statements))


@cache
def _written(text: str, parameters: int, statements: tuple[tuple[str, int], ...]) -> str:
    writes = "".join(f"w{number} as ({each}),\n" for number, each in enumerate(_renumbered(parameters, statements)))
    return f"{WITH}{writes}{text.removeprefix(WITH)}"


def _renumbered(before: int, statements: Iterable[tuple[str, int]]) -> Iterator[str]:
    """The statements, the numbers of each one's parameters following those of the one before."""
    for statement, parameters in statements:
        yield _PARAMETER.sub(partial(_moved, before), statement)
        before += parameters


def _moved(by: int, parameter: re.Match[str]) -> str:
    return f"${int(parameter[1]) + by}"
