"""What came out of a scenario or stands in the books, as tables a finance controller reads.

Invariant: what is shown is what the rows say, no figure is computed here; accounting amounts of lines and documents are
shown only where they differ from the amounts; text of others is never taken for markup.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from services.desk.rows import SETTLEMENT_AMOUNTS
from shared.events.values import visible
from shared.rulebook import rule_book

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from rich.console import RenderableType

Row = dict[str, Any]


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
    """Cells as people see them: what would look the same is escaped."""
    return [Text("" if cell is None else visible(str(cell))) for cell in cells]


def missing(key: Mapping[str, str], reads_like: Iterable[str] = ()) -> str:
    """What is waited for in words, and the documents that are there and read like it."""
    words = ", ".join(f"{name} {value}" for name, value in key.items())
    there = " and ".join(f'"{number}"' for number in reads_like)
    return f"{words}; there is {there}, which reads the same: send its very number" if there else words


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


def reasons(company: str, rows: list[Row]) -> Table:
    """Why each line of a company's vouchers is there."""
    table = _table(f"{company}: why", "Voucher", "Line", "Why", right=("Line",))
    for row in rows:
        for place, line in enumerate(row["lines"], start=1):
            table.add_row(*_texts(row["voucher"] if place == 1 else "", place, line["why"]["sentence"]))
        table.add_section()
    return table


def rules(rows: Iterable[Row]) -> Table:
    """What the rules that the lines of these vouchers name are called."""
    table = _table("Rules (docs/rules.md)", "Rule", "Title")
    book = rule_book()
    for rule in sorted({line["rule"] for row in rows for line in row["lines"]} & book.keys()):
        table.add_row(*_texts(rule, book[rule].title))
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


def documents(rows: list[Row], day: date | None) -> Table:
    """Documents as of a day (None: today) with what is open of each, debit positive; age: days since they were due."""
    amounts = ("Amount", "Balance", "Acc. open")
    title = "Documents, balance debit positive" + (f", as of {day}" if day else "")
    state = ("State",) if any(row["state"] != "open" for row in rows) else ()
    columns = ("Company", "Ledger", "Kind", "Party", "Document", "Date", "Due", "Age", "Cur.", *amounts, *state)
    table = _table(title, *columns, right=("Age", *amounts))
    for row in rows:
        party = " ".join(filter(None, (row["party"]["id"], row["party"]["name"])))
        head = (row["company"], row["ledger"], row["kind"].replace("_", " "), party, row["document"], row["date"], row["due_date"])
        booked = (
            f"{Decimal(row['open_accounting']):,} {row['accounting_currency']}" if row["accounting_currency"] != row["currency"] else ""
        )
        sums = (f"{Decimal(row['amount']):,}", f"{Decimal(row['balance']):,}", booked)
        table.add_row(*_texts(*head, row["age_days"], row["currency"], *sums, *([row["state"]] if state else [])))
    return table


def settlements(rows: list[Row]) -> Table:
    """Settlement records in force; amounts that are nowhere are left out."""
    used = [name for name in SETTLEMENT_AMOUNTS if name == "amount" or any(Decimal(row[name]) for row in rows)]
    columns = [name.replace("_", " ").capitalize() for name in used]
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
        table.add_row(*_texts(row["event"], row["for"], missing(row["key"], row.get("reads_like", ()))))
    return table


def balances(company: str, name: str, rows: list[Row]) -> Table:
    """One company's accounts with their balances: debit less credit, in transaction and in accounting currency."""
    title = f"{company} {name}" if name and name != company else company
    opening = ("Opening",) if any(Decimal(row["opening"]) for row in rows) else ()
    amounts = (*opening, "Debit", "Credit", "Balance", "Acc. balance")
    table = _table(title, "Account", "Posting type", "Partner", "Cur.", *amounts, "Last", right=amounts)
    for row in rows:
        names = (*(("opening",) if opening else ()), "debit", "credit", "closing", "accounting_closing")
        sums = (f"{Decimal(row[name]):,}" for name in names)
        table.add_row(*_texts(row["account"], row["posting_type"], row["partner"], row["currency"], *sums, row["last_date"]))
    return table


def intercompany_matrix(rows: list[Row]) -> Table:
    """What each company has to get from and to pay to each other one, both sides in their own currency, and whether they agree."""
    amounts = ("Due from", "Due to", "Net", "Acc. net", "Partner's acc. net")
    columns = ("Company", "Partner", "Cur.", *amounts, "Partner's books", "Last")
    table = _table("Intercompany: due from and due to", *columns, right=amounts)
    for row in rows:
        sums = (f"{Decimal(row[name]):,}" for name in ("due_from", "due_to", "net"))
        booked = (f"{Decimal(row[f'{side}accounting_net']):,} {row[f'{side}accounting_currency']}" for side in ("", "partner_"))
        says = "agree" if row["mirrored"] else f"due to {Decimal(row['partner_due_to']):,}, due from {Decimal(row['partner_due_from']):,}"
        table.add_row(*_texts(row["company"], row["partner"], row["currency"], *sums, *booked, says, row["last_date"]))
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
