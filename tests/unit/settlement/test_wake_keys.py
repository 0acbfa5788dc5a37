"""What is parked is woken by exactly what the table of events.md says: by that and by nothing that merely looks like it."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest

from services.scenarios.scenario_file import arrivals
from services.settlement.rules import waiting
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import DocumentKey, OpenPlace
from services.simulator.streams import scenario
from shared.events.envelope import EventRef
from shared.events.values import Ledger
from shared.waiting import Need, WakeKey
from tests.builders.settlement import Event, asked, invoice, mark, note, paid, taken_back, told, undone

ACROSS = [invoice("I1", company="FABE"), paid("P1", "10.00", mark("I1", "FABE"), id="X")]
FOREIGN = [invoice("I1", company="FABE", currency="GBP", exchange_rate="1.4"), ACROSS[1]]
CLOSED = {"closed_periods": {"FABE": [{"from": "2026-01-20", "to": "2026-01-31"}]}}
CREDITED = {"settlement_parameters": {"FAB": {"receivable": {"cash_discounts_for_credit_notes": True}}}}


def _defined(kind: str, **fields: Any) -> Event:
    return {"id": "E", "type": kind, **fields}


def _rate(one: str, other: str) -> Event:
    return _defined("exchange-rate.published", **{"from": one, "to": other}, date="2026-01-01", rate="1.5")


def _allows(company: str, days: int) -> Event:
    return _defined("company.defined", company=company, currency="USD", maximum_rate_age_days=days)


class Case(NamedTuple):
    """What waits as X, for which reason, what wakes it, and what looks like it and does not."""

    reason: str
    events: list[Event]
    wakes: Event
    does_not: list[Event]
    group: dict[str, Any] = {}  # noqa: RUF012 - never changed


CASES = [
    Case(
        "company",
        [invoice("I1", company="NEW", id="X")],
        _defined("company.defined", company="NEW", currency="USD"),
        [_defined("company.defined", company="NEWER", currency="USD"), _defined("party.defined", party="P", customers={"NEW": "C"})],
    ),
    Case(
        "account",
        [invoice("I1", account="C-9", id="X")],
        _defined("party.defined", party="P", customers={"FAB": "C-9"}),
        [_defined("party.defined", party="P", vendors={"FAB": "C-9"}), _defined("party.defined", party="P", customers={"FABE": "C-9"})],
    ),
    Case("exchange-rate", [invoice("I1", currency="GBP", id="X")], _rate("GBP", "USD"), [_rate("GBP", "EUR")]),
    Case("exchange-rate", FOREIGN, _rate("USD", "GBP"), [_rate("EUR", "USD")]),
    Case(
        "exchange-rate",
        [_rate("GBP", "USD") | {"id": "E1"}, _allows("FAB", 1) | {"id": "E2"}, invoice("I1", currency="GBP", date="2026-01-10", id="X")],
        _allows("FAB", 9),
        [_allows("OTHER", 9) | {"currency": "EUR"}],
    ),
    Case(
        "period",
        ACROSS,
        _defined("period.opened", company="FABE", **{"from": "2026-01-20", "to": "2026-01-31"}),
        [_defined("period.opened", company="FAB", **{"from": "2026-01-20", "to": "2026-01-31"})],
        CLOSED,
    ),
    Case(
        "document",
        [paid("P1", "10.00", mark("I9"), id="X")],
        invoice("I9"),
        [invoice("I9", company="FABE"), invoice("I9", side="vendor"), invoice("I8")],
    ),
    Case(
        "document",
        [note("N1", credits="I9"), invoice("I1"), asked("X", mark("N1"), mark("I1"))],
        invoice("I9"),
        [invoice("I8")],
        CREDITED,
    ),
    Case(
        "document",
        [undone("X", settlement="S")],
        asked("S", mark("I1"), mark("P1")),
        [asked("T", mark("I1"), mark("P1"))],
        {"before": [invoice("I1"), paid("P1")]},
    ),
    Case("document", [taken_back("X", "P9")], paid("P9"), [paid("P8")]),
    Case("document", [paid("P1", "10.00", mark("I9")), taken_back("X", "P1")], invoice("I9"), [invoice("I8")]),
    Case(
        "reservation",
        [invoice("I1"), paid("P1", "5.00", mark("I1"), mark("I9")), paid("P2", "5.00", mark("I1"), id="X")],
        invoice("I9"),
        [invoice("I8")],
    ),
    Case(
        "intercompany-accounting",
        ACROSS,
        _defined("intercompany-accounting.defined", company="FABE", partner="FAB", due_from="1", due_to="2"),
        [_defined("intercompany-accounting.defined", company="FABE", partner="FABW", due_from="1", due_to="2")],
        {"intercompany_accounting": {"FAB": {"FABE": {"due_from": "1", "due_to": "2"}}}},
    ),
    Case(
        "posting-profile",
        [ACROSS[0], {**ACROSS[1], "posting_profile": "VIP"}],
        _defined("posting-profile.defined", company="FABE", posting_profile="VIP", receivable={"all": "1"}),
        [
            _defined("posting-profile.defined", company="FABE", posting_profile="GEN", receivable={"all": "1"}),
            _defined("posting-profile.defined", company="FABW", posting_profile="VIP", receivable={"all": "1"}),
        ],
        {"posting_profiles": {"FABE": {"GEN": {"receivable": {"all": "1"}}}}},
    ),
    Case(
        "method-of-payment",
        [ACROSS[0], {**ACROSS[1], "method_of_payment": "CASH"}],
        _defined("methods-of-payment.defined", company="FABE", methods=["CASH"]),
        [
            _defined("methods-of-payment.defined", company="FABE", methods=["EFT"]),
            _defined("methods-of-payment.defined", company="FABW", methods=["CASH"]),
        ],
        {"methods_of_payment": {"FABE": ["EFT"]}},
    ),
]


def _keys_woken(case: Case, arriving: Event, monkeypatch: pytest.MonkeyPatch) -> tuple[WakeKey, set[WakeKey]]:
    """The key by which X is found, and the keys that an event wakes."""
    group = {name: part for name, part in case.group.items() if name != "before"}
    simulation = told(*case.group.get("before", []), *case.events, **group)
    (parked,) = [parked for parked in simulation.books.settlement.waiting if parked.event.id == "X"]
    assert parked.need.reason == case.reason
    woken: set[WakeKey] = set()
    wake = Turn.wake

    def watched(turn: Turn, key: WakeKey) -> None:
        woken.add(key)
        wake(turn, key)

    with monkeypatch.context() as patched:
        patched.setattr(Turn, "wake", watched)
        (arrival,) = arrivals(scenario({}, [{**arriving, "id": "S" if arriving["id"] == "S" else "ARRIVES"}]))
        simulation.send(arrival.record)
    return parked.need.wake_key, woken


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_what_is_parked_is_woken_by_what_it_waits_for(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    key, woken = _keys_woken(case, case.wakes, monkeypatch)
    assert key in woken


@pytest.mark.parametrize(("case", "other"), [(case, other) for case in CASES for other in case.does_not], ids=lambda each: str(each)[:40])
def test_what_is_parked_is_not_woken_by_what_only_looks_like_it(case: Case, other: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    key, woken = _keys_woken(case, other, monkeypatch)
    assert key not in woken


DOCUMENT, EVENT = DocumentKey("receivable", "FAB", "I1"), EventRef("erp", "E1")


@pytest.mark.parametrize(
    ("need_of", "missing", "shown", "key"),
    [
        (waiting.for_document, DOCUMENT, "document", ("document", "receivable", "FAB", "I1")),
        (waiting.for_marks_of, DOCUMENT, "document", ("free", "receivable", "FAB", "I1")),
        (waiting.for_earlier_run, DOCUMENT, "reservation", ("free", "receivable", "FAB", "I1")),
        (waiting.for_reservation, DOCUMENT, "reservation", ("reservation", "receivable", "FAB", "I1")),
        (waiting.for_event, EVENT, "document", ("event", "erp", "E1")),
        (waiting.for_replies, EVENT, "document", ("answers", "erp", "E1")),
    ],
)
def test_what_waits_is_stored_under_a_key_that_stays_from_version_to_version(need_of: Any, missing: Any, shown: str, key: WakeKey) -> None:
    need = need_of(missing)
    assert (need.reason, need.wake_key) == (shown, key)


_LEDGERS: tuple[Ledger, ...] = ("receivable", "payable")


@pytest.mark.parametrize("lowers", [True, False])
def test_a_further_run_is_found_again_by_its_key(lowers: bool) -> None:  # noqa: FBT001 - a parameter
    for ledger in _LEDGERS:
        place = OpenPlace(ledger, "FAB", "V", "USD", lowers)
        need = waiting.for_further_run(place, date(2026, 1, 20), EVENT)
        assert need == Need(
            "document",
            {"event": "E1", "source": "erp"},
            ("automatic", ledger, "FAB", "V", "USD", "1" if lowers else "0", "2026-01-20", "erp", "E1"),
        )
        assert waiting.further_run(need.wake_key) == (place, date(2026, 1, 20), EVENT)
