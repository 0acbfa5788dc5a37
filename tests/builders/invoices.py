"""Invoices as records, and records that are none."""

from __future__ import annotations

from typing import Any

import orjson

from shared.events.envelope import Record, Topic

BINARY = (("content-type", b"application/json"), ("ce_specversion", b"1.0"), ("ce_source", b"erp"), ("ce_time", b"2026-01-01T00:00:00Z"))


def invoice_data(company: str = "FAB", amount: str = "10.00", document: str = "D") -> dict[str, Any]:
    """The data of a customer invoice."""
    return {"company": company, "account": "4000", "document": document, "date": "2026-01-01", "currency": "USD", "amount": amount}


def headers(identifier: str, name: str = "customer-invoice.posted") -> tuple[tuple[str, bytes], ...]:
    """The headers of a binary event."""
    return (*BINARY, ("ce_id", identifier.encode()), ("ce_type", f"intercompany.{name}.v1".encode()))


def invoice(identifier: str, offset: int = 0, *, topic: str = Topic.INVOICES, key: str = "party", **data: str) -> Record:
    """A customer invoice as it comes from the broker."""
    return Record(topic, key.encode(), orjson.dumps(invoice_data(**data)), headers(identifier), 0, offset, 1_767_225_600_000)


def poison() -> dict[str, Record]:
    """Records that are no event, and must neither stop a batch nor get lost."""
    good = orjson.dumps(invoice_data())
    kinds: dict[str, tuple[bytes | None, tuple[tuple[str, bytes], ...]]] = {
        "no json": (b"{never closed", headers("P1")),
        "no text": (b"\xff\xfe\x00\x80", headers("P2")),
        "5 MB": (b'"' + b"x" * 5_000_000 + b'"', headers("P3")),
        "empty": (b"", headers("P4")),
        "tombstone": (None, headers("P5")),
        "wrong content type": (good, (("content-type", b"application/cloudevents+json"),)),
        "no headers": (good, ()),
        "header that is no text": (good, (*BINARY, ("ce_id", b"\xff"), ("ce_type", b"\xfe"))),
        "NUL in a text": (orjson.dumps(invoice_data(document="a\0b")), headers("P6")),
        "NUL in the id": (good, headers("P\0 7")),
        "unknown type": (good, headers("P8", "nothing.known")),
        "deep": (b"[" * 100_000, headers("P9")),
        "number for a decimal": (orjson.dumps({**invoice_data(), "amount": 10.0}), headers("P10")),
    }
    return {
        name: Record(Topic.INVOICES, b"\xffkey", value, head, 0, number, 0) for number, (name, (value, head)) in enumerate(kinds.items())
    }
