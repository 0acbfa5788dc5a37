"""The books of the group: events arrive one after the other, have their effects, and what waited goes on.

Invariant: what is posted is never changed; a reversal mirrors it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.oracle.contract import POSTED, REQUESTS, canonical, check, seen_as
from tests.oracle.contradictions import contradictions
from tests.oracle.documents import Document, Line, new_document
from tests.oracle.money import ZERO, number
from tests.oracle.parts import Mark, Wanted
from tests.oracle.records import Posted, post
from tests.oracle.reference import TYPES, Key, Reference, Row, day
from tests.oracle.run import Run
from tests.oracle.sales import Journal, journals_of
from tests.oracle.waiting import RefusedError, WaitError, Waiting, Wish, refuse, wait_while


class World(Waiting):
    """Takes in the events of a scenario. Reversals are in `reversals`."""

    def __init__(self) -> None:
        super().__init__()
        self.reference = Reference()
        self.documents: dict[Key, Document] = {}
        self.taken: dict[str, tuple[str, Row]] = {}  # event id -> type and what it said
        self.records: list[Posted] = []  # in force
        self.ever: set[Any] = set()  # every run that ever was (ledger, id), every document that ever had a record
        self.left_out: set[Key] = set()  # what automatic settlement leaves out
        self.journals: list[Journal] = []
        self.numbers: dict[str, int] = defaultdict(int)
        self.vouchers: list[Row] = []

    # Arrival

    def receive(self, event: Row) -> None:
        """One event with all its effects, and then what waited for it."""
        data = seen_as(event)
        id_, name = str(data.pop("id", "")), str(data.pop("type", ""))
        try:
            self._take(id_, name, data)
        except RefusedError as refusal:
            self.reject(id_, refusal)
        self.release()

    def _take(self, id_: str, name: str, data: Row) -> None:
        if not id_ or not name:
            refuse("malformed", None, "event")
        same = (name, canonical(name, data))
        if id_ in self.taken:
            return None if self.taken[id_] == same else refuse("conflicting-duplicate", None, "event")
        if name not in {*POSTED, *REQUESTS, *TYPES, "reference.withdrawn"}:
            refuse("unknown-type", None, "event")
        check(name, data, self.reference)
        self.taken[id_] = same
        if name in POSTED:
            key = (POSTED[name], data["company"], data["document"])
            self.start(self.wish("document", id_, lambda wish: self._post(wish, name, data), document=key))
        elif name in REQUESTS:
            self.start(self.request(id_, name, data))
        elif name in TYPES:
            self.reference.define(name, data)
            self.came(name, data)
        else:
            self.reference.withdraw(data["event"], data)
            for wish in self.waiting:  # it is judged without what was withdrawn
                wish.ready = True
        return None

    def request(self, id_: str, name: str, data: Row) -> Wish:
        """The wish of a settlement request or an approval."""
        if name == "settlement.requested":
            keys = [(data["ledger"], mark["company"], mark["document"]) for mark in data["settle"]]
            return self.wish("run", id_, lambda wish: self._run(wish, data, None), keys, request=True)
        keys = [("receivable", data["company"], data["document"])]
        return self.wish("approval", id_, lambda wish: self._approve(wish, data), keys, request=True)

    def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """A request's id stays free; a payment whose marks are refused is left out of automatic settlement."""
        if wish.request or refusal.scope == "event":
            self.taken.pop(wish.event, None)
        elif wish.kind == "run" and wish.document:
            self.left_out.add(wish.document)

    # Documents

    def _post(self, wish: Wish, name: str, data: Row) -> None:
        reference, ledger, company, when = self.reference, POSTED[name], data["company"], day(data["date"])
        said = number(data.get("exchange_rate"))
        if company in reference.companies and said not in {None, 1} and data["currency"] == reference.currency(company):
            refuse("invalid", "/exchange_rate", "event")
        if wish.document in self.documents:
            refuse("document-exists", "/document", "event")
        if data.get("lines") and sum(number(line["amount"]) or 0 for line in data["lines"]) != number(data["amount"]):
            refuse("amounts-disagree", "/lines", "event")
        wait_while(lambda: company not in reference.companies, "company")
        wait_while(lambda: reference.party(ledger, company, data["account"]) is None, "account")
        pair = {data["currency"], reference.currency(company)}
        wait_while(lambda: (said or reference.rate(company, data["currency"], when)) is None, "exchange-rate", of=pair)
        self.wait_for_period([company], [when])
        document = new_document(reference, name, data, said or reference.rate(company, data["currency"], when) or ZERO)
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

    def voucher(self, company: str, kind: str, when: date, document: Document, lines: list[Line]) -> None:
        """A voucher; no lines, no voucher."""
        if lines:
            head = {"company": company, "ledger": document.ledger, "kind": kind, "date": when.isoformat(), "document": document.number}
            rows = [line.row(self.reference.currency(company)) for line in lines]
            self.vouchers.append({**head, "reference": document.said.get("reference"), "lines": rows})

    # Runs

    def _marks(self, payment: Document, event: str, journal: Journal | None = None) -> None:
        """The run of a payment's marks; a sales payment's counts from its journal's creation."""
        keys = [payment.key, *((payment.ledger, mark["company"], mark["document"]) for mark in payment.said["settle"])]
        wish = self.wish("run", event, lambda wish: self._run(wish, payment.said, payment), keys, document=payment.key, journal=journal)
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
        run = Run(self.reference, self.documents, wanted)
        self._rehearse(run)
        self._wait_for_settings(run)
        self.drop(wish)
        held = {document.key for document in run.held_marks()}
        self.left_out = self.left_out - {mark.document.key for mark in marks} | held | ({payment.key} if held and payment else set())
        run_id = f"sales/{wish.document}" if wish.journal else wish.event
        self.book(run, run_id, wish.event, [mark.document for mark in marks])
        for mark in sorted(marks, key=lambda mark: mark.document is not payment):
            self._automatic(mark.document, run_id, when)

    def _wait_for_documents(self, wish: Wish, keys: list[Key]) -> None:
        """Documents, reservations, parties."""
        for key in keys:
            wait_while(self._lacks, "document", key)
        wait_while(self.earlier_runs, "reservation", wish, wish.documents)
        parties = [(key[0], key[1], self.documents[key].account) for key in wish.documents]
        wait_while(lambda: any(self.reference.party(*each) is None for each in parties), "account")

    def _lacks(self, key: Key) -> bool:
        """Whether a document is not there, or the one that it credits."""
        return key not in self.documents or self._lacks_credited(self.documents[key])

    def earlier_runs(self, wish: Wish, keys: Iterable[Key]) -> bool:
        """Whether an earlier run over one of the documents waits."""
        return any(each.kind == "run" and each.order < wish.order and {*each.documents} & {*keys} for each in self.waiting)

    def _lacks_credited(self, document: Document) -> bool:
        """Whether a run would wait for the document that a credit note credits (C16)."""
        key = (document.ledger, document.company, document.said.get("credits"))
        on = self.reference.parameter(document.company, document.ledger, "cash_discounts_for_credit_notes")
        return bool(key[2] and document.kind == "credit_note" and on and key not in self.documents)

    def _rehearse(self, run: Run) -> None:
        """Books the run and takes it back: all its figures can be had."""
        done: list[Posted] = []
        try:
            if run.missing:
                raise run.missing
            done.extend(post(run, record, "") for record in run.records)
        except WaitError:
            self._wait_for_accounting(run.pairs)
            raise
        finally:
            for posted in reversed(done):
                posted.apply(-1)

    def _wait_for_accounting(self, pairs: Iterable[tuple[str, str]]) -> None:
        for pair in {*pairs} | {(partner, company) for company, partner in pairs}:
            wait_while(self.reference.lacks_accounting, "intercompany-accounting", *pair)

    def _wait_for_settings(self, run: Run) -> None:
        """Intercompany accounting, profiles, methods, periods, of the companies of the run's pairs."""
        documents = [document for record in run.records for document in (record.lowering, record.other)]
        companies = {document.company for document in documents}
        self._wait_for_accounting([(record.lowering.company, record.other.company) for record in run.records])
        for what, name, event in (
            ("posting-profile", "posting_profile", "posting-profile.defined"),
            ("method-of-payment", "method_of_payment", "methods-of-payment.defined"),
        ):
            said = {document.said[name] for document in documents if document.kind == "payment" and document.said.get(name)}
            for each in [(event, company, id_) for company in companies for id_ in said] if len(companies) > 1 else []:
                wait_while(self.reference.lacks_id, what, *each)
        self.wait_for_period(companies, {record.date for record in run.records})

    def wait_for_period(self, companies: Iterable[str], dates: Iterable[date]) -> None:
        """Any of the dates in a closed period of any of the companies holds all of it back."""
        wait_while(lambda: any(self.reference.closed(company, when) for company in companies for when in dates), "period", of=companies)

    def book(self, run: Run, run_id: str, event: str, order: list[Document]) -> None:
        """Posts the records and makes the sales payment journals that they cause."""
        for record in run.records:
            posted = post(run, record, run_id)
            self.records.append(posted)
            self.ever |= {(record.lowering.ledger, run_id), record.lowering.key, record.other.key}
            for company, lines in posted.lines.items():
                self.voucher(company, "settlement", record.date, record.lowering, lines)
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
        if not on or not document.balance:
            return
        alike = [each for each in self.documents.values() if each.key[:2] == document.key[:2] and each.account == document.account]
        marks = [Mark(each) for each in alike if each.currency == document.currency and each.balance and self._free(each)]
        if len({mark.document.raises for mark in marks}) < 2:
            return
        run = Run(self.reference, self.documents, Wanted(marks, when, automatic=True))
        if not any(self.reference.closed(document.company, record.date) for record in run.records):
            self.book(run, run_id, run_id, [record.other for record in run.records])

    def _free(self, document: Document) -> bool:
        waits = any(wish.kind == "run" and document.key in wish.documents for wish in self.waiting)
        return not (waits or self.reserved(document.key) or document.key in self.left_out or self._lacks_credited(document))

    # Sales payment journals

    def _make(self, wish: Wish) -> None:
        """Creates the journal, and posts it where that is automatic."""
        journal, reference = wish.journal, self.reference
        wait_while(lambda: journal.company not in reference.companies, "company")
        wait_while(lambda: journal.find(reference) is None, "trading-relation")
        at_once = bool(journal.find(reference).get("post_automatically"))
        wait_while(lambda: reference.party("receivable", journal.company, journal.account) is None, "account")
        if at_once:
            self._wait_for_seller(journal)
        wait_while(lambda: not reference.get("payment-journal.defined", journal.company, journal.journal), "payment-journal")
        if journal.key in self.documents:
            refuse("document-exists")
        self.drop(wish)
        self.journals.append(journal)
        if at_once:
            self._post_journal(journal, wish.event)

    def _wait_for_seller(self, journal: Journal) -> None:
        pair = {journal.payment.currency, self.reference.currency(journal.company)}
        wait_while(lambda: journal.rate(self.reference) is None, "exchange-rate", of=pair)
        self.wait_for_period([journal.company], [journal.payment.date])

    def _post_journal(self, journal: Journal, event: str) -> None:
        if journal.key in self.documents:
            refuse("document-exists")
        journal.status = "posted"
        rate = journal.rate(self.reference) or ZERO
        document = new_document(self.reference, "customer-payment.posted", journal.data(self.reference), rate)
        self.enter(document)
        self._marks(document, event, journal)

    def _approve(self, wish: Wish, data: Row) -> None:
        asked = (data["company"], data["journal"], data["document"])
        found = [each for each in self.journals if (each.company, each.journal, each.document) == asked]
        wait_while(lambda: not any((each.company, each.journal, each.document) == asked for each in self.journals), "document")
        if found[0].status != "created":
            refuse("not-created", "/document")
        self._wait_for_seller(found[0])
        self.drop(wish)
        self._post_journal(found[0], wish.event)

    def take_back(self, document: Document, kind: str, when: date) -> None:
        """Reverses a document that is not settled."""
        if not document.reversed:
            document.reversed, document.balance, document.accounting = True, ZERO, ZERO
            self.voucher(document.company, kind, when, document, [line.times(-1) for line in document.voucher])
            self.changed([document.key])
