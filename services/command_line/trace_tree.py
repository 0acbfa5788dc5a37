"""A trace as a tree a reader follows from the event down to each line and the rule that made it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.inquiry.trace import Trace, TracedDocument, TracedRun
    from services.settlement.rules.values import RecordInForce

Row = dict[str, Any]

_AMOUNTS: Final = (
    *("amount", "cash_discount", "credit_note_discount", "overpayment", "underpayment", "penny_difference", "realized_gain"),
)


def tree(name: str, trace: Trace) -> Tree:
    """The tree of a trace."""
    root = Tree(Text(name, style="bold"))
    for document in trace.documents:
        _add_document(root, document)
    for run in trace.runs:
        _add_run(root, run)
    return root


def as_json(trace: Trace) -> Row:
    """The same as one object: documents and runs with their vouchers."""
    return {
        "documents": [{**_document_row(each), "vouchers": each.vouchers} for each in trace.documents],
        "settlements": [
            {"settlement": each.run.id, "source": each.run.source, "records": [*map(_record_row, each.records)], "vouchers": each.vouchers}
            for each in trace.runs
        ],
    }


def _add_document(root: Tree, traced: TracedDocument) -> None:
    row = _document_row(traced)
    branch = root.add(Text.assemble((f"{row['kind']} {row['company']} {row['document']}", "bold"), f"  {_about(traced)}"))
    _add_vouchers(branch, traced.vouchers)


def _about(traced: TracedDocument) -> str:
    document = traced.document
    parts = [f"{document.date} {document.amount:,} {document.currency}, open {document.balance:,}, event {document.event.id}"]
    if traced.journal is not None:
        status, journal = traced.journal
        parts.append(f"sales payment journal {journal.journal} ({status}), mirrors {' '.join(journal.mirrors)}")
    return "; ".join(parts)


def _document_row(traced: TracedDocument) -> Row:
    document = traced.document
    return {
        "company": document.company,
        "document": document.document,
        "ledger": document.ledger,
        "kind": document.kind,
        "event": document.event.id,
        "source": document.event.source,
        "balance": format(document.balance, "f"),
        "journal": {"status": traced.journal[0], "mirrors": list(traced.journal[1].mirrors)} if traced.journal else None,
    }


def _add_run(root: Tree, traced: TracedRun) -> None:
    branch = root.add(Text.assemble((f"settlement {traced.run.id}", "bold"), f"  caused by {traced.run.source}"))
    for record in traced.records:
        row = _record_row(record)
        state = " (reversed)" if record.is_reversed else ""
        amounts = ", ".join(f"{name.replace('_', ' ')} {row[name]}" for name in _AMOUNTS if Decimal(row[name]))
        branch.add(Text(f"record {record.number}{state}: {row['debit']} with {row['credit']}: {amounts}"))
    _add_vouchers(branch, traced.vouchers)


def _record_row(record: RecordInForce) -> Row:
    debit, credit = record.debit_and_credit
    return {
        "record": record.number,
        "ledger": record.ledger,
        "date": record.date.isoformat(),
        "debit": f"{debit.company} {debit.document}",
        "credit": f"{credit.company} {credit.document}",
        **{name: format(getattr(record, name), "f") for name in _AMOUNTS},
        "reversed": record.is_reversed,
    }


def _add_vouchers(branch: Tree, vouchers: Iterable[Row]) -> None:
    for voucher in vouchers:
        title = f"{voucher['company']} {voucher['voucher']}  {voucher['date']} {voucher['kind'].replace('_', ' ')}"
        lines = branch.add(Text(title, style="cyan"))
        for line in voucher["lines"]:
            lines.add(Text(_line(line)))


def _line(line: Row) -> str:
    side = "debit" if Decimal(line["debit"]) or Decimal(line["accounting_debit"]) else "credit"
    partner = f" {line['partner']}" if line["partner"] else ""
    amount, booked = Decimal(line[side]), Decimal(line[f"accounting_{side}"])
    accounting = f" (accounting {booked:,})" if booked != amount else ""
    return f"{side:<6} {amount:>14,} {line['currency']}{accounting}  {line['account']}{partner}  [{line['rule']}]"
