"""The page of refusals: every code, when it is given, an event that causes it, what the services answer, and what mends it.

Invariant: events and answers are those of a scenario that was simulated; when a code is given stands in docs/events.md.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import yaml

from deploy.site.outcomes import ROOT, outcome
from shared.events.value_schemas import OPEN_BY_NAME

if TYPE_CHECKING:
    from deploy.site.tables import Row

PAGE: Final = "integrators/refusals.md"
CODES: Final = OPEN_BY_NAME["code"]
_ROW: Final = re.compile(r"^\| (?P<codes>`[^|]+`) \| (?P<scope>\w+) \| (?P<when>[^|]+) \|$", re.MULTILINE)


_INTRODUCTION: Final = """\
A refusal is an event on `intercompany.rejections` ([its fields](../contract/events/intercompany.event.rejected.v1.md)). With the scope
`event` nothing of the event was taken and its id is still free; with `settlement` the document stands and only what it asked to settle was
refused. [Facts, requests, waiting, refusal](../events.md#facts-requests-waiting-refusal) says why.
"""


class Explained(NamedTuple):
    """What is known of a code: what mends it, the scenario that causes it, or why there is none."""

    mend: str
    scenario: str | None = None
    without: str | None = None


@cache
def explained() -> dict[str, Explained]:
    """Every code of the contract with its mend."""
    read = yaml.safe_load(Path(__file__).with_name("codes.yaml").read_text(encoding="utf-8"))
    return {code: Explained(**entry) for code, entry in read.items()}


@cache
def when() -> dict[str, list[tuple[str, str]]]:
    """By code the scope and the words of docs/events.md, more than one where a code is given in two cases."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in _ROW.finditer((ROOT / "docs" / "events.md").read_text(encoding="utf-8")):
        for code in re.findall(r"`([a-z-]+)`", row["codes"]):
            found.setdefault(code, []).append((row["scope"], row["when"].strip()))
    return {code: each for code, each in found.items() if code in CODES}


def page() -> str:
    """The page."""
    parts = [
        "# Refusals, code by code\n",
        _INTRODUCTION,
        "| code | what mends it |\n|---|---|",
        *(f"| [`{code}`](#{code}) | {explained()[code].mend} |" for code in CODES),
        "",
        *map(_code, CODES),
    ]
    return "\n".join(parts)


def _code(code: str) -> str:
    entry = explained()[code]
    cases = [f"- Scope `{scope}`: {words}." for scope, words in when().get(code, [])]
    parts = [
        f"## `{code}` {{ #{code} }}\n",
        *cases,
        "" if cases else "An operator discarded it, or it waited longer than it may.\n",
        f"**Mend:** {entry.mend}\n",
    ]
    parts.append(_example(code, entry.scenario) if entry.scenario else f"No example here: {entry.without}.\n")
    return "\n".join(parts)


def refusal_of(code: str, scenario: str) -> tuple[Row, Row | None]:
    """The first refusal with a code in a scenario, and the event that it is of; None where that event cannot be read as JSON."""
    found = outcome(scenario)
    refused = next(row for row in found.result.rejected if row["code"] == code)
    events = [each for each in found.scenario.events if each.id is not None and each.id.strip() == refused["event"]]
    # Of two events under one id the second one is refused.
    event = events[-1] if events else None
    return refused, None if event is None else {"id": event.id, "type": event.type, **event.data}


def _example(code: str, scenario: str) -> str:
    refused, event = refusal_of(code, scenario)
    answer = {name: refused[name] for name in ("event", "scope", "code", "field", "message")}
    sent = f"```json\n{_pretty(event)}\n```\n" if event is not None else ""
    link = f'<a href="SCENARIO:{scenario}">{scenario}</a>'
    return f"This event of {link}, as a scenario writes it:\n\n{sent}\nis answered with:\n\n```json\n{_pretty(answer)}\n```\n"


def _pretty(value: Row | None) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
