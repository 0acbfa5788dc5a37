"""What came out of a scenario or stands in the books, as tables a finance controller reads.

What always holds: what is shown is what the result says, no figure is computed here but the intercompany matrix's
sums; accounting amounts are shown only where they differ from the amounts; text of others is never taken for markup.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from shared.money import ZERO, rounded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

Row = dict[str, Any]
Sums = dict[tuple[str, str, str], dict[str, Decimal]]
"""By company, partner and currency: `due_from` and `due_to`."""

BALANCE_AMOUNTS: Final = ("debit", "credit", "accounting_debit", "accounting_credit")

_SETTLEMENT_AMOUNTS: Final = {
    "amount": "Amount",
    "cash_discount": "Cash discount",
    "credit_note_discount": "Credit note discount",
    "overpayment": "Overpayment",
    "underpayment": "Underpayment",
    "penny_difference": "Penny difference",
    "realized_gain": "Realized gain",
}


def _amount(value: str) -> str:
    """An amount with thousands apart; nothing where it is zero."""
    number = Decimal(value)
    return f"{number:,}" if number else ""


def _table(title: str, *columns: str, right: Iterable[str] = ()) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _texts(*cells: Any) -> list[Text]:
    return [Text("" if cell is None else str(cell)) for cell in cells]


def vouchers(company: str, name: str, rows: list[Row]) -> Table:
    """One company's vouchers with all lines."""
    differ = any(_differs(line) for row in rows for line in row["lines"])
    accounting = ("Acc. debit", "Acc. credit") if differ else ()
    title = f"{company} {name}" if name and name != company else company
    columns = ("Voucher", "Date", "Kind", "Document", "Text", "Account", "Partner", "Cur.", "Debit", "Credit", *accounting, "Rule")
    table = _table(title, *columns, right=("Debit", "Credit", *accounting))
    for row in rows:
        head: tuple[str, ...] = (row["voucher"], row["date"], row["kind"].replace("_", " "), row["document"])
        for line in row["lines"]:
            booked = (_booked(line, "accounting_debit"), _booked(line, "accounting_credit")) if differ else ()
            cells = (line["text"], _account(line), line["partner"], line["currency"], _side(line, "debit"), _side(line, "credit"))
            table.add_row(*_texts(*head, *cells, *booked, line["rule"]))
            head = ("", "", "", "")
        table.add_section()
    return table


def _account(line: Row) -> str:
    kind = line["posting_type"]
    return kind if line["account"] == kind else f"{line['account']} {kind}"


def _differs(line: Row) -> bool:
    return any(Decimal(line[side]) != Decimal(line[f"accounting_{side}"]) for side in ("debit", "credit"))


def _booked(line: Row, column: str) -> str:
    return _amount(line[column]) if _differs(line) else ""


def _side(line: Row, side: str) -> str:
    """The amount of a side; 0.00 where the line has only an accounting amount there."""
    if not Decimal(line[side]) and Decimal(line[f"accounting_{side}"]):
        return str(line[side])
    return _amount(line[side])


def open_documents(rows: list[Row]) -> Table:
    """Documents with what is open of each, debit positive."""
    table = _table("Open documents (debit positive)", "Company", "Ledger", "Document", "Cur.", "Balance", right=("Balance",))
    for row in rows:
        table.add_row(*_texts(row["company"], row["ledger"], row["document"], row["currency"], f"{Decimal(row['balance']):,}"))
    return table


def settlements(rows: list[Row]) -> Table:
    """Settlement records in force; amounts that are nowhere are left out."""
    used = [name for name in _SETTLEMENT_AMOUNTS if name == "amount" or any(Decimal(row[name]) for row in rows)]
    columns = [_SETTLEMENT_AMOUNTS[name] for name in used]
    table = _table("Settlements in force", "Settlement", "Ledger", "Date", "Debit document", "Credit document", *columns, right=columns)
    for row in rows:
        debit, credit = f"{row['debit_company']} {row['debit_document']}", f"{row['credit_company']} {row['credit_document']}"
        amounts = (_amount(row[name]) for name in used)
        table.add_row(*_texts(row["settlement"], row["ledger"], row["date"], debit, credit, *amounts))
    return table


def journals(rows: list[Row]) -> Table:
    """Sales payment journals and the vendor payments they mirror."""
    table = _table(
        "Sales payment journals", "Company", "Journal", "Document", "Status", "Date", "Cur.", "Amount", "Mirrors", right=("Amount",)
    )
    for row in rows:
        mirrors = f"{row['mirrors']['company']} {row['mirrors']['document']}"
        head = (row["company"], row["journal"], row["document"], row["status"], row["date"], row["currency"])
        table.add_row(*_texts(*head, _amount(row["amount"]), mirrors))
    return table


def rejected(rows: list[Row]) -> Table:
    """What was refused and why."""
    table = _table("Rejected", "Event", "Scope", "Code", "Field", "Message")
    for row in rows:
        table.add_row(*_texts(row["event"], row["scope"], row["code"], row["field"], row["message"]))
    return table


def waiting(rows: list[Row]) -> Table:
    """What waits and what for."""
    table = _table("Waiting", "Event", "For", "Missing")
    for row in rows:
        missing = ", ".join(f"{name} {value}" for name, value in row["key"].items())
        table.add_row(*_texts(row["event"], row["for"], missing))
    return table


def balances(company: str, name: str, rows: list[Row]) -> Table:
    """One company's accounts with their balances: debit less credit, in transaction and in accounting currency."""
    title = f"{company} {name}" if name and name != company else company
    amounts = ("Debit", "Credit", "Balance", "Acc. balance")
    table = _table(title, "Account", "Posting type", "Partner", "Cur.", *amounts, right=amounts)
    for row in rows:
        booked = row["accounting_debit"] - row["accounting_credit"]
        sides = (f"{row['debit']:,}", f"{row['credit']:,}", f"{row['debit'] - row['credit']:,}", f"{booked:,}")
        table.add_row(*_texts(row["account"], row["posting_type"], row["partner"], row["currency"], *sides))
    return table


def sums_of_balances(rows: Iterable[Row]) -> Sums:
    """Due from and due to by company, partner and currency, from the balances of those accounts."""
    sums: Sums = {}
    for row in rows:
        _add_due(sums, (row["company"], row["partner"], row["currency"]), row["posting_type"], row["debit"] - row["credit"])
    return sums


def _add_due(sums: Sums, place: tuple[str, str, str], posting_type: str, net: Decimal) -> None:
    cell = sums.setdefault(place, _nothing(place[2]))
    cell[posting_type] += net if posting_type == "due_from" else -net


def intercompany_sums(rows: Iterable[Row]) -> Sums:
    """Due from (debit positive) and due to (credit positive) by company, partner and transaction currency, over vouchers."""
    sums: Sums = {}
    for voucher in rows:
        for line in voucher["lines"]:
            if line["posting_type"] in {"due_from", "due_to"}:
                net = Decimal(line["debit"]) - Decimal(line["credit"])
                _add_due(sums, (voucher["company"], line["partner"], line["currency"]), line["posting_type"], net)
    return sums


def _nothing(currency: str) -> dict[str, Decimal]:
    return {"due_from": rounded(ZERO, currency), "due_to": rounded(ZERO, currency)}


def intercompany_matrix(sums: Sums) -> Table:
    """What each company has to get from and to pay to each other one, and whether the partner's books say the same."""
    table = _table(
        "Intercompany: due from and due to",
        "Company",
        "Partner",
        "Cur.",
        "Due from",
        "Due to",
        "Partner says",
        right=("Due from", "Due to"),
    )
    for (company, partner, currency), cell in sorted(sums.items()):
        other = sums.get((partner, company, currency), _nothing(currency))
        same = other["due_to"] == cell["due_from"] and other["due_from"] == cell["due_to"]
        says = "the same" if same else f"due to {other['due_to']:,}, due from {other['due_from']:,}"
        table.add_row(*_texts(company, partner, currency, f"{cell['due_from']:,}", f"{cell['due_to']:,}", says))
    return table


def by_company(rows: list[Row]) -> dict[str, list[Row]]:
    """Vouchers by company, in the order of the companies' codes."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["company"]].append(row)
    return dict(sorted(found.items()))


def spaced(tables: Iterable[Table]) -> RenderableType:
    """Tables below each other with a line between; empty ones are left out."""
    parts: list[RenderableType] = []
    for table in tables:
        if table.row_count:
            parts += [table, Text("")]
    return Group(*parts)
