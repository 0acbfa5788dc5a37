"""How a command asks the running product: on its settings, with the services' schemas open as long as the question lasts.

Questions about the books go to inquiry's schema, at one moment, as those of the HTTP API do.

Invariant: who is told what stands in the books is told where it is not all that was posted: how far inquiry has read.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeVar

import typer

from services.desk.posting_stand import posting_stand
from services.desk.schemas import open_schemas
from services.desk.topic_ends import ends_once
from services.inquiry.queries.read_to import read_to
from shared.console import notes
from shared.embedded.addresses import product_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.desk.schemas import Schemas
    from services.inquiry.queries.read_to import HowFarRead
    from shared.delivery.ports import Connection

T = TypeVar("T")

Reason = Annotated[str, typer.Option(help="Why, for the audit (3 to 500 characters).", show_default=False)]
FAR_BEHIND: Final = 60.0
"""Seconds behind the topics after which it is asked whether inquiry runs at all."""


class Books(NamedTuple):
    """Inquiry's books at one moment, beside the services' schemas; `now`: when they were asked; `far`: how far they had been read."""

    schemas: Schemas
    connection: Connection
    now: datetime
    far: HowFarRead


def ask(question: Callable[[Schemas], Awaitable[T]], *, broker: bool = False) -> T:
    """The answer to a question; with `broker` the settings have a broker too. NothingRunningError if nothing runs."""
    settings = product_settings(broker=broker)

    async def answer() -> T:
        async with open_schemas(settings) as schemas:
            return await question(schemas)

    return asyncio.run(answer())


def ask_books(question: Callable[[Books], Awaitable[T]]) -> T:
    """The answer of inquiry; says on standard error how far it has read where it is behind. InquiryMissingError if it never ran."""
    settings = product_settings()

    async def answer() -> tuple[T, HowFarRead]:
        async with open_schemas(settings) as schemas:
            posting, now = await posting_stand(schemas), datetime.now(UTC)
            ends = await ends_once(settings)
            async with schemas.books() as connection:
                far = await read_to(connection, ends, now, posting)
                return await question(Books(schemas, connection, now, far)), far

    found, far = asyncio.run(answer())
    if words := how_far(far):
        notes().print(words, style="yellow", markup=False, soft_wrap=True)
    return found


def how_far(far: HowFarRead) -> str | None:
    """What is to be said of an answer that lacks something; None: everything was read."""
    newest = "nothing" if far.time is None else f"what was posted up to {far.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if far.behind is None:
        return f"Inquiry has read {newest}; whether there is more is not known, as the broker did not say (KAFKA_BOOTSTRAP_SERVERS)."
    left = sum(far.behind.values())
    if not left:
        return None
    words = f"Inquiry is behind: it has read {newest}, and messages still to be read: {left:,}."
    is_far = far.time is None or far.lag_seconds > FAR_BEHIND
    return f"{words} If that stays so it does not run: `intercompany service inquiry` starts it." if is_far else words
