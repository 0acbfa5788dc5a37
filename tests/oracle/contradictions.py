"""What contradicts in the marks of a run: the first code of the table that applies, documents in the order of the marks.

Invariant: nothing is changed here, and no rate is waited for.
"""

from collections.abc import Callable
from datetime import date

from tests.oracle.documents import Document, Key
from tests.oracle.money import DIGITS, decimals
from tests.oracle.rates import MissingRateError, Rates
from tests.oracle.reference import Reference, Row
from tests.oracle.run import Mark
from tests.oracle.waiting import refuse


def contradictions(
    reference: Reference, data: Row, marks: list[Mark], payment: Document | None, primary: Document | None, when: date,
    reserved: Callable[[Key], bool],
) -> None:  # fmt: skip
    """RefusedError if anything contradicts."""
    _invalid(data, marks, payment, primary)
    places = [("", payment)] if payment else []
    places += [(f"/settle/{place}", mark.document) for place, mark in enumerate(marks)]
    members, documents = reference.members(), [document for _, document in places]
    for at, document in places:
        if members is not None and document.company not in members and len({each.company for each in documents}) > 1:
            refuse("not-a-member", f"{at}/company")
    parties = [reference.party(document.ledger, document.company, document.account) for document in documents]
    for (at, _), party in zip(places, parties, strict=True):
        if party != parties[0]:
            refuse("other-party", f"{at}/document")
    for code, wrong in (("marked-elsewhere", lambda document: reserved(document.key)), ("document-closed", lambda document: not document.balance)):
        for at, document in places:
            if wrong(document):
                refuse(code, f"{at}/document")
    for place, mark in enumerate(marks):
        over = _over_settled(reference, mark, payment)
        if over:
            refuse("over-settled", f"/settle/{place}/{over}")
    if len({document.raises for document in documents}) == 1:
        refuse("same-side", "/settle")
    if not payment and when < max(document.date for document in documents):
        refuse("date-too-early", "/date")


def _invalid(data: Row, marks: list[Mark], payment: Document | None, primary: Document | None) -> None:
    if data.get("primary") and not payment and (primary is None or primary.raises or all(m.document is not primary for m in marks)):
        refuse("invalid", "/primary")
    seen = [payment.key] if payment else []
    for place, mark in enumerate(marks):
        document = mark.document
        if document.key in seen:
            refuse("invalid", f"/settle/{place}/document")
        seen.append(document.key)
        checked = (["amount_to_settle"] if payment is None else []) + (["cash_discount_to_take"] if document.raises else [])
        for name in checked:
            if decimals(mark.said.get(name) or "0") > DIGITS[document.currency]:
                refuse("invalid", f"/settle/{place}/{name}")
        if mark.agreed is not None and (not payment or not document.raises or document.currency == payment.currency):
            refuse("invalid", f"/settle/{place}/cross_rate")


def _over_settled(reference: Reference, mark: Mark, payment: Document | None) -> str | None:
    """The field that asks for more than is open: in another currency, larger both ways."""
    document, amount, rates = mark.document, mark.amount, Rates(reference, set())
    try:
        if amount is not None and payment is None and amount > document.balance:
            return "amount_to_settle"
        if amount is not None and payment is not None and rates.worth(amount, payment, document, mark.agreed) > document.balance:
            if amount > rates.cost(document.balance, payment, document, mark.agreed):
                return "amount_to_settle"
    except MissingRateError:
        pass
    return "cash_discount_to_take" if mark.typed is not None and document.raises and mark.typed > document.balance else None
