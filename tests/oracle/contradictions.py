"""What contradicts in a document and in the marks of a run: the first code of the table, documents in the order of the marks.

Invariant: nothing is changed here, and no rate is waited for.
"""

from collections.abc import Callable

from tests.oracle.contract import decimals
from tests.oracle.currencies import DIGITS
from tests.oracle.documents import Document, Mark
from tests.oracle.reference import Key, Reference, Row, number
from tests.oracle.run import Run
from tests.oracle.waiting import WaitError, refuse


def contradicts_document(reference: Reference, data: Row, *, taken: bool) -> None:
    """RefusedError if the event's document cannot be posted; `taken`: its number is."""
    own = data["company"] in reference.companies and data["currency"] == reference.currency(data["company"])
    if own and number(data.get("exchange_rate")) not in {None, 1}:
        refuse("invalid", "/exchange_rate", "event")
    if taken:
        refuse("document-exists", "/document", "event")
    if data.get("lines") and sum(number(line["amount"]) or 0 for line in data["lines"]) != number(data["amount"]):
        refuse("amounts-disagree", "/lines", "event")


def contradictions(run: Run, said_primary: Row | None, reserved: Callable[[Key], bool]) -> None:
    """RefusedError if anything contradicts."""
    payment, marks, reference = run.payer, run.marks, run.reference
    _invalid(run, said_primary)
    places = [("", payment)] if payment else []
    places += [(f"/settle/{place}", mark.document) for place, mark in enumerate(marks)]
    documents, members = [document for _, document in places], reference.get("centralized-payments-members.defined").get("members")
    across = members is not None and len({document.company for document in documents}) > 1
    parties = {document.key: reference.party(document.ledger, document.company, document.account) for document in documents}
    party = parties[documents[0].key]
    wrong: list[tuple[str, str, Callable[[Document], bool]]] = [
        ("not-a-member", "company", lambda document: across and document.company not in (members or [])),
        ("other-party", "document", lambda document: parties[document.key] != party),
        ("marked-elsewhere", "document", lambda document: reserved(document.key)),
        ("document-closed", "document", lambda document: not document.balance),
    ]
    for code, name, holds in wrong:
        for at in (at for at, document in places if holds(document)):
            refuse(code, f"{at}/{name}")
    for place, mark in enumerate(marks):
        over = _over_settled(run, mark)
        if over:
            refuse("over-settled", f"/settle/{place}/{over}")
    if len({document.raises for document in documents}) == 1:
        refuse("same-side", "/settle")
    if not payment and run.when < max(document.date for document in documents):
        refuse("date-too-early", "/date")


def _invalid(run: Run, said_primary: Row | None) -> None:
    marks, payment, primary = run.marks, run.payer, run.primary
    marked = primary is not None and any(mark.document is primary for mark in marks)
    if said_primary and not payment and (primary is None or primary.raises or not marked):
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


def _over_settled(run: Run, mark: Mark) -> str | None:
    """The field that asks for more than is open: in another currency, larger both ways."""
    document, amount, payment, rates = mark.document, mark.amount, run.payer, run.rates
    try:
        if amount is not None and payment is None and amount > document.balance:
            return "amount_to_settle"
        if amount is not None and payment is not None:
            too_much = rates.worth(amount, payment, document, mark.agreed) > document.balance
            if too_much and amount > rates.cost(document.balance, payment, document, mark.agreed):
                return "amount_to_settle"
    except WaitError:
        pass
    return "cash_discount_to_take" if mark.typed is not None and document.raises and mark.typed > document.balance else None
