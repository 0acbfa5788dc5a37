"""What comes to one service of a scenario, as the simulation delivers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.scenarios.scenario_file import Scenario, arrivals
from services.scenarios.simulation import Simulation
from shared.events.codec import decode
from shared.events.envelope import Message, Record

if TYPE_CHECKING:
    from shared.delivery.service import AnyService


class Delivered(NamedTuple):
    """A record that a service takes, and the message in it."""

    record: Record
    message: Message


class _Listening(Simulation):
    def __init__(self, service: AnyService) -> None:
        super().__init__()
        self._service = service
        self.delivered: list[Delivered] = []

    def _deliver(self, record: Record) -> None:
        event = decode(record)
        if isinstance(event, Message) and self._service.takes(record.topic, event.type):
            self.delivered.append(Delivered(record, event))
        super()._deliver(record)


def delivered_to(service: AnyService, scenario: Scenario) -> list[Delivered]:
    """What the service takes in of the scenario's events and of all that follows from them, in order."""
    simulation = _Listening(service)
    for arrival in arrivals(scenario):
        simulation.send(arrival.record)
    return simulation.delivered
