"""What contradicts in a wish for settlement, in the order of the table of refusals (events.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.settlement.rules.books import Books
from services.settlement.rules.run.conversion import cost, worth
from services.settlement.rules.values import Document, DocumentKey
from shared.events.inbound import DocumentRef, Mark
from shared.events.values import Ledger
from shared.money import fits, minor_digits


@dataclass(slots=True)
class Wish:
    """A wish for settlement: its marks with their documents; `payment` where they are a payment's own.

    `documents` are those of the marks, in their order. `sequence` is its place in the order of arrival.
    """

    ledger: Ledger
    marks: list[Mark]
    documents: list[Document]
    payment: Document | None
    primary: DocumentRef | None
    date: date | None
    sequence: int

    @property
    def all_documents(self) -> list[Document]:
        """The payment first, then the marked documents."""
        return [*([self.payment] if self.payment is not None else []), *self.documents]


@dataclass(slots=True)
class Refusal:
    """Why a wish is refused."""

    code: str
    field: str
    message: str


def first_refusal(books: Books, wish: Wish) -> Refusal | None:
    """The first code of the table that applies, documents in the order of the marks; None: nothing contradicts."""
    for check in _CHECKS:
        for refusal in check(books, wish):
            return refusal
    return None


def _at(place: int, name: str = "") -> str:
    return f"/settle/{place}" + (f"/{name}" if name else "")


def _invalid(_books: Books, wish: Wish) -> Iterator[Refusal]:
    seen: set[DocumentKey] = set() if wish.payment is None else {wish.payment.key}
    for place, (mark, document) in enumerate(zip(wish.marks, wish.documents, strict=True)):
        if document.key in seen:
            by = "by itself" if wish.payment is not None and document.key == wish.payment.key else "twice"
            yield Refusal("invalid", _at(place, "document"), f"{document.company} {document.document} is marked {by}: mark it once")
        seen.add(document.key)
        for name in ("amount_to_settle", "cash_discount_to_take"):
            amount: Decimal | None = getattr(mark, name)
            own = name == "cash_discount_to_take" or wish.payment is None
            if own and amount is not None and not fits(amount, document.currency):
                digits = minor_digits(document.currency)
                yield Refusal("invalid", _at(place, name), f"{amount} has more digits than {document.currency} has: at most {digits}")
    if wish.primary is not None and wish.payment is None:
        yield from _primary(wish, wish.primary)


def _primary(wish: Wish, primary: DocumentRef) -> Iterator[Refusal]:
    found = [entry for entry in wish.documents if (entry.company, entry.document) == (primary.company, primary.document)]
    if not found:
        yield Refusal("invalid", "/primary", f"the primary {primary.company} {primary.document} is not among the marks")
    elif not found[0].lowers:
        yield Refusal(
            "invalid",
            "/primary",
            f"{primary.company} {primary.document} is of the kind {found[0].kind}: a payment or credit note is needed",
        )


def _members(books: Books, wish: Wish) -> Iterator[Refusal]:
    members = books.reference.members
    companies = {document.company for document in wish.all_documents}
    if members is None or len(companies) == 1:
        return
    for place, document in enumerate(wish.documents):
        if document.company not in members:
            yield Refusal("not-a-member", _at(place, "company"), f"{document.company} is not among the members of centralized payments")
    if wish.payment is not None and wish.payment.company not in members:
        yield Refusal("not-a-member", "/company", f"{wish.payment.company} is not among the members of centralized payments")


def _party(_books: Books, wish: Wish) -> Iterator[Refusal]:
    party = wish.all_documents[0].party
    for place, document in enumerate(wish.documents):
        if document.party != party:
            name = f"{document.company} {document.document}"
            yield Refusal("other-party", _at(place, "document"), f"{name} is of party {document.party}, the others of {party}")


def _elsewhere(books: Books, wish: Wish) -> Iterator[Refusal]:
    for place, document in enumerate(wish.documents):
        for journal in books.journals.find("reserves", document.key):
            if journal.sequence < wish.sequence:
                name = f"{document.company} {document.document}"
                where = f"{journal.document} of journal {journal.journal} in {journal.company}"
                yield Refusal("marked-elsewhere", _at(place, "document"), f"{name} is reserved by the sales payment journal {where}")


def _closed(_books: Books, wish: Wish) -> Iterator[Refusal]:
    if wish.payment is not None and not wish.payment.open:
        yield Refusal("document-closed", "/document", f"{wish.payment.company} {wish.payment.document} has nothing left open")
    for place, document in enumerate(wish.documents):
        if not document.open:
            yield Refusal("document-closed", _at(place, "document"), f"{document.company} {document.document} has nothing left open")


def _over_settled(books: Books, wish: Wish) -> Iterator[Refusal]:
    for place, (mark, document) in enumerate(zip(wish.marks, wish.documents, strict=True)):
        open_ = f"{document.company} {document.document} has {document.open} {document.currency} open"
        if mark.amount_to_settle is not None and _more_than_open(books, wish, document, mark.amount_to_settle):
            yield Refusal("over-settled", _at(place, "amount_to_settle"), f"{mark.amount_to_settle} is more than that: {open_}")
        if mark.cash_discount_to_take is not None and mark.cash_discount_to_take > document.open and not document.lowers:
            yield Refusal("over-settled", _at(place, "cash_discount_to_take"), f"{mark.cash_discount_to_take} is more than that: {open_}")


def _more_than_open(books: Books, wish: Wish, document: Document, amount: Decimal) -> bool:
    """In another currency than the document's: only what is more both in the payment's and in the document's."""
    if wish.payment is None or wish.payment.currency == document.currency:
        return amount > document.open
    if amount <= cost(books.reference, wish.payment, document, document.open):
        return False
    return worth(books.reference, wish.payment, document, amount) > document.open


def _same_side(_books: Books, wish: Wish) -> Iterator[Refusal]:
    if len({document.lowers for document in wish.all_documents}) == 1:
        side = "lower" if wish.documents[0].lowers else "raise"
        yield Refusal("same-side", "/settle", f"all documents {side} the balance: there is nothing to settle with")


def _too_early(_books: Books, wish: Wish) -> Iterator[Refusal]:
    latest = max(wish.all_documents, key=lambda document: document.date)
    if wish.date is not None and wish.payment is None and wish.date < latest.date:
        name = f"{latest.company} {latest.document}"
        yield Refusal("date-too-early", "/date", f"{wish.date} is before {name} of {latest.date}: {latest.date} or later is needed")


_CHECKS = (_invalid, _members, _party, _elsewhere, _closed, _over_settled, _same_side, _too_early)
