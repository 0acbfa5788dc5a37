"""The rows of a list page by page, as files are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.inquiry.queries.pages import PageOfRows, PageWanted
from shared.rulebook import rule_book

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from shared.delivery.ports import Connection

    Question = Callable[[Connection, PageWanted], Awaitable[PageOfRows]]

Row = dict[str, Any]


async def pages_of(
    question: Question, connection: Connection, at_once: int, shown: Callable[[Row], Row] | None = None
) -> AsyncIterator[list[Row]]:
    """The pages of a list, one at least; `shown`: a row as its reader sees it."""
    after = None
    while True:
        found = await question(connection, PageWanted(after, at_once))
        yield found.rows if shown is None else [shown(row) for row in found.rows]
        if found.after is None:
            return
        after = found.after


def with_rule_titles(language: str) -> Callable[[Row], Row]:
    """Says beside each line of a voucher what its rule is called, in a language."""
    book = rule_book(language)

    def titled(row: Row) -> Row:
        lines = [{**line, "rule_title": book[line["rule"]].title if line["rule"] in book else None} for line in row["lines"]]
        return {**row, "lines": lines}

    return titled
