"""What the properties compare: everything that came of a drawn stream, and the balances of all accounts."""

from __future__ import annotations

from random import Random

from services.scenarios.scenario_file import Scenario, arrivals
from services.scenarios.simulation import Simulation
from services.simulator.balances import balances
from tests.builders import streams

__all__ = ["balances", "drawn", "folded"]


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
