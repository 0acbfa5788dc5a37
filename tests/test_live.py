"""The services under load and faults: afterwards the ledger is the simulation's, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.command_line.books import load_books, load_rejections
from services.command_line.parts import scenario_parts
from services.command_line.processes import service_processes
from services.command_line.result import Result, collect
from services.command_line.run import run
from services.command_line.running import RunningServices, running_services
from services.command_line.scenario import Arrival, Scenario, arrivals
from services.command_line.simulate import refs, simulate
from shared.events.envelope import Record
from shared.settings import Settings
from tests.properties import streams

pytestmark = pytest.mark.parts

PAYMENTS = 150


def _compared(result: Result) -> dict[str, Any]:
    """What does not depend on the order of arrival: balances, records in force, lines by company, journals."""
    lines = sorted(
        (voucher["company"], voucher["kind"], voucher["document"], voucher["date"], sorted(map(repr, voucher["lines"])))
        for voucher in result.vouchers
    )
    return {"open": result.open, "settlements": result.settlements, "vouchers": lines, "journals": result.journals}


@pytest.fixture
def load() -> Scenario:
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
    for number in range(PAYMENTS):
        about = {
            "date": "2026-03-02",
            "currency": "USD",
            "amount": "100.00",
            "cash_discounts": [{"percent": "2", "days": 14}] * (number % 3 == 0),
        }
        sale, bill, paid = f"CI-{number}", f"VI-{number}", f"VP-{number}"
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
    return streams.scenario(group, events)


def _in_disorder(arriving: list[Arrival]) -> list[Record]:
    """The reference data first, then all events in some order, every fifth of them twice."""
    random = Random(7)  # noqa: S311 - a drawn order, no secret
    events = [arrival.record for arrival in arriving if not arrival.reference]
    events += [replace(record) for record in events[::5]]
    random.shuffle(events)
    return events


async def _result(settings: Settings, scenario: Scenario) -> Result:
    return collect(scenario.id, await load_books(settings), await load_rejections(settings), refs(arrivals(scenario)))


async def _send(services: RunningServices, scenario: Scenario) -> None:
    arriving = arrivals(scenario)
    await services.send(arrival.record for arrival in arriving if arrival.reference)
    await services.until_quiet()
    await services.send(_in_disorder(arriving))


async def test_reordered_and_doubled_events_at_full_speed_leave_the_ledger_of_the_simulation(load: Scenario) -> None:
    async with scenario_parts("disorder") as settings, running_services(settings) as services:
        await _send(services, load)
        await services.until_quiet()
        live = await _result(settings, load)
    assert _compared(live) == _compared(simulate(load))
    assert (live.rejected, live.waiting) == ([], [])


async def test_random_streams_one_event_after_the_other_leave_the_very_books_of_the_simulation() -> None:
    async with scenario_parts("random") as settings, running_services(settings) as services:
        for seed in range(15):
            random = Random(seed)  # noqa: S311 - a drawn test, no secret
            group = streams.group(random, automatic=True, across_currencies=True)
            drawn = streams.events(random, across_currencies=True, reversals=True)
            random.shuffle(drawn)
            scenario = streams.scenario(group, drawn)
            assert await run(scenario, services) == simulate(scenario), seed


@pytest.mark.parametrize("victim", ["payment", "settlement", "posting"])
async def test_a_service_killed_under_load_and_started_again_loses_nothing_and_does_nothing_twice(
    load: Scenario, victim: str, tmp_path: Path
) -> None:
    async with scenario_parts("killed") as settings, running_services(settings, here=False) as services:
        database = settings.database_url.get_secret_value() if settings.database_url is not None else ""
        environment = {name.upper(): str(value) for name, value in settings.model_dump(exclude_defaults=True).items()} | {
            "DATABASE_URL": database
        }
        async with service_processes(environment, tmp_path) as processes:
            await _send(services, load)
            await asyncio.sleep(0.3)
            next(each for each in processes if each.name == victim).process.kill()
            await asyncio.sleep(0.3)
            async with service_processes(environment, tmp_path):
                await services.until_quiet()
                live = await _result(settings, load)
    assert _compared(live) == _compared(simulate(load))
