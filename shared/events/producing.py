"""Events as records of the inbound topics, the way any other system would send them (CloudEvents, binary binding).

Invariant: data goes out as it is given, right or wrong; an event whose type other systems do not send
goes to `intercompany.requests`, where it is refused; the key is the party where it can be found, else the account, for
reference data the entity, and for what is said of a voucher its company, so that order is likely and compaction works
(events.md, "Topics").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from shared.events.codec import read_data
from shared.events.contract import CONTRACT, PREFIX, SAID_OF_VOUCHERS, Entry, full_type, short_type
from shared.events.envelope import Record, Topic
from shared.events.inbound import ledger_of
from shared.events.reference import compaction_key
from shared.events.refusal import RefusedError
from shared.reference import Reference

if TYPE_CHECKING:
    from datetime import datetime

_NO_EVENT: Final = Entry(Topic.REQUESTS, object)


class PartyBook:
    """Who is behind an account or a document, as far as the events seen so far tell; `reference`: what is known before."""

    def __init__(self, reference: Reference | None = None) -> None:
        self._reference = Reference() if reference is None else reference.copy()
        self._parties: dict[tuple[str, str, str], str] = {}

    def learn(self, reference_data: Any) -> bool:
        """Takes a typed reference event in; whether it is one that the services take too, as far as the events seen tell."""
        if self._reference.contradiction(reference_data) is not None:
            return False
        self._reference.take(reference_data)
        return True

    def of_document(self, type_: str, data: dict[str, Any]) -> str:
        """The party of an invoice or payment event, else its account."""
        ledger, company, account = ledger_of(type_), str(data.get("company")), str(data.get("account"))
        party = self._reference.party(ledger, company, account) or account
        self._parties[ledger, company, str(data.get("document"))] = party
        return party

    def of_request(self, data: dict[str, Any]) -> str | None:
        """The party of the first document that a request names, if its event has been seen."""
        marks = data.get("settle")
        first = marks[0] if isinstance(marks, list) and marks else None
        document = data.get("document")
        named = data.get("payment") or first or (document if isinstance(document, dict) else data)
        if not isinstance(named, dict):
            return None
        return self._parties.get((str(data.get("ledger", "receivable")), str(named.get("company")), str(named.get("document"))))


def _full(type_: str | None) -> str | None:
    """The CloudEvents type of a name; one that is written in full stays as it is, another version too."""
    return type_ if type_ is None or type_.startswith(PREFIX) else full_type(type_)


def record_of(  # noqa: PLR0913 - what a CloudEvent has, and who is behind its account
    id_: str | None, source: str, type_: str | None, data: dict[str, Any], time: datetime, parties: PartyBook
) -> Record:
    """The record of an event. `type_` with or without prefix and version; id and type None: the record has none.

    TypeError or ValueError for a value that JSON does not have.
    """
    name = short_type(_full(type_) or "") or ""
    body = json.dumps(data, ensure_ascii=False).encode()
    attributes = {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": _full(type_),
        "time": time.isoformat().replace("+00:00", "Z"),
    }
    headers = [(f"ce_{attribute}", value.encode()) for attribute, value in attributes.items() if value is not None]
    key = key_of(name, id_ or "", data, parties)
    return Record(topic_for(name), key.encode(), body, (("content-type", b"application/json"), *headers))


def topic_for(name: str) -> str:
    """The topic of an event that other systems send; of any other, `intercompany.requests`."""
    return _entry(name).topic


def _entry(name: str) -> Entry:
    entry = CONTRACT.get(name, _NO_EVENT)
    return entry if entry.inbound else _NO_EVENT


def key_of(name: str, id_: str, data: dict[str, Any], parties: PartyBook) -> str:
    """The key of an event: the entity, the party, or where that is not known the account, else the event's id.

    What is said of a voucher has its company's, so that what is said of one voucher stays in order.
    """
    entry = _entry(name)
    if entry.topic == Topic.REFERENCE:
        return _reference_key(name, id_, data, parties)
    if entry.topic in {Topic.INVOICES, Topic.PAYMENTS}:
        return parties.of_document(name, data)
    if name in SAID_OF_VOUCHERS:
        return str(data.get("company") or id_)
    return parties.of_request(data) or id_


def _reference_key(name: str, id_: str, data: dict[str, Any], parties: PartyBook) -> str:
    """The compaction key; data that is refused gets a key of its own, so that it cannot replace what is right."""
    try:
        typed = read_data(name, json.dumps(data).encode(), "")
    except RefusedError:
        return f"{name}/{id_}"
    return compaction_key(typed) if parties.learn(typed) else f"{name}/{id_}"
