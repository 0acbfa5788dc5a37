"""A trace as a tree that a reader follows from the event down to each line and the rule that made it.

Invariant: everything that was found is shown once, under what it came of, with its state; trouble is said where it is: what waits for
what and since when, what was refused and why, what is under way.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text
from rich.tree import Tree

from services.command_line.tables import missing
from services.desk.rows import SETTLEMENT_AMOUNTS
from shared.events.values import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.inquiry.queries.trace_graph import Graph

Row = dict[str, Any]

_COLOURS: Final = {"waiting": "yellow", "refused": "red", "under way": "yellow", "created": "yellow", "reversed": "dim"}
_FROM_ITS_CAUSE: Final = ("caused", "mirrors", "reverses")
"""What a thing is shown under: what caused it; without that what it mirrors, or what reversed it."""


def tree(name: str, trace: Graph) -> Tree:
    """The tree of a trace."""
    root = Tree(Text(visible(name), style="bold"))
    drawing = _Drawing(trace)
    for node in drawing.beginnings():
        drawing.draw(root, node)
    return root


class _Drawing:
    """The nodes that have a parent, each under one, and what was drawn already."""

    def __init__(self, trace: Graph) -> None:
        self._nodes = {node["id"]: node for node in trace.nodes}
        self._children: dict[str, list[str]] = {}
        self._parents: dict[str, str] = {}
        for kind in _FROM_ITS_CAUSE:
            for edge in trace.edges:
                if edge.kind == kind and edge.to not in self._parents and not self._is_under(edge.from_, edge.to):
                    self._parents[edge.to] = edge.from_
                    self._children.setdefault(edge.from_, []).append(edge.to)

    def _is_under(self, id_: str | None, other: str) -> bool:
        while id_ is not None:
            if id_ == other:
                return True
            id_ = self._parents.get(id_)
        return False

    def beginnings(self) -> Iterator[Row]:
        """What came of nothing that is here: the events, those received first at first."""
        first = [node for id_, node in self._nodes.items() if id_ not in self._parents]
        yield from sorted(first, key=lambda node: node.get("received_at") or "")

    def draw(self, branch: Tree, node: Row) -> None:
        """A node with all that came of it."""
        state = node["state"]
        title, about, below = _SHOWN[node["kind"]](node)
        style = {"voucher": "cyan"}.get(node["kind"], "bold")
        head = Text.assemble((visible(title), style), visible(f"  {about}  " if about else "  "), (state, _COLOURS.get(state, "green")))
        own = branch.add(head)
        for line, colour in below:
            own.add(Text(visible(line), style=colour))
        for child in self._children.get(node["id"], ()):
            self.draw(own, self._nodes[child])


Below = list[tuple[str, str]]
"""Lines under a node, each with its colour."""


def _event(node: Row) -> tuple[str, str, Below]:
    below = [
        (f"waits for {wait['for']}: {missing(wait['key'], wait.get('reads_like', ()))}; since {wait['since']}", "yellow")
        for wait in node["waits"]
    ]
    below += [(_refusal(refusal), "red") for refusal in node["refusals"]]
    below += [(_action(action), "dim") for action in node["actions"]]
    kind = f" {node['type']}" if node["type"] else ""
    received = f"received {node['received_at']}" if node["received_at"] else "not received yet"
    return f"event {node['event']['id']}", f"{node['event']['source']}{kind}, {received}", below


def _action(action: Row) -> str:
    return f"{action['at']} {action['actor']}: {action['verb'].replace('-', ' ')} ({action['state']}), {action['reason']!r}"


def _refusal(refusal: Row) -> str:
    return f"refused ({refusal['scope']}) {refusal['code']} at {refusal['field'] or '/'}: {refusal['message']}; {refusal['at']}"


def _document(node: Row) -> tuple[str, str, Below]:
    amount, balance = Decimal(node["amount"]), Decimal(node["balance"])
    about = f"{node['date']} {amount:,} {node['currency']}, balance {balance:,}"
    title = f"{node['document_kind'].replace('_', ' ')} {node['company']} {node['document']} ({node['ledger']})"
    return title, about if node["journal"] is None else f"{about}; {_of_journal(node['journal'])}", []


def _journal(node: Row) -> tuple[str, str, Below]:
    return f"sales payment {node['company']} {node['document']}", _of_journal(node["journal"]), []


def _of_journal(journal: Row) -> str:
    mirrors = f"{journal['mirrors']['company']} {journal['mirrors']['document']}"
    amount = f"{Decimal(journal['amount']):,} {journal['currency']}"
    return f"sales payment journal {journal['journal']} ({journal['status']}) of {amount}, mirrors {mirrors}"


def _settlement(node: Row) -> tuple[str, str, Below]:
    return f"settlement {node['settlement']['id']}", "", [(_record(record), "") for record in node["records"]]


def _record(record: Row) -> str:
    state = f" (reversed on {record['reversed_on']})" if record["reversed_on"] else ""
    amounts = ", ".join(f"{name.replace('_', ' ')} {record[name]}" for name in SETTLEMENT_AMOUNTS if Decimal(record[name]))
    debit, credit = (f"{record[f'{side}_company']} {record[f'{side}_document']}" for side in ("debit", "credit"))
    return f"record {record['record']}{state}, {record['date']}: {debit} with {credit}: {amounts}"


def _voucher(node: Row) -> tuple[str, str, Below]:
    sisters = ", ".join(f"{sister['company']} {sister['voucher']}" for sister in node["sisters"])
    about = f"{node['date']} {node['voucher_kind'].replace('_', ' ')}" + (f", with {sisters}" if sisters else "")
    return f"{node['company']} {node['voucher']}", about, [(_line(line), "") for line in node["lines"]]


def _line(line: Row) -> str:
    side = "debit" if Decimal(line["debit"]) or Decimal(line["accounting_debit"]) else "credit"
    partner = f" {line['partner']}" if line["partner"] else ""
    amount, booked = Decimal(line[side]), Decimal(line[f"accounting_{side}"])
    accounting = f" (accounting {booked:,})" if booked != amount else ""
    return f"{side:<6} {amount:>14,} {line['currency']}{accounting}  {line['account']}{partner}  [{line['rule']}]"


_SHOWN: Final[dict[str, Callable[[Row], tuple[str, str, Below]]]] = {
    "event": _event,
    "document": _document,
    "journal": _journal,
    "settlement": _settlement,
    "voucher": _voucher,
}
