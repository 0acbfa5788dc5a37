"""Events of two companies and two parties, written briefly, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from services.desk.rows import Result, collect
from services.scenarios.scenario_file import arrivals
from services.scenarios.simulation import Simulation, refs, simulate
from services.simulator.streams import scenario
from shared.events.envelope import Outgoing, Record

Event = dict[str, Any]

GROUP: dict[str, Any] = {
    "companies": {"FAB": {"currency": "USD"}, "FABE": {"currency": "USD"}, "FABW": {"currency": "EUR"}},
    "parties": {
        "NW": {"customers": {"FAB": "C", "FABE": "C", "FABW": "C"}, "vendors": {"FAB": "V", "FABE": "V", "FABW": "V"}},
        "AW": {"customers": {"FAB": "C-2"}},
        "EAST": {"customers": {"FABW": "IC-EAST"}},
        "WEST": {"vendors": {"FAB": "IC-WEST", "FABE": "IC-WEST"}},
    },
    "payment_journals": {"FABW": {"J": {"offset": "cash"}}},
    "trading": [
        {
            "seller": {"company": "FABW", "customer": "IC-EAST"},
            "buyer": {"company": "FABE", "vendor": "IC-WEST"},
            "payment_journal": "J",
            "post_automatically": True,
        }
    ],
    "exchange_rates": [{"from": "EUR", "to": "USD", "date": "2026-01-01", "rate": "1.25"}],
}
"""FAB and FABE keep their books in USD, FABW in EUR; WEST is FABW as a vendor, EAST is FABE as a customer."""


def invoice(document: str, amount: str = "10.00", *, company: str = "FAB", side: str = "customer", **more: Any) -> Event:
    """An invoice of January 10th 2026; `more` adds to it or changes it."""
    account = "C" if side == "customer" else "V"
    about = {"id": document, "type": f"{side}-invoice.posted", "company": company, "account": account, "document": document}
    return {**about, "date": "2026-01-10", "currency": "USD", "amount": amount, **more}


def note(document: str, amount: str = "10.00", **more: Any) -> Event:
    """A credit note of January 10th."""
    return invoice(document, amount, kind="credit_note", **more)


def paid(document: str, amount: str = "10.00", *marks: Event, company: str = "FAB", side: str = "customer", **more: Any) -> Event:
    """A payment of January 20th."""
    account = "C" if side == "customer" else "V"
    about = {"id": document, "type": f"{side}-payment.posted", "company": company, "account": account, "document": document}
    return {**about, "date": "2026-01-20", "currency": "USD", "amount": amount, "settle": list(marks), **more}


def mark(document: str, company: str = "FAB", **more: Any) -> Event:
    """A mark."""
    return {"company": company, "document": document, **more}


def asked(id_: str, *marks: Event, ledger: str = "receivable", **more: Any) -> Event:
    """A settlement asked for afterwards."""
    return {"id": id_, "type": "settlement.requested", "ledger": ledger, "settle": list(marks), **more}


def undone(id_: str, ledger: str = "receivable", **named: Any) -> Event:
    """A settlement's reversal, of a `payment` or of a `settlement`."""
    return {"id": id_, "type": "settlement-reversal.requested", "ledger": ledger, **named}


def taken_back(id_: str, payment: str, company: str = "FAB", ledger: str = "receivable", **more: Any) -> Event:
    """A payment's reversal."""
    return {"id": id_, "type": "payment-reversal.requested", "ledger": ledger, "payment": {"company": company, "document": payment}, **more}


def result(*events: Event, **group: Any) -> Result:
    """What comes of these events; `group` replaces parts of GROUP."""
    return simulate(scenario({**GROUP, **group}, list(events)))


def told(*events: Event, **group: Any) -> Simulation:
    """The books after these events."""
    simulation = Simulation()
    for arrival in arrivals(scenario({**GROUP, **group}, list(events))):
        simulation.send(arrival.record)
    return simulation


class Heard(Simulation):
    """The services, and all that they said, in order."""

    def __init__(self, *events: Event, trace: str | None = None, **group: Any) -> None:
        super().__init__()
        self.said: list[Outgoing] = []
        self._arriving = arrivals(scenario({**GROUP, **group}, list(events)))
        for arrival in self._arriving:
            self.send(with_attribute(arrival.record, "traceparent", trace) if trace else arrival.record)

    def _send_on(self, outgoing: Iterable[Outgoing]) -> None:
        kept = list(outgoing)
        self.said += kept
        super()._send_on(kept)

    def again(self, event: str, replay: int) -> None:
        """An operator sends an event again."""
        (record,) = [each.record for each in self._arriving if ("ce_id", event.encode()) in each.record.headers]
        self.send(with_attribute(record, "replay", str(replay)))

    def now(self) -> Result:
        """What there is."""
        return collect("", self.books, self.rejections, refs(self._arriving))


def with_attribute(record: Record, name: str, value: str) -> Record:
    """The record with one more attribute of its CloudEvent."""
    return replace(record, headers=(*record.headers, (f"ce_{name}", value.encode())))


def balances(of: Result) -> dict[str, str]:
    """What is open, by document."""
    return {row["document"]: row["balance"] for row in of.open}
