"""Random scenarios over all the rules: small, mostly well-formed, with numbers near the limits where roundings and ties occur.

Invariant: the same seed and the same features give the same scenario, whatever else the process does.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

from tests.oracle.random_events import approval, chosen, document, on_account, payment, request
from tests.oracle.random_group import FEATURES, Row, Scenario, make_group, make_trade, money
from tests.oracle.random_reference import late_entities, reference


def generate(seed: int, features: frozenset[str] = frozenset(FEATURES)) -> Row:
    """The scenario of a seed."""
    scenario = Scenario(Random(seed), features)  # noqa: S311
    make_group(scenario)
    ledger = scenario.rng.choice(["receivable", "payable"])
    if scenario.chance(0.25):
        make_trade(scenario)
        ledger = "payable"
    for _ in range(scenario.rng.randint(2, 5)):
        document(scenario, ledger)
    if scenario.chance(0.3):
        on_account(scenario, ledger)
    if "late_reference" in features:
        late_entities(scenario)
    steps = [payment] * 6 + [request] * 3 + [document] * 2 + [_reversal] * 2 + [reference, _contradiction, approval]
    if "trading" in scenario.group:
        steps += [payment] * 4 + [_reversal] * 2
    other = "payable" if ledger == "receivable" else "receivable"
    for _ in range(scenario.rng.randint(2, 8)):
        scenario.rng.choice(steps)(scenario, other if scenario.has("both_ledgers", 0.08) else ledger)
    for event in scenario.late:
        place = scenario.rng.randint(0, len(scenario.events))
        scenario.events.insert(place, event)
    if scenario.chance(0.1) and len(scenario.events) > 2:
        first = scenario.rng.randrange(len(scenario.events) - 1)
        scenario.events.insert(scenario.rng.randint(0, len(scenario.events)), scenario.events.pop(first))
    return {"scenario": f"random {seed}", "id": f"random-{seed}", "group": scenario.group, "events": scenario.events}


# What comes later


def _reversal(scenario: Scenario, ledger: str) -> None:
    if not scenario.docs:
        return
    rng = scenario.rng
    payments = [doc for doc in scenario.docs if doc.kind == "payment" and doc.ledger == ledger]
    doc = rng.choice(payments[-2:] if payments and scenario.chance(0.85) else scenario.docs)
    event: Row = {"id": scenario.name("R"), "ledger": doc.ledger}
    named = {"company": doc.company, "document": doc.number}
    if scenario.has("document_reversals", 0.2):
        event |= {"type": "document-reversal.requested", "document": named}
    elif scenario.chance(0.2):
        event |= {"type": "payment-reversal.requested", "payment": named}
    elif scenario.chance(0.6):
        event |= {"type": "settlement-reversal.requested", "payment": named}
    else:
        event |= {"type": "settlement-reversal.requested", "settlement": rng.choice([doc.number, rng.choice(scenario.events)["id"]])}
    if scenario.chance(0.3):
        event["date"] = scenario.day(20, 70).isoformat()
    scenario.events.append(event)
    for each in scenario.docs:  # what is open again may be settled again
        each.marked = each.marked and scenario.chance(0.6)


def _contradiction(scenario: Scenario, ledger: str) -> None:
    """A duplicate, a number that is taken, digits too many, offset lines that do not add up, a document never sent."""
    if not scenario.events:
        return
    rng = scenario.rng
    event = {**rng.choice(scenario.events)}
    kind = rng.choice(["same", "other", "number", "digits", "lines", "missing"])
    if kind == "same" and "amount" in event and "spellings" in scenario.features:
        event |= {"amount": f"0{event['amount']}", "posting_profile": event.get("posting_profile"), "account": f" {event['account']} "}
    elif kind == "other" and "amount" in event:
        event["amount"] = money(Decimal(event["amount"]) + 1, event["currency"])
    elif kind == "number" and "amount" in event:
        event["id"] = scenario.name("N")
    elif kind == "digits" and "amount" in event:
        event["id"], event["document"] = (scenario.name("N"),) * 2
        event["amount"] = f"{Decimal(event['amount']) + 1}{'' if '.' in event['amount'] else '.'}5"
        event.pop("lines", None)
    elif kind == "lines" and event.get("type", "").endswith("invoice.posted"):
        event["id"], event["document"] = (scenario.name("N"),) * 2
        event["lines"] = [{"account": "sales", "amount": money(Decimal(event["amount"]) + 1, event["currency"])}]
    elif kind == "missing":
        company = scenario.company()
        event = {"id": scenario.name("N"), "type": "settlement.requested", "ledger": ledger}
        docs = chosen(scenario, ledger, 2)
        event["settle"] = [{"company": company, "document": "NEVER"}, *({"company": d.company, "document": d.number} for d in docs)]
    scenario.events.append(event)
