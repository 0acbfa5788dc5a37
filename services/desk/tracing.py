"""A trace with what the owners alone know: what waits, and what operators did about it.

What was posted, refused and settled is inquiry's (`services.inquiry.queries.trace`). What waits is on no topic until it has waited for
a while, so it is asked of the services in which it waits.

Invariant: one answer, whoever asks: an event's state is what `/v1/event` says; the owners are asked once, about all events of the
trace together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.desk.audit import actions_of
from services.desk.event_state import taken
from services.desk.waiting import waiting_because_of
from services.inquiry.queries.trace import trace
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from services.inquiry.queries.trace import TraceStart
    from services.inquiry.queries.trace_graph import Graph
    from shared.delivery.ports import Connection

    Row = dict[str, Any]


async def traced(schemas: Schemas, connection: Connection, start: TraceStart) -> Graph:
    """The trace from where it is begun; `connection`: inquiry's, at one moment. Each event's node has its `actions`."""
    found = await trace(connection, start, lambda events: waiting_because_of(schemas, events), lambda events: taken(schemas, events))
    nodes = {EventRef(**node["event"]): node for node in found.nodes if node["kind"] == "event"}
    for node in nodes.values():
        node["actions"] = []
    for row in await actions_of(schemas, nodes.keys()) if nodes else []:
        nodes[EventRef(row.pop("source"), row.pop("event"))]["actions"].append(row)
    return found
