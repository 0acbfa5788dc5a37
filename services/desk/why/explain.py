"""Why a line is there and has its amount: one function for each kind of line, and the sentence in the reader's language.

Invariant: a line is explained only if the arithmetic of its sentence gives the posted amount and accounting amount; the figures
of every language are the same.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from services.desk.rows import money
from services.desk.why import discounts, documents, settlements
from services.desk.why.facts import Explained, Facts, Money, Settled
from services.desk.why.texts import Wording
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT
from shared.events.settlements import Why
from shared.rulebook import language_of

if TYPE_CHECKING:
    from services.desk.why.facts import Parameter

Row = dict[str, Any]

_GAINS: Final = frozenset({"F-C07", "F-C08", "F-C09"})
_MAIN: Final = frozenset({"F-C01", "F-C02", "F-C03", "F-C17"})
_DIFFERENCES: Final = frozenset({"F-E01", "F-E02"})


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line with what decided it. Amounts are decimal strings in the minor digits of their currency, as everywhere."""

    line: Row
    is_explained: bool
    sentence: str
    figures: Row
    rules: list[str]
    parameters: list[Row]
    rates: list[Row]
    documents: list[Row]
    cause: Row | None
    mirrors: Row | None

    def as_row(self) -> Row:
        """As it is shown."""
        return asdict(self)


def explain(facts: Facts, language: str) -> Explanation:
    """The explanation of a line in a language (language_of it)."""
    found = found_of(facts)
    is_explained = gives(found, facts)
    settled = _settled(facts)
    currencies = {facts.line.currency}
    if settled is not None:
        currencies |= {settled.lowering.currency, settled.raising.currency}
    words = Wording(language_of(language), codes=len(currencies) > 1)
    rules = list(dict.fromkeys([*found.rules, facts.line.rule]))
    clauses = found.clauses if is_explained else [("not_explained", {"amount": facts.posted})]
    sentence = " ".join(words.text(key, values) for key, values in clauses)
    return Explanation(
        line={"company": facts.voucher.company, "voucher": facts.voucher.voucher, "line": facts.place + 1},
        is_explained=is_explained,
        sentence=f"{sentence} {words.text('rules', {'rules': ', '.join(rules)})}",
        figures=_figures(found),
        rules=rules,
        parameters=[_parameter(each) for each in found.parameters],
        rates=_rates(facts, settled),
        documents=_documents(facts, settled),
        cause=_cause(facts),
        mirrors=found.mirrors,
    )


def found_of(facts: Facts) -> Explained:
    """What a line is, by the kind of its voucher, its rule and its posting type."""
    kind, rule = facts.voucher.kind, facts.line.rule
    if kind in DOCUMENT_KINDS:
        return {"F-A16": documents.summary, "F-E08": documents.rounding}.get(rule, documents.offset)(facts)
    if kind != SETTLEMENT:
        return documents.mirrored(facts)
    settled = _settled(facts)
    if settled is None:
        return Explained()
    if rule == "F-E08":
        return documents.rounding(facts)
    of_record = (
        settlements.main_line if rule in _MAIN
        else settlements.gain if rule in _GAINS
        else settlements.difference if rule in _DIFFERENCES
        else discounts.discount
    )  # fmt: skip
    return of_record(facts, settled)


def gives(found: Explained, facts: Facts) -> bool:
    """Whether the arithmetic gives what was posted."""
    return facts.posted.amount in found.amounts and facts.posted_accounting.amount in found.accounting


def _settled(facts: Facts) -> Settled | None:
    if facts.record is None or facts.lowering is None or facts.raising is None:
        return None
    return Settled(facts.record, facts.lowering, facts.raising, facts.record.why or Why())


def _figures(found: Explained) -> Row:
    figures: Row = {}
    for _, values in found.clauses:
        for name, value in values.items():
            if isinstance(value, Money):
                figures[name] = {"amount": money(value.amount, value.currency), "currency": value.currency}
    return figures


def _parameter(parameter: Parameter) -> Row:
    event = parameter.event
    return {
        **{name: getattr(parameter.asked, name) for name in ("name", "company", "partner", "ledger")},
        "value": parameter.value,
        "of": parameter.of or "default",
        "event": None if event is None else event._asdict(),
        "since": parameter.since,
    }


def _rates(facts: Facts, settled: Settled | None) -> list[Row]:
    """The documents' own rates where they are in a foreign currency, then the others that were used."""
    own = [facts.document] if settled is None else [settled.lowering, settled.raising]
    found: list[Row] = [
        {"from": each.currency, "to": each.accounting_currency, "rate": format(each.exchange_rate, "f"), "date": each.date.isoformat(),
         "of": "document", "company": each.company}
        for each in own
        if each is not None and each.currency != each.accounting_currency
    ]  # fmt: skip
    others = settled.why.get("rates", ()) if settled is not None else ()
    return found + [{**rate, "rate": format(rate["rate"], "f"), **_date(rate)} for rate in others]


def _date(rate: Any) -> Row:
    return {"date": rate["date"].isoformat()} if "date" in rate else {}


def _documents(facts: Facts, settled: Settled | None) -> list[Row]:
    own = [facts.document] if settled is None else [settled.lowering, settled.raising]
    return [{"ledger": each.ledger, "company": each.company, "document": each.document} for each in own if each is not None]


def _cause(facts: Facts) -> Row | None:
    """The event that it comes of: of a reversal the one that asked for it, else that of the run, or the document's."""
    if facts.voucher.kind not in {*DOCUMENT_KINDS, SETTLEMENT}:
        return None if facts.reversal is None else facts.reversal.event._asdict()
    settlement = facts.voucher.settlement
    if settlement is not None:
        return {"source": settlement.source, "id": settlement.id}
    return None if facts.document is None else facts.document.event._asdict()
