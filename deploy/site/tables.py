"""Tables of outcomes as HTML: what came, what was posted, settled, refused, what waits and what is open.

Invariant: amounts are as the simulation gives them, all their digits, grouped by thousands; in a column they stand under each other by
their decimal points.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy.site.outcomes import Outcome
    from services.scenarios.scenario_file import ScenarioEvent

Row = dict[str, Any]

_POINT: Final = "\u2008"
_DIGIT: Final = "\u2007"
"""As wide as a point and as a digit: they stand where a shorter amount has no decimals."""


def grouped(amount: str) -> str:
    """`1234.50` as `1,234.50`."""
    whole, point, decimals = amount.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.removeprefix('-')):,}{point}{decimals}"


def _aligned(amounts: Sequence[str]) -> list[str]:
    """Amounts padded after their decimals so that their points stand under each other; empty ones stay empty."""
    most = max((len(each.partition(".")[2]) for each in amounts), default=0)
    return [_padded(each, most) if each else "" for each in amounts]


def _padded(amount: str, most: int) -> str:
    decimals = amount.partition(".")[2]
    point = _POINT if most and not decimals else ""
    return grouped(amount) + point + _DIGIT * (most - len(decimals))


WORDS: Final = frozenset({"more", "message", "set to"})
"""Columns that are broken into lines; all others scroll where they are too wide."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, amounts: Iterable[int] = (), html: Iterable[int] = ()) -> str:
    """A table; `amounts`: the columns that hold amounts, `html`: those that are HTML already. Empty columns are left out."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    figures, ready = set(amounts), set(html)
    shown = [number for number, column in enumerate(columns) if any(column)]
    for number in figures & set(shown):
        columns[number] = _aligned(columns[number])
    lines = ['<div class="figures"><table>', "<thead><tr>"]
    classes = [' class="amount"' if number in figures else ' class="words"' if head[number] in WORDS else "" for number in range(len(head))]
    lines += [f"<th{classes[number]}>{escape(head[number])}</th>" for number in shown]
    lines.append("</tr></thead><tbody>")
    for row in range(len(rows)):
        cells = [
            f"<td{classes[number]}>{columns[number][row] if number in ready else escape(columns[number][row])}</td>" for number in shown
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    lines.append("</tbody></table></div>")
    return "\n".join(lines)


# What was set up


_PARAMETERS: Final = {
    "settlement-parameters.defined": "",
    "centralized-payments.defined": "centralized payments",
    "exchange-rate.published": "exchange rate",
}
"""Types of the reference data that say how a company settles and at which rates; what they are called beside their ledger."""


def parameters(found: Outcome) -> str:
    """What the companies of a scenario have set and the rates that they have; nothing where all is by default and there are no rates."""
    rows = [_parameters(entry.data, _PARAMETERS[entry.type]) for entry in found.scenario.group if entry.type in _PARAMETERS]
    return table(("company", "of", "set to"), sorted(rows)) if rows else ""


def _parameters(data: Row, name: str) -> list[str]:
    rest = {each: value for each, value in data.items() if each not in {"company", "ledger"}}
    ledger = str(data.get("ledger") or "")
    return [str(data.get("company") or ""), ", ".join(filter(None, (name, ledger))), _said(rest)]


# What came


def events(found: Outcome) -> str:
    """The events of a scenario in the order in which they arrive."""
    head = ("event", "what", "company", "document", "date", "amount", "", "more")
    rows = [_event(event) for event in found.scenario.events]
    if all(row[0] == row[3] for row in rows):
        rows = [["", *row[1:]] for row in rows]  # an event that is called as its document is named once
    return table(head, rows, amounts=[5])


def _event(event: ScenarioEvent) -> list[str]:
    data = event.data
    amount = data.get("amount")
    said = [event.id, event.type, data.get("company"), data.get("document"), data.get("date")]
    texts = ["" if each is None or isinstance(each, dict) else str(each) for each in said]
    is_amount = isinstance(amount, str) and amount.replace(".", "", 1).isdigit()
    return [
        *texts,
        amount if isinstance(amount, str) and is_amount else "",
        str(data.get("currency") or ""),
        _more(data, amount, is_amount),
    ]


_SHOWN: Final = frozenset({"company", "document", "date", "amount", "currency", "account"})


def _more(data: Row, amount: object, is_amount: object) -> str:
    """What else an event says, as a scenario writes it."""
    rest = {name: value for name, value in data.items() if name not in _SHOWN}
    if amount is not None and not is_amount:
        rest["amount"] = amount
    if isinstance(data.get("document"), dict):
        rest["document"] = data["document"]
    return _said(rest)


def _said(data: Row) -> str:
    return "; ".join(f"{name}: {_flat(value)}" for name, value in data.items())


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_flat(each) if name in {"company", "document"} else f"{name} {_flat(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


# What was posted


def voucher(row: Row, *, why: bool = False, rule: str | None = None, names: dict[str, str] | None = None) -> str:
    """A voucher with its lines. `why`: with the sentence of each; `rule`: lines of this rule are marked."""
    name = (names or {}).get(row["company"], row["company"])
    title = f"{name} · {row['kind'].replace('_', ' ')} · {row['voucher']} · {row['date']}"
    lines = row["lines"]
    currencies = {(line["currency"], row["accounting_currency"]) for line in lines}
    two = any(one != other for one, other in currencies)
    head = ["account", "partner", "debit", "credit", "", "accounting debit", "accounting credit", "", "rule"]
    rows = [_line(line, row["accounting_currency"], two=two) for line in lines]
    found = table(head, rows, amounts=[2, 3, 5, 6], html=[0, 8])
    for number, line in enumerate(lines):
        if rule is not None and line["rule"] == rule:
            found = _marked(found, number)
    reasons = _reasons(lines) if why else ""
    return f'<div class="voucher">\n<p class="voucher-title">{escape(title)}</p>\n{found}\n{reasons}</div>'


def _marked(found: str, number: int) -> str:
    """The table with one row of its body marked."""
    head, body = found.split("<tbody>\n")
    rows = body.split("\n")
    rows[number] = rows[number].replace("<tr>", '<tr class="marked">', 1)
    return f"{head}<tbody>\n" + "\n".join(rows)


def _line(line: Row, accounting: str, *, two: bool) -> list[str]:
    account = line["account"].replace("_", " ")
    if line["account"] != line["posting_type"]:
        account = f"{line['account']} {line['posting_type'].replace('_', ' ')}"
    own = [_or_nothing(line["accounting_debit"]), _or_nothing(line["accounting_credit"]), accounting] if two else ["", "", ""]
    said = [_or_nothing(line["debit"]), _or_nothing(line["credit"])]
    currency = line["currency"] if any(said) or not two else ""
    return [escape(account), line["partner"] or "", *said, currency, *own, rule_link(line["rule"])]


def _or_nothing(amount: str) -> str:
    return amount if amount.strip("0.") else ""


def _reasons(lines: list[Row]) -> str:
    said = [f"<li>{escape(line['why']['sentence'])}</li>" for line in lines if line.get("why")]
    return f'<ol class="why">\n{"".join(said)}\n</ol>\n'


def rule_link(rule: str) -> str:
    """A link to a rule's place in the rule book, from any page: the hook knows how far it is (`RULEBOOK:`)."""
    return f'<a href="RULEBOOK:{rule}">{rule}</a>'


# What became of it

_AMOUNTS: Final = {
    "amount": "amount",
    "cash_discount": "cash discount",
    "credit_note_discount": "credit note's discount",
    "overpayment": "overpayment",
    "underpayment": "underpayment",
    "penny_difference": "penny difference",
    "realized_gain": "gain (loss below zero)",
}


def settlements(found: Outcome) -> str:
    """The settlement records in force, one a pair; amounts that are zero in all of them are left out."""
    records = found.result.settlements
    head = ["date", "debit document", "credit document", *_AMOUNTS.values()]
    rows = [
        [
            row["date"],
            f"{row['debit_company']} {row['debit_document']}",
            f"{row['credit_company']} {row['credit_document']}",
            *(row[name] or "" if any(_or_nothing(each[name] or "") for each in records) else "" for name in _AMOUNTS),
        ]
        for row in records
    ]
    return table(head, rows, amounts=range(3, len(head)))


def open_documents(found: Outcome) -> str:
    """Every document with what is open of it, debit positive."""
    rows = [[row["company"], row["ledger"], row["document"], row["balance"], row["currency"]] for row in found.result.open]
    return table(["company", "ledger", "document", "open", ""], rows, amounts=[3])


def rejected(found: Outcome) -> str:
    """What was refused, with its code and message."""
    rows = [
        [str(row["event"]), row["scope"], f"<code>{row['code']}</code>", row["field"] or "", row["message"]]
        for row in found.result.rejected
    ]
    return table(["event", "refused", "code", "field", "message"], rows, html=[2])


def waiting(found: Outcome) -> str:
    """What waits at the end, and for what."""
    rows = [[row["event"], row["for"], _flat(row["key"]) if row["key"] else ""] for row in found.result.waiting]
    return table(["event", "waits for", "which"], rows)
