"""What the properties look at: everything that came of a scenario, or of a drawn stream."""

from __future__ import annotations

from random import Random

from services.scenarios.scenario_file import Scenario, arrivals
from services.scenarios.simulation import Simulation
from services.simulator import streams


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
