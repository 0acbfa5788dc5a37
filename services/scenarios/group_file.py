"""A group file, or the `group` part of a scenario, as reference events (events.md, "Reference data").

Invariant: each entity is one event, its data the entity's fields as they stand there plus its key; senders, accounts,
members, parameters, journals, trading, rates and periods come first, then the companies, the parties last, so that
nothing posts before what it posts to is there; nothing is checked here but the shape that says which entity it is,
the services refuse a wrong field by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.scenarios.yaml_files import FileError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ReferenceEntry:
    """One entity: where it stands in the file, the type of its event and the event's data."""

    place: str
    type: str
    data: dict[str, Any]


class _Part:
    """A part of the group file: hands out its mappings and lists, or says where one is missing."""

    def __init__(self, path: Path, place: str, value: Any) -> None:
        self.path = path
        self.place = place
        self.value = value

    def items(self) -> Iterator[tuple[str, _Part]]:
        """Key and content of a mapping; an empty place counts as an empty mapping."""
        for key, value in self.fields().items():
            yield key, _Part(self.path, f"{self.place}.{key}", value)

    def entries(self) -> Iterator[_Part]:
        """The entries of a list."""
        for number, value in enumerate(self.list()):
            yield _Part(self.path, f"{self.place}[{number}]", value)

    def fields(self) -> dict[str, Any]:
        """The mapping itself."""
        if self.value is not None and not isinstance(self.value, dict):
            raise FileError(self.path, self.place, f"must be a mapping, not {_kind(self.value)}")
        return self.value or {}

    def list(self) -> list[Any]:
        """The list itself."""
        if self.value is not None and not isinstance(self.value, list):
            raise FileError(self.path, self.place, f"must be a list, not {_kind(self.value)}")
        return self.value or []

    def event(self, type_: str, **key: str) -> ReferenceEntry:
        """The event of this entity: its fields and its key."""
        fields = self.fields()
        double = sorted(fields.keys() & key.keys())
        if double:
            raise FileError(self.path, self.place, f"{double[0]!r} is the key above it and cannot be a field too")
        return ReferenceEntry(self.place, type_, {**key, **fields})


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), "this"
    )


def _intercompany_accounting(part: _Part) -> Iterator[ReferenceEntry]:
    for company, partners in part.items():
        for partner, entry in partners.items():
            yield entry.event("intercompany-accounting.defined", company=company, partner=partner)


def _centralized_payments(part: _Part) -> Iterator[ReferenceEntry]:
    for company, entry in part.items():
        yield entry.event("centralized-payments.defined", company=company)


def _members(part: _Part) -> Iterator[ReferenceEntry]:
    yield ReferenceEntry(part.place, "centralized-payments-members.defined", {"members": part.list()})


def _settlement_parameters(part: _Part) -> Iterator[ReferenceEntry]:
    for company, ledgers in part.items():
        for ledger, entry in ledgers.items():
            yield entry.event("settlement-parameters.defined", company=company, ledger=ledger)


def _posting_profiles(part: _Part) -> Iterator[ReferenceEntry]:
    for company, profiles in part.items():
        for profile, entry in profiles.items():
            yield entry.event("posting-profile.defined", company=company, posting_profile=profile)


def _methods_of_payment(part: _Part) -> Iterator[ReferenceEntry]:
    for company, methods in part.items():
        yield ReferenceEntry(methods.place, "methods-of-payment.defined", {"company": company, "methods": methods.list()})


def _payment_journals(part: _Part) -> Iterator[ReferenceEntry]:
    for company, journals in part.items():
        for journal, entry in journals.items():
            yield entry.event("payment-journal.defined", company=company, journal=journal)


def _trading(part: _Part) -> Iterator[ReferenceEntry]:
    for entry in part.entries():
        yield entry.event("trading-relation.defined")


def _exchange_rates(part: _Part) -> Iterator[ReferenceEntry]:
    for entry in part.entries():
        yield entry.event("exchange-rate.published")


def _closed_periods(part: _Part) -> Iterator[ReferenceEntry]:
    for company, periods in part.items():
        for entry in periods.entries():
            yield entry.event("period.closed", company=company)


def _senders(part: _Part) -> Iterator[ReferenceEntry]:
    for sender, entry in part.items():
        yield entry.event("sender.defined", sender=sender)


def _companies(part: _Part) -> Iterator[ReferenceEntry]:
    for company, entry in part.items():
        yield entry.event("company.defined", company=company)


def _parties(part: _Part) -> Iterator[ReferenceEntry]:
    for party, entry in part.items():
        yield entry.event("party.defined", party=party)


# In the order of publication.
_PARTS: Final[dict[str, Callable[[_Part], Iterator[ReferenceEntry]]]] = {
    "senders": _senders,
    "centralized_payments_members": _members,
    "intercompany_accounting": _intercompany_accounting,
    "centralized_payments": _centralized_payments,
    "settlement_parameters": _settlement_parameters,
    "posting_profiles": _posting_profiles,
    "methods_of_payment": _methods_of_payment,
    "payment_journals": _payment_journals,
    "trading": _trading,
    "exchange_rates": _exchange_rates,
    "closed_periods": _closed_periods,
    "companies": _companies,
    "parties": _parties,
}


def read_group_file(path: Path) -> list[ReferenceEntry]:
    """The reference events of a group file, or of the group of a scenario file; FileError if it is neither."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise FileError(path, "", "is not a group file: it must be a mapping such as {companies: …, parties: …}")
    return reference_entries(path, content["group"], "group") if "group" in content else reference_entries(path, content, "")


def reference_entries(path: Path, group: Any, place: str = "group") -> list[ReferenceEntry]:
    """The reference events of a group, in the order in which they are to be published.

    FileError names the place of a part that is unknown or has the wrong shape.
    """
    whole = _Part(path, place, group)
    unknown = [part for part in whole.fields() if part not in _PARTS]
    if unknown:
        raise FileError(
            path, f"{place}.{unknown[0]}" if place else unknown[0], f"is not a part of a group; the parts are {', '.join(_PARTS)}"
        )
    return [event for name, events in _PARTS.items() if name in whole.fields() for event in events(_child(whole, name))]


def _child(whole: _Part, name: str) -> _Part:
    place = f"{whole.place}.{name}" if whole.place else name
    return _Part(whole.path, place, whole.fields()[name])
