"""The books of the group: events arrive one after the other, have their effects, and what waited goes on.

Invariant: what is posted is never changed; a reversal mirrors it.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.contract import POSTED, REQUESTS, InvalidError, canonical, check
from tests.oracle.contradictions import contradictions
from tests.oracle.documents import Document, Key, Line, new_document
from tests.oracle.money import ZERO, number
from tests.oracle.parts import Mark, Wanted
from tests.oracle.rates import MissingRateError
from tests.oracle.records import Posted, post
from tests.oracle.reference import TYPES, Reference, Row, day, group_events
from tests.oracle.run import Run
from tests.oracle.sales import Journal, journals_of
from tests.oracle.waiting import RefusedError, Waiting, Wish, refuse, wait

_BRINGS = {  # which reference event brings what is waited for
    "company.defined": "company",
    "party.defined": "account",
    "exchange-rate.published": "exchange-rate",
    "period.opened": "period",
    "methods-of-payment.defined": "method-of-payment",
}


def seen_as(value: Any) -> Any:
    """Data as they are judged: nulls left out, texts trimmed, dates as texts."""
    if isinstance(value, dict):
        return {str(key): seen_as(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [seen_as(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value.strip() if isinstance(value, str) else value


class World(Waiting):
    """Takes in the events of a scenario. Reversals are in `reversals`."""

    def __init__(self, group: Row) -> None:
        super().__init__()
        self.reference = Reference()
        for name, data in group_events(group):
            self.reference.define(name, data)
        self.documents: dict[Key, Document] = {}
        self.taken: dict[str, tuple[str, Row]] = {}  # event id -> type and what it said
        self.records: list[Posted] = []  # in force
        self.ever: set[Any] = set()  # every run that ever was (ledger, id), every document that ever had a record
        self.left_out: set[Key] = set()  # what automatic settlement leaves out
        self.journals: list[Journal] = []
        self.numbers: dict[str, int] = defaultdict(int)
        self.vouchers: list[Row] = []
        self.trail: set[str] = set()

    # Arrival

    def receive(self, event: Row) -> None:
        """One event with all its effects, and then what waited for it."""
        data = seen_as(event)
        id_, name = str(data.pop("id", "")), str(data.pop("type", ""))
        try:
            self._take(id_, name, data)
        except RefusedError as refusal:
            self.reject(id_, refusal)
        except InvalidError as invalid:
            self.reject(id_, RefusedError("invalid", invalid.args[0], "event"))
        self.release()

    def _take(self, id_: str, name: str, data: Row) -> None:
        if not id_ or not name:
            refuse("malformed", None, "event")
        same = (name, canonical(name, data))
        if id_ in self.taken:
            self.trail.add("C50")
            return None if self.taken[id_] == same else refuse("conflicting-duplicate", None, "event")
        if name not in POSTED and name not in REQUESTS and name not in TYPES and name != "reference.withdrawn":
            refuse("unknown-type", None, "event")
        check(name, data, self.reference)
        self.taken[id_] = same
        self.happened("document", settlement=id_)
        if name in POSTED:
            key = (POSTED[name], data["company"], data["document"])
            self.start(self.wish("document", id_, lambda wish: self._post(wish, name, data), document=key))
        elif name in REQUESTS:
            self.start(self.request(id_, name, data))
        elif name in TYPES:
            self.reference.define(name, data)
            self.happened(_BRINGS.get(name, name.removesuffix(".defined")))
            if name == "company.defined":  # it says how old its rates may be
                self.happened("exchange-rate")
        else:
            self.reference.withdraw(data["event"], data)
            self.happened(_BRINGS.get(data["event"], data["event"].removesuffix(".defined")))
        return None

    def request(self, id_: str, name: str, data: Row) -> Wish:
        """The wish of a settlement request or an approval."""
        if name == "settlement.requested":
            keys = [(data["ledger"], mark["company"], mark["document"]) for mark in data["settle"]]
            return self.wish("run", id_, lambda wish: self._run(wish, data, None), keys, request=True)
        return self.wish(
            "approval", id_, lambda wish: self._approve(wish, data), [("receivable", data["company"], data["document"])], request=True
        )

    def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """A request's id stays free; a payment whose marks are refused is left out of automatic settlement."""
        if wish.request or refusal.scope == "event":
            self.taken.pop(wish.event, None)
        elif wish.kind == "run" and wish.document:
            self.left_out.add(wish.document)

    # Documents

    def _post(self, wish: Wish, name: str, data: Row) -> None:
        ledger, company, when, rate = POSTED[name], data["company"], day(data["date"]), number(data.get("exchange_rate"))
        known = company in self.reference.companies
        if known and rate not in {None, Fraction(1)} and data["currency"] == self.reference.currency(company):
            refuse("invalid", "/exchange_rate", "event")
        if wish.document in self.documents:
            refuse("document-exists", "/document", "event")
        if data.get("lines") and sum(number(line["amount"]) or 0 for line in data["lines"]) != number(data["amount"]):
            refuse("amounts-disagree", "/lines", "event")
        if not known:
            wait("company", company=company)
        if self.reference.party(ledger, company, data["account"]) is None:
            wait("account", company=company, account=data["account"])
        rate = rate or self.reference.rate(company, data["currency"], when) or wait("exchange-rate", company=company)
        if self.reference.closed(company, when):
            wait("period", company=company)
        document = new_document(self.reference, name, data, rate, wish.event)
        self.drop(wish)
        self.enter(document)
        if data.get("settle"):
            self._marks(document, wish.event)
        else:
            self._automatic(document, wish.event, when)

    def enter(self, document: Document) -> None:
        """Posts a document."""
        self.documents[document.key] = document
        self.voucher(document.company, document.kind, document.date, document, document.voucher)
        self.happened("document", document=document.key)

    def voucher(self, company: str, kind: str, when: date, document: Document, lines: list[Line]) -> None:
        """A voucher; no lines, no voucher."""
        if lines:
            own = self.reference.currency(company)
            head = {"company": company, "ledger": document.ledger, "kind": kind, "date": when.isoformat(), "document": document.number}
            self.vouchers.append({**head, "reference": document.said.get("reference"), "lines": [line.row(own) for line in lines]})
            self.trail |= {line.rule for line in lines if line.rule}

    # Runs

    def _marks(self, payment: Document, event: str, journal: Journal | None = None) -> None:
        """The run of a payment's marks; a sales payment's counts from its journal's creation."""
        keys = [payment.key, *((payment.ledger, mark["company"], mark["document"]) for mark in payment.said["settle"])]
        go: Callable[[Wish], None] = lambda wish: self._run(wish, payment.said, payment)  # noqa: E731
        wish = self.wish("run", event, go, keys, document=payment.key, journal=journal)
        wish.order = journal.order if journal else wish.order
        self.start(wish)

    def _run(self, wish: Wish, data: Row, payment: Document | None) -> None:
        ledger = payment.ledger if payment else data["ledger"]
        keys = [(ledger, said["company"], said["document"]) for said in data["settle"]]
        self._wait_for_documents(wish, keys)
        marks = [Mark(self.documents[key], said) for key, said in zip(keys, data["settle"], strict=True)]
        hub = data.get("primary")
        primary = payment if payment and hub else self.documents.get((ledger, hub["company"], hub["document"])) if hub else None
        when = payment.date if payment else day(data["date"]) if data.get("date") else max(mark.document.date for mark in marks)
        discount_date = day(data["cash_discount_date"]) if data.get("cash_discount_date") else None
        wanted = Wanted(marks, when, payment, primary, discount_date)
        contradictions(self.reference, wanted, hub, lambda key: self.reserved(key, wish.order))
        marks += [Mark(payment)] if payment else []
        run = Run(self.reference, self.documents, wanted, self.trail)
        self._rehearse(run)
        self._wait_for_settings(run)
        run_id = f"sales/{wish.document}" if wish.journal else wish.event
        self.drop(wish)
        held = {document.key for document in run.held_marks()}
        self.left_out = self.left_out - {mark.document.key for mark in marks} | held | ({payment.key} if held and payment else set())
        self._book(run, run_id, wish.event, [mark.document for mark in marks])
        for mark in sorted(marks, key=lambda mark: mark.document is not payment):
            self._automatic(mark.document, run_id, when)

    def _wait_for_documents(self, wish: Wish, keys: list[Key]) -> None:
        """Documents, reservations, parties."""
        for key in keys:
            missing = key if key not in self.documents else self._lacks_credited(self.documents[key])
            if missing:
                wait("document", document=missing)
        if any(each.kind == "run" and each.order < wish.order and set(each.documents) & set(wish.documents) for each in self.waiting):
            wait("reservation", documents=wish.documents)
        for key in wish.documents:
            if self.reference.party(key[0], key[1], self.documents[key].account) is None:
                wait("account", company=key[1], account=self.documents[key].account)

    def _lacks_credited(self, document: Document) -> Key | None:
        """The document that a credit note credits, while a run would wait for it (C16)."""
        key = (document.ledger, document.company, document.said.get("credits") or "")
        on = self.reference.parameter(document.company, document.ledger, "cash_discounts_for_credit_notes")
        return key if key[2] and document.kind == "credit_note" and on and key not in self.documents else None

    def _rehearse(self, run: Run) -> None:
        """Books the run and takes it back: all its figures can be had."""
        done: list[Posted] = []
        try:
            if run.missing:
                raise run.missing
            done.extend(post(run, record, "") for record in run.records)
        except MissingRateError as missing:
            for pair in run.pairs:
                self._wait_for_accounting(*pair)
            wait("exchange-rate", company=missing.args[0], currency=missing.args[1])
        finally:
            for posted in reversed(done):
                posted.apply(-1)

    def _wait_for_accounting(self, company: str, partner: str) -> None:
        for one, other in ((company, partner), (partner, company)):
            if one != other and self.reference.lacks_accounting(one, other):
                wait("intercompany-accounting", company=one, partner=other)

    def _wait_for_settings(self, run: Run) -> None:
        """Intercompany accounting, profiles, methods, periods, of the companies of the run's pairs."""
        documents = [document for record in run.records for document in (record.lowering, record.other)]
        companies = sorted({document.company for document in documents})
        for record in run.records:
            self._wait_for_accounting(record.lowering.company, record.other.company)
        for what, name, defined in (
            ("posting-profile", "posting_profile", self.reference.profiles),
            ("method-of-payment", "method_of_payment", self.reference.methods),
        ):
            said = [document.said.get(name) for document in documents if document.kind == "payment"]
            for company in companies if len(companies) > 1 else []:
                there = defined(company)
                if there is not None and any(each and each not in there for each in said):
                    wait(what, company=company)
        self._wait_for_period(companies, {record.date for record in run.records})

    def _wait_for_period(self, companies: list[str], dates: set[date]) -> None:
        if any(self.reference.closed(company, when) for company in companies for when in dates):
            self.trail.add("C41")
            wait("period", companies=companies)

    def _book(self, run: Run, run_id: str, event: str, order: list[Document]) -> None:
        """Posts the records and makes the sales payment journals that they cause."""
        for record in run.records:
            posted = post(run, record, run_id)
            self.records.append(posted)
            self.ever |= {(record.lowering.ledger, run_id), record.lowering.key, record.other.key}
            for company, lines in posted.lines.items():
                self.voucher(company, "settlement", record.date, record.lowering, lines)
        if run.records and run.records[0].lowering.ledger == "payable":
            for journal in journals_of(self.reference, run, run_id, order):
                name = f"{journal.payment.company}-{journal.payment.number}"
                self.numbers[name] += 1
                journal.place = self.numbers[name]
                wish = self.wish("journal", event, self._make, journal=journal)
                journal.order = wish.order
                self.start(wish)

    def reserved(self, key: Key, order: int | None = None) -> bool:
        """Whether a created journal, older than the order, reserves the document."""
        created = [journal for journal in self.journals if journal.status == "created" and key in journal.reserves()]
        return any(order is None or journal.order < order for journal in created)

    # Automatic settlement (step 8)

    def _automatic(self, document: Document, run_id: str, when: date) -> None:
        on = self.reference.parameter(document.company, document.ledger, "automatic_settlement")
        if not on or not document.balance or not self._free(document):
            return
        alike = [each for each in self.documents.values() if each.key[:2] == document.key[:2] and each.account == document.account]
        marks = [Mark(each) for each in alike if each.currency == document.currency and each.balance and self._free(each)]
        if len({mark.document.raises for mark in marks}) < 2:
            return
        self.trail |= {"F-B11", "C45"}
        run = Run(self.reference, self.documents, Wanted(marks, max(when, document.date), automatic=True), self.trail)
        if not any(self.reference.closed(document.company, record.date) for record in run.records):
            self._book(run, run_id, run_id, [record.other for record in run.records])

    def _free(self, document: Document) -> bool:
        key = document.key
        waits = any(wish.kind == "run" and key in wish.documents for wish in self.waiting)
        return not waits and not self.reserved(key) and key not in self.left_out and self._lacks_credited(document) is None

    # Sales payment journals

    def _make(self, wish: Wish) -> None:
        """Creates the journal, and posts it where that is automatic."""
        journal, reference = wish.journal, self.reference
        assert journal is not None
        if journal.company not in reference.companies:
            wait("company", company=journal.company)
        relation = journal.find(reference) or wait("trading-relation", company=journal.company)
        if reference.party("receivable", journal.company, journal.account) is None:
            wait("account", company=journal.company, account=journal.account)
        if relation.get("post_automatically"):
            self._seller_rate(journal)
        if not reference.get("payment-journal.defined", journal.company, journal.journal):
            wait("payment-journal", company=journal.company, journal=journal.journal)
        if journal.key in self.documents:
            refuse("document-exists")
        self.drop(wish)
        self.journals.append(journal)
        self.trail.add("F-G03")
        self.happened("document", document=journal.key)
        if relation.get("post_automatically"):
            self._post_journal(journal, wish.event)

    def _seller_rate(self, journal: Journal) -> Fraction:
        rate = journal.rate(self.reference) or wait("exchange-rate", company=journal.company, currency=journal.payment.currency)
        self._wait_for_period([journal.company], {journal.payment.date})
        return rate

    def _post_journal(self, journal: Journal, event: str) -> None:
        rate = self._seller_rate(journal)
        if journal.key in self.documents:
            refuse("document-exists")
        journal.status = "posted"
        document = new_document(self.reference, "customer-payment.posted", journal.data(self.reference), rate, event)
        self.enter(document)
        self._marks(document, event, journal)

    def _approve(self, wish: Wish, data: Row) -> None:
        asked = (data["company"], data["journal"], data["document"])
        found = [each for each in self.journals if (each.company, each.journal, each.document) == asked]
        if not found:
            wait("document", document=wish.documents[0])
        if found[0].status != "created":
            refuse("not-created", "/document")
        self._seller_rate(found[0])
        self.drop(wish)
        self._post_journal(found[0], wish.event)

    def take_back(self, document: Document, kind: str, when: date) -> None:
        """Reverses a document that is not settled."""
        if not document.reversed:
            document.reversed, document.balance, document.accounting = True, ZERO, ZERO
            self.voucher(document.company, kind, when, document, [line.times(-1) for line in document.voucher])
            self.changed([document.key])
