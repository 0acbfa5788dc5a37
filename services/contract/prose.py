"""What the published pages say of an event in words (events.yaml).

Invariant: every event of the contract has its words, and codes are those of the contract.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from services.scenarios.yaml_files import read_yaml
from shared.events.contract import CONTRACT

ANY_EVENT: Final = ("malformed", "unknown-type", "conflicting-duplicate", "invalid", "not-authorised")
"""The codes that can refuse any event from outside."""


class Prose(NamedTuple):
    """When an event is sent, what comes of it, and the codes that refuse it."""

    when: str
    effect: str
    codes: tuple[str, ...]


@cache
def prose() -> dict[str, Prose]:
    """The words of each event, by its name."""
    listed = read_yaml(Path(__file__).with_name("events.yaml"))
    return {name: _of(entry, inbound=CONTRACT[name].inbound) for name, entry in listed.items()}


def _of(entry: dict[str, object], *, inbound: bool) -> Prose:
    codes = entry.get("codes", [])
    listed = tuple(map(str, codes)) if isinstance(codes, list) else ()
    return Prose(str(entry["when"]), str(entry["effect"]), (*ANY_EVENT, *listed) if inbound else ())
