"""The one JSON form of everything that is shown: vouchers, open documents, settlements, journals, refusals, what waits, balances.

The form is that of scenarios.md ("The commands"); how amounts, vouchers, documents, records and journals are spelled is shared.rows,
which inquiry has too.

Invariant: the same books give the same rows in the same order, whether they were folded in memory (`simulate`), loaded whole
(`run`) or asked of inquiry (`vouchers`, `open` …); amounts are decimal strings in the minor digits of their currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.lookalikes import Lookalikes, awaited
from services.settlement.rules.values import DocumentKey
from shared import rows as spelled
from shared.events.envelope import EventRef
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT
from shared.events.told_of import told_of
from shared.money import fits
from shared.rows import SETTLEMENT_AMOUNTS, Row, money, voucher_row
from shared.waiting import rank

if TYPE_CHECKING:
    from services.payment.rules.books import Books as PaymentBooks
    from services.payment.rules.values import SalesPayment
    from services.posting.rules.books import Books as PostingBooks
    from services.settlement.rules.books import Books as SettlementBooks
    from services.settlement.rules.values import Document, RecordInForce
    from shared.events.vouchers import Rejection

__all__ = ["SETTLEMENT_AMOUNTS", "Row", "money", "voucher_row"]

MOST_LINES_SHOWN: Final = 10_000
"""Lines of vouchers in a table, which needs all of them to be drawn; those of the first voucher at least."""
_KINDS: Final = (*DOCUMENT_KINDS, SETTLEMENT)


class BooksOfAll(NamedTuple):
    """The complete books of the three services."""

    payment: PaymentBooks
    settlement: SettlementBooks
    posting: PostingBooks


@dataclass(frozen=True, slots=True)
class Result:
    """What came out; `companies` are the companies' names by code, for the tables."""

    id: str
    vouchers: list[Row]
    open: list[Row]
    settlements: list[Row]
    journals: list[Row]
    rejected: list[Row]
    waiting: list[Row]
    companies: dict[str, str] = field(default_factory=dict)

    def as_json(self, differences: Iterable[Row]) -> Row:
        """The object that `--json` prints."""
        parts = ("id", "vouchers", "open", "settlements", "journals", "rejected", "waiting")
        return {**{part: getattr(self, part) for part in parts}, "differences": list(differences)}


def collect(id_: str, books: BooksOfAll, rejections: Iterable[Rejection], arrived: Iterable[EventRef]) -> Result:
    """The result of a scenario; `arrived`: its events in their order, by which what was refused or waits is listed."""
    order = arrival_order(arrived)
    companies = books.settlement.reference.companies
    return Result(
        id=id_,
        vouchers=voucher_rows(books.posting),
        open=open_rows(books.settlement),
        settlements=settlement_rows(books.settlement),
        journals=journal_rows(books.payment, books.settlement),
        rejected=rejected_rows(rejections, order),
        waiting=waiting_rows(books.payment, books.settlement, order),
        companies={code: company.name or code for code, company in companies.items()},
    )


def arrival_order(arrived: Iterable[EventRef]) -> dict[EventRef, int]:
    """The place of each event in the order in which they arrived first."""
    order: dict[EventRef, int] = {}
    for ref in arrived:
        order.setdefault(ref, len(order))
    return order


# Vouchers


def voucher_rows(books: PostingBooks) -> list[Row]:
    """All vouchers, in the order of `voucher_order`."""
    rows = [voucher_row(voucher) for voucher in books.vouchers]
    return sorted(rows, key=voucher_order)


def voucher_order(row: Row) -> tuple[Any, ...]:
    """Sorts vouchers by company, date, kind (documents, payments, settlements, reversals) and number."""
    kind = _KINDS.index(row["kind"]) if row["kind"] in _KINDS else len(_KINDS)
    series, _, number = row["voucher"].rpartition("-")
    return (row["company"], row["date"], kind, series, int(number))


# Documents and settlements


def open_rows(books: SettlementBooks) -> list[Row]:
    """Every document with what is open of it, debit positive, by company, ledger and document."""
    return [document_row(document) for document in sorted(books.documents, key=lambda each: (each.company, each.ledger, each.document))]


def document_row(document: Document) -> Row:
    """A document with what is open of it, debit positive."""
    return spelled.document_row(document.ledger, (document.company, document.document), document.currency, document.balance)


def settlement_rows(books: SettlementBooks) -> list[Row]:
    """The settlement records in force."""
    in_force = [record for record in books.records if not record.is_reversed]
    rows = [settlement_row(record, _posted(books, record.lowering), _posted(books, record.raising)) for record in in_force]
    return sorted(rows, key=lambda row: tuple(str(value) for value in row.values()))


def settlement_row(record: RecordInForce, lowering: Document, raising: Document) -> Row:
    """A settlement record; `lowering` and `raising` are its documents, whose currencies its amounts are in."""
    debit, credit = record.debit_and_credit
    sides = (debit.company, debit.document), (credit.company, credit.document)
    own_discount = raising if record.enlarges else lowering
    amounts = {
        "amount": (record.amount, lowering.currency),
        "cash_discount": (record.cash_discount, raising.currency),
        "credit_note_discount": (record.credit_note_discount, own_discount.currency),
        "overpayment": (record.overpayment, lowering.currency),
        "underpayment": (record.underpayment, raising.currency),
        "penny_difference": _penny_difference(record, lowering, raising),
        "realized_gain": (record.realized_gain, raising.accounting_currency),
    }
    return spelled.settlement_row(record.run.id, record.ledger, record.date, sides, amounts)


def _posted(books: SettlementBooks, key: DocumentKey) -> Document:
    document = books.documents.get(key)
    if document is None:
        msg = f"the settlement books have a record of {key.company} {key.document} ({key.ledger}) but not the document"
        raise LookupError(msg)
    return document


def _penny_difference(record: RecordInForce, lowering: Document, raising: Document) -> tuple[Decimal, str]:
    """In the currency of the document that had it: with more digits than L's currency has it is R's."""
    difference = abs(record.penny_difference)
    return difference, lowering.currency if fits(difference, lowering.currency) else raising.currency


# Sales payment journals


def journal_rows(payment: PaymentBooks, settlement: SettlementBooks) -> list[Row]:
    """The sales payment journals; one that is not in the seller's books yet (its document waits) is only created."""
    rows = [
        journal_row(journal, booked=settlement.documents.get(DocumentKey("receivable", *journal.key)) is not None)
        for journal in payment.journals
    ]
    return sorted(rows, key=lambda row: (row["company"], row["document"]))


def journal_row(journal: SalesPayment, *, booked: bool) -> Row:
    """A sales payment journal; `booked`: its document is in the seller's books."""
    data = journal.data
    status = "created" if journal.status == "posted" and not booked else journal.status
    return spelled.journal_row(
        (data.company, data.document), data.journal, status, data.date, (data.amount, data.currency), data.mirrors, data.reference
    )


# What was refused, what waits


def rejected_rows(
    rejections: Iterable[Rejection], order: Mapping[EventRef, int], more: Callable[[Rejection], Row] | None = None
) -> list[Row]:
    """What was refused, in the order of arrival of the refused events; one that came without an id has none. `more`: what else is said."""
    rows = [
        (order.get(EventRef(each.source, each.event), len(order)), {**_rejected(each), **(more(each) if more is not None else {})})
        for each in rejections
    ]
    return [row for _, row in sorted(rows, key=lambda entry: (entry[0], *map(str, entry[1].values())))]


def _rejected(rejection: Rejection) -> Row:
    row = rejection_row(rejection)
    return row if rejection.original.get("id") else {**row, "event": ""}


def rejection_row(rejection: Rejection) -> Row:
    """A refusal. `event` of one that came without an id is where it came."""
    return {name: getattr(rejection, name) for name in ("event", "scope", "code", "field", "message")}


def told_of_row(rejection: Rejection) -> Row:
    """Of whose books a refusal's message tells; null: that cannot be told."""
    companies = told_of(rejection.scope, rejection.code, rejection.field, rejection.original)
    return {"told_of": None if companies is None else sorted(companies)}


def waiting_row(event: EventRef, reason: str, key: Mapping[str, str], reads_like: Iterable[str] = ()) -> Row:
    """Something that waits: the event that caused it, for what, what is missing, and documents that are there and read like it."""
    row = {"event": event.id, "for": reason, "key": dict(key)}
    return {**row, "reads_like": list(reads_like)} if reads_like else row


def waiting_rows(payment: PaymentBooks, settlement: SettlementBooks, order: Mapping[EventRef, int]) -> list[Row]:
    """What waits: each event once, with the first thing in the table's order (events.md) that it waits for."""
    waits = [(each.event, each.reason, each.key, True) for each in payment.list_waiting()]
    in_order = sorted(settlement.waiting, key=lambda each: each.sequence)
    waits += [(each.event, each.need.reason, each.need.key, each.stage == "document") for each in in_order]
    alike = (
        Lookalikes(document.key for document in settlement.documents) if any(wait[1] == "document" for wait in waits) else Lookalikes([])
    )
    first: dict[EventRef, Row] = {}
    for event, reason, key, _ in sorted(waits, key=lambda wait: rank(wait[1], of_document=wait[3])):
        first.setdefault(event, waiting_row(event, reason, key, alike.of(awaited(reason, key))))
    return [row for event, row in sorted(first.items(), key=lambda entry: (order.get(entry[0], len(order)), entry[0]))]
