"""What is not in memory yet: how a working set names it to a store.

Invariant: equal names are of the same rows; whoever asked gets them, or learns that there are none, before it asks again.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct


class Missing(Struct, frozen=True, gc=False):
    """What has to be loaded: a row by its key (`by` None), or all rows with this key in the index `by`."""

    table: str
    by: str | None
    key: Hashable


class Page(Struct, frozen=True, gc=False):
    """Of the rows at a place of an index, in an order, those that come after the first so many; a key of `Missing`."""

    place: Hashable
    order: Hashable
    after: int


class NotLoadedError(Exception):
    """A core asked for something that was not loaded; `missing` says what."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(str(missing))
        self.missing = missing
