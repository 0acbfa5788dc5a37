"""The services with the messages on sales payment journals between them kept on their way until they are let through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.desk.rows import Result, collect
from services.scenarios.scenario_file import arrivals
from services.scenarios.simulation import Simulation, refs
from services.simulator.streams import scenario
from shared.events.codec import encode
from shared.events.envelope import Outgoing, Record
from tests.builders.settlement import GROUP, Event


class Delayed(Simulation):
    """The services; what is said of sales payment journals stays on its way until it is let through."""

    def __init__(self, *events: Event, **group: Any) -> None:
        super().__init__()
        self.on_its_way: list[Record] = []
        self.holds = True
        self._arriving = arrivals(scenario({**GROUP, **group}, list(events)))
        for arrival in self._arriving:
            self.send(arrival.record)

    def _send_on(self, outgoing: Iterable[Outgoing]) -> None:
        now = []
        for each in outgoing:
            if self.holds and each.type.startswith("sales-payment-journal") and not each.type.endswith("refused"):
                key, value, headers = encode(each)
                self.on_its_way.append(Record(each.topic, key, value, tuple(headers)))
            else:
                now.append(each)
        super()._send_on(now)

    def hear(self, *events: Event) -> None:
        """Takes in more events."""
        more = arrivals(scenario({}, list(events)))
        self._arriving += more
        for arrival in more:
            self.send(arrival.record)

    def let_through(self, count: int | None = None) -> Result:
        """Lets so many messages through (None: all, and what they cause); what there is then."""
        through, self.on_its_way = self.on_its_way[:count], self.on_its_way[count or len(self.on_its_way) :]
        self.holds = count is not None
        for record in through:
            self.send(record)
        return self.now()

    def now(self) -> Result:
        """What there is."""
        return collect("", self.books, self.rejections, refs(self._arriving))
