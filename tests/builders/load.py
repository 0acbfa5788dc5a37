"""A load for the services under faults, and what must come out of it whatever the order of arrival."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from services.desk.reconciliation import Check, reconcile
from services.desk.rows import Result, collect
from services.desk.schemas import load_books, load_rejections, open_schemas
from services.scenarios.scenario_file import Arrival, Scenario, arrivals
from services.scenarios.simulation import refs
from services.simulator import streams

if TYPE_CHECKING:
    from shared.events.envelope import Record
    from shared.settings import Settings


def compared(result: Result) -> dict[str, Any]:
    """What does not depend on the order of arrival: balances, records in force, lines by company, journals."""
    lines = sorted(
        (voucher["company"], voucher["kind"], voucher["document"], voucher["date"], sorted(map(repr, voucher["lines"])))
        for voucher in result.vouchers
    )
    return {"open": result.open, "settlements": result.settlements, "vouchers": lines, "journals": result.journals}


def intercompany_payments(number_of_payments: int) -> Scenario:
    """The load as a scenario."""
    content = intercompany_file(number_of_payments)
    return streams.scenario(content["group"], content["events"])


def intercompany_file(number_of_payments: int) -> dict[str, Any]:
    """Vendor payments between group companies, with mirrors, each of its own invoice, some with a discount."""
    group = {
        "companies": {code: {"currency": "USD"} for code in ("FAB", "FABE", "FABW")},
        "parties": {"EAST": {"customers": {"FABW": "IC-EAST"}}, "WEST": {"vendors": {"FAB": "IC-WEST", "FABE": "IC-WEST"}}},
        "payment_journals": {"FABW": {"ARPAY-IC": {"offset": "cash"}}},
        "trading": [
            {
                "seller": {"company": "FABW", "customer": "IC-EAST"},
                "buyer": {"company": "FABE", "vendor": "IC-WEST"},
                "payment_journal": "ARPAY-IC",
                "post_automatically": True,
            }
        ],
    }
    events: list[dict[str, Any]] = []
    for number in range(number_of_payments):
        about = {
            "date": "2026-03-02",
            "currency": "USD",
            "amount": "100.00",
            "cash_discounts": [{"percent": "2", "days": 14}] * (number % 3 == 0),
        }
        sale, bill, paid = f"SALE-{number}", f"BILL-{number}", f"PAID-{number}"
        seller = {"company": "FABW", "document": sale}
        events += [
            {"id": sale, "type": "customer-invoice.posted", "company": "FABW", "account": "IC-EAST", "document": sale, **about},
            {
                "id": bill,
                "type": "vendor-invoice.posted",
                "company": "FABE",
                "account": "IC-WEST",
                "document": bill,
                **about,
                "intercompany_invoice": seller,
            },
            {
                "id": paid,
                "type": "vendor-payment.posted",
                "company": "FAB",
                "account": "IC-WEST",
                "document": paid,
                "date": "2026-03-12",
                "currency": "USD",
                "amount": "98.00" if number % 3 == 0 else "100.00",
                "settle": [{"company": "FABE", "document": bill}],
            },
        ]
    return {"group": group, "events": events}


def in_disorder(arriving: list[Arrival]) -> list[Record]:
    """The reference data first, then all events in some order, every fifth of them twice."""
    random = Random(7)  # noqa: S311 - a drawn order, no secret
    events = [arrival.record for arrival in arriving if not arrival.reference]
    events += [replace(record) for record in events[::5]]
    random.shuffle(events)
    return events


def differences(live: Result, simulated: Result) -> list[str]:
    """Rows that only one of them has; a few are enough."""
    here, there = compared(live), compared(simulated)
    found: list[str] = []
    for part in here:
        rows, wanted = Counter(map(repr, here[part])), Counter(map(repr, there[part]))
        found += [f"{part}, live alone: {row}" for row in rows - wanted] + [f"{part}, simulated alone: {row}" for row in wanted - rows]
    return found[:6]


async def live_result(settings: Settings, scenario: Scenario) -> Result:
    """What stands in the books of the running services."""
    async with open_schemas(settings) as schemas:
        return collect(scenario.id, await load_books(schemas), await load_rejections(schemas), refs(arrivals(scenario)))


async def disagreements(settings: Settings) -> list[Check]:
    """The checks of the reconciler that do not hold."""
    async with open_schemas(settings) as schemas:
        return [check for check in await reconcile(schemas) if not check.holds]


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables for processes of services."""
    given = settings.model_dump(exclude_defaults=True, exclude_none=True)
    return {name.upper(): str(value) for name, value in given.items()} | {"DATABASE_URL": settings.database}
