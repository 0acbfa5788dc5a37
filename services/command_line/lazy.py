"""Commands that are imported when they are needed: help lists all of them, a command loads itself alone.

Invariant: listing imports none of them; what the list says of a command is what its own help begins with (a test holds them
equal). Known errors of a command end in one sentence on standard error and exit code 1.
"""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from typer._click.core import Command, Context

_COMMANDS: Final = "services.command_line.commands"
_NOT_IN_IMAGE: Final = "services.bench"


class Listed(NamedTuple):
    """A command as help lists it: its panel, the first sentence of its help, the module and name it is found under there."""

    panel: str
    summary: str
    module: str
    attribute: str

    def load(self, name: str) -> Command:
        """The command itself."""
        found = getattr(import_module(f"{_COMMANDS}.{self.module}"), self.attribute)
        if isinstance(found, typer.Typer):
            return get_command(found)
        alone = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
        alone.command(name)(found)
        return get_command(alone)


class LazyCommands(TyperGroup):
    """A group of listed commands (`listing`, of a subclass)."""

    listing: ClassVar[dict[str, Listed]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, listed in self.listing.items():
            self.add_command(TyperCommand(name, help=listed.summary, rich_help_panel=listed.panel))

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Finds the command and loads it."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, self.listing[str(name)].load(str(name)), rest

    def invoke(self, ctx: Context) -> Any:
        """Runs the command."""
        from shared.console import fail  # noqa: PLC0415 - not needed for help

        try:
            return super().invoke(ctx)
        except BaseException as error:
            if _is_typers(error):
                raise
            words, code = _said(error)
            if words is None:
                raise
            fail(words, code)


def _is_typers(error: BaseException) -> bool:
    """Whether it is Typer's own: an exit code, or wrong arguments."""
    return type(error).__module__.partition(".")[0] == "typer"


def _said(error: BaseException) -> tuple[str | None, int]:
    """What is said about an error, None if it is a defect, and the exit code."""
    if isinstance(error, ModuleNotFoundError) and str(error.name).startswith(_NOT_IN_IMAGE):
        return "this installation goes without the benchmark: run it from a checkout", 1
    if isinstance(error, Exception):
        from services.command_line.errors import in_words  # noqa: PLC0415 - not needed while nothing goes wrong

        return in_words(error), 1
    asyncio = sys.modules.get("asyncio")
    stopped = asyncio is not None and isinstance(error, asyncio.CancelledError)
    return ("stopped by a signal", 128 + signal.SIGTERM) if stopped else (None, 1)
