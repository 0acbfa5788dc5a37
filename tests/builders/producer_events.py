"""Writes the file of events that the sample producers send: ic-4 as other systems would send it, one record a line.

Run as `.venv/bin/python -m tests.builders.producer_events`. Invariant: topic, key and data of each record are what the project's
own commands would send; only source, id and time are as an ERP would name them instead of a scenario.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from services.scenarios.scenario_file import arrivals, load_scenario
from tests.scenario_files import IC_4, ROOT

if TYPE_CHECKING:
    from services.scenarios.scenario_file import Arrival

FILE: Final = ROOT / "deploy" / "producers" / "ic-4.ndjson"
_SOURCE: Final = "/erp/fabrikam"
_STARTED: Final = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)


def text() -> str:
    """The file's content: reference data first, then the events, in the order in which they are sent."""
    entries = [_entry(number, arrival) for number, arrival in enumerate(arrivals(load_scenario(IC_4)))]
    return "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)


def _entry(number: int, arrival: Arrival) -> dict[str, Any]:
    """Where a record goes, and the event itself in the structured form of CloudEvents."""
    record = arrival.record
    headers = dict(record.headers)
    key = (record.key or b"").decode()
    event = {
        "specversion": "1.0",
        "type": headers["ce_type"].decode(),
        "source": _SOURCE,
        # An entity is said again whenever it changes, so its event's name counts.
        "id": f"{key}@1" if arrival.reference else headers["ce_id"].decode(),
        "time": (_STARTED + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "datacontenttype": "application/json",
        "data": json.loads(record.value or b""),
    }
    return {"topic": record.topic, "key": key, "event": event}


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
