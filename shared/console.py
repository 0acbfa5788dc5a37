"""Where the commands write: tables and results on standard output, errors and progress on standard error.

Invariant: with `--json` nothing else is on standard output; without a terminal, lines are wide enough for a
voucher's table.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final, NoReturn

import orjson
from rich.console import Console
from rich.text import Text

WIDTH_WITHOUT_TERMINAL: Final = 200


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_WITHOUT_TERMINAL
    return Console(stderr=stderr, width=width, highlight=False)


def output() -> Console:
    """Standard output."""
    return _console(stderr=False)


def notes() -> Console:
    """Standard error."""
    return _console(stderr=True)


def print_json(value: Any) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def print_error(message: str) -> None:
    """An error in words; the process continues."""
    notes().print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """An error in words, and the end of the command."""
    print_error(message)
    raise SystemExit(code)
