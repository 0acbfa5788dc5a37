"""What scenario files say and what `simulate --json` prints (scenarios.md): the form around the oracle, no rule of accounting.

Invariant: a group's companies and parties are defined last, so that nothing posts before what it needs.
"""

from collections.abc import Iterator
from typing import Any

from tests.oracle.arrival import Arrivals
from tests.oracle.documents import Line, Record
from tests.oracle.reference import ZERO, Row, text
from tests.oracle.sales import Journal
from tests.oracle.world import Books

_GROUP = {  # part of a group file -> event, the names of the keys above an entity; companies and parties last
    "settlement_parameters": ("settlement-parameters.defined", ("company", "ledger")),
    "intercompany_accounting": ("intercompany-accounting.defined", ("company", "partner")),
    "centralized_payments": ("centralized-payments.defined", ("company",)),
    "posting_profiles": ("posting-profile.defined", ("company", "posting_profile")),
    "payment_journals": ("payment-journal.defined", ("company", "journal")),
    "trading": ("trading-relation.defined", ()),
    "exchange_rates": ("exchange-rate.published", ()),
    "closed_periods": ("period.closed", ("company",)),
    "companies": ("company.defined", ("company",)),
    "parties": ("party.defined", ("party",)),
}


def opened(group: Row, books: Arrivals) -> Arrivals:
    """Books with the reference data of a group."""
    define = books.reference.define
    if group.get("centralized_payments_members") is not None:
        define("centralized-payments-members.defined", {"members": group["centralized_payments_members"]})
    for company, methods in (group.get("methods_of_payment") or {}).items():
        define("methods-of-payment.defined", {"company": company, "methods": methods})
    for part, (event, keys) in _GROUP.items():
        for data in _entities(group.get(part), keys, {}):
            define(event, data)
    return books


def _entities(value: Any, keys: tuple[str, ...], above: Row) -> Iterator[Row]:
    """The entities of a part of a group file, each with its keys."""
    if keys:
        for name, each in (value or {}).items():
            yield from _entities(each, keys[1:], {**above, keys[0]: str(name)})
    elif isinstance(value, list):
        yield from ({**above, **each} for each in value)
    elif above:
        yield {**above, **(value or {})}


def result(books: Books) -> Row:
    """The object that `simulate --json` prints, the id and the differences aside."""
    opens = []
    for each in books.documents.values():
        balance = text(each.sign * each.balance, each.currency)
        head = {"company": each.company, "document": each.number, "ledger": each.ledger}
        opens.append({**head, "currency": each.currency, "balance": balance})
    vouchers = [{**each, "lines": [_line(books, each["company"], line) for line in each["lines"]]} for each in books.vouchers]
    parts = {"vouchers": vouchers, "open": opens, "settlements": [_settlement(books, record) for record in books.records]}
    return {**parts, "journals": list(map(_journal, books.journals)), "rejected": books.rejected, "waiting": books.rows()}


def _line(books: Books, company: str, line: Line) -> Row:
    sides = (("", line.amount, line.currency), ("accounting_", line.value, books.reference.currency(company)))
    row: Row = {f"{name}debit": text(max(amount, ZERO), currency) for name, amount, currency in sides}
    row |= {f"{name}credit": text(max(-amount, ZERO), currency) for name, amount, currency in sides}
    return row | {name: getattr(line, name) for name in ("posting_type", "account", "partner", "currency", "dimensions", "text", "rule")}


def _journal(journal: Journal) -> Row:
    names, payment = {name: getattr(journal, name) for name in ("company", "journal", "document", "status")}, journal.payment
    mirrors = {"company": payment.company, "document": payment.number}
    about = {"date": payment.date.isoformat(), "currency": payment.currency, "amount": text(journal.amount, payment.currency)}
    return {**names, **about, "mirrors": mirrors, "reference": payment.said.get("reference")}


def _settlement(books: Books, record: Record) -> Row:
    lowering, other, note = record.lowering, record.other, record.note
    debit, credit = (lowering, other) if (lowering.ledger == "payable") != record.enlarges else (other, lowering)
    return {
        "settlement": record.run,
        "ledger": lowering.ledger,
        "date": record.date.isoformat(),
        "debit_company": debit.company,
        "debit_document": debit.number,
        "credit_company": credit.company,
        "credit_document": credit.number,
        "amount": text(record.amount, lowering.currency),
        "cash_discount": text(record.discount, other.currency),
        "credit_note_discount": text(record.own_discount, note.currency),
        "overpayment": text(ZERO if record.penny else record.over, lowering.currency),
        "underpayment": text(ZERO if record.penny else record.under, other.currency),
        "penny_difference": text((record.over or record.under) if record.penny else ZERO, (lowering if record.over else other).currency),
        "realized_gain": text(record.gain, books.reference.currency(other.company)),
    }


def simulate(scenario: Row) -> Row:
    """What a scenario comes to."""
    books = opened(scenario.get("group") or {}, Arrivals())
    for event in scenario.get("events") or []:
        books.receive(event)
    return result(books)
