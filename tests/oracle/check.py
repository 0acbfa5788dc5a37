"""What a scenario expects (scenarios.md, `expect`) against what the oracle says.

Invariant: a part that is there is exact; what is not there is not looked at. Run it over files: `python -m tests.oracle.check FILE…`.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.reference import Row
from tests.oracle.reversals import simulate

_ZERO = ("amount", "cash_discount", "credit_note_discount", "overpayment", "underpayment")
_AMOUNTS = {*_ZERO, "penny_difference", "realized_gain", "balance", "debit", "credit", "accounting"}


def disagreements(scenario: Row) -> list[str]:
    """One line for each point on which `expect` and the oracle disagree."""
    came, _ = simulate(scenario)
    expect = scenario.get("expect") or {}
    found: list[str] = []
    for entry in expect.get("vouchers") or []:
        chosen = [v for v in came["vouchers"] if _like({k: x for k, x in entry.items() if k != "lines"}, v)]
        lines = [_sided(line) for voucher in chosen for line in voucher["lines"]]
        name = " ".join(str(entry.get(key, "")) for key in ("company", "kind", "document"))
        found += _exact(name, [_sided(line) for line in entry["lines"] or []], lines)
    for entry in expect.get("open") or []:
        if not any(_like(entry, document) for document in came["open"]):
            found.append(f"open: {entry}, came {[d['balance'] for d in came['open'] if d['document'] == entry['document']]}")
    for part in ("settlements", "journals", "rejected", "waiting"):
        if part in expect:
            defaults = dict.fromkeys(_ZERO, "0.00") if part == "settlements" else {}
            found += _exact(part, [{**defaults, **entry} for entry in expect[part] or []], came[part])
    return found


def _exact(place: str, expected: list[Row], came: list[Row]) -> list[str]:
    rest, missing = list(came), []
    for entry in sorted(expected, key=lambda entry: -len(entry)):
        match = next((row for row in rest if _like(entry, row)), None)
        if match is None:
            missing.append(f"{place}: lacks {entry}")
        else:
            rest.remove(match)
    return missing + [f"{place}: came {row}" for row in rest]


def _like(expected: Row, came: Row) -> bool:
    return all(_same(name, value, came) for name, value in expected.items())


def _same(name: str, value: Any, came: Row) -> bool:
    if name == "account" and "posting_type" in came:
        return str(value) in {came["posting_type"], came["account"]}
    if name in {"text", "message"}:
        return True
    if name in _AMOUNTS:
        return Decimal(str(value)) == Decimal(str(came.get(name)))
    if isinstance(value, dict):
        return isinstance(came.get(name), dict) and (name == "key" or _like(value, came[name]))
    return str(value) == str(came.get(name)) if value is not None else came.get(name) is None


def _sided(line: Row) -> Row:
    on_credit = any(Decimal(str(line.get(name) or 0)) for name in ("credit", "accounting_credit")) or (
        "credit" in line and "debit" not in line
    )
    side = "credit" if on_credit else "debit"
    amount = Decimal(str(line.get(side, 0)))
    value = Decimal(str(line.get("accounting", line.get(f"accounting_{side}", amount))))
    rest = {k: v for k, v in line.items() if k not in {"debit", "credit", "accounting", "accounting_debit", "accounting_credit"}}
    return {**rest, "side": side, "amount": amount, "accounting": value}


def main(paths: list[str]) -> int:
    """Checks files; the number of those that disagree."""
    wrong = 0
    for path in paths:
        found = disagreements(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        if found:
            wrong += 1
            print(path, *found, sep="\n    ")  # noqa: T201
    print(f"{len(paths)} files, {wrong} disagree")  # noqa: T201
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
