"""How a command asks the running product: on its settings, with the services' schemas open as long as the question lasts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from services.desk.schemas import open_schemas
from shared.embedded.addresses import product_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.desk.schemas import Schemas

T = TypeVar("T")

Reason = Annotated[str, typer.Option(help="Why, for the audit (3 to 500 characters).", show_default=False)]


def ask(question: Callable[[Schemas], Awaitable[T]], *, broker: bool = False) -> T:
    """The answer to a question; with `broker` the settings have a broker too. NothingRunningError if nothing runs."""
    settings = product_settings(broker=broker)

    async def answer() -> T:
        async with open_schemas(settings) as schemas:
            return await question(schemas)

    return asyncio.run(answer())
