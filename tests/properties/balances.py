"""What the properties compare: everything that came of a drawn stream, and the balances of all accounts."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Any

from services.scenarios.scenario_file import Scenario, arrivals
from services.scenarios.simulation import Simulation
from tests.builders import streams

Balances = dict[tuple[Any, ...], Decimal]


def folded(scenario: Scenario) -> Simulation:
    """The books after all events of a scenario."""
    simulation = Simulation()
    for arrival in arrivals(scenario):
        simulation.send(arrival.record)
    return simulation


def drawn(random: Random, *, automatic: bool = False) -> Simulation:
    """The books after a drawn stream of any kind."""
    across = random.random() < 0.5
    group = streams.group(random, automatic=automatic, across_currencies=across)
    events = streams.events(random, across_currencies=across, reversals=True)
    return folded(streams.scenario(group, [*events, *streams.requests(random, events)]))


def balances(vouchers: list[dict[str, Any]]) -> Balances:
    """Debits less credits of every account, in transaction and in accounting currency, where not zero."""
    sums: Balances = defaultdict(Decimal)
    for voucher in vouchers:
        for line in voucher["lines"]:
            account = (voucher["company"], line["account"], line["partner"], line["currency"])
            sums[*account, "transaction"] += Decimal(line["debit"]) - Decimal(line["credit"])
            sums[*account, "accounting"] += Decimal(line["accounting_debit"]) - Decimal(line["accounting_credit"])
    return {account: amount for account, amount in sums.items() if amount}
