"""Reference data that comes, changes and goes in a random scenario.

Invariant: what is withdrawn or changed may be there or not; the rules say what both mean.
"""

from __future__ import annotations

from typing import Any

from tests.oracle.random_group import RATES, Row, Scenario, chart, parameters, published_rate


def reference(scenario: Scenario, ledger: str) -> None:
    """A definition, a change or a withdrawal."""
    choices = [*_definitions(scenario, ledger)]
    if "account_lists" in scenario.features:
        choices += _parties(scenario)
    if "withdrawals" in scenario.features and scenario.chance(0.5):
        choices = _withdrawals(scenario, ledger)
    scenario.events.append({"id": scenario.name("X"), **scenario.rng.choice(choices)})


def _definitions(scenario: Scenario, ledger: str) -> list[Row]:
    rng, company, span = scenario.rng, scenario.company(), {"from": "2026-01-05", "to": "2026-02-20"}
    own = scenario.currencies[company]
    foreign = rng.choice([currency for currency in RATES if currency != own])
    rate = {"company": company, "from": foreign, "to": own, "date": scenario.day(0, 40).isoformat()}
    found: list[Row] = [
        {"type": "period.closed", "company": company, **span},
        {"type": "period.opened", "company": company, "from": "2026-01-01", "to": "2026-03-31"},
        {"type": "settlement-parameters.defined", "company": company, "ledger": ledger, **parameters(scenario)},
    ]
    if "late_reference" in scenario.features:
        options = {
            "post_cash_discount": rng.choice(["invoice", "payment"]),
            "post_exchange_gain_or_loss": rng.choice(["invoice", "payment"]),
        }
        found += [
            {"type": "exchange-rate.published", **rate, "rate": published_rate(scenario, foreign, own)},
            {"type": "centralized-payments.defined", "company": company, **options},
            {"type": "centralized-payments-members.defined", "members": list(scenario.currencies)},
            {"type": "company.defined", "company": company, "currency": own, "maximum_rate_age_days": rng.choice([10, 60])},
            {"type": "company.defined", "company": company, "currency": rng.choice([own, own, own, "CHF"]), "accounts": chart(scenario)},
            {"type": "methods-of-payment.defined", "company": company, "methods": ["CHECK", "EFT"]},
        ]
    return found


def _parties(scenario: Scenario) -> list[Row]:
    company, old = scenario.company(), scenario.client
    found: list[Row] = [
        {"type": "party.defined", "party": "D", "customers": {company: ["d1", "c1"]}, "vendors": {company: ["d1", "v1"]}},
        {"type": "party.defined", "party": "C", **old},
    ]
    if "merged_parties" in scenario.features:
        merged = {side: {name: [*_listed(account), "d1"] for name, account in old[side].items()} for side in ("customers", "vendors")}
        less = {side: {name: account for name, account in old[side].items() if name != company} for side in ("customers", "vendors")}
        found += [{"type": "party.defined", "party": "C", **merged}] * 2 + [{"type": "party.defined", "party": "C", **less}]
    return found


def _listed(account: Any) -> list[str]:
    return list(account) if isinstance(account, list) else [account]


def _withdrawals(scenario: Scenario, ledger: str) -> list[Row]:
    group, company = scenario.group, scenario.company()
    gone: list[Row] = [{"event": "settlement-parameters.defined", "company": company, "ledger": ledger}]
    rates = [{key: value for key, value in rate.items() if key != "rate"} for rate in group["exchange_rates"][:4]]
    gone += [{"event": "exchange-rate.published", **rate} for rate in rates]
    for one, partners in group.get("intercompany_accounting", {}).items():
        gone += [{"event": "intercompany-accounting.defined", "company": one, "partner": other} for other in partners]
    if "late_reference" in scenario.features:
        gone += [{"event": "posting-profile.defined", "company": company, "posting_profile": "ADV"}] if "posting_profiles" in group else []
        gone += [{"event": "methods-of-payment.defined", "company": company}] if "methods_of_payment" in group else []
        gone += [{"event": "centralized-payments.defined", "company": company}] if "centralized_payments" in group else []
        gone += [{"event": "centralized-payments-members.defined"}] if "centralized_payments_members" in group else []
        for relation in group.get("trading", [])[:1]:
            sides = {"seller": relation["seller"], "buyer": relation["buyer"]}
            gone.append({"event": "trading-relation.defined", **sides})
            gone.append({"event": "payment-journal.defined", "company": relation["seller"]["company"], "journal": "ARPAY"})
        gone.append({"event": scenario.rng.choice(["party.defined", "company.defined", "period.closed"]), "company": company})
    return [{"type": "reference.withdrawn", **each} for each in gone]


def late_entities(scenario: Scenario) -> None:
    """Now and then a company, a party, a profile or a method comes as an event, maybe after what needs it."""
    group, late = scenario.group, scenario.late
    for part, name, kind in (("companies", "company", "company.defined"), ("parties", "party", "party.defined")):
        for key in list(group[part]):
            if scenario.chance(0.02):
                late.append({"id": scenario.name("X"), "type": kind, name: key, **group[part].pop(key)})
    profiles = group.get("posting_profiles", {})
    for company in list(profiles):
        if scenario.chance(0.1):
            data = {"company": company, "posting_profile": "GEN", **profiles[company].pop("GEN")}
            late.append({"id": scenario.name("X"), "type": "posting-profile.defined", **data})
    methods = group.get("methods_of_payment", {})
    for company in [each for each in methods if scenario.chance(0.2)]:
        late.append({"id": scenario.name("X"), "type": "methods-of-payment.defined", "company": company, "methods": methods[company]})
