"""What other systems send in a run: a random group, events of its parties, and what senders do wrong, spread over some seconds.

Invariant: a workload is drawn from its seed alone. Where it is `comparable`, no order in which its events can arrive changes what the
books say in the end (docs/events.md), so they must say what the simulation says of the same scenario.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from services.scenarios.scenario_file import EXAMPLES, Scenario, arrivals, load_scenario
from services.scenarios.simulation import Simulation
from services.simulator import streams

if TYPE_CHECKING:
    from shared.events.envelope import Record

SENT_WITHIN: Final = 3.0
"""Virtual seconds in which everything is sent."""
_REFERENCE_WITHIN: Final = 0.5
_BURSTS: Final = 4
_LATER: Final = 0.8


@dataclass(frozen=True, slots=True)
class TimedSending:
    """A record, when it is sent, and whether all reference data sent before has to be read first."""

    at: float
    record: Record
    is_reference: bool


@dataclass(frozen=True, slots=True)
class DrawnWorkload:
    """Everything that is sent in a run; `scenario` without what was sent again or is wrong."""

    name: str
    scenario: Scenario
    sendings: list[TimedSending]
    is_comparable: bool


def draw(seed: int) -> DrawnWorkload:
    """The workload of a seed."""
    random = Random(f"{seed}/workload")
    name = random.choice(["trade", "marks", "any", "any", "example"])
    scenario = _scenario(random, name)
    comparable = name in {"trade", "marks"}
    return DrawnWorkload(name, scenario, _sendings(random, scenario, comparable=comparable), comparable)


def _scenario(random: Random, name: str) -> Scenario:
    if name == "example":
        return load_scenario(random.choice(sorted(EXAMPLES.glob("*.yaml"))))
    if name == "trade":
        return streams.scenario(*streams.trade(random, automatic=random.random() < 0.8))
    across = random.random() < 0.5
    events = streams.events(random, across_currencies=across, reversals=name == "any")
    group = streams.group(random, automatic=name == "any" and random.random() < 0.5, across_currencies=across)
    said = streams.said_of_vouchers(random) if name == "any" else []
    return streams.scenario(group, [*events, *streams.requests(random, events), *said])


def _sendings(random: Random, scenario: Scenario, *, comparable: bool) -> list[TimedSending]:
    arriving = arrivals(scenario)
    reference = [each.record for each in arriving if each.reference]
    events = [each.record for each in arriving if not each.reference]
    if comparable or random.random() < 0.5:
        random.shuffle(events)
    within = _REFERENCE_WITHIN if comparable or random.random() < 0.5 else SENT_WITHIN
    times = _bursts(random, len(reference), within)
    sendings = [TimedSending(at, record, is_reference=True) for at, record in zip(times, reference, strict=True)]
    times = _times(random, len(events), _REFERENCE_WITHIN if comparable else 0.0, SENT_WITHIN)
    sent = [TimedSending(at, record, is_reference=False) for at, record in zip(times, events, strict=True)]
    sendings += sent
    refused = _refused(arriving)
    sendings += _wrong(random, [each for each in sent if each.record not in refused])
    if not comparable:
        sendings += _defined_again(random, reference)
    return sorted(sendings, key=lambda each: each.at)


def _times(random: Random, count: int, begin: float, end: float) -> list[float]:
    return sorted(round(random.uniform(begin, end), 3) for _ in range(count))


def _bursts(random: Random, count: int, end: float) -> list[float]:
    """As reference data come: much at once."""
    moments = _times(random, _BURSTS, 0.0, end)
    return sorted(random.choice(moments) for _ in range(count))


def _refused(arriving: list[Any]) -> list[Record]:
    """Events that are refused when they come in order: the same again would be another try."""
    simulation = Simulation()
    for each in arriving:
        simulation.send(replace(each.record))
    refused = {each.event for each in simulation.rejections}
    return [each.record for each in arriving if dict(each.record.headers).get("ce_id", b"").decode().strip() in refused]


def _wrong(random: Random, sent: list[TimedSending]) -> list[TimedSending]:
    """Events that come again, others under an id that is taken, and what is not an event."""
    wrong: list[TimedSending] = []
    for each in sent:
        if random.random() < 0.25:
            wrong.append(replace(each, at=each.at + random.random() * _LATER))
        if random.random() < 0.1:
            wrong.append(replace(each, at=each.at + random.random() * _LATER, record=_other_data(each.record)))
        if random.random() < 0.1:
            wrong.append(replace(each, at=each.at + random.random() * _LATER, record=_unreadable(random, each.record)))
    return wrong


def _other_data(record: Record) -> Record:
    data = json.loads(record.value or b"{}")
    return replace(record, value=json.dumps({**data, "amount": "123456.00"}).encode())


def _unreadable(random: Random, record: Record) -> Record:
    headers = tuple((name, b"bad-" + value if name == "ce_id" else value) for name, value in record.headers)
    return replace(record, headers=headers, value=random.choice([b"{", b"[]", b'{"amount": 5}', b"\xff"]))


def _defined_again(random: Random, reference: list[Record]) -> list[TimedSending]:
    """The same reference data under new ids, so that what is decided later was decided with more of it."""
    again: list[TimedSending] = []
    for number, record in enumerate(random.sample(reference, min(len(reference), random.randint(0, 5)))):
        headers = tuple((name, f"again-{number}".encode() if name == "ce_id" else value) for name, value in record.headers)
        again.append(
            TimedSending(round(random.uniform(_REFERENCE_WITHIN, SENT_WITHIN), 3), replace(record, headers=headers), is_reference=True)
        )
    return again
