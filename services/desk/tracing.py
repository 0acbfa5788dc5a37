"""A trace with what the owners alone know: what waits, and what operators did about it.

What was posted, refused and settled is inquiry's (`services.inquiry.queries.trace`). What waits is on no topic until it has waited for
a while, so it is asked of the services in which it waits.

Invariant: one answer, whoever asks; the owners are asked once, about all events of the trace together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.desk.waiting import waiting_because_of
from services.inquiry.queries.trace import trace
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from services.desk.schemas import Schemas
    from services.inquiry.queries.trace import TraceStart
    from services.inquiry.queries.trace_graph import Graph
    from shared.delivery.ports import Connection

    Row = dict[str, Any]
    Actions = Callable[[frozenset[EventRef]], Awaitable[Iterable[Row]]]
    """Gives what operators did about these events, oldest first: rows with `event` and `source`, and what was done."""


async def traced(schemas: Schemas, connection: Connection, start: TraceStart, actions: Actions | None = None) -> Graph:
    """The trace from where it is begun; `connection`: inquiry's, at one moment. Each event's node has its `actions`."""
    found = await trace(connection, start, lambda events: waiting_because_of(schemas, events))
    events = {EventRef(**node["event"]): node for node in found.nodes if node["kind"] == "event"}
    for node in events.values():
        node["actions"] = []
    if actions is not None and events:
        for row in await actions(frozenset(events)):
            events[EventRef(row["source"], row["event"])]["actions"].append(row)
    return found
