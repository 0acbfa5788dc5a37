"""What a reader sees of other companies' books: that a voucher is there, and what of it is owed between that company and his own.

Invariant: of a company outside of the scope no account, text or other amount is shown, in the messages of refusals neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.web.naming import with_event

if TYPE_CHECKING:
    from services.web.access.roles import Actor

Row = dict[str, Any]

_VOUCHER: Final = ("company", "voucher", "series", "number", "kind", "date")
_LINE: Final = ("line", "posting_type", "partner", "currency", "debit", "credit")
_NODE: Final = ("id", "kind", "state", "company", "voucher", "voucher_kind", "date", "ledger", "document", "event", "type", "received_at")
"""What is said of a thing of a company out of scope: that it is there, and its state."""
_BY_COMPANY: Final = frozenset({"customers", "vendors", "customer_groups", "vendor_groups"})
"""What a party's definition says by company."""
_TRADERS: Final = ("seller", "buyer")
_BETWEEN: Final = frozenset({"due_to", "due_from"})


def visible_voucher(row: Row, actor: Actor) -> Row:
    """A voucher as this reader sees it; what is hidden is null, a list without it."""
    if actor.sees(row["company"]):
        return row
    lines = [_hidden(line, _LINE) for line in row["lines"] if line["posting_type"] in _BETWEEN and actor.sees(line["partner"])]
    return {**_hidden(row, _VOUCHER), "lines": lines}


def _hidden(row: Row, shown: tuple[str, ...]) -> Row:
    return {name: value if name in shown else None for name, value in row.items()}


def visible_record(row: Row, actor: Actor) -> bool:
    """Whether a settlement record is shown: where one of its two documents is in scope."""
    return actor.sees(row["debit_company"], row["credit_company"])


_COMPANIES: Final = ("company", "partner", "seller", "buyer")
"""Under which names the key of what is waited for has companies."""


def visible_wait(row: Row, actor: Actor) -> Row:
    """What waits as this reader sees it: of what is missing in companies out of scope, in which companies it is."""
    row = with_event(row) if "source" in row else row
    companies = {name: row["key"][name] for name in _COMPANIES if name in row["key"]}
    if not companies or actor.sees(*companies.values()):
        return row
    return {name: value for name, value in row.items() if name != "reads_like"} | {"key": companies}


REFUSED_IN_GENERAL: Final = {
    "malformed": "the event cannot be read",
    "unknown-type": "there is no such type of event, or it belongs on another topic",
    "conflicting-duplicate": "the id is taken by an event with other data",
    "invalid": "what stands there cannot be",
    "not-authorised": "the sender may not send this event",
    "document-exists": "the document is there already",
    "amounts-disagree": "the lines do not add up to the amount",
    "not-a-member": "a company is not among the members of centralized payments",
    "other-party": "the documents are not all of one party",
    "marked-elsewhere": "the document is reserved by a sales payment journal",
    "document-closed": "the document has nothing left open",
    "over-settled": "that is more than the document has open",
    "same-side": "all documents are on the same side of the balance: there is nothing to settle with",
    "date-too-early": "the date is before that of a document involved",
    "not-settled": "nothing is settled there",
    "already-reversed": "that has been reversed already",
    "still-settled": "the document is settled: reverse its settlement first",
    "not-created": "the journal is not one that can be approved",
    "discarded": "an operator has given up what waited",
}
"""What a refusal says to who may not see the books that it is about, by its code."""
_IN_GENERAL: Final = "refused"
_OUT_OF_SCOPE: Final = "; more of it is of a company outside of your scope"


def visible_refusal(row: Row, actor: Actor) -> Row:
    """A refusal as this reader sees it: where its message tells of books out of scope, what its code says of any.

    `told_of` of the row, which is not shown, says of whose; None: that cannot be told.
    """
    companies = row["told_of"]
    shown = {name: value for name, value in row.items() if name != "told_of"}
    if actor.companies is None or (companies is not None and actor.companies.issuperset(companies)):
        return shown
    return {**shown, "message": f"{REFUSED_IN_GENERAL.get(row['code'], _IN_GENERAL)}{_OUT_OF_SCOPE}"}


def is_visible_entity(data: Row, actor: Actor) -> bool:
    """Whether an entity is shown: one of a company in scope, or of none; a trading relation, which is of both its companies, for each."""
    traders = [data[name]["company"] for name in _TRADERS if data.get(name)]
    if traders:
        return actor.sees(*traders)
    return data.get("company") is None or actor.sees(data["company"])


def visible_version(row: Row, actor: Actor) -> Row:
    """A version of a reference entity: of a party's accounts and groups those in the companies in scope."""
    return {**row, "data": {name: _visible_value(name, value, actor) for name, value in row["data"].items()}}


def _visible_value(name: str, value: Any, actor: Actor) -> Any:
    if name in _BY_COMPANY and isinstance(value, dict):
        return {company: each for company, each in value.items() if actor.sees(company)}
    return value


def visible_graph(graph: Row, actor: Actor) -> Row | None:
    """A trace as this reader sees it; None: nothing of it is in scope.

    Of what is in other companies no more is said than that it is there, as with vouchers.
    """
    nodes = graph["nodes"]
    if not nodes or (actor.companies is not None and not any(_is_seen(node, actor) for node in nodes)):
        return None
    return {**graph, "nodes": [_node(node, actor) for node in nodes]}


def _is_seen(node: Row, actor: Actor) -> bool:
    """Whether a node is in scope by itself: events and runs of no company are so by what is joined to them."""
    if node["kind"] == "settlement":
        return any(visible_record(record, actor) for record in node["records"])
    return actor.sees(node["company"])


def _node(node: Row, actor: Actor) -> Row:
    if node["kind"] == "settlement":
        return {**node, "records": [record for record in node["records"] if visible_record(record, actor)]}
    if node["kind"] == "voucher" and not actor.sees(node["company"]):
        lines = [_hidden(line, _LINE) for line in node["lines"] if line["posting_type"] in _BETWEEN and actor.sees(line["partner"])]
        return {**_hidden(node, _NODE), "lines": lines}
    if node["company"] is not None and not actor.sees(node["company"]):
        return _hidden(node, _NODE)
    if node["kind"] != "event":
        return node
    waits = [visible_wait(each, actor) for each in node["waits"]]
    return {**node, "waits": waits, "refusals": [visible_refusal(each, actor) for each in node["refusals"]]}
