"""Rows as one text for each column: given an array, the driver looks at every value by itself, twice.

Invariant: what separates values is in no text of the contract, and JSON shows it escaped; so the statement takes apart what was joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BETWEEN: Final = "\x1d"
_NOTHING: Final = "\x1c"
_APART: Final = "(string_to_array(${}::text, chr(29), chr(28)))[2:]"
"""A column of `texts` as an array. What is before the first separator is left out: an empty text would be no element at all."""


def texts(rows: Iterable[Sequence[Any]]) -> list[str]:
    """The columns of rows, for a statement with `arrays`; values as the database reads them from text, None is null."""
    return [_BETWEEN + _BETWEEN.join([_NOTHING if value is None else str(value) for value in column]) for column in zip(*rows, strict=True)]


def arrays(types: Iterable[str]) -> str:
    """The columns of `texts` as arrays of these types, the first parameters of a statement."""
    return ", ".join(f"{_APART.format(number)}::{kind}[]" for number, kind in enumerate(types, start=1))
