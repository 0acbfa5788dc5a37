"""The parameters that decide where and within what something is posted: as they are in force now, or as they were.

Invariant: a parameter that nobody has set says so (`of` is None) and has its default. The owners' reference table keeps neither the
event nor the time of a definition; `lookup_of` takes the versions of one that does, and then both are said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.desk.why.facts import Asked, Lookup, Parameter
from shared.events.codec import read_stored
from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef
from shared.events.reference import (
    CentralizedPaymentsDefined,
    CompanyDefined,
    IntercompanyAccountingDefined,
    PostingProfileDefined,
    SettlementParametersDefined,
    compaction_key,
)
from shared.reference import RECEIVABLE, SUMMARY_TYPE, Reference

if TYPE_CHECKING:
    from shared.events.values import Ledger

_DEFAULTS: Final = {"post_cash_discount": "invoice", "post_exchange_gain_or_loss": "payment"}
_ACCOUNTS: Final = frozenset({"due_to", "due_from"})
_MAXIMUM_AGE: Final = "maximum_rate_age_days"


def lookup_in(reference: Reference) -> Lookup:
    """What is in force in this reference data."""
    return lambda asked: _found(reference, asked)


Version = Mapping[str, Any]
"""A version of a reference entity: `key`, `type`, `data`, the `event` that set it (source and id), and since when (`from`)."""


def keys_asked(companies: Iterable[str], ledger: Ledger) -> list[str]:
    """The keys of the reference entities that explaining a line of these companies may ask for."""
    codes = sorted(set(companies))
    entities = [
        *(CompanyDefined(code, "") for code in codes),
        *(SettlementParametersDefined(code, ledger) for code in codes),
        *(CentralizedPaymentsDefined(code) for code in codes),
        *(IntercompanyAccountingDefined(*pair) for pair in permutations(codes, 2)),
    ]
    return [compaction_key(each) for each in entities]


def lookup_of(versions: Iterable[Version], counts: Callable[[Version], bool]) -> Lookup:
    """What was in force where `counts` says which versions were there already; of a key the last of them, in the order given."""
    in_force: dict[str, Version] = {}
    for version in versions:
        if counts(version):
            in_force[version["key"]] = version
    reference = Reference()
    for version in in_force.values():
        if version["type"] != "reference.withdrawn":
            reference.take(read_stored(CONTRACT[version["type"]].data, orjson.dumps(version["data"])))
    return lambda asked: _with_event(_found(reference, asked), in_force)


def _with_event(parameter: Parameter, in_force: Mapping[str, Version]) -> Parameter:
    """The parameter with the event that set it and since when."""
    version = in_force.get(_key(parameter))
    if version is None:
        return parameter
    return parameter._replace(event=EventRef(version["event"]["source"], version["event"]["id"]), since=str(version["from"]))


def _key(parameter: Parameter) -> str:
    """The key of the entity that says a parameter; empty where none does."""
    asked = parameter.asked
    if parameter.of == "settlement_parameters":
        return compaction_key(SettlementParametersDefined(asked.company, _ledger(asked)))
    if parameter.of == "centralized_payments":
        return compaction_key(CentralizedPaymentsDefined(asked.company))
    if parameter.of == "intercompany_accounting":
        return compaction_key(IntercompanyAccountingDefined(asked.company, asked.partner or ""))
    if parameter.of == "posting_profile" and asked.profile is not None:
        return compaction_key(PostingProfileDefined(asked.company, asked.profile))
    return compaction_key(CompanyDefined(asked.company, "")) if parameter.of in {"chart", "company"} else ""


def _ledger(asked: Asked) -> Ledger:
    return "receivable" if asked.ledger == RECEIVABLE else "payable"


def _found(reference: Reference, asked: Asked) -> Parameter:
    if asked.name in _DEFAULTS:
        return _option(reference, asked)
    if asked.name in _ACCOUNTS and asked.partner is not None:
        defined = (asked.company, asked.partner) in reference.intercompany
        account = reference.intercompany_account(asked.company, asked.partner, asked.name)
        return Parameter(asked, account, "intercompany_accounting" if defined else None)
    if asked.name == "summary_account":
        if asked.profile is not None and asked.profile in reference.posting_profiles.get(asked.company, {}):
            return Parameter(asked, asked.profile, "posting_profile")
        return Parameter(asked, reference.main_account(asked.company, SUMMARY_TYPE[asked.ledger]), "chart")
    if asked.name == _MAXIMUM_AGE:
        company = reference.companies.get(asked.company)
        age = None if company is None else company.maximum_rate_age_days
        return Parameter(asked, "" if age is None else str(age), None if age is None else "company")
    ledger = _ledger(asked)
    value = getattr(reference.parameters(asked.company, ledger), asked.name)
    defined = (asked.company, ledger) in reference.settlement_parameters
    return Parameter(asked, str(value), "settlement_parameters" if defined else None)


def _option(reference: Reference, asked: Asked) -> Parameter:
    """Who posts: by the pair's intercompany accounting, else the company's centralized payments, else the default (F-C10)."""
    value = reference.posting_option(asked.name, asked.ledger, asked.company, asked.partner or "")
    if value is None:
        return Parameter(asked, _DEFAULTS[asked.name])
    pair = reference.intercompany.get((asked.company, asked.partner or ""))
    by_pair = pair is not None and getattr(pair, asked.name) is not None
    return Parameter(asked, value, "intercompany_accounting" if by_pair else "centralized_payments")
