"""The events of a trace: what is known of each by the rows that the statements of a trace give.

Invariant: pure; a time is shown as everywhere (`instant`), though PostgreSQL's JSON writes it in another form.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson

from services.inquiry.queries.events import CLOCKS_DIFFER, Refused
from shared.events.told_of import told_of
from shared.rows import instant

Row = dict[str, Any]


def is_known(event: Any) -> bool:
    """Whether it was received or refused; what is neither is an event of the services' own."""
    return event["type"] is not None or event["refusals"] != "[]"


def refused(event: Any) -> tuple[Refused, ...]:
    """What was refused of it."""
    refusals = orjson.loads(event["refusals"])
    return tuple(Refused(each["scope"], dt.datetime.fromisoformat(each["again_at"] or each["at"])) for each in refusals)


def sent_at(event: Any) -> dt.datetime | None:
    """When it was received last, less the tolerance of clocks; None if it was not."""
    return None if event["type"] is None else event["last_received_at"] - CLOCKS_DIFFER


def _refusal(row: Row) -> Row:
    """A refusal without the refused event, with the companies of whose books it tells; null: that cannot be told."""
    companies = told_of(row["scope"], row["code"], row["field"], row.pop("original"))
    times = {name: row[name] and instant(dt.datetime.fromisoformat(row[name])) for name in ("at", "again_at")}
    return {**row, **times, "told_of": None if companies is None else sorted(companies)}


def event_node(event: Any, waits: list[Row]) -> Row:
    """What is shown of it, but for its state."""
    received = event["type"] is not None
    return {
        "event": {"source": event["source"], "id": event["id"]},
        "type": event["type"],
        "company": event["company"],
        "document": event["document"],
        "received_at": instant(event["received_at"]) if received else None,
        "waits": waits,
        "refusals": [_refusal(each) for each in orjson.loads(event["refusals"])],
    }
