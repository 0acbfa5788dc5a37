"""The AsyncAPI 3.1 document of the contract: topics, messages, headers, sizes and compression.

Invariant: schemas are those of shared.events.schemas under one roof, figures those that the program obeys; topics between our own
services are shown and marked internal.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from shared.events.bindings import BATCH, LARGEST_INBOUND
from shared.events.bundles import INTERNAL
from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import Topic
from shared.events.purposes import PURPOSES
from shared.events.schemas import audience, schema_of
from shared.events.values import LARGEST_MESSAGE
from shared.kafka.topics import TOPICS

Document = dict[str, Any]

VERSION: Final = "3.1.0"
_ABOUT: Final = (
    "CloudEvents 1.0 over Kafka, binary or structured; the services send binary, and to each other several events in one record, as a "
    "JSON batch. Topics with `x-audience: public` are promised: what "
    "they carry is only ever added to. Those with `x-audience: internal` are shown, and may change with every release. Records that "
    "come in may be uncompressed or compressed with gzip, snappy, lz4 or zstd; what the services send is compressed with LZ4, which a "
    "consumer's library must know. A record that comes in has at most {inbound} MiB and 100 headers, one that goes out at most "
    "{outbound} MiB."
)
_TOPICS: Final = {
    Topic.REFERENCE: "Companies, parties, intercompany accounting, parameters, trading relations, journals, rates, periods",
    Topic.INVOICES: "Customer and vendor invoices, credit notes, interest notes, collection letters, payment fees",
    Topic.PAYMENTS: "Customer and vendor payments",
    Topic.REQUESTS: "Settlements and reversals asked for afterwards, approvals of created journals",
    Topic.JOURNALS: "Payment journals and sales payment journals",
    Topic.SETTLEMENTS: "Settlements and settlement reversals, complete enough to post from",
    Topic.VOUCHERS: "Balanced vouchers, what an ERP imports into its ledger",
    Topic.REJECTIONS: "What was refused: code, message, field and the event itself; what waits, and what no longer does",
}
_OF_BUNDLES: Final = "The party chooses the partition; a record of several events has no key."
_KEYS: Final = {
    Topic.REFERENCE: "The kind of entity and its id: the topic is compacted by it.",
    Topic.INVOICES: "The party, or the account where the party is not known: what settles together stays in order.",
    Topic.PAYMENTS: "The party, or the account where the party is not known: what settles together stays in order.",
    Topic.REQUESTS: "The party, or the event's id where none is known: what settles together stays in order.",
    Topic.JOURNALS: _OF_BUNDLES,
    Topic.SETTLEMENTS: _OF_BUNDLES,
    Topic.VOUCHERS: "The company: its vouchers come in the order of their numbers.",
    Topic.REJECTIONS: "The key of the refused record; of what waits and resumed, the source of the event.",
}
_HEADERS: Final[Document] = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "content-type": {"const": "application/json", "description": "The data is JSON."},
        "ce_specversion": {"const": "1.0", "description": "The version of CloudEvents."},
        "ce_id": {"type": "string", "minLength": 1, "maxLength": 64, "description": "With the source, the event's name for ever."},
        "ce_source": {"type": "string", "minLength": 1, "maxLength": 512, "description": "The system that says it."},
        "ce_type": {"type": "string", "description": "The type of the event, with its version."},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it happened."},
        "ce_traceparent": {"type": "string", "description": "The W3C trace context."},
        "ce_causationid": {"type": "string", "description": "The id of the event that caused this one; causationsource is its source."},
        "ce_causationsource": {"type": "string", "description": "The source of the event that caused this one."},
        "ce_correlationid": {"type": "string", "description": "The id of the first event of the chain; correlationsource is its source."},
        "ce_correlationsource": {"type": "string", "description": "The source of the first event of the chain."},
        "ce_reference": {"type": "string", "description": "How far the reference topic had been read; for the services alone."},
    },
}
_MIB: Final = 1024 * 1024


def asyncapi(version: str) -> Document:
    """The AsyncAPI document of the contract; `version` is the contract's."""
    schemas: dict[str, Document] = {}
    messages = {name: _message(name, schemas) for name in CONTRACT}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Intercompany settlement",
            "version": version,
            "description": _ABOUT.format(inbound=LARGEST_INBOUND // _MIB, outbound=LARGEST_MESSAGE // _MIB),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_channel(topic): _channel_of(topic, about) for topic, about in _TOPICS.items()},
        "operations": {_channel(topic): _operation(topic) for topic in _TOPICS},
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def _channel(topic: str) -> str:
    return topic.rpartition(".")[2]


def _channel_of(topic: str, about: str) -> Document:
    spec = next(each for each in TOPICS if each.name == topic)
    names = [name for name, entry in CONTRACT.items() if entry.topic == topic]
    kafka = {
        "topic": topic,
        **({"partitions": spec.partitions} if spec.partitions else {}),
        "topicConfiguration": _configuration(spec.cleanup),
    }
    return {
        "address": topic,
        "description": about,
        "x-audience": audience(topic),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {**kafka, "bindingVersion": "0.5.0"}},
    }


def _configuration(cleanup: str) -> Document:
    return {"cleanup.policy": [cleanup], "max.message.bytes": LARGEST_MESSAGE}


def _operation(topic: str) -> Document:
    """The services receive what other systems send, and send the rest."""
    inbound = any(entry.inbound for entry in CONTRACT.values() if entry.topic == topic)
    return {"action": "receive" if inbound else "send", "channel": {"$ref": f"#/channels/{_channel(topic)}"}}


def _message(name: str, schemas: dict[str, Document]) -> Document:
    schema = schema_of(name)
    names = _names(name)
    for each, definition in schema["$defs"].items():
        schemas[names[each]] = _moved(definition, names)
    payload = {key: value for key, value in schema.items() if not key.startswith(("$", "x-"))}
    return {
        "name": full_type(name),
        "title": name,
        "summary": PURPOSES[name],
        **_said(name, _moved(payload, names)),
        "bindings": {"kafka": {"key": {"type": "string", "description": _KEYS[CONTRACT[name].topic]}, "bindingVersion": "0.5.0"}},
    }


def _said(name: str, data: Document) -> Document:
    """How an event stands in its record: with its attributes as headers; between the services as a document with others."""
    if CONTRACT[name].topic not in INTERNAL:
        return {"contentType": "application/json", "headers": _HEADERS, "payload": data}
    attributes = {header.removeprefix("ce_"): said for header, said in _HEADERS["properties"].items() if header.startswith("ce_")}
    required = [*(header.removeprefix("ce_") for header in _HEADERS["required"]), "data"]
    return {"contentType": BATCH, "payload": {"type": "object", "required": required, "properties": {**attributes, "data": data}}}


def _names(name: str) -> dict[str, str]:
    """The names of an event's definitions among all: what goes out otherwise than it comes in has a name of its own."""
    inbound = _inbound_definitions()
    definitions: Document = schema_of(name)["$defs"]
    return {each: each if inbound.get(each, definition) == definition else f"{each}Sent" for each, definition in definitions.items()}


@cache
def _inbound_definitions() -> Document:
    return {each: definition for name, entry in CONTRACT.items() if entry.inbound for each, definition in schema_of(name)["$defs"].items()}


def _moved(part: Any, names: dict[str, str]) -> Any:
    """A schema whose references lead to the document's components."""
    if isinstance(part, list):
        return [_moved(each, names) for each in part]
    if not isinstance(part, dict):
        return part
    moved = {key: _moved(value, names) for key, value in part.items()}
    if isinstance(part.get("$ref"), str):
        name = part["$ref"].rpartition("/")[2]
        moved["$ref"] = f"#/components/schemas/{names.get(name, name)}"
    return moved
