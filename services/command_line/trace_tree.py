"""A trace as a tree a reader follows from the event down to each line and the rule that made it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from services.desk.rows import SETTLEMENT_AMOUNTS
from shared.events.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.trace import Trace

Row = dict[str, Any]


def tree(name: str, trace: Trace) -> Tree:
    """The tree of a trace."""
    root = Tree(Text(visible(name), style="bold"))
    found = trace.as_row()
    for document in found["documents"]:
        _add_document(root, document)
    for run in found["settlements"]:
        _add_run(root, run)
    return root


def vouchers(trace: Trace) -> list[Row]:
    """All vouchers of a trace."""
    found = trace.as_row()
    return [voucher for part in (*found["documents"], *found["settlements"]) for voucher in part["vouchers"]]


def _add_document(root: Tree, document: Row) -> None:
    title = f"{document['kind']} {document['company']} {document['document']}"
    branch = root.add(Text.assemble((visible(title), "bold"), visible(f"  {_about(document)}")))
    _add_vouchers(branch, document["vouchers"])


def _about(document: Row) -> str:
    amount, balance = Decimal(document["amount"]), Decimal(document["balance"])
    parts = [f"{document['date']} {amount:,} {document['currency']}, open {balance:,}, event {document['event']}"]
    if document["journal"] is not None:
        journal = document["journal"]
        mirrors = f"{journal['mirrors']['company']} {journal['mirrors']['document']}"
        parts.append(f"sales payment journal {journal['journal']} ({journal['status']}), mirrors {mirrors}")
    return "; ".join(parts)


def _add_run(root: Tree, run: Row) -> None:
    branch = root.add(Text.assemble((visible(f"settlement {run['settlement']}"), "bold"), visible(f"  caused by {run['source']}")))
    for record in run["records"]:
        state = " (reversed)" if record["reversed"] else ""
        amounts = ", ".join(f"{name.replace('_', ' ')} {record[name]}" for name in SETTLEMENT_AMOUNTS if Decimal(record[name]))
        debit, credit = (f"{record[f'{side}_company']} {record[f'{side}_document']}" for side in ("debit", "credit"))
        branch.add(Text(visible(f"record {record['record']}{state}: {debit} with {credit}: {amounts}")))
    _add_vouchers(branch, run["vouchers"])


def _add_vouchers(branch: Tree, vouchers: Iterable[Row]) -> None:
    for voucher in vouchers:
        title = f"{voucher['company']} {voucher['voucher']}  {voucher['date']} {voucher['kind'].replace('_', ' ')}"
        lines = branch.add(Text(visible(title), style="cyan"))
        for line in voucher["lines"]:
            lines.add(Text(visible(_line(line))))


def _line(line: Row) -> str:
    side = "debit" if Decimal(line["debit"]) or Decimal(line["accounting_debit"]) else "credit"
    partner = f" {line['partner']}" if line["partner"] else ""
    amount, booked = Decimal(line[side]), Decimal(line[f"accounting_{side}"])
    accounting = f" (accounting {booked:,})" if booked != amount else ""
    return f"{side:<6} {amount:>14,} {line['currency']}{accounting}  {line['account']}{partner}  [{line['rule']}]"
