"""What contradicts in an instruction to settle, in the order of the table of refusals (events.md).

Invariant: a check looks at an instruction whose documents are all there, and changes nothing; the first code that applies counts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from services.settlement.rules.books import Books
from services.settlement.rules.incoming import SettlementInstruction
from services.settlement.rules.run.conversion import Conversion, WaitForError
from services.settlement.rules.values import Document, DocumentKey
from shared.events.inbound import Mark
from shared.money import ZERO, fits, minor_digits
from shared.reference import Reference


class Refusal(NamedTuple):
    """Why an instruction is refused: the code, the JSON pointer of the field, and what is wrong."""

    code: str
    field: str
    message: str


def refusal_of(books: Books, instruction: SettlementInstruction) -> Refusal | None:
    """The first code of the table that applies, documents in the order of the marks; None if nothing contradicts."""
    for check in _CHECKS:
        found = check(books, instruction)
        if found is not None:
            return found
    return None


def _at(place: int, name: str) -> str:
    return f"/settle/{place}/{name}"


def _name(document: Document) -> str:
    return f"{document.company} {document.document}"


def _invalid(_books: Books, instruction: SettlementInstruction) -> Refusal | None:
    payment = instruction.own_document
    keys = instruction.keys
    marked_again = len(set(keys)) < len(keys)
    for place, (mark, document) in enumerate(zip(instruction.marks, instruction.documents, strict=True)):
        if marked_again and (first := keys.index(document.key)) < place + (payment is not None):
            by = "by itself" if payment is not None and not first else "twice"
            return Refusal("invalid", _at(place, "document"), f"{_name(document)} is marked {by}: mark it once")
        if mark.amount_to_settle is not None and payment is None and not fits(mark.amount_to_settle, document.currency):
            return _too_fine(place, "amount_to_settle", mark.amount_to_settle, document.currency)
        if mark.cash_discount_to_take is not None and not fits(mark.cash_discount_to_take, document.currency):
            return _too_fine(place, "cash_discount_to_take", mark.cash_discount_to_take, document.currency)
        if mark.cross_rate is not None and not _may_be_agreed(instruction, document):
            message = "a rate is agreed where a payment marks a document in another currency that raises the balance"
            return Refusal("invalid", _at(place, "cross_rate"), f"{mark.cross_rate}: {message}: leave it out")
    if instruction.primary is not None and payment is None:
        return _primary(instruction, instruction.primary)
    return None


def _too_fine(place: int, name: str, amount: Decimal, currency: str) -> Refusal:
    return Refusal("invalid", _at(place, name), f"{amount} has more digits than {currency} has: at most {minor_digits(currency)}")


def _may_be_agreed(instruction: SettlementInstruction, document: Document) -> bool:
    """Whether an agreed rate counts here (F-C14); a sales payment has that of the vendor payment, whether it counts or not."""
    payment = instruction.own_document
    return payment is not None and (instruction.is_mirror or (payment.currency != document.currency and not document.lowers))


def _primary(instruction: SettlementInstruction, primary: DocumentKey) -> Refusal | None:
    found = [entry for entry in instruction.documents if entry.key == primary]
    if not found:
        return Refusal("invalid", "/primary", f"the primary {primary.company} {primary.document} is not among the marks")
    if not found[0].lowers:
        return Refusal(
            "invalid",
            "/primary",
            f"{primary.company} {primary.document} is of the kind {found[0].kind}: a payment or credit note is needed",
        )
    return None


def is_member(reference: Reference, company: str) -> bool:
    """Whether a company may settle with others: it is a member of centralized payments, or nobody has said who is (F-A03)."""
    return reference.members is None or company in reference.members


def _members(books: Books, instruction: SettlementInstruction) -> Refusal | None:
    reference, payment = books.reference, instruction.own_document
    companies = {document.company for document in instruction.all_documents}
    if len(companies) == 1:
        return None
    for place, document in enumerate(instruction.documents):
        if not is_member(reference, document.company):
            return Refusal("not-a-member", _at(place, "company"), f"{document.company} is not among the members of centralized payments")
    if payment is not None and not is_member(reference, payment.company):
        return Refusal("not-a-member", "/company", f"{payment.company} is not among the members of centralized payments")
    return None


def _party(_books: Books, instruction: SettlementInstruction) -> Refusal | None:
    """By the accounts as they are now: after a merge the old documents of both parties settle together."""
    parties = instruction.parties
    if len(set(parties)) == 1:
        return None
    for place, (document, party) in enumerate(zip(instruction.documents, parties[-len(instruction.documents) :], strict=True)):
        if party != parties[0]:
            message = f"{_name(document)} is of party {party}, the others of {parties[0]}"
            return Refusal("other-party", _at(place, "document"), message)
    return None


def _elsewhere(books: Books, instruction: SettlementInstruction) -> Refusal | None:
    marked = instruction.keys[-len(instruction.documents) :]
    for place, (key, document) in enumerate(zip(marked, instruction.documents, strict=True)):
        for journal in books.journals.find("reserves", key):
            if journal.sequence < instruction.sequence:
                where = f"{journal.document} of journal {journal.journal} in {journal.company}"
                return Refusal(
                    "marked-elsewhere", _at(place, "document"), f"{_name(document)} is reserved by the sales payment journal {where}"
                )
    return None


def _closed(_books: Books, instruction: SettlementInstruction) -> Refusal | None:
    payment = instruction.own_document
    if payment is not None and not payment.open:
        return Refusal("document-closed", "/document", f"{_name(payment)} has nothing left open")
    for place, document in enumerate(instruction.documents):
        if not document.open:
            return Refusal("document-closed", _at(place, "document"), f"{_name(document)} has nothing left open")
    return None


def _over_settled(books: Books, instruction: SettlementInstruction) -> Refusal | None:
    for place, (mark, document) in enumerate(zip(instruction.marks, instruction.documents, strict=True)):
        if mark.amount_to_settle is not None and _more_than_open(books, instruction, document, mark):
            return _over(place, "amount_to_settle", mark.amount_to_settle, document)
        if mark.cash_discount_to_take is not None and mark.cash_discount_to_take > document.open and not document.lowers:
            return _over(place, "cash_discount_to_take", mark.cash_discount_to_take, document)
    return None


def _over(place: int, name: str, amount: Decimal, document: Document) -> Refusal:
    is_open = f"{_name(document)} has {document.open} {document.currency} open"
    return Refusal("over-settled", _at(place, name), f"{amount} is more than that: {is_open}")


def _more_than_open(books: Books, instruction: SettlementInstruction, document: Document, mark: Mark) -> bool:
    """In another currency than the document's: only what is more both in the payment's and in the document's.

    Where it cannot be said for want of a rate it does not contradict: a rate is waited for that a figure needs, and no other.
    """
    payment, amount = instruction.own_document, mark.amount_to_settle or ZERO
    if payment is None or payment.currency == document.currency:
        return amount > document.open
    conversion = Conversion(books.reference, payment, document, mark.cross_rate)
    try:
        return amount > conversion.cost(document.open) and conversion.worth(amount) > document.open
    except WaitForError:
        return False


def _same_side(_books: Books, instruction: SettlementInstruction) -> Refusal | None:
    if len({document.lowers for document in instruction.all_documents}) == 1:
        side = "lower" if instruction.documents[0].lowers else "raise"
        return Refusal("same-side", "/settle", f"all documents {side} the balance: there is nothing to settle with")
    return None


def _too_early(_books: Books, instruction: SettlementInstruction) -> Refusal | None:
    if instruction.date is None or instruction.own_document is not None:
        return None
    latest = max(instruction.all_documents, key=lambda document: document.date)
    if instruction.date < latest.date:
        return Refusal(
            "date-too-early", "/date", f"{instruction.date} is before {_name(latest)} of {latest.date}: {latest.date} or later is needed"
        )
    return None


_CHECKS = (_invalid, _members, _party, _elsewhere, _closed, _over_settled, _same_side, _too_early)
