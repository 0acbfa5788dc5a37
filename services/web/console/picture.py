"""The picture of a trace: a grid of companies by steps, and the connectors between the steps.

Columns are the companies, the one that pays first; rows are the steps: documents, what settled them, what that made, what settled
that, and each reversal in a row of its own. Connectors stand in the gaps between rows, drawn here as paths of an SVG that is as
wide as the grid, so that they fit whatever is in the cells.

Invariant: pure; every voucher of the trace is in exactly one cell, in its own company's column.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Row = dict[str, Any]

MOST_COLUMNS: Final = 12
MOST_NODES: Final = 60
"""Above one of these a cell shows its vouchers when it is opened."""
COLUMN: Final = 100
GAP: Final = 40
"""A column's width and a gap's height in the SVG's own units."""

_REVERSALS: Final = frozenset({"document_reversal", "payment_reversal", "settlement_reversal"})
_ROLES: Final = ("pays", "owes", "is paid", "is owed")


class Column(NamedTuple):
    """A company: its code, its name, and what it does here (pays, owes, is paid, is owed; empty: beside)."""

    company: str
    name: str
    role: str


class Connector(NamedTuple):
    """A line from a column above to one below, with an arrow: its path, the arrow's points, what it means."""

    path: str
    arrow: str
    kind: str


@dataclass(frozen=True, slots=True)
class Card:
    """What stands in a cell: a node and the vouchers under it."""

    node: Row | None
    vouchers: tuple[Row, ...] = ()
    mirrors: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A row: `documents`, `settlement` or `reversal`; the cards of each column; the connectors that lead to it."""

    kind: str
    node: Row | None
    cells: tuple[tuple[Card, ...], ...]
    connectors: tuple[Connector, ...] = ()

    @property
    def name(self) -> str:
        """What a settlement is called: the event that asked for it, or where its id is derived the documents that it settled."""
        if self.node is None:
            return ""
        id_ = str(self.node["settlement"]["id"])
        sides = [record["debit_document" if record["ledger"] == "receivable" else "credit_document"] for record in self.node["records"]]
        settled = list(dict.fromkeys(side for side in sides if side is not None))
        if not settled or not _OURS.fullmatch(id_):
            return id_
        return ", ".join(settled[:_NAMED]) + (" …" if len(settled) > _NAMED else "")


class Picture(NamedTuple):
    """The whole of it. `folded`: there is too much to show all lines at once."""

    columns: tuple[Column, ...]
    steps: tuple[Step, ...]
    folded: bool

    @property
    def width(self) -> int:
        """The width of the connectors' SVG."""
        return COLUMN * max(len(self.columns), 1)


@dataclass
class _Graph:
    nodes: dict[str, Row]
    causes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    settles: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    settled_by: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    mirrors: dict[str, str] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)


def picture(trace: Row, names: dict[str, str | None]) -> Picture:
    """The picture of a trace as the API answers it; `names`: the companies' names by their codes."""
    graph = _graph(trace)
    columns = _columns(graph, names)
    place = {column.company: number for number, column in enumerate(columns)}
    steps = _steps(graph, place)
    folded = len(columns) > MOST_COLUMNS or len(graph.nodes) > MOST_NODES
    return Picture(columns, steps, folded)


def _graph(trace: Row) -> _Graph:
    graph = _Graph({node["id"]: node for node in trace["nodes"]})
    for edge in trace["edges"]:
        from_, to = edge["from"], edge["to"]
        if edge["kind"] == "caused":
            graph.causes[from_].append(to)
        elif edge["kind"] == "settles":
            graph.settles[from_].append(to)
            graph.settled_by[to].append(from_)
        elif edge["kind"] == "mirrors":
            graph.mirrors[to] = from_
    return graph


# Columns


def _columns(graph: _Graph, names: dict[str, str | None]) -> tuple[Column, ...]:
    roles: dict[str, str] = {}
    for node in graph.nodes.values():
        for record in node.get("records", ()):
            for company, role in _roles(record):
                roles.setdefault(company, role)
    shown = [node["company"] for node in graph.nodes.values() if node.get("company")]
    order = dict.fromkeys([*roles, *shown])
    rank = {role: number for number, role in enumerate(_ROLES)}
    found = sorted(order, key=lambda company: rank.get(roles.get(company, ""), len(rank)))
    return tuple(Column(company, names.get(company) or "", roles.get(company, "")) for company in found)


def _roles(record: Row) -> tuple[tuple[str, str], ...]:
    if record["ledger"] == "payable":
        return (record["debit_company"], "pays"), (record["credit_company"], "owes")
    return (record["credit_company"], "is paid"), (record["debit_company"], "is owed")


# Steps


def _steps(graph: _Graph, place: dict[str, int]) -> tuple[Step, ...]:
    documents: dict[int, list[Row]] = defaultdict(list)
    found: list[tuple[tuple[Any, ...], Step]] = []
    for node in graph.nodes.values():
        if node["kind"] in {"document", "journal"}:
            documents[_depth(graph, node["id"])].append(node)
        elif node["kind"] == "settlement":
            found += _settlement_steps(graph, node, place)
    for depth, nodes in documents.items():
        found.append(((depth, "", 0), _documents_step(graph, nodes, place)))
        found += _reversed_documents(graph, nodes, place, depth)
    steps = [step for _, step in sorted(found, key=lambda each: each[0])]
    return _connected(graph, steps, place)


def _depth(graph: _Graph, id_: str) -> int:
    """How many steps lead to a document or a settlement: a settlement comes after its documents, what it made after it."""
    if id_ not in graph.depths:
        graph.depths[id_] = 0
        node = graph.nodes.get(id_, {})
        if node.get("kind") == "settlement":
            before = graph.settles[id_]
        else:
            before = graph.settled_by[graph.mirrors[id_]] if _is_made(graph, id_) else []
        graph.depths[id_] = max((_depth(graph, each) + 1 for each in before), default=0)
    return graph.depths[id_]


def _is_made(graph: _Graph, id_: str) -> bool:
    """Whether a document was made by a settlement: a sales payment that mirrors a vendor payment."""
    node = graph.nodes.get(id_, {})
    return id_ in graph.mirrors and (node.get("kind") == "journal" or node.get("document_kind") == "payment")


def _vouchers(graph: _Graph, id_: str, *, reversals: bool) -> list[Row]:
    found = [graph.nodes[each] for each in graph.causes[id_] if graph.nodes.get(each, {}).get("kind") == "voucher"]
    return [each for each in found if (each["voucher_kind"] in _REVERSALS) is reversals]


def _cells(place: dict[str, int], cards: list[tuple[str, Card]]) -> tuple[tuple[Card, ...], ...]:
    cells: list[list[Card]] = [[] for _ in place]
    for company, card in cards:
        cells[place[company]].append(card)
    return tuple(map(tuple, cells))


def _documents_step(graph: _Graph, nodes: list[Row], place: dict[str, int]) -> Step:
    cards = []
    for node in nodes:
        vouchers = tuple(_vouchers(graph, node["id"], reversals=False))
        mirrored = graph.nodes.get(graph.mirrors.get(node["id"], ""))
        cards.append((node["company"], Card(node, vouchers, f"{mirrored['company']} {mirrored['document']}" if mirrored else None)))
    return Step("documents", None, _cells(place, cards))


def _reversed_documents(graph: _Graph, nodes: list[Row], place: dict[str, int], depth: int) -> list[tuple[tuple[Any, ...], Step]]:
    cards = [(each["company"], Card(None, (each,))) for node in nodes for each in _vouchers(graph, node["id"], reversals=True)]
    return [((depth + _LATE, "", 0), Step("reversal", None, _cells(place, cards)))] if cards else []


_OURS: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The ids that the services derive for what a payment makes."""
_NAMED: Final = 3
_LATE: Final = 1.5
"""A reversal of documents comes after what settled them."""


def _settlement_steps(graph: _Graph, node: Row, place: dict[str, int]) -> list[tuple[tuple[Any, ...], Step]]:
    depth = _depth(graph, node["id"])
    date = min((record["date"] for record in node["records"]), default="")
    steps = []
    for number, is_reversal in enumerate((False, True)):
        cards = [(each["company"], Card(None, (each,))) for each in _vouchers(graph, node["id"], reversals=is_reversal)]
        if cards or not is_reversal:
            kind = "reversal" if is_reversal else "settlement"
            steps.append(((depth, date + node["id"], number), Step(kind, node, _cells(place, cards))))
    return steps


# Connectors


def _connected(graph: _Graph, steps: list[Step], place: dict[str, int]) -> tuple[Step, ...]:
    """The steps with the connectors that lead to each from what stands above it."""
    return tuple(
        Step(step.kind, step.node, step.cells, tuple(dict.fromkeys(_leading_to(graph, step, place)))) if number else step
        for number, step in enumerate(steps)
    )


def _leading_to(graph: _Graph, step: Step, place: dict[str, int]) -> list[Connector]:
    if step.kind == "documents":
        made = [card.node for cell in step.cells for card in cell if card.node is not None and _is_made(graph, card.node["id"])]
        return [
            _connector(place[graph.nodes[graph.mirrors[node["id"]]]["company"]], place[node["company"]], "makes")
            for node in made
            if graph.mirrors[node["id"]] in graph.nodes
        ]
    if step.kind == "settlement" and step.node is not None:
        settled = [graph.nodes[each] for each in graph.settles[step.node["id"]] if each in graph.nodes]
        return [_connector(place[node["company"]], place[node["company"]], "settles") for node in settled]
    return []


def _connector(from_: int, to: int, kind: str) -> Connector:
    begin, end = from_ * COLUMN + COLUMN // 2, to * COLUMN + COLUMN // 2
    tip, neck = GAP - 2, GAP - 9
    return Connector(f"M{begin} 0V{GAP // 2}H{end}V{neck}", f"{end - 2},{neck} {end + 2},{neck} {end},{tip}", kind)
