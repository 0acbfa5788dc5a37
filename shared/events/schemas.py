"""The event contract as documents: JSON Schemas of each event's data, and an AsyncAPI 3 document of the topics.

Invariant: both are generated from the same classes that the services read and write events with, so they cannot
say anything else; limits that JSON Schema has no words for (a currency's digits, what contradicts) are in events.md.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import TypeAdapter

from shared.events.contract import CONTRACT, Entry, adapter, full_type
from shared.events.envelope import Topic

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TOPICS: Final = {
    Topic.REFERENCE: "Companies, parties, intercompany accounting, parameters, trading relations, journals, rates, periods",
    Topic.INVOICES: "Customer and vendor invoices, credit notes, interest notes, collection letters, payment fees",
    Topic.PAYMENTS: "Customer and vendor payments",
    Topic.REQUESTS: "Settlements and reversals asked for afterwards, approvals of created journals",
    Topic.JOURNALS: "Payment journals and sales payment journals",
    Topic.SETTLEMENTS: "Settlements and settlement reversals, complete enough to post from",
    Topic.VOUCHERS: "Balanced vouchers, what an ERP imports into its ledger",
    Topic.REJECTIONS: "What was refused: code, message, field and the event itself",
}
_HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "content-type": {"const": "application/json"},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "minLength": 1, "maxLength": 64},
        "ce_source": {"type": "string", "minLength": 1, "maxLength": 512},
        "ce_type": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_traceparent": {"type": "string", "description": "W3C trace context"},
        "ce_causationid": {"type": "string", "description": "id of the event that caused this one; causationsource is its source"},
        "ce_correlationid": {"type": "string", "description": "id of the first event of the chain; correlationsource is its source"},
    },
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each event type's data, by the full CloudEvents type."""
    return {full_type(name): _schema(name, entry) for name, entry in CONTRACT.items()}


def _schema(name: str, entry: Entry) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": f"urn:{full_type(name)}", **adapter(entry.data).json_schema(mode=_mode(entry))}


def _mode(entry: Entry) -> Literal["validation", "serialization"]:
    """What comes in is described as it is read, what goes out as it is written."""
    return "validation" if entry.inbound else "serialization"


def asyncapi(version: str) -> dict[str, Any]:
    """The AsyncAPI 3 document of the contract; `version` is the project's."""
    payloads, definitions = TypeAdapter.json_schemas(
        [(name, _mode(entry), adapter(entry.data)) for name, entry in CONTRACT.items()],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Intercompany payments", "version": version, "description": "CloudEvents 1.0 over Kafka, binary or structured."},
        "defaultContentType": "application/json",
        "channels": {_channel(topic): _channel_of(topic, about) for topic, about in _TOPICS.items()},
        "operations": {_channel(topic): _operation(topic) for topic in _TOPICS},
        "components": {
            "messages": {name: _message(name, payloads[name, _mode(entry)]) for name, entry in CONTRACT.items()},
            "schemas": definitions["$defs"],
        },
    }


def _channel(topic: str) -> str:
    return topic.rpartition(".")[2]


def _channel_of(topic: str, about: str) -> dict[str, Any]:
    names = [name for name, entry in CONTRACT.items() if entry.topic == topic]
    return {"address": topic, "description": about, "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names}}


def _operation(topic: str) -> dict[str, Any]:
    """The services receive what other systems send, and send the rest."""
    inbound = any(entry.inbound for entry in CONTRACT.values() if entry.topic == topic)
    return {"action": "receive" if inbound else "send", "channel": {"$ref": f"#/channels/{_channel(topic)}"}}


def _message(name: str, payload: Any) -> dict[str, Any]:
    return {"name": full_type(name), "contentType": "application/json", "headers": _HEADERS, "payload": payload}
