"""Checks what a scenario expects against what came out (scenarios.md, `expect`).

Invariant: a part that is there is exact (vouchers by company and kind named, open balances by document named),
lines and entries in any order; amounts are compared as numbers; every difference names what was expected and what
came. Nothing here knows how the result was made, so `simulate` and `run` are held to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from services.scenarios.matching import unmatched
from services.scenarios.yaml_files import FileError

if TYPE_CHECKING:
    from services.desk.rows import Result
    from services.scenarios.scenario_file import Scenario

Row = dict[str, Any]

_LEFT_OUT_IS_ZERO: Final = ("amount", "cash_discount", "credit_note_discount", "overpayment", "underpayment")
_SETTLEMENT_AMOUNTS: Final = (*_LEFT_OUT_IS_ZERO, "penny_difference", "realized_gain")
_FIELDS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {  # part -> fields that must be there, that may be there
    "vouchers": (frozenset({"company", "kind", "lines"}), frozenset({"document", "date", "reference"})),
    "open": (frozenset({"company", "document", "balance"}), frozenset({"ledger", "currency"})),
    "settlements": (
        frozenset({"debit_document", "credit_document"}),
        frozenset({"settlement", "ledger", "date", "debit_company", "credit_company", *_SETTLEMENT_AMOUNTS}),
    ),
    "journals": (
        frozenset(),
        frozenset({"company", "journal", "document", "status", "date", "currency", "amount", "mirrors", "reference"}),
    ),
    "rejected": (frozenset({"event", "code"}), frozenset({"scope", "field", "message"})),
    "waiting": (frozenset({"event", "for"}), frozenset({"key"})),
}
_LINE_FIELDS: Final = frozenset({"account", "partner", "debit", "credit", "accounting", "currency", "dimensions", "text", "rule"})
_AMOUNTS: Final = frozenset({*_SETTLEMENT_AMOUNTS, "balance", "debit", "credit", "accounting"})


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One point on which expectation and result disagree; `expected` None: it came unasked, `came` None: it did not come."""

    part: str
    place: str
    expected: Row | None
    came: Row | None

    def as_json(self) -> Row:
        """The difference as an object of `differences`."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for a reader: where, what was expected, what came."""
        return f"{self.place}: expected {_shown(self.expected)}, came {_shown(self.came)}"


def _shown(row: Row | None) -> str:
    if row is None:
        return "nothing"
    return ", ".join(f"{name} {_shown(value) if isinstance(value, dict) else value}" for name, value in row.items())


def differences(scenario: Scenario, result: Result) -> list[Mismatch]:
    """All points on which the scenario's `expect` and the result disagree; FileError if `expect` itself cannot be read."""
    expect = scenario.expect or {}
    _refuse_unreadable(scenario, expect)
    return [difference for part, check in _CHECKS.items() if part in expect for difference in check(expect[part] or [], result)]


# What can be expected


def _refuse_unreadable(scenario: Scenario, expect: Row) -> None:
    for part, entries in expect.items():
        place = f"expect.{part}"
        if part not in _FIELDS:
            raise FileError(scenario.path, place, f"cannot be expected; the parts are {', '.join(_FIELDS)}")
        if entries is not None and not isinstance(entries, list):
            raise FileError(scenario.path, place, "must be a list")
        for number, entry in enumerate(entries or []):
            _refuse_entry(scenario, f"{place}[{number}]", entry, *_FIELDS[part])


def _refuse_entry(scenario: Scenario, place: str, entry: Any, needed: frozenset[str], possible: frozenset[str]) -> None:
    if not isinstance(entry, dict):
        raise FileError(scenario.path, place, "must be a mapping")
    missing = sorted(needed - entry.keys())
    unknown = sorted(entry.keys() - needed - possible)
    if missing:
        raise FileError(scenario.path, place, f"needs {', '.join(missing)}")
    if unknown:
        raise FileError(scenario.path, f"{place}.{unknown[0]}", f"is not known here; the fields are {', '.join(sorted(needed | possible))}")
    for name in _AMOUNTS & entry.keys():
        _refuse_amount(scenario, f"{place}.{name}", entry[name])
    for number, line in enumerate(_lines(scenario, place, entry)):
        _refuse_entry(scenario, f"{place}.lines[{number}]", line, frozenset({"account"}), _LINE_FIELDS)


def _lines(scenario: Scenario, place: str, entry: Row) -> list[Any]:
    lines = entry.get("lines") or []
    if not isinstance(lines, list):
        raise FileError(scenario.path, f"{place}.lines", "must be a list")
    return lines


def _refuse_amount(scenario: Scenario, place: str, value: Any) -> None:
    try:
        _decimal(value)
    except InvalidOperation as error:
        raise FileError(scenario.path, place, f"{value!r} is not an amount") from error


# What is compared


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _agrees(name: str, expected: Any, came: Any) -> bool:
    if name in _AMOUNTS:
        return came is not None and _decimal(expected) == _decimal(came)
    if isinstance(expected, dict):
        return isinstance(came, dict) and all(_agrees(key, value, came.get(key)) for key, value in expected.items())
    return str(expected) == str(came) if expected is not None else came is None


def _row_agrees(expected: Row, came: Row) -> bool:
    return all(_agrees(name, value, came.get(name)) for name, value in expected.items())


def _exact(part: str, expected: list[Row], came: list[Row]) -> list[Mismatch]:
    place = part[:-1] if part in {"settlements", "journals"} else part
    missing, unasked = unmatched(expected, came, _row_agrees)
    return [Mismatch(part, place, row, None) for row in missing] + [Mismatch(part, place, None, _brief(row)) for row in unasked]


def _brief(row: Row) -> Row:
    """A row without the amounts that are zero."""
    return {name: value for name, value in row.items() if name not in _AMOUNTS or name == "amount" or _decimal(value)}


def _vouchers(expected: list[Row], result: Result) -> list[Mismatch]:
    return [difference for entry in expected for difference in _voucher(entry, result)]


def _voucher(entry: Row, result: Result) -> list[Mismatch]:
    selector = {name: value for name, value in entry.items() if name not in {"lines", "reference"}}
    selected = [voucher for voucher in result.vouchers if _row_agrees(selector, voucher)]
    came = [_side(line) for voucher in selected for line in voucher["lines"]]
    place = " ".join(str(selector[name]) for name in ("company", "kind", "document", "date") if name in selector)
    missing, unasked = unmatched([_side(line) for line in entry["lines"] or []], came, _line_agrees)
    found = [Mismatch("vouchers", place, _line_shown(line), None) for line in missing]
    found += [Mismatch("vouchers", place, None, _line_shown(line)) for line in unasked]
    return found + [_reference(place, entry, voucher) for voucher in selected if not _row_agrees(_referred(entry), voucher)]


def _referred(entry: Row) -> Row:
    """The reference of a voucher, where one is expected."""
    return {name: value for name, value in entry.items() if name == "reference"}


def _reference(place: str, entry: Row, voucher: Row) -> Mismatch:
    return Mismatch("vouchers", place, _referred(entry), {"voucher": voucher["voucher"], "reference": voucher["reference"]})


def _side(line: Row) -> Row:
    """A line with `side`, `amount` and `accounting` (default: the amount), both of an expected line and of one that came.

    The side is the one with an amount, in transaction or accounting currency; a line of 0.00 is on the side it names.
    """
    zero = Decimal(0)
    debit, credit = _decimal(line.get("debit", zero)), _decimal(line.get("credit", zero))
    value = _decimal(line.get("accounting_credit", zero))
    on_credit = bool(credit or value) or (not debit and "debit" not in line)
    amount = credit if on_credit else debit
    booked = line.get("accounting", line.get("accounting_credit" if on_credit else "accounting_debit", amount))
    rest = {name: content for name, content in line.items() if name not in _SIDED}
    return {**rest, "side": "credit" if on_credit else "debit", "amount": amount, "accounting": _decimal(booked)}


_SIDED: Final = frozenset({"debit", "credit", "accounting", "accounting_debit", "accounting_credit"})


def _line_agrees(expected: Row, came: Row) -> bool:
    if str(expected["account"]) not in {came["posting_type"], came["account"]}:
        return False
    return _row_agrees({name: value for name, value in expected.items() if name != "account"}, came)


def _line_shown(line: Row) -> Row:
    shown: Row = {"account": line.get("posting_type", line["account"])}
    if line.get("partner") is not None:
        shown["partner"] = line["partner"]
    shown[line["side"]] = str(line["amount"])
    if line["accounting"] != line["amount"]:
        shown["accounting"] = str(line["accounting"])
    return shown


def _open(expected: list[Row], result: Result) -> list[Mismatch]:
    found = []
    for entry in expected:
        selector = {name: value for name, value in entry.items() if name != "balance"}
        documents = [document for document in result.open if _row_agrees(selector, document)]
        if not any(_row_agrees(entry, document) for document in documents):
            place = f"open {entry['company']} {entry['document']}"
            came = {"balance": documents[0]["balance"]} if documents else None
            found.append(Mismatch("open", place, {"balance": str(entry["balance"])}, came))
    return found


def _settlements(expected: list[Row], result: Result) -> list[Mismatch]:
    whole = [{**dict.fromkeys(_LEFT_OUT_IS_ZERO, "0.00"), **entry} for entry in expected]
    found = _exact("settlements", whole, result.settlements)
    return [Mismatch(each.part, each.place, _brief(each.expected) if each.expected else None, each.came) for each in found]


_CHECKS: Final[dict[str, Callable[[list[Row], Result], list[Mismatch]]]] = {
    "vouchers": _vouchers,
    "open": _open,
    "settlements": _settlements,
    "journals": lambda expected, result: _exact("journals", expected, result.journals),
    "rejected": lambda expected, result: _exact("rejected", expected, result.rejected),
    "waiting": lambda expected, result: _exact("waiting", expected, result.waiting),
}
