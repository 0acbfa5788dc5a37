"""The nodes and edges of a trace, made of what was found in the tables.

Edges: an event `caused` a document or a run, these `caused` vouchers; a run `settles` documents; a vendor payment `mirrors` into the
sales payment of its seller, a seller's invoice into the buyer's; an event or a voucher `reverses`. A node's state is honest about
trouble: an event that waits or was refused says so although it posted something, and what is decided and has no voucher yet is
`under way`.

Invariant: pure; every edge joins two nodes that are there; a node's id is its kind and what names it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.inquiry.queries.events import POSTED_IN_ANY_CASE, Became, StageOfEvent, posts_nothing, stage
from services.inquiry.queries.settlements import record_row
from services.inquiry.queries.trace_events import event_node, is_known, refused, sent_at
from services.inquiry.queries.vouchers import line_of, posted
from shared.events.envelope import EventRef
from shared.events.kinds import DOCUMENT_REVERSAL, PAYMENT_REVERSAL, SETTLEMENT_REVERSAL
from shared.events.vouchers import voucher_number
from shared.rows import document_row, instant, line_row, money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]
Key = tuple[str, str, str]

MOST: Final = 1000
"""Nodes of one trace."""

POSTED: Final = StageOfEvent.POSTED.value
REVERSED: Final = "reversed"
UNDER_WAY: Final = "under way"
CREATED: Final = "created"
"""The state of a sales payment journal that waits for approval."""
_REVERSALS: Final = frozenset({DOCUMENT_REVERSAL, PAYMENT_REVERSAL, SETTLEMENT_REVERSAL})


class Edge(NamedTuple):
    """From one node to another: `caused`, `settles`, `mirrors`, `reverses`."""

    from_: str
    to: str
    kind: str


class Graph(NamedTuple):
    """The nodes with their states, the edges between them, and whether there is more than is shown."""

    nodes: list[Row]
    edges: list[Edge]
    truncated: bool

    def as_row(self) -> Row:
        """As it is shown."""
        edges = [{"from": edge.from_, "to": edge.to, "kind": edge.kind} for edge in self.edges]
        return {"nodes": self.nodes, "edges": edges, "truncated": self.truncated}


@dataclass(slots=True)
class FoundForTrace:
    """Rows of the tables, as the statements of a trace give them. `followed`: documents (ledger, company, number)."""

    truncated: bool
    followed: list[Key] = field(default_factory=list)
    runs: list[EventRef] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)
    documents: list[Any] = field(default_factory=list)
    vouchers: list[Any] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    waits: list[Row] = field(default_factory=list)
    taken: set[EventRef] = field(default_factory=set)

    def document_keys(self) -> list[Key]:
        """The documents that are shown: those followed, then the others that the runs settle."""
        keys = dict.fromkeys(self.followed)
        for record in self.records:
            keys.update(dict.fromkeys(_sides(record)))
        return list(keys)[: MOST + 1]

    def take_vouchers(self, rows: list[Any]) -> None:
        """Vouchers with their lines, a row for each line, one at least."""
        vouchers: dict[Key, Any] = {}
        for row in rows:
            vouchers.setdefault(_voucher_key(row), row)
        self.vouchers = list(vouchers.values())
        self.lines = [row for row in rows if row["line"] is not None]

    def limit_to_most(self) -> None:
        """Leaves out what would be too many nodes: vouchers first, since what they belong to says more."""
        room = MOST - len(self.runs)
        self.truncated |= len(self.records) > MOST or len(self.documents) + len(self.vouchers) > room
        self.records, self.documents = self.records[:MOST], self.documents[: max(0, room)]
        self.vouchers = self.vouchers[: max(0, room - len(self.documents))]

    def event_refs(self) -> set[EventRef]:
        """The events that what was found says it came of."""
        refs = set(self.runs)
        for row in (*self.records, *self.documents):
            refs |= {EventRef(row["first_source"], row["first_id"]), EventRef(row["reversal_source"], row["reversal_id"])}
        for row in self.documents:
            refs |= {EventRef(row[f"{name}_source"], row[f"{name}_id"]) for name in ("event", "payer", "approval")}
        refs |= {EventRef(row["first_source"], row["first_id"]) for row in self.vouchers}
        return {ref for ref in refs if ref.id is not None}


def graph(found: FoundForTrace) -> Graph:
    """The graph of what was found; events that are neither received, refused nor waiting are the services' own and no nodes."""
    building = _Building(found)
    building.add_documents()
    building.add_runs()
    building.add_vouchers()
    building.add_events()
    nodes = building.nodes
    edges = [edge for edge in dict.fromkeys(building.edges) if edge.from_ in nodes and edge.to in nodes]
    shown = list(nodes.values())[:MOST]
    ids = {node["id"] for node in shown}
    kept = [edge for edge in edges if edge.from_ in ids and edge.to in ids]
    return Graph(shown, kept, found.truncated or len(nodes) > MOST)


def node_id(kind: str, *parts: str) -> str:
    """A node's id: its kind and what names it; a / in a part is escaped."""
    return "/".join((kind, *(part.replace("%", "%25").replace("/", "%2F") for part in parts)))


def _sides(record: Any) -> tuple[Key, Key]:
    ledger = record["ledger"]
    lowering = (ledger, record["lowering_company"], record["lowering_document"])
    return lowering, (ledger, record["raising_company"], record["raising_document"])


def _posting(record: Any) -> set[str]:
    """The companies that a record has a voucher in for certain: within one company it may have no lines to post."""
    companies = {record["lowering_company"], record["raising_company"]}
    return companies if len(companies) > 1 or any(record[name] for name in POSTED_IN_ANY_CASE) else set()


class _Building:
    """The graph while it is made, kind by kind."""

    def __init__(self, found: FoundForTrace) -> None:
        self._found = found
        self._runs = set(found.runs)
        self._followed = set(found.followed)
        self.nodes: dict[str, Row] = {}
        self.edges: list[Edge] = []
        self._posted_of_documents: defaultdict[Key, set[bool]] = defaultdict(set)
        self._posted_of_runs: defaultdict[EventRef, set[tuple[str, int, str, bool]]] = defaultdict(set)
        self._of_record: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for voucher in found.vouchers:
            is_reversal = voucher["kind"] in _REVERSALS
            if voucher["run_id"] is None:
                self._posted_of_documents[voucher["ledger"], voucher["company"], voucher["document"]].add(is_reversal)
            else:
                run = EventRef(voucher["run_source"], voucher["run_id"])
                self._posted_of_runs[run].add((voucher["ledger"], voucher["record"], voucher["company"], is_reversal))
                self._of_record[_record_of(voucher)].append(voucher)

    def _add(self, id_: str, kind: str, state: str, **said: Any) -> None:
        self.nodes[id_] = {"id": id_, "kind": kind, "state": state, **said}

    # Documents, and sales payment journals that are none yet

    def add_documents(self) -> None:
        """Documents with their journals; what mirrors what, and which event asked for a reversal."""
        for row in self._found.documents:
            id_ = node_id("document", row["ledger"], row["company"], row["document"])
            if row["posted_at"] is None and row["journal"] is None:
                continue  # settlement's word of it is not read yet
            if row["posted_at"] is not None:
                self._add(id_, "document", self._document_state(row), **_document(row))
            else:
                state = row["status"] if row["status"] in {CREATED, "refused"} else UNDER_WAY
                self._add(id_, "journal", state, **_key_of(row), journal=_journal(row))
            self._cause(row, "event", id_)
            self._cause(row, "approval", id_)
            self._cause(row, "reversal", id_, "reverses")
            if row["ic_document"] is not None:  # a vendor invoice from a company of the group
                self.edges.append(Edge(node_id("document", "receivable", row["ic_company"], row["ic_document"]), id_, "mirrors"))
            if row["payer_document"] is not None:
                self.edges.append(Edge(node_id("document", "payable", row["payer_company"], row["payer_document"]), id_, "mirrors"))

    def _cause(self, row: Any, name: str, id_: str, kind: str = "caused") -> None:
        if row[f"{name}_id"] is not None:
            self.edges.append(Edge(node_id("event", row[f"{name}_source"], row[f"{name}_id"]), id_, kind))

    def _document_state(self, row: Any) -> str:
        key = (row["ledger"], row["company"], row["document"])
        if key not in self._followed:
            return REVERSED if row["reversed_on"] else POSTED
        kinds = self._posted_of_documents.get(key, set())
        expected = {False, True} if row["reversed_on"] else {False}
        return UNDER_WAY if expected - kinds and not self._found.truncated else REVERSED if row["reversed_on"] else POSTED

    # Settlement runs

    def add_runs(self) -> None:
        """Runs with their records, the documents that they settle, the events that asked for them and for their reversal."""
        of_runs: dict[EventRef, list[Any]] = {run: [] for run in self._found.runs}
        for record in self._found.records:
            of_runs[EventRef(record["run_source"], record["run_id"])].append(record)
        known = {EventRef(each["source"], each["id"]) for each in self._found.events if is_known(each)}
        for run, records in of_runs.items():
            id_ = node_id("settlement", *run)
            rows = [record_row(record) for record in records]
            self._add(id_, "settlement", self._run_state(run, records), settlement=run._asdict(), records=rows)
            causes = {run} if run in known else {EventRef(record["first_source"], record["first_id"]) for record in records}
            self.edges += [Edge(node_id("event", *cause), id_, "caused") for cause in sorted(causes)]
            for record in records:
                self.edges += [Edge(id_, node_id("document", *side), "settles") for side in _sides(record)]
                self._cause(record, "reversal", id_, "reverses")

    def _run_state(self, run: EventRef, records: list[Any]) -> str:
        there = self._posted_of_runs.get(run, set())
        expected = {
            (record["ledger"], record["number"], company, is_reversal)
            for record in records
            for company in _posting(record)
            for is_reversal in ((False, True) if record["reversed_on"] else (False,))
        }
        if expected - there and not self._found.truncated:
            return UNDER_WAY
        return REVERSED if records and all(record["reversed_on"] for record in records) else POSTED

    # Vouchers

    def add_vouchers(self) -> None:
        """Vouchers with their lines, under what caused them; a reversal's is joined to the voucher that it reverses."""
        lines: dict[Key, list[Any]] = {}
        for line in self._found.lines:
            lines.setdefault(_voucher_key(line), []).append(line)
        reversed_ones = {_subject(voucher) for voucher in self._found.vouchers if voucher["kind"] in _REVERSALS}
        originals = {_subject(voucher): voucher for voucher in self._found.vouchers if voucher["kind"] not in _REVERSALS}
        for voucher in self._found.vouchers:
            id_, is_reversal = _voucher_id(voucher), voucher["kind"] in _REVERSALS
            state = REVERSED if not is_reversal and _subject(voucher) in reversed_ones else POSTED
            said = _voucher(voucher, lines.get(_voucher_key(voucher), []))
            self._add(id_, "voucher", state, **said, sisters=self._sisters(voucher))
            self.edges.append(Edge(_parent_id(voucher), id_, "caused"))
            if is_reversal and _subject(voucher) in originals:
                self.edges.append(Edge(id_, _voucher_id(originals[_subject(voucher)]), "reverses"))

    def _sisters(self, voucher: Any) -> list[Row]:
        """The vouchers of the same record in other companies."""
        if voucher["run_id"] is None:
            return []
        return [
            {"company": each["company"], "voucher": voucher_number(each["series"], each["number"])}
            for each in self._of_record[_record_of(voucher)]
            if each["company"] != voucher["company"]
        ]

    # Events

    def add_events(self) -> None:
        """Events from outside with what waits and what was refused of them; they come first."""
        waits: dict[EventRef, list[Row]] = {}
        for each in self._found.waits:
            waits.setdefault(EventRef(each["source"], each["event"]), []).append(each)
        caused = {edge.from_ for edge in self.edges}
        under_way = self._under_way()
        events: dict[str, Row] = {}
        for each in self._found.events:
            ref = EventRef(each["source"], each["id"])
            if not is_known(each) and ref not in waits:
                continue
            id_ = node_id("event", *ref)
            events[id_] = {"id": id_, "kind": "event", **event_node(each, waits.get(ref, []))}
            is_taken, nothing = id_ in caused or ref in self._found.taken, posts_nothing(each["type"])
            became = Became(ref in waits, refused(each), is_taken, ref not in under_way, sent_at(each), nothing)
            events[id_]["state"] = stage(became).value
        self.nodes = {**events, **self.nodes}

    def _under_way(self) -> set[EventRef]:
        """The events that decided a document or a run of which a voucher is still to come; reversals aside, which others asked for."""
        if self._found.truncated:
            return set()
        found = set()
        for row in self._found.documents:
            key = (row["ledger"], row["company"], row["document"])
            if key in self._followed and row["posted_at"] is not None and False not in self._posted_of_documents.get(key, set()):
                found.add(EventRef(row["event_source"], row["event_id"]))
        for record in self._found.records:
            run = EventRef(record["run_source"], record["run_id"])
            expected = {(record["ledger"], record["number"], company, False) for company in _posting(record)}
            if expected - self._posted_of_runs.get(run, set()):
                found.add(run)
        return found


def _key_of(row: Any) -> Row:
    return {name: row[name] for name in ("company", "document", "ledger")}


def _document(row: Any) -> Row:
    return {
        **document_row(row["ledger"], (row["company"], row["document"]), row["currency"], row["sign"] * row["open"]),
        "document_kind": row["kind"],
        "party": row["party"],
        "account": row["account"],
        "date": row["date"].isoformat(),
        "amount": money(row["amount"], row["currency"]),
        "reversed_on": row["reversed_on"].isoformat() if row["reversed_on"] else None,
        "event": {"source": row["event_source"], "id": row["event_id"]},
        "journal": _journal(row) if row["journal"] is not None else None,
        "posted_at": instant(row["posted_at"]),
    }


def _journal(row: Any) -> Row:
    return {
        "journal": row["journal"],
        "status": row["status"] if row["posted_at"] is not None or row["status"] != "posted" else CREATED,
        "date": row["journal_date"].isoformat(),
        "currency": row["journal_currency"],
        "amount": money(row["journal_amount"], row["journal_currency"]),
        "mirrors": {"company": row["payer_company"], "document": row["payer_document"]},
    }


def _voucher_key(row: Any) -> Key:
    return row["company"], row["series"], row["number"]


def _voucher_id(row: Any) -> str:
    return node_id("voucher", row["company"], voucher_number(row["series"], row["number"]))


def _parent_id(voucher: Any) -> str:
    if voucher["run_id"] is None:
        return node_id("document", voucher["ledger"], voucher["company"], voucher["document"])
    return node_id("settlement", voucher["run_source"], voucher["run_id"])


def _record_of(voucher: Any) -> tuple[Any, ...]:
    return tuple(voucher[name] for name in ("run_source", "run_id", "ledger", "record", "kind"))


def _subject(voucher: Any) -> tuple[Any, ...]:
    """What a voucher and the one that reverses it are both of."""
    if voucher["run_id"] is None:
        return (voucher["company"], voucher["ledger"], voucher["document"])
    return (voucher["company"], voucher["ledger"], voucher["run_source"], voucher["run_id"], voucher["record"])


def _voucher(voucher: Any, lines: Iterable[Any]) -> Row:
    own = voucher["accounting_currency"]
    return {
        "company": voucher["company"],
        "voucher": voucher_number(voucher["series"], voucher["number"]),
        "ledger": voucher["ledger"],
        "voucher_kind": voucher["kind"],
        "date": voucher["date"].isoformat(),
        "document": voucher["document"],
        "record": voucher["record"],
        "accounting_currency": own,
        **posted(voucher),
        "lines": list(_lines(lines, own)),
    }


def _lines(lines: Iterable[Any], own: str) -> Iterator[Row]:
    for line in lines:
        yield {"line": line["line"], **line_row(line_of(line), own)}
