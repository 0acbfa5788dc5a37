"""How the settlement books' tables stand in the database: their statements, keys and the JSON of their values.

Invariant: a value read back equals the one written; what joins the parts of a key is in no text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson

from services.settlement import settling_order
from services.settlement.rules.values import (
    Document,
    DocumentKey,
    Parked,
    PendingReplies,
    RecordInForce,
    Request,
    ReservedSalesPayment,
)
from shared.delivery.columns import arrays
from shared.events.codec import as_json, read_stored
from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef, Message
from shared.waiting import Need

JOIN: Final = "\x1f"

Row = tuple[Any, ...]


@dataclass(frozen=True)
class StoredIndex:
    """How rows are found by a key of an index.

    `has_limit`: a key may have very many; the last parameter of `select` is the most rows that are read (null: all).
    """

    select: str
    key: Callable[[Any], Row]
    has_limit: bool = False


@dataclass(frozen=True)
class Many:
    """How very many rows are written: new ones by COPY, of the others what can change, at half of what an upsert of both costs.

    `columns`: what a table's `row` gives; `places`: where in it stand the key and the columns that can change; `update`: by these.
    """

    columns: tuple[str, ...]
    places: tuple[int, ...]
    update: str


@dataclass(frozen=True)
class StoredTable:
    """One table: its statements, and how keys and values become rows and come back.

    `few`: an index (None: the table) that is mostly all but empty, and the statement that gives up to so many rows of it as an
    array; null if they are too heavy to be read with every batch. `many`: how rows are written where they are many.
    `deletes_alone`: what deletes writes another table too, so it stands in no other statement.
    """

    name: str
    select: str
    upsert: str
    delete: str
    key: Callable[[Any], Row]
    row: Callable[[Any], Row]
    read: Callable[[str], tuple[Any, Any]]
    indexes: dict[str, StoredIndex]
    many: Many | None = None
    few: tuple[str | None, str] | None = None
    deletes_alone: bool = False


def joined(key: tuple[str, ...]) -> str:
    """A key of several texts as one."""
    return JOIN.join(key)


_LISTS: Final = frozenset({"reserves", "concerns"})
"""Columns of several keys, which a statement gets joined: unnest would flatten an array of arrays."""


def _statements(name: str, key: dict[str, str], columns: dict[str, str]) -> tuple[str, str, str]:
    """Select, upsert and delete of a table by its key columns and all its columns (name -> type)."""
    unnested = arrays(key.values())
    names = ", ".join(key)
    match = " and ".join(f"t.{column} = k.{column}" for column in key)
    select = f"select t.body from {name} t join unnest({unnested}) as k ({names}) on {match}"  # noqa: S608 - names of our own
    delete = f"delete from {name} t using unnest({unnested}) as k ({names}) where {match}"  # noqa: S608
    selected = ", ".join(f"string_to_array({column}, chr(30))" if column in _LISTS else column for column in columns)
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    upsert = (
        f"insert into {name} ({', '.join(columns)}) select {selected} from unnest({arrays(columns.values())}) as v ({', '.join(columns)}) "  # noqa: S608
        f"on conflict ({names}) do update set {updates}"
    )
    return select, upsert, delete


def _many(name: str, key: dict[str, str], columns: dict[str, str], changing: tuple[str, ...]) -> Many:
    """How very many rows of a table are written; `changing`: of its columns those that can change."""
    written = (*key, *changing)
    updates = ", ".join(f"{column} = v.{column}" for column in changing)
    update = (
        f"update {name} t set {updates} from unnest({arrays(columns[column] for column in written)}) as v ({', '.join(written)}) "  # noqa: S608
        f"where {' and '.join(f't.{column} = v.{column}' for column in key)}"
    )
    return Many(tuple(columns), tuple(list(columns).index(column) for column in written), update)


_DOCUMENT: Final = msgspec.json.Decoder(Document)
_RECORD: Final = msgspec.json.Decoder(RecordInForce)
_JOURNAL: Final = msgspec.json.Decoder(ReservedSalesPayment)
_REPLIES: Final = msgspec.json.Decoder(PendingReplies)
_REQUEST: Final = msgspec.json.Decoder(Request)


def _json(value: Any) -> str:
    """A value as a JSON list of its fields."""
    return as_json(value).decode()


def _reserves(keys: tuple[DocumentKey, ...]) -> str | None:
    """Reserved documents as one text, split again by the statement: unnest would flatten an array of arrays."""
    return "\x1e".join(joined(key) for key in keys)


def _document_row(document: Document) -> Row:
    automatic = bool(document.open) and not document.manual_only
    key = (document.ledger, document.company, document.document)
    about = (document.party, document.account, document.currency, automatic, *document.event)
    return (*key, *about, *settling_order.columns_of(document), _json(document))


def _read_document(body: str) -> tuple[Any, Any]:
    document: Document = _DOCUMENT.decode(body)
    return document.key, document


def _record_row(record: RecordInForce) -> Row:
    places = (*record.lowering[1:], *record.raising[1:])
    return (*record.run, record.ledger, record.number, *places, _json(record))


def _read_record(body: str) -> tuple[Any, Any]:
    record: RecordInForce = _RECORD.decode(body)
    return record.key, record


def _parked_row(parked: Parked) -> Row:
    body = orjson.dumps(
        {
            "sequence": parked.sequence,
            "stage": parked.stage,
            "event": parked.event,
            "need": tuple(parked.need),
            "reserves": [tuple(key) for key in parked.reserves],
            "concerns": [tuple(key) for key in parked.concerns],
            "after": [tuple(run) for run in parked.after],
            "message": _message(parked.message),
        },
        default=tuple,
    )
    wakes = joined(parked.need.wake_key)
    keys = (_reserves(parked.reserves), _reserves(parked.concerns))
    return (parked.sequence, wakes, *keys, *parked.event, parked.message.arrival, body.decode())


def _message(message: Message) -> dict[str, Any]:
    return {
        "ref": tuple(message.ref),
        "type": message.type,
        "data": as_json(message.data).decode(),
        "time": message.time.isoformat(),
        "digest": message.digest.hex(),
        "cause": tuple(message.cause) if message.cause else None,
        "first": tuple(message.first) if message.first else None,
        "traceparent": message.traceparent,
        "replay": message.replay,
        "sender": message.sender,
        "arrived": message.arrival.isoformat(),
    }


def _read_message(body: dict[str, Any]) -> Message:
    return Message(
        ref=EventRef(*body["ref"]),
        type=body["type"],
        data=read_stored(CONTRACT[body["type"]].data, body["data"]),
        time=datetime.fromisoformat(body["time"]),
        digest=bytes.fromhex(body["digest"]),
        cause=EventRef(*body["cause"]) if body["cause"] else None,
        first=EventRef(*body["first"]) if body["first"] else None,
        traceparent=body["traceparent"],
        replay=body["replay"],
        sender=body.get("sender"),
        arrived=datetime.fromisoformat(body["arrived"]) if "arrived" in body else None,
    )


def _read_parked(body: str) -> tuple[Any, Any]:
    stored = orjson.loads(body)
    reason, key, wake_key = stored["need"]
    parked = Parked(
        stored["sequence"],
        stored["stage"],
        EventRef(*stored["event"]),
        _read_message(stored["message"]),
        Need(reason, key, tuple(wake_key)),
        tuple(DocumentKey(*parts) for parts in stored["reserves"]),
        tuple(EventRef(*run) for run in stored["after"]),
        tuple(DocumentKey(*parts) for parts in stored.get("concerns", ())),
    )
    return parked.sequence, parked


def _journal_row(journal: ReservedSalesPayment) -> Row:
    return (journal.company, journal.document, *journal.run, _reserves(journal.reserves), _json(journal))


def _read_journal(body: str) -> tuple[Any, Any]:
    journal: ReservedSalesPayment = _JOURNAL.decode(body)
    return (journal.company, journal.document), journal


def _replies_row(replies: PendingReplies) -> Row:
    return (*replies.run, _json(replies))


def _read_replies(body: str) -> tuple[Any, Any]:
    replies: PendingReplies = _REPLIES.decode(body)
    return replies.run, replies


def _request_row(request: Request) -> Row:
    return (*request.event, _json(request))


def _read_request(body: str) -> tuple[Any, Any]:
    request: Request = _REQUEST.decode(body)
    return request.event, request


_REF = {"event_source": "text", "event_id": "text"}
_RUN = {"run_source": "text", "run_id": "text"}
_DOCUMENT_KEY = {"ledger": "text", "company": "text", "document": "text"}
_DOCUMENT_COLUMNS = {
    **_DOCUMENT_KEY,
    "party": "text",
    "account": "text",
    "currency": "text",
    "automatic": "boolean",
    **_REF,
    **settling_order.COLUMNS,
    "body": "json",
}
_RECORD_KEY = {**_RUN, "ledger": "text", "number": "integer"}
_RECORD_COLUMNS = {
    **_RECORD_KEY,
    **{f"{side}_{part}": "text" for side in ("lowering", "raising") for part in ("company", "document")},
    "body": "json",
}
_HOLDING = (
    "select body from {table} where ({key}) in (select {key} from unnest($1::text[]) k"
    " cross join lateral (select {key} from {table} where {column} @> array[k]{more}) t)"
)
"""By one look into the index for each key: `reserves && $1` compares each waiting row with all keys."""
FEW: Final = 50
"""Rows that are read with every batch; with more, only those that the batch names."""
_FEW_WAITING: Final = f"""(select case when coalesce(sum(octet_length(body::text)), 0) <= 262144 then coalesce(array_agg(body), '{{}}') end
from (select body from waiting limit {FEW + 1}) w)"""  # noqa: S608 - a number of our own
_FEW_RESERVING: Final = f"array(select body from journals where cardinality(reserves) > 0 order by company limit {FEW + 1})"  # noqa: S608 - as above
_OF_EVENT = "select t.body from {} t join unnest($1::text[], $2::text[]) as k (source, id) on t.{}_id = k.id and t.{}_source = k.source"

_END_OF_WAITING: Final = f"""
with gone as (
    delete from waiting t using unnest({arrays(["bigint"])}) as k (sequence) where t.sequence = k.sequence
    returning event_source, event_id
) update announced a set ended = true from gone where a.source = gone.event_source and a.event = gone.event_id"""  # noqa: S608 - as above
"""What stops waiting, and with it that its sender is to be told so, if it was told that it waits."""

TABLES: Final[dict[str, StoredTable]] = {
    table.name: table
    for table in (
        StoredTable(
            "documents",
            *_statements("documents", _DOCUMENT_KEY, _DOCUMENT_COLUMNS),
            key=tuple,
            row=_document_row,
            read=_read_document,
            indexes={"event": StoredIndex(_OF_EVENT.format("documents", "event", "event"), tuple)},
            many=_many("documents", _DOCUMENT_KEY, _DOCUMENT_COLUMNS, ("automatic", "open", "body")),
        ),
        StoredTable(
            "records",
            *_statements("records", _RECORD_KEY, _RECORD_COLUMNS),
            key=lambda key: (*key.run, key.ledger, key.number),
            row=_record_row,
            read=_read_record,
            indexes={
                "run": StoredIndex(
                    "select t.body from records t join unnest($1::text[], $2::text[], $3::text[]) as k (source, id, ledger)"
                    " on t.run_id = k.id and t.run_source = k.source and t.ledger = k.ledger limit $4",
                    lambda key: (*key[0], key[1]),
                    has_limit=True,
                ),
                "document": StoredIndex(
                    "with k as (select * from unnest($1::text[], $2::text[], $3::text[]) as k (ledger, company, document))"
                    " select t.body from records t join k on t.lowering_document = k.document"
                    " and t.lowering_company = k.company and t.ledger = k.ledger"
                    " union all select t.body from records t join k on t.raising_document = k.document"
                    " and t.raising_company = k.company and t.ledger = k.ledger limit $4",
                    tuple,
                    has_limit=True,
                ),
            },
            many=_many("records", _RECORD_KEY, _RECORD_COLUMNS, ("body",)),
        ),
        StoredTable(
            "waiting",
            *_statements(
                "waiting",
                {"sequence": "bigint"},
                {
                    "sequence": "bigint",
                    "wakes": "text",
                    "reserves": "text",
                    "concerns": "text",
                    **_REF,
                    "since": "timestamptz",
                    "body": "json",
                },
            )[:2],
            _END_OF_WAITING,
            key=lambda key: (key,),
            row=_parked_row,
            read=_read_parked,
            indexes={
                "event": StoredIndex(_OF_EVENT.format("waiting", "event", "event"), tuple),
            },
            few=(None, _FEW_WAITING),
            deletes_alone=True,
        ),
        StoredTable(
            "journals",
            *_statements(
                "journals",
                {"company": "text", "document": "text"},
                {"company": "text", "document": "text", **_RUN, "reserves": "text", "body": "json"},
            ),
            key=tuple,
            row=_journal_row,
            read=_read_journal,
            indexes={
                "run": StoredIndex(_OF_EVENT.format("journals", "run", "run"), tuple),
                "reserves": StoredIndex(
                    _HOLDING.format(key="company, document", table="journals", column="reserves", more=" and cardinality(reserves) > 0"),
                    lambda key: (joined(key),),
                ),
            },
            few=("reserves", _FEW_RESERVING),
        ),
        StoredTable(
            "pending_replies",
            *_statements("pending_replies", _RUN, {**_RUN, "body": "json"}),
            key=tuple,
            row=_replies_row,
            read=_read_replies,
            indexes={},
        ),
        StoredTable(
            "requests",
            *_statements("requests", _REF, {**_REF, "body": "json"}),
            key=tuple,
            row=_request_row,
            read=_read_request,
            indexes={},
        ),
    )
}
