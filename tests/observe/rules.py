"""The rules that Prometheus is given, and what is named in them."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

import yaml
from prometheus_client import REGISTRY

import services.web.process
import shared.runtime.process  # noqa: F401 - with it every metric of every process is in the registry
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

OBSERVE: Final = ROOT / "deploy/observe"
RULES: Final = OBSERVE / "alerts.yml"
RUNBOOK: Final = ROOT / "docs/runbook.md"
_NAME: Final = re.compile(r"\bintercompany_\w+")
_SUFFIXES: Final = ("_total", "_bucket", "_sum", "_count")
MODULES: Final = (services.web.process,)


def alerts() -> list[dict[str, Any]]:
    """The alerts in their order."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    return found


def registered() -> Mapping[str, tuple[str, ...]]:
    """Every metric of ours, without what is added to a name by its type, and its labels."""
    found = {family.name: _labels(family.name) for family in REGISTRY.collect() if family.name.startswith("intercompany_")}
    assert len(found) > 30
    return found


def _labels(name: str) -> tuple[str, ...]:
    collector = REGISTRY._names_to_collectors.get(name)  # noqa: SLF001 - there is no other way to see the labels of what has no sample
    return tuple(getattr(collector, "_labelnames", ("service", "state")))


def without_suffix(name: str) -> str:
    """A name in a rule as the registry has it."""
    return next((name.removesuffix(each) for each in _SUFFIXES if name.endswith(each)), name)


def named_in(text: str) -> set[str]:
    """The metrics of ours that a text names, as the registry has them."""
    return {without_suffix(name) for name in _NAME.findall(text)}


def run(*command: str, given: str | None = None) -> str:
    """What a tool says; it has to succeed."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def sections() -> dict[str, str]:
    """The runbook's sections, by their headings."""
    parts = re.split(r"^## (.+)\n", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(section: str) -> list[str]:
    """The commands of a section's blocks."""
    return [line for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) for line in block.splitlines() if line]
