"""The events of the heavy loads; `python -m tests.containers.heavy_records` sends them from a container of the network.

Invariant: each load has a company of its own, so that loads do not meet; what `last` gives is sent once all that `first` gives
waits or is posted. Only what the image holds and the test's own modules are imported: this runs inside the image.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import date, timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

from shared.delivery.ports import Encoded
from shared.events.envelope import Record, Topic
from shared.kafka.producer import KafkaProducer
from shared.settings import load_settings
from tests.builders.invoices import poison
from tests.growth.loads import LINES, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Records = Iterator[Record]
    Part = Callable[[str, int], Records]

ACCOUNT: Final = "4000"
SEVERAL: Final = 500
"""Accounts, where many parties are defined together."""
_AT_ONCE: Final = 2000
_AT_ONCE_BYTES: Final = 16 * 1024 * 1024


def _reference(name: str, identifier: str, data: dict[str, Any]) -> Record:
    return record(f"{identifier}-{name}", name, Topic.REFERENCE, data)


def company(code: str) -> Record:
    """A company that keeps its books in USD."""
    return _reference("company.defined", code, {"company": code, "name": code, "currency": "USD"})


def party(code: str, account: str = ACCOUNT) -> Record:
    """A party with one customer account in the company."""
    return _reference("party.defined", f"{code}-{account}", {"party": f"{code}-{account}", "customers": {code: account}})


def _invoice(code: str, document: str, amount: str, account: str = ACCOUNT, **more: Any) -> Record:
    about = {"company": code, "account": account, "document": document, "date": "2026-01-01", "currency": "USD", "amount": amount}
    return record(f"{code}-{document}", "customer-invoice.posted", Topic.INVOICES, {**about, **more})


def _payment(code: str, document: str, amount: str, marks: Iterable[dict[str, Any]]) -> Record:
    about = {"company": code, "account": ACCOUNT, "document": document, "date": "2026-01-02", "currency": "USD", "amount": amount}
    marked = [{"company": code, **mark} for mark in marks]
    return record(f"{code}-{document}", "customer-payment.posted", Topic.PAYMENTS, {**about, "settle": marked})


def _lines(number: int) -> list[dict[str, Any]]:
    return [{"account": f"R{line % 50}", "amount": "1.00", "dimensions": {"department": f"{line:03}"}} for line in range(number)]


def _known(code: str, _number: int) -> Records:
    yield company(code)
    yield party(code)


def _open(code: str, number: int) -> Records:
    for each in range(number):
        yield _invoice(code, f"D{each}", "10.00")


def _thousand_lines(code: str, number: int) -> Records:
    for each in range(number):
        yield _invoice(code, f"D{each}", f"{LINES}.00", lines=_lines(LINES))


def _of_many_accounts(code: str, number: int) -> Records:
    for each in range(number):
        yield _invoice(code, f"D{each}", "10.00", str(each % SEVERAL))


def _many_parties(code: str, _number: int) -> Records:
    for each in range(SEVERAL):
        yield party(code, str(each))


def _one_payment(code: str, number: int) -> Records:
    yield _payment(code, "PAY", f"{10 * number}.00", ({"document": f"D{each}"} for each in range(number)))


def _chain(code: str, number: int) -> Records:
    """Each run pays half of a document that the run before it pays the other half of, the first document being still to come."""
    for each in range(1, number + 1):
        yield _invoice(code, f"D{each}", "10.00")
    for each in range(number):
        marks = [{"document": f"D{each + more}", "amount_to_settle": "5.00"} for more in (0, 1)]
        yield _payment(code, f"P{each:06}", "10.00", marks)


def _first_document(code: str, _number: int) -> Records:
    yield _invoice(code, "D0", "10.00")


def _waiting_for_one(code: str, number: int) -> Records:
    for each in range(number):
        yield _payment(code, f"P{each:06}", "10.00", [{"document": "ONE", "amount_to_settle": "10.00"}])


def _the_one(code: str, number: int) -> Records:
    yield _invoice(code, "ONE", f"{10 * number}.00")


def _automatic(code: str, _number: int) -> Records:
    yield from _known(code, 0)
    about = {"company": code, "ledger": "receivable", "automatic_settlement": True}
    yield _reference("settlement-parameters.defined", code, about)


def _half(code: str, number: int) -> Records:
    yield _payment(code, "PAY", f"{10 * (number // 2)}.00", [])


def _rates(code: str, number: int) -> Records:
    yield from _known(code, 0)
    for each in range(number):
        day = (date(1900, 1, 1) + timedelta(days=each)).isoformat()
        data = {"from": "EUR", "to": "USD", "date": day, "rate": f"1.{1000 + each % 1000}"}
        yield _reference("exchange-rate.published", f"{code}-{each}", data)


def _one_invoice(code: str, _number: int) -> Records:
    yield _invoice(code, "D0", "10.00")


def _no_events(code: str, number: int) -> Records:
    """Before an invoice on its partition."""
    kinds = [replace(each, key=b"key") for kind, each in poison().items() if kind != "5 MB"]
    yield from islice(cycle(kinds), number)
    yield from _one_invoice(code, 0)


def _headers(code: str, number: int) -> Records:
    """Ten records of so many headers, before an invoice."""
    for each in range(10):
        plain = _invoice(code, f"HEADERS{each}", "10.00")
        yield replace(plain, headers=(*plain.headers, *(("h", b"1") for _ in range(number))))
    yield from _one_invoice(code, 0)


def _fields(code: str, number: int) -> Records:
    """A hundred events of so many unknown fields, before an invoice."""
    unknown: dict[str, Any] = {f"field_{each}": each for each in range(number)}
    for each in range(100):
        yield _invoice(code, f"FIELDS{each}", "10.00", ACCOUNT, **unknown)
    yield from _one_invoice(code, 0)


PARTS: Final[dict[str, Part]] = {
    "known": _known,
    "party": lambda code, _: iter([party(code)]),
    "company": lambda code, _: iter([company(code)]),
    "open": _open,
    "thousand lines": _thousand_lines,
    "many accounts": _of_many_accounts,
    "many parties": _many_parties,
    "one payment": _one_payment,
    "chain": _chain,
    "first document": _first_document,
    "waiting for one": _waiting_for_one,
    "the one": _the_one,
    "automatic": _automatic,
    "half": _half,
    "rates": _rates,
    "one invoice": _one_invoice,
    "one that waits": _one_invoice,
    "no events": _no_events,
    "headers": _headers,
    "fields": _fields,
}
"""What can be sent: of a company, so many."""


def _lots(records: Iterable[Record]) -> Iterator[list[Encoded]]:
    lot: list[Encoded] = []
    size = 0
    for each in records:
        lot.append(Encoded(each.topic, each.key, each.value or b"", each.headers))
        size += len(each.value or b"")
        if len(lot) >= _AT_ONCE or size >= _AT_ONCE_BYTES:
            yield lot
            lot, size = [], 0
    yield lot


async def _serve() -> None:
    """Sends what is asked for on standard input, a line each (part, company, number), and says of each that it was sent."""
    producer = KafkaProducer(load_settings())
    await producer.restart()
    try:
        while asked := (await asyncio.to_thread(sys.stdin.readline)).strip():
            part, code, number = asked.split("\t")
            for lot in _lots(PARTS[part](code, int(number))):
                assert await producer.send_all(lot) == []
            sys.stdout.write("sent\n")
            sys.stdout.flush()
    finally:
        await producer.close()


if __name__ == "__main__":
    asyncio.run(_serve())
