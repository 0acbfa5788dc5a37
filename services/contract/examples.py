"""The examples of the published contract, each a CloudEvent in the structured form.

Invariant: what the services send is what they did send in the story (story.yaml), so an example cannot say what they never would;
the same files give the same examples. A refusal's time, which a service's clock gives, is here that of the refused event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import Simulation
from services.scenarios.yaml_files import read_yaml
from shared.events.bundles import own_event
from shared.events.codec import encode
from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import Outgoing, Record, Topic
from shared.events.producing import PartyBook, record_of
from shared.events.vouchers import Rejection

Event = dict[str, Any]

_HERE: Final = Path(__file__).parent
_START: Final = datetime(2026, 3, 31, 9, tzinfo=UTC)
_MASTERS: Final = "/masters"
_ERP: Final = "/erp/fabrikam"


class Example(NamedTuple):
    """An example: the event's name, the case that it shows (empty: the plain one), and the event."""

    name: str
    case: str
    event: Event

    @property
    def file(self) -> str:
        """The name of its file, without a folder."""
        return f"{full_type(self.name)}{'-' if self.case else ''}{self.case}.json"


@cache
def examples() -> tuple[Example, ...]:
    """All examples, in the order of the contract; LookupError if the story has none for an entry."""
    listed = read_yaml(_HERE / "examples.yaml")
    found = [*_inbound(listed["inbound"]), *_outbound(listed["outbound"])]
    order = list(CONTRACT)
    return tuple(sorted(found, key=lambda each: order.index(each.name)))


def _inbound(listed: dict[str, dict[str, Event]]) -> Iterator[Example]:
    number = 0
    for name, cases in listed.items():
        for case, data in cases.items():
            number += 1
            source, id_ = _names(name, number, data)
            yield Example(name, case, _event(source, id_, name, _START + timedelta(minutes=number), data))


def _names(name: str, number: int, data: Event) -> tuple[str, str]:
    """Source and id of an event: a document's event has its number as its id, as in many systems."""
    topic = CONTRACT[name].topic
    if topic == Topic.REFERENCE:
        return _MASTERS, f"R-{number}"
    return _ERP, f"REQUEST-{number}" if topic == Topic.REQUESTS else str(data["document"])


def _event(source: str, id_: str, name: str, time: datetime, data: Any) -> Event:
    attributes = {
        "specversion": "1.0",
        "type": full_type(name),
        "source": source,
        "id": id_,
        "time": time.isoformat().replace("+00:00", "Z"),
    }
    return {**attributes, "datacontenttype": "application/json", "data": data}


# What the services send


def _outbound(listed: dict[str, dict[str, Event]]) -> Iterator[Example]:
    sent = list(map(structured, _sent()))
    for name, cases in listed.items():
        for number, (case, entry) in enumerate(cases.items(), 1):
            if "data" in entry:
                yield Example(name, case, _event(entry["source"], f"EXAMPLE-{number}", name, _START, entry["data"]))
            else:
                yield Example(name, case, _found(name, case, entry["where"], sent))


def _found(name: str, case: str, where: Event, sent: list[Event]) -> Event:
    for event in sent:
        if event["type"] == full_type(name) and where.items() <= _comparable(event["data"], where).items():
            return event
    msg = f"the story of the contract has no {name} for the example {case!r}: {where}"
    raise LookupError(msg)


def _comparable(data: Event, where: Event) -> Event:
    return {field: data.get(field) for field in where}


def _sent() -> list[Record]:
    """Everything that the services send in the story, in order."""
    sent: list[Outgoing] = []
    simulation = Simulation(sent.append)
    story = load_scenario(_HERE / "story.yaml")
    parties = PartyBook()
    entries = [(str(number), _MASTERS, entry.type, entry.data) for number, entry in enumerate(story.group, 1)]
    entries += [(str(event.id), _ERP, str(event.type), event.data) for event in story.events]
    for number, (id_, source, type_, data) in enumerate(entries):
        simulation.send(record_of(id_, source, type_, data, _START + timedelta(seconds=number), parties))
    return [_record(each) for each in sent]


def _record(outgoing: Outgoing) -> Record:
    if isinstance(outgoing.data, Rejection):
        outgoing = replace(outgoing, data=replace(outgoing.data, at=outgoing.time))
    key, value, headers = encode(outgoing)
    return Record(outgoing.topic, key, value, tuple(headers))


def structured(record: Record) -> Event:
    """A record of one event as one JSON document."""
    if own_event(record) is not None:
        own: Event = orjson.loads(record.value or b"null")
        return {name: value for name, value in own.items() if name != "data"} | {"datacontenttype": "application/json", "data": own["data"]}
    attributes = {name.removeprefix("ce_"): value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {**attributes, "datacontenttype": "application/json", "data": orjson.loads(record.value or b"null")}
