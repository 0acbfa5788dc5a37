"""Events as no sender should write them, made of the contract's own examples: a seed and a number say which.

Invariant: the same seed gives the same records, in the same order; about one in ten is left as it was, so what is right comes among
what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any, Final

from services.contract.places import FOLDER
from shared.events.contract import CONTRACT, INBOUND_TOPICS, short_type
from shared.events.envelope import Record, Topic
from tests.scenario_files import ROOT

Event = dict[str, Any]
_RECEIVED: Final = 1_767_225_600_000
_TEXTS: Final = (
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\u200b",
        "a\u00a0b",
        "\u202eFAB",
        "\ufeff",
        "\U0001f4b6",
        "e\u0301",
        "\ud7ff",
        "\U0010ffff",
        "A" * 1024,
        "Ω" * 5000,
    ),
    *("FAB", "FABE", "FABW", "C-4050", "INV-1", "no-such-company", "a/b", "*", "-", "null", "true", "0042", "'; drop table vouchers; --"),
    *("NaN", "Infinity", "-0", "1e400", "1E-400", "0x10", "+1", "1,000.00", "1.", ".5", "00.10", "10.001", "10.0000000001", "9" * 400),
    *("999999999999999.99", "-70.00", "0.00", "0", "2026-02-30", "0000-00-00", "9999-12-31", "10000-01-01", "1582-10-05", "26-01-01"),
    *("2026-03-31T25:00:00Z", "2026-03-31T09:31:60Z", "2026-03-31", "-2026-03-31", "BGN", "XXX", "usd", "ZZZ"),
)
_NUMBERS: Final = (0, -1, 1, 10.5, 1e308, -1e308, 2**63, 2**64, -(2**63), 10**40, 0.1 + 0.2, True, False, None)
_MOST_DEEP: Final = 3000
_LARGEST: Final = 16 * 1024 * 1024


def mutated(seed: int, number: int, first: int = 0) -> Iterator[Record]:
    """So many records; their offsets count from `first`, and their ids name seed and offset unless that is what was mutated."""
    random = Random(seed)  # noqa: S311 - a drawn stream, no secret
    events = _examples()
    for offset in range(first, first + number):
        yield _one(random, events, f"{seed}-{offset}", offset)


def reference_data() -> Iterator[Record]:
    """The examples' reference data as they are, so that some of what follows is right."""
    for number, event in enumerate(each for each in _examples() if _topic_of(each) == Topic.REFERENCE):
        yield _record(_binary(event), Topic.REFERENCE, number)


def _examples() -> list[Event]:
    events = [json.loads(path.read_text()) for path in sorted((ROOT / FOLDER / "examples").glob("*.json"))]
    return [event for event in events if _topic_of(event) in INBOUND_TOPICS]


def _topic_of(event: Event) -> str:
    return CONTRACT[str(short_type(event["type"]))].topic


def _one(random: Random, events: list[Event], identifier: str, offset: int) -> Record:
    example = random.choice(events)
    topic = _topic_of(example) if random.random() < 0.97 else random.choice(sorted(INBOUND_TOPICS))
    event = json.loads(json.dumps(example)) | {"id": identifier}
    if "document" in event["data"] and random.random() < 0.5:
        event["data"]["document"] = f"{event['data']['document']}-{random.randrange(2000)}"
    mutations = 0 if random.random() < 0.1 else random.choice((1, 1, 1, 2, 3, 6))
    for _ in range(mutations):
        random.choice(_OF_EVENTS)(random, event)
    written = _structured(event) if random.random() < 0.3 else _binary(event)
    if mutations and random.random() < 0.35:
        written = random.choice(_OF_RECORDS)(random, written)
    return _record(written, topic, offset)


# How it is written

Written = tuple[bytes | None, tuple[tuple[str, bytes], ...]]
"""A record's value and headers."""


def _record(written: Written, topic: str, offset: int) -> Record:
    return Record(topic, b"key", *written, 0, offset, _RECEIVED)


def _binary(event: Event) -> Written:
    attributes = {name: value for name, value in event.items() if name not in {"data", "datacontenttype"}}
    headers = tuple((f"ce_{name}", _text(value)) for name, value in attributes.items())
    return _json(event.get("data")), (("content-type", b"application/json"), *headers)


def _structured(event: Event) -> Written:
    return _json(event), (("content-type", b"application/cloudevents+json"),)


def _text(value: Any) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else _json(value)


def _json(value: Any) -> bytes:
    """With NaN and Infinity as Python writes them, which is no JSON."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


# What is done to an event


def _place(random: Random, event: Event) -> tuple[Any, Any]:
    """A container in the event, and a key or number in it."""
    container: Any = event["data"] if isinstance(event.get("data"), dict | list) and event["data"] else event
    while True:
        keys = list(container) if isinstance(container, dict) else range(len(container))
        key = random.choice(keys)
        if not isinstance(container[key], dict | list) or not container[key] or random.random() < 0.3:
            return container, key
        container = container[key]


def _another_type(random: Random, event: Event) -> None:
    container, key = _place(random, event)
    was = container[key]
    container[key] = random.choice((*_NUMBERS, [], {}, [was], {"value": was}, str(was), [None], float("nan"), float("inf")))


def _another_text(random: Random, event: Event) -> None:
    container, key = _place(random, event)
    container[key] = random.choice(_TEXTS)


def _changed_text(random: Random, event: Event) -> None:
    container, key = _place(random, event)
    text = str(container[key])
    place = random.randint(0, len(text))
    container[key] = (
        text[:place] + random.choice(("0", "9", ".", "-", " ", "\0", "é", "\u2028", "x" * 70)) + text[place + random.randint(0, 1) :]
    )


def _missing(random: Random, event: Event) -> None:
    container, key = _place(random, event)
    del container[key]


def _extra(random: Random, event: Event) -> None:
    container, _ = _place(random, event)
    name = random.choice((*_TEXTS, "amuont", "Amount", "AMOUNT", "ammount", "companies", "replay", "_id"))
    if isinstance(container, dict):
        container[name[:100]] = random.choice((*_NUMBERS, *_TEXTS))
    else:
        container += [random.choice((*_NUMBERS, *_TEXTS))] * random.choice((1, 50))


def _deep(random: Random, event: Event) -> None:
    container, key = _place(random, event)
    depth = random.choice((5, 40, 90))
    for _ in range(depth):
        container[key] = [container[key]] if random.random() < 0.5 else {"a": container[key]}


def _repeated(random: Random, event: Event) -> None:
    """A list with its first entry many times, or a value in a list of its own likes."""
    container, key = _place(random, event)
    was = container[key]
    each = was[0] if isinstance(was, list) and was else was
    times = random.choice((2, 2, 2, 30, 30, 30, 30, 1001))
    # A list of lists of lists would be hundreds of mebibytes, which no broker carries: the memory would be that of whoever makes it.
    container[key] = [each] * (times if len(_json(each)) * times <= _LARGEST else 2)


def _attribute(random: Random, event: Event) -> None:
    name = random.choice(("id", "source", "type", "specversion", "time", "datacontenttype", "replay", "traceparent", "sender", "data"))
    others = (
        "intercompany/settlement",
        "1.1",
        "intercompany.nothing.v1",
        "intercompany.customer-invoice.posted.v2",
        "1",
        "99999999999999999999",
    )
    if random.random() < 0.3:
        event.pop(name, None)
    else:
        event[name] = random.choice((*others, *_TEXTS, *_NUMBERS))


_OF_EVENTS: Final[tuple[Callable[[Random, Event], None], ...]] = (
    *(_another_type, _another_text, _changed_text, _changed_text, _missing, _extra, _deep, _repeated, _attribute),
)


# What is done to its bytes and headers


def _truncated(random: Random, written: Written) -> Written:
    value, headers = written
    return (value or b"")[: random.randint(0, len(value or b""))], headers


def _damaged(random: Random, written: Written) -> Written:
    value = bytearray(written[0] or b"x")
    for _ in range(random.choice((1, 1, 5, 40))):
        value[random.randrange(len(value))] = random.randrange(256)
    return bytes(value), written[1]


def _key_twice(random: Random, written: Written) -> Written:
    value = written[0] or b""
    return value[:1] + b'"amount": "1.00", "' + random.choice((b"amount", b"id", b"company")) + b'": "2", ' + value[1:], written[1]


def _other_bytes(random: Random, written: Written) -> Written:
    value = written[0] or b""
    deep = random.randint(100, _MOST_DEEP)
    others: tuple[bytes | None, ...] = (None, b"", b"null", b"[]", b"0", b'""', b"[" * deep, b'{"a":' * deep, b"\xef\xbb\xbf" + value)
    return random.choice(
        (*others, b"\0\0\0\0\7" + value, value * 2, b"[" + value + b"]", value.decode(errors="replace").encode("utf-16"))
    ), written[1]


def _headers_mixed(random: Random, written: Written) -> Written:
    """The attributes of one binding with the value or the content type of the other."""
    value, headers = written
    kinds = (b"application/cloudevents+json", b"application/cloudevents-batch+json", b"text/xml", b"", b"\xff", b"application/avro")
    rest = tuple(header for header in headers if header[0] != "content-type")
    extra = random.choice(((), (("ce_id", b"X"), ("ce_type", b"intercompany.company.defined.v1")), rest))
    return value, (("content-type", random.choice(kinds)), *rest, *extra)


def _header_changed(random: Random, written: Written) -> Written:
    value, headers = written[0], list(written[1])
    place = random.randrange(len(headers))
    name, content = headers[place]
    texts = [text.encode("utf-8", "surrogatepass") for text in _TEXTS]
    changes = (
        lambda: [(name, random.choice((*texts, b"\xff\xfe", content * 50)))],
        list,
        lambda: [(name, content), (name, content)],
        lambda: [(random.choice((name.upper(), name.replace("_", "-"), f"ce_{name}", "ce_", "ce_\0", "ce_ID", "x" * 300)), content)],
        lambda: [(name, content), *((f"h{number}", b"") for number in range(random.choice((90, 200))))],
    )
    headers[place : place + 1] = random.choice(changes)()
    return value, tuple(headers)


_OF_RECORDS: Final[tuple[Callable[[Random, Written], Written], ...]] = (
    *(_truncated, _damaged, _key_twice, _other_bytes, _headers_mixed, _header_changed, _header_changed),
)


def again(records: list[Record], random: Random) -> list[Record]:
    """Some of these records once more, as a sender that has no answer sends them."""
    return [replace(record) for record in random.sample(records, len(records) // 50)]
