"""How large the loads are, and the events of which they are made.

Invariant: one setting scales all of them: GROWTH_SCALE, the part of the full size (CONTRIBUTING.md, "Growth"). The full size is 1.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.settlement.stored_tables import TABLES
from shared.events.codec import encode
from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef, Outgoing, Record, Topic
from shared.events.journals import SalesPaymentJournal
from shared.events.settlements import SettlementPosted
from tests.builders.invoices import headers

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALE: Final = float(os.environ.get("GROWTH_SCALE") or "0.02")
LINES: Final = 1000
"""Lines of a large invoice: some 90 KB."""
AT_ONCE: Final = 500
"""Records that a consumer hands over at once."""
_RECEIVED: Final = 1_767_225_600_000


def sized(full: int, least: int) -> int:
    """A load's size at this scale; `least`: below it nothing would be seen to grow."""
    return max(least, round(full * SCALE))


def record(identifier: str, name: str, topic: str, data: dict[str, Any], offset: int = 0) -> Record:
    """An event as it comes from the broker."""
    return Record(topic, b"key", orjson.dumps(data), headers(identifier, name), 0, offset, _RECEIVED)


def told(identifier: str, data: Any, offset: int, name: str | None = None) -> Record:
    """An event as whoever sends it writes it; a run is the settlement service's, a sales payment journal the payment service's."""
    name = name or next(name for name, entry in CONTRACT.items() if entry.data is type(data))
    senders: dict[type, str] = {SettlementPosted: "intercompany/settlement", SalesPaymentJournal: "intercompany/payment"}
    source = senders.get(type(data), "erp")
    ref = EventRef(source, identifier)
    key, value, head = encode(Outgoing(CONTRACT[name].topic, "key", name, ref, data, datetime(2026, 1, 1, tzinfo=UTC), ref, ref))
    return Record(CONTRACT[name].topic, key, value, tuple(head), 0, offset, _RECEIVED)


def company(code: str = "FAB", offset: int = 0) -> Record:
    """A company that keeps its books in USD."""
    return record(f"company-{code}", "company.defined", Topic.REFERENCE, {"company": code, "name": code, "currency": "USD"}, offset)


def party(name: str = "NW", account: str = "4000", offset: int = 0) -> Record:
    """A party with one customer account in FAB."""
    return record(f"party-{name}", "party.defined", Topic.REFERENCE, {"party": name, "customers": {"FAB": account}}, offset)


def invoices(first: int, number: int, *, lines: int = 0, accounts: int = 1) -> Iterator[Record]:
    """Customer invoices of FAB, numbered; their accounts are 4000 and those that follow, in turn."""
    for each in range(first, first + number):
        yield record(f"I{each}", "customer-invoice.posted", Topic.INVOICES, invoice_data(each, lines, accounts), each)


def invoice_data(number: int, lines: int, accounts: int = 1) -> dict[str, Any]:
    """An invoice of one dollar for each line."""
    about = {"company": "FAB", "account": str(4000 + number % accounts), "document": f"D{number}", "date": "2026-01-01", "currency": "USD"}
    data: dict[str, Any] = {**about, "amount": f"{lines or 10}.00"}
    if lines:
        data["lines"] = [
            {"account": f"R{line % 50}", "amount": "1.00", "dimensions": {"department": f"{line:03}"}} for line in range(lines)
        ]
    return data


def rates(first: int, number: int) -> Iterator[Record]:
    """Rates of one pair, one for each day."""
    for each in range(first, first + number):
        day = f"{1800 + each // 336:04}-{each // 28 % 12 + 1:02}-{each % 28 + 1:02}"
        data = {"from": "EUR", "to": "USD", "date": day, "rate": f"1.{1000 + each % 1000}"}
        yield record(f"rate-{each}", "exchange-rate.published", Topic.REFERENCE, data, each)


# Open documents of one party


def automatic(offset: int = 0) -> Record:
    """FAB settles its customers' documents automatically."""
    data = {"company": "FAB", "ledger": "receivable", "automatic_settlement": True}
    return record("parameters-FAB", "settlement-parameters.defined", Topic.REFERENCE, data, offset)


def open_invoices(number: int, *, terms: bool = False) -> Iterator[Record]:
    """Invoices of ten dollars of account 4000; `terms`: with a cash discount of 2 % that payments reach, and a due date."""
    for each in range(number):
        data = {**invoice_data(each, 0), "document": f"D{each}"}
        if terms:
            data |= {"due_date": "2026-02-01", "cash_discounts": [{"percent": "2", "days": 10}]}
        yield record(f"I{each}", "customer-invoice.posted", Topic.INVOICES, data, each)


def payments(number: int, amount: str) -> Iterator[Record]:
    """Customer payments of account 4000 of FAB without marks."""
    for each in range(number):
        about = {"company": "FAB", "account": "4000", "document": f"PAY{each}", "date": "2026-01-02", "currency": "USD", "amount": amount}
        yield record(f"PAY{each}", "customer-payment.posted", Topic.PAYMENTS, about, each)


_AS_MANY_OPEN: Final = """
insert into {schema}documents ({columns})
select ledger, company, document || '-' || number, party, account, currency, automatic, event_source, event_id || '-' || number, side, kind,
    case when tiers is null then due_date else due_date + number % 300 end, date, amount, open, net, credits, tiers,
    replace(body::text, '"' || document || '"', '"' || document || '-' || number || '"')::json
from {schema}documents, generate_series({first}, {last}) as number where document = 'D0'"""
_COPIED_AT_ONCE: Final = 20_000


def as_many_open(number: int, schema: str = "") -> Iterator[str]:
    """Statements that leave so many open documents where there is one, D0: those with terms are due on 300 days."""
    columns = ", ".join(TABLES["documents"].many.columns) if TABLES["documents"].many else ""
    for first in range(1, number, _COPIED_AT_ONCE):
        last = min(number, first + _COPIED_AT_ONCE) - 1
        yield _AS_MANY_OPEN.format(schema=schema and f"{schema}.", columns=columns, first=first, last=last)
