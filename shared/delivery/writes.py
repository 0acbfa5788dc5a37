"""What a batch writes into the tables of its service, found out apart from writing it: it can be done before the batch has its turn.

Invariant: what is carried out is what the books had when it was found out; nothing is written twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from shared.delivery.copying import as_it_is
from shared.delivery.together import write

if TYPE_CHECKING:
    from shared.delivery.ports import Connection
    from shared.delivery.together import Statement


class Copied(NamedTuple):
    """Rows that go by COPY: the table, the rows as text (copying.copied_text), their columns."""

    table: str
    rows: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Writes:
    """`first`: statements that stand alone, in their order; `copied`: rows; `later`: what need not be written at once."""

    first: list[Statement] = field(default_factory=list)
    copied: list[Copied] = field(default_factory=list)
    later: list[Statement] = field(default_factory=list)

    async def carry_out(self, connection: Connection, later: list[Statement] | None) -> None:
        """Writes it; what need not be written at once goes to `later`, where there is one."""
        for statement, parameters in self.first:
            await connection.execute(statement, *parameters)
        for each in self.copied:
            await connection.copy_to_table(each.table, source=as_it_is(each.rows), columns=each.columns)
        await write(connection, self.later, later)
