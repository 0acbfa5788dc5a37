"""Oracle and product on random scenarios: `python -m tests.oracle.compare --count N --seed S [--keep DIR] [--without FEATURE]`.

`make oracle COUNT=N SEED=S` runs it. Without a seed it takes a new one and prints it.

Invariant: what is compared is what the text fixes; a scenario that differs is made smaller as long as it differs in the same way.
"""

from __future__ import annotations

import argparse
import copy
import re
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.generate import generate
from tests.oracle.occurrences import NOT_IN_A_SCENARIO, occurred
from tests.oracle.random_group import FEATURES
from tests.oracle.reference import Row
from tests.oracle.scenario_form import simulate

ROOT = Path(__file__).parents[2]
_LINE = ("posting_type", "account", "partner", "currency", "debit", "credit", "accounting_debit", "accounting_credit")
_FIXED_RULES = {"F-D18", "F-C17"}
_SETTLEMENT = (
    "ledger", "date", "debit_company", "debit_document", "credit_company", "credit_document", "amount", "cash_discount",
    "credit_note_discount", "overpayment", "underpayment", "penny_difference", "realized_gain",
)  # fmt: skip
_JOURNAL = ("company", "journal", "document", "status", "date", "currency", "amount", "mirrors", "reference")
Key = tuple[Any, ...]


def product(scenario: Row) -> Row:
    """What the product makes of a scenario: the only place that knows it."""
    from services.scenarios.group_file import reference_entries  # noqa: PLC0415
    from services.scenarios.scenario_file import Scenario, read_events  # noqa: PLC0415
    from services.scenarios.simulation import simulate as run  # noqa: PLC0415

    path, name = Path("random.yaml"), str(scenario.get("id"))
    group = reference_entries(path, scenario.get("group"))
    events = read_events(path, scenario.get("events"), "events")
    return run(Scenario(path, name, name, group, events, None)).as_json([])


def disagreements(path: Path) -> list[str]:
    """One line for each point on which what a scenario file expects and what the oracle says disagree."""
    from services.desk.rows import Result  # noqa: PLC0415
    from services.scenarios.expectations import differences as unexpected  # noqa: PLC0415
    from services.scenarios.scenario_file import load_scenario  # noqa: PLC0415

    said = load_scenario(path)
    expect = said.expect or {}
    lines = [line for voucher in expect.get("vouchers") or [] for line in voucher["lines"] or []]
    for entry in [*(expect.get("waiting") or []), *(expect.get("rejected") or []), *lines]:
        for words in ("key", "message", "text"):  # the product's words are no matter of the rules
            entry.pop(words, None)
    came = simulate(yaml.safe_load(path.read_text(encoding="utf-8")))
    return [str(each) for each in unexpected(said, Result(id=said.id, **came))]


# What is compared


def comparable(came: Row) -> dict[str, Counter[Key]]:
    """The parts of a result as multisets of what the text fixes."""
    parts: dict[str, Counter[Key]] = {
        "vouchers": Counter(_voucher(voucher) for voucher in came["vouchers"]),
        "open": Counter(tuple(row[name] for name in ("company", "document", "ledger", "currency", "balance")) for row in came["open"]),
        "settlements": Counter(_settlement(row) for row in came["settlements"]),
        "journals": Counter(tuple(str(row.get(name)) for name in _JOURNAL) for row in came["journals"]),
        "rejected": Counter((row["event"], row["scope"], row["code"]) for row in came["rejected"]),
        "fields": Counter((row["event"], row["field"]) for row in came["rejected"] if row["code"] == "invalid"),
        "waiting": Counter((row["event"], row["for"]) for row in came["waiting"]),
    }
    return parts


def _voucher(voucher: Row) -> Key:
    """A voucher as the text fixes it. Which rule a mirrored line names is left open: C21 made it, what it mirrors may be said too."""
    mirrored = str(voucher["kind"]).endswith("_reversal")
    lines = []
    for line in voucher["lines"]:
        rule = line.get("rule") if line.get("rule") in _FIXED_RULES and not mirrored else None
        dimensions = tuple(sorted((line.get("dimensions") or {}).items()))
        lines.append((*(line.get(name) for name in _LINE), dimensions, rule))
    head = tuple(voucher.get(name) for name in ("company", "kind", "date", "document", "reference"))
    return (*head, tuple(sorted(lines, key=repr)))


def _settlement(row: Row) -> Key:
    run = str(row["settlement"])
    names = (row[name] if "." not in str(row[name]) else str(row[name]).rstrip("0").rstrip(".") for name in _SETTLEMENT)
    return (None if run.startswith("sales/") or len(run) > 20 else run, *names)


def outcome(scenario: Row) -> tuple[dict[str, list[str]], set[str]]:
    """Part -> what only one of the two says, empty where they agree; and the rules that occurred in either."""
    came, rules = occurred(scenario)
    try:
        other = product(scenario)
    except Exception as error:  # noqa: BLE001  (a crash of the product is a difference like any other)
        return {"crash": [f"{type(error).__name__}: {error}"[:300]]}, rules
    ours, theirs = comparable(came), comparable(other)
    found: dict[str, list[str]] = {}
    for part, expected in ours.items():
        only = [f"oracle:  {row}" for row in (expected - theirs[part]).elements()]
        only += [f"product: {row}" for row in (theirs[part] - expected).elements()]
        if only and not (part == "fields" and "rejected" in found):
            found[part] = only
    return found, rules


def differences(scenario: Row) -> dict[str, list[str]]:
    """Part -> what only one of the two says; empty where they agree."""
    return outcome(scenario)[0]


# Shrinking


def _smaller(scenario: Row) -> Iterator[Row]:
    """The scenario with one thing less."""
    for place in range(len(scenario["events"])):
        less = copy.deepcopy(scenario)
        del less["events"][place]
        yield less
    for place, event in enumerate(scenario["events"]):
        for mark in range(len(event.get("settle") or [])):
            less = copy.deepcopy(scenario)
            del less["events"][place]["settle"][mark]
            yield less
    yield from _plainer(scenario, ("events",))
    yield from _plainer(scenario, ("group",))


_NEEDED = {
    "id",
    "type",
    "company",
    "account",
    "document",
    "date",
    "currency",
    "amount",
    "ledger",
    "companies",
    "parties",
    "settle",
    "percent",
}


def _plainer(whole: Row, path: tuple[Any, ...]) -> Iterator[Row]:
    """One optional field less, somewhere below the path."""
    here: Any = whole
    for step in path:
        here = here[step]
    for step in list(here) if isinstance(here, dict) else range(len(here)):
        if not isinstance(here, dict) or step not in _NEEDED:
            less = copy.deepcopy(whole)
            there: Any = less
            for each in path:
                there = there[each]
            del there[step]
            yield less
        if isinstance(here[step], dict | list):
            yield from _plainer(whole, (*path, step))


def shrunk(scenario: Row, fails: Callable[[Row], bool], most: int = 400) -> Row:
    """The smallest scenario found that still fails."""
    tries = 0
    found = True
    while found and tries < most:
        found = False
        for less in _smaller(scenario):
            tries += 1
            if tries >= most:
                break
            if fails(less):
                scenario, found = less, True
                break
    return scenario


def _fails_like(found: dict[str, list[str]]) -> Callable[[Row], bool]:
    """Differs in the same part, and in no other part than those that differ now."""

    def fails(scenario: Row) -> bool:
        try:
            now = differences(scenario)
        except Exception:  # noqa: BLE001  (a scenario that lost what it needs is no example)
            return False
        return next(iter(found)) in now and now.keys() <= found.keys()

    return fails


def new_seed() -> int:
    """A seed that nobody has tried yet, most likely."""
    return secrets.randbelow(10**9)


def main(arguments: list[str]) -> int:
    """Compares; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=new_seed())
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--without", action="append", default=[], choices=FEATURES)
    parser.add_argument("--shrink", type=int, default=20, help="how many of the differing scenarios are made smaller")
    options = parser.parse_args(arguments)
    features = frozenset(FEATURES) - set(options.without)
    print(f"{options.count} scenarios from seed {options.seed}", flush=True)  # noqa: T201
    rules: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.count):
        scenario = generate(seed, features)
        found, occurred = outcome(scenario)
        rules.update(occurred)
        if not found:
            continue
        kind = next(iter(found))
        kinds[kind] += 1
        if sum(kinds.values()) <= options.shrink:
            scenario = shrunk(scenario, _fails_like(found))
            found = differences(scenario)
        _show(seed, found)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{kind}-{seed}.yaml").write_text(yaml.safe_dump(scenario, sort_keys=False, width=160), encoding="utf-8")
    print(f"{options.count} scenarios from seed {options.seed}, {sum(kinds.values())} differ: {dict(kinds)}")  # noqa: T201
    print("scenarios in which each rule occurred:", {rule: rules[rule] for rule in sorted({*rules, *_law()})})  # noqa: T201
    return 1 if kinds else 0


def _law() -> set[str]:
    """The rules and decisions of docs/rules.md that are asked for and that a scenario can show."""
    rows = re.findall(r'^\| <a id="([^"]+)"></a>([^|]*\|[^|]*)', (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {rule for rule, name in rows if "**later**" not in name} - NOT_IN_A_SCENARIO.keys()


def _show(seed: int, found: dict[str, list[str]]) -> None:
    print(f"seed {seed}")  # noqa: T201
    for part, rows in found.items():
        for row in rows[:4]:
            print(f"    {part}: {row}"[:400])  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
