"""One thing has one name: how events and types are named in answers, and the names under which they may be asked for.

Invariant: an answer says the short name of a type (`vendor-payment.posted`); the full one stands in CloudEvents alone. An event is
named by an object `{source, id}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.events.contract import CONTRACT, short_type

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Row = dict[str, Any]


def type_named(given: str, known: Collection[str] = CONTRACT) -> str | None:
    """The short name of a type that is given as that, in full, or by what it defines (`company`); None: it is none of these."""
    name = short_type(given) or given
    if name in known:
        return name
    named = [each for each in known if each.partition(".")[0] == given]
    return named[0] if len(named) == 1 else None


def short_name(type_: str | None) -> str | None:
    """A type as answers say it; one that is not of the contract as it was sent."""
    return None if type_ is None else short_type(type_) or type_


def with_event(row: Mapping[str, Any]) -> Row:
    """A row whose event stands in two fields, id and source, with the event as one thing."""
    return {name: value for name, value in row.items() if name != "source"} | {"event": {"source": row["source"], "id": row["event"]}}


def with_settlement(row: Mapping[str, Any]) -> Row:
    """A settlement record with the event that asked for it as one thing."""
    named = {"settlement": {"source": row["source"], "id": row["settlement"]}}
    return {name: value for name, value in row.items() if name != "source"} | named
