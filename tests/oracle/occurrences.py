"""Which rules of docs/rules.md a random scenario reaches: what `make oracle` counts.

Invariant: a rule occurs where what it says decided something: a record, a document, a wait or a refusal of the scenario, or a
line that names it. Rules that no scenario can show are named in `NOT_IN_A_SCENARIO` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.oracle.arrival import Arrivals
from tests.oracle.documents import Document, Record
from tests.oracle.reference import Row
from tests.oracle.run import Run
from tests.oracle.scenario_form import opened, result
from tests.oracle.waiting import RefusedError, Wish
from tests.oracle.world import Books

NOT_IN_A_SCENARIO = {
    "F-A09": "an action on set-up data",
    "F-A10": "advice on which accounts to choose",
    "F-A14": "a list of names",
    "F-D13": "what a screen shows",
    "F-D16": "proposals are later",
}


@dataclass
class At:
    """Where a rule may have decided something: the books, and of a run or a document what is there."""

    books: Books
    run: Any = None
    record: Any = None
    document: Any = None


class Observed(Arrivals):
    """Books that note which rules are used on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.rules: set[str] = set()

    def book(self, run: Run, run_id: str, event: str, order: list[Document]) -> None:
        """A run that is posted."""
        self._note(_OF_RUN, At(self, run))
        for record in run.records:
            self._note(_OF_RECORD, At(self, run, record))
        super().book(run, run_id, event, order)

    def enter(self, document: Document) -> None:
        """A document that is posted."""
        self._note(_OF_DOCUMENT, At(self, document=document))
        super().enter(document)

    def start(self, wish: Wish) -> None:
        """A wish that is carried out, waits or is refused."""
        super().start(wish)
        if wish in self.waiting and wish.waits:
            self.rules |= _OF_WAIT.get(wish.waits.what, set())

    def reject(self, event: str, refusal: RefusedError) -> None:
        """A refusal."""
        self.rules |= _OF_REFUSAL.get(refusal.code, set())
        super().reject(event, refusal)

    def _note(self, table: dict[str, Callable[[At], Any]], at: At) -> None:
        self.rules |= {rules for rules, occurs in table.items() if rules not in self.rules and occurs(at)}


def occurred(scenario: Row) -> tuple[Row, set[str]]:
    """What the oracle makes of a scenario, and the rules that occurred."""
    books = Observed()
    opened(scenario.get("group") or {}, books)
    for event in scenario.get("events") or []:
        duplicates = books.taken.keys() & {str(event.get("id"))}
        books.receive(event)
        books.rules |= {"C50"} if duplicates else set()
    kinds = {voucher["kind"] for voucher in books.vouchers}
    books.rules |= {"F-F01", "C20", "C21", "F-F02"} if "settlement_reversal" in kinds else set()
    books.rules |= {"F-F03"} if kinds & {"document_reversal", "payment_reversal"} else set()
    books.rules |= {"F-G03"} if books.journals else set()
    books.rules |= {"C47"} if any(journal.status == "reversed" for journal in books.journals) else set()
    lines = {line.rule for voucher in books.vouchers for line in voucher["lines"] if line.rule}
    return result(books), {rule for rules in books.rules | lines for rule in rules.split()}


def _across(record: Record) -> bool:
    return record.lowering.company != record.other.company


def _own(books: Books, document: Document) -> str:
    return books.reference.currency(document.company)


def _currencies(books: Books, record: Record) -> set[str]:
    return {_own(books, record.lowering), _own(books, record.other)}


def _posts(books: Books, record: Record, option: str) -> str:
    lowering = record.lowering
    return books.reference.option(option, lowering.ledger, lowering.company, record.other.company)


def _by_payer(books: Books, record: Record) -> bool:
    return bool(record.discount) and _across(record) and _posts(books, record, "post_cash_discount") == "payment"


def _gains(books: Books, record: Record) -> bool:
    """Whether rates can make a gain: another rate on either side."""
    foreign = record.lowering.currency != _own(books, record.lowering) or record.other.currency != _own(books, record.other)
    return foreign and bool(record.applied)


def _gain_by_payer(books: Books, record: Record) -> bool:
    posts = _posts(books, record, "post_exchange_gain_or_loss") == "payment"
    return _gains(books, record) and _across(record) and posts and record.lowering.currency not in _currencies(books, record)


def _ledger_option(books: Books, record: Record) -> bool:
    return bool(books.reference.get("centralized-payments.defined", record.lowering.company).get(record.lowering.ledger))


def _closes(record: Record) -> bool:
    return record.applied + record.discount + record.under == record.other.balance


def _last_day(run: Run, record: Record) -> bool:
    return bool(record.discount and record.tier and record.tier.until == (run.discount_date or record.lowering.date))


_OF_RECORD: dict[str, Callable[[At], Any]] = {
    "F-A01 F-C06": lambda at: _across(at.record),
    "F-A04": lambda at: at.record.lowering.account != at.record.other.account,
    "F-A07": lambda at: at.record.lowering.currency != at.record.other.currency,
    "F-A08": lambda at: _across(at.record) and at.books.reference.defined["intercompany-accounting.defined"],
    "F-A11": lambda at: _across(at.record) and _ledger_option(at.books, at.record),
    "F-B01": lambda at: {at.record.lowering.kind, at.record.other.kind} != {"payment", "invoice"},
    "F-B03": lambda at: at.record.lowering.kind == "payment" and at.record.other.kind == "invoice",
    "F-B10 F-C18": lambda at: at.record.date > max(at.record.lowering.date, at.record.other.date),
    "F-B17": lambda at: at.record.mark and at.record.mark.full and at.record.discount,
    "F-C01": lambda at: _across(at.record) and not at.record.enlarges and at.record.lowering.ledger == "receivable",
    "F-C02": lambda at: _across(at.record) and not at.record.enlarges and at.record.lowering.ledger == "payable",
    "F-C03": lambda at: _across(at.record) and at.record.enlarges,
    "F-C04": lambda at: at.record.discount and not _by_payer(at.books, at.record),
    "F-C05": lambda at: _by_payer(at.books, at.record),
    "F-C07": lambda at: _gain_by_payer(at.books, at.record),
    "F-C08": lambda at: _gains(at.books, at.record) and not _gain_by_payer(at.books, at.record),
    "F-C09": lambda at: _gains(at.books, at.record) and at.record.discount,
    "F-C10": lambda at: _across(at.record) and at.record.lowering.kind == "credit_note",
    "F-C11": lambda at: _gain_by_payer(at.books, at.record) and len(_currencies(at.books, at.record)) > 1,
    "F-C12": lambda at: at.record.lowering.currency != at.record.other.currency and not _agreed(at.run, at.record),
    "F-C13": lambda at: at.record.lowering.currency != at.record.other.currency and _closes(at.record) and not _agreed(at.run, at.record),
    "F-C14": lambda at: _agreed(at.run, at.record),
    "F-C16": lambda at: _across(at.record) and (at.record.lowering.dimensions or at.record.other.dimensions),
    "F-C22 C44": lambda at: at.record.own_discount and _across(at.record),
    "F-D02": lambda at: at.record.discount and len(at.record.other.terms) > 1,
    "F-D03": lambda at: at.record.discount and ((at.record.tier and at.record.tier.account) or _account_said(at.record)),
    "F-D05": lambda at: at.record.discount and at.record.tier and _closes(at.record),
    "F-D06 F-D07": lambda at: at.record.discount and not _closes(at.record),
    "F-D08": lambda at: at.record.mark and at.record.mark.use != "normal",
    "F-D09": lambda at: at.record.discount and at.run.discount_date,
    "F-D10": lambda at: at.record.mark and at.record.mark.typed is not None,
    "F-D11 C15": lambda at: at.record.own_discount,
    "F-D12 C24": lambda at: at.record.discount and at.record.other.balance < at.record.other.amount,
    "F-D14 C23": lambda at: at.record.discount and at.record.other.taxes(),
    "F-D15 C1": lambda at: at.record.discount and at.run.parameter(at.record.other, "cash_discount_rate") == "payment_date",
    "F-D17": lambda at: at.record.discount and len({str(line.dimensions) for line in at.record.other.offsets}) > 1,
    "F-E01 C33": lambda at: at.record.penny,
    "F-E02 C7": lambda at: (at.record.over or at.record.under) and not at.record.penny,
    "F-E03": lambda at: at.record.over,
    "F-E04": lambda at: at.record.over and at.record.discount,
    "F-E06": lambda at: (at.record.over or at.record.under) and _across(at.record),
    "C9": lambda at: at.record.over or at.record.under,
    "C17": lambda at: _last_day(at.run, at.record),
    "C32": lambda at: len(_currencies(at.books, at.record)) > 1,
    "C35": lambda at: at.record.under and at.record.discount,
    "C37": lambda at: at.record.discount and at.record.tier and at.record.tier is not at.record.other.tier(at.record.date),
    "C16": lambda at: at.record.own_discount and (at.record.other if at.record.enlarges else at.record.lowering).said.get("credits"),
}


def _agreed(run: Run, record: Record) -> bool:
    return bool(record.mark and record.mark.agreed and record.lowering is run.payer)


def _account_said(record: Record) -> Any:
    return record.mark and record.mark.said.get("cash_discount_account")


def _stays_undiscounted(run: Run) -> bool:
    """C36: what a partial payment, or an unfinished run, does not give."""
    open_ones = [taker for taker in run.takers if taker.left and taker.records and taker.mark.typed is None]
    return any(
        run.share(taker.mark, taker.records[0].lowering.date)[0] and not any(record.discount for record in taker.records)
        for taker in open_ones
    )


def _policy(run: Run) -> bool:
    """C8: something is left over or lacks where the policy asks for a discount."""
    left = [giver for giver in run.givers if giver.left() and giver.records] + [
        taker for taker in run.takers if taker.left and taker.records
    ]
    return any(run.parameter(each.records[-1].lowering, "over_under_policy") != "classic" for each in left)


_OF_RUN: dict[str, Callable[[At], Any]] = {
    "F-A15": lambda at: len({mark.document.company for mark in at.run.marks}) > 2,
    "F-B02": lambda at: at.run.payer is None and not at.run.automatic,
    "F-B04 C26": lambda at: len(at.run.records) > 1 and at.run.primary is None,
    "F-B05": lambda at: any(len(mark.said) > 2 for mark in at.run.marks),
    "F-B07": lambda at: at.run.by_date,
    "F-B08 C28": lambda at: at.run.primary and at.run.records,
    "F-B09": lambda at: at.run.payer and at.run.primary is None and any(record.lowering is not at.run.payer for record in at.run.records),
    "F-B11 C45": lambda at: at.run.automatic and at.run.records,
    "F-B12 C13": lambda at: not at.run.by_date and len(at.run.takers) > 1,
    "F-B13": lambda at: at.run.automatic and at.run.parameter(at.run.marks[0].document, "settlement_priority"),
    "F-E05 C5 C11": lambda at: at.run.shrunk,
    "F-F04 F-G07 C40": lambda at: any(_across(record) for record in at.run.records),
    "C8": lambda at: _policy(at.run),
    "C10": lambda at: at.run.shrunk and any(_across(record) for record in at.run.records),
    "C22": lambda at: any(_reduced(at.run, record) for record in at.run.records),
    "C25": lambda at: at.run.payer,
    "C27": lambda at: any(record.enlarges for record in at.run.records),
    "C29": lambda at: at.run.payer and any(at.run.payer.company not in _companies(record) for record in at.run.records),
    "C36": lambda at: _stays_undiscounted(at.run),
}


def _reduced(run: Run, record: Record) -> bool:
    return bool(record.discount) and run.parameter(record.other, "tax_on_cash_discount") == "reduced"


def _companies(record: Record) -> set[str]:
    return {record.lowering.company, record.other.company}


_OF_DOCUMENT: dict[str, Callable[[At], Any]] = {
    "F-A02": lambda at: at.document.kind == "payment",
    "F-A16": lambda at: at.document.said.get("posting_profile"),
    "F-A18": lambda at: at.document.kind != "payment",
    "F-C15": lambda at: at.document.currency != _own(at.books, at.document),
    "F-C19": lambda at: at.document.taxes(),
    "F-D01": lambda at: at.document.terms,
    "F-E08": lambda at: any(line.rule == "F-E08" for line in at.document.voucher),
    "F-E09": lambda at: at.document.rate != 1,
    "F-E10": lambda at: at.books.reference.companies[at.document.company].get("accounts"),
}
_OF_WAIT = {
    "posting-profile": {"F-A05"},
    "method-of-payment": {"F-A06"},
    "reservation": {"F-B16"},
    "intercompany-accounting": {"F-A08"},
    "period": {"C41"},
}
_OF_REFUSAL = {
    "not-a-member": {"F-A03"},
    "other-party": {"F-A04"},
    "still-settled": {"F-F03"},
    "marked-elsewhere": {"F-B05"},
    "conflicting-duplicate": {"C50"},
}
