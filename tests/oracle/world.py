"""The books of the group: documents, runs, sales payment journals and reversals, each done, waiting or refused.

Invariant: what is posted is never changed; a reversal mirrors every record of its runs, in every company at once, or nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.oracle.contradictions import contradictions, contradicts_document
from tests.oracle.documents import POSTED, Document, Line, Mark, Record, new_document
from tests.oracle.records import post
from tests.oracle.reference import ZERO, Key, Reference, Row, day, number
from tests.oracle.run import Run
from tests.oracle.sales import Journal, journals_of
from tests.oracle.waiting import RefusedError, WaitError, Waiting, Wish, refuse, wait_while

SOURCE = "scenario"  # of a scenario's events


class Books(Waiting):
    """What is posted and settled; the arrival of events is in `arrival`."""

    def __init__(self) -> None:
        super().__init__()
        self.reference = Reference()
        self.documents: dict[Key, Document] = {}
        self.taken: dict[str, tuple[str, Row]] = {}  # event id -> type and what it said
        self.records: list[Record] = []  # in force
        self.ever: set[Any] = set()  # every run that ever was (ledger, id), every document that ever had a record
        self.left_out: set[Key] = set()  # what automatic settlement leaves out
        self.journals: list[Journal] = []
        self.numbers: dict[str, int] = defaultdict(int)
        self.vouchers: list[Row] = []

    def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """A request's id stays free; a payment whose marks are refused is left out of automatic settlement."""
        if wish.request or refusal.scope == "event":
            self.taken.pop(wish.event, None)
        elif wish.kind == "run" and wish.document:
            self.left_out.add(wish.document)

    # Documents

    def post(self, wish: Wish, name: str, data: Row) -> None:
        """Posts the document of an event, or lets it wait; then what it is to settle."""
        reference, ledger, company, when = self.reference, POSTED[name], data["company"], day(data["date"])
        said = number(data.get("exchange_rate"))
        contradicts_document(reference, data, taken=wish.document in self.documents)
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
            self.vouchers.append({**head, "reference": document.said.get("reference"), "lines": lines})

    # Runs

    def _marks(self, payment: Document, event: str, journal: Journal | None = None) -> None:
        """The run of a payment's marks; a sales payment's counts from its journal's creation."""
        keys = [payment.key, *((payment.ledger, mark["company"], mark["document"]) for mark in payment.said["settle"])]
        wish = self.wish("run", event, lambda wish: self.run(wish, payment.said, payment), keys, document=payment.key, journal=journal)
        wish.order = journal.order if journal else wish.order
        self.start(wish)

    def run(self, wish: Wish, data: Row, payment: Document | None) -> None:
        """Step 1 of a run, and all that follows."""
        ledger = payment.ledger if payment else data["ledger"]
        keys = [(ledger, said["company"], said["document"]) for said in data["settle"]]
        self._wait_for_documents(wish, keys)
        marks = [Mark(self.documents[key], said) for key, said in zip(keys, data["settle"], strict=True)]
        hub = data.get("primary")
        primary = payment if payment and hub else self.documents.get((ledger, hub["company"], hub["document"])) if hub else None
        when = payment.date if payment else day(data["date"]) if data.get("date") else max(mark.document.date for mark in marks)
        discount_date = day(data["cash_discount_date"]) if data.get("cash_discount_date") else None
        run = Run(self.reference, self.documents, marks, when, payment, primary, discount_date)
        contradictions(run, hub, lambda key: self.reserved(key, wish.order))
        marks += [Mark(payment)] if payment else []
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
        """Computes the run, books it and takes it back: all its figures can be had."""
        done: list[Record] = []
        try:
            run.compute()
            for record in run.records:
                post(run, record, "")
                done.append(record)
        except WaitError:
            self._wait_for_accounting(run.pairs)
            raise
        finally:
            for record in reversed(done):
                record.apply(-1)

    def _wait_for_accounting(self, pairs: Iterable[tuple[str, str]]) -> None:
        for pair in {*pairs} | {(partner, company) for company, partner in pairs}:
            wait_while(self.reference.lacks_accounting, "intercompany-accounting", *pair)

    def _wait_for_settings(self, run: Run) -> None:
        """Intercompany accounting, profiles, methods, periods, of the companies of the run's pairs."""
        documents = [document for record in run.records for document in record.documents]
        companies = {document.company for document in documents}
        self._wait_for_accounting([(record.lowering.company, record.other.company) for record in run.records])
        payments = [document for document in documents if document.kind == "payment" and len(companies) > 1]
        for what, event in (("posting-profile", "posting-profile.defined"), ("method-of-payment", "methods-of-payment.defined")):
            said = [document.said[what.replace("-", "_")] for document in payments if document.said.get(what.replace("-", "_"))]
            for each in [(company, id_) for company in companies for id_ in said]:
                wait_while(self.reference.lacks_id, what, event, *each)
        self.wait_for_period(companies, {record.date for record in run.records})

    def wait_for_period(self, companies: Iterable[str], dates: Iterable[date]) -> None:
        """Any of the dates in a closed period of any of the companies holds all of it back."""
        wait_while(lambda: any(self.reference.closed(company, when) for company in companies for when in dates), "period", of=companies)

    def book(self, run: Run, run_id: str, event: str, order: list[Document]) -> None:
        """Posts the records and makes the sales payment journals that they cause."""
        for record in run.records:
            post(run, record, run_id)
            self.records.append(record)
            self.ever |= {(record.lowering.ledger, run_id), record.lowering.key, record.other.key}
            for company, lines in record.lines.items():
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
        run = Run(self.reference, self.documents, marks, when, automatic=True)
        run.compute()
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
        data, rate = journal.data(self.reference), journal.rate(self.reference) or ZERO
        document = new_document(self.reference, "customer-payment.posted", data, rate)
        self.enter(document)
        self._marks(document, event, journal)

    def approve(self, wish: Wish, data: Row) -> None:
        """Posts a journal that was only created."""
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

    # Reversals

    def reverse_settlement(self, wish: Wish, data: Row) -> None:
        """Takes back the runs of a payment, or of an event."""
        ledger, when = data["ledger"], day(data["date"]) if data.get("date") else None
        if data.get("payment"):
            payment = self._there(wish.documents[0])
            if payment.kind != "payment":
                refuse("invalid", "/payment")
            runs, ever = self._runs_over(payment), payment.key in self.ever
        else:
            event = str(data["settlement"])
            wait_while(lambda: data.get("settlement_source", SOURCE) != SOURCE or self._pending(event), "document")
            runs, ever = {event}, (ledger, event) in self.ever
        concerned = self._of(ledger, runs)
        latest = max((record.date for record in concerned), default=None)
        if latest and when and when < latest:
            refuse("date-too-early", "/date")
        if latest is None:
            refuse("already-reversed" if ever else "not-settled", "/payment" if data.get("payment") else "/settlement")
        self._undo(wish, ledger, runs, when or latest)

    def _runs_over(self, document: Document) -> set[str]:
        return {record.run for record in self.records if document in record.documents}

    def _of(self, ledger: str, runs: set[str]) -> list[Record]:
        return [record for record in self.records if record.run in runs and record.lowering.ledger == ledger]

    def _there(self, key: Key) -> Document:
        """The document that a reversal names, unless it or its marks wait."""
        wait_while(lambda: key not in self.documents or ("run", key) in [(wish.kind, wish.document) for wish in self.waiting], "document")
        return self.documents[key]

    def _pending(self, event: str) -> bool:
        """Whether an event is not there yet or waits itself, its sales payments aside."""
        return event not in self.taken or any(each.event == event and not each.journal for each in self.waiting)

    def _undo(self, wish: Wish, ledger: str, runs: set[str], when: date) -> None:
        """Takes runs back, with the sales payments that they caused, unless a period is closed."""
        concerned, seller = self._of(ledger, runs), list[tuple[Journal, Document, list[Record], date]]()
        mine = [journal for journal in self.journals if ledger == "payable" and journal.run in runs]
        for journal in (each for each in mine if each.status == "posted"):
            document = self.documents[journal.key]
            its = self._of("receivable", self._runs_over(document))
            seller.append((journal, document, its, max([when, document.date, *(record.date for record in its)])))
        parts = concerned + [record for _, _, its, _ in seller for record in its]
        wish.touches = [document.key for record in parts for document in record.documents]
        companies = {key[1] for key in wish.touches} | {journal.company for journal, *_ in seller}
        self.wait_for_period(companies, {when, *(on for *_, on in seller)})
        self.drop(wish)
        self._mirror(concerned, when)
        for each in list(self.waiting):
            dropped = each.kind == "journal" and each.journal and each.journal.run in runs and ledger == "payable"
            if dropped or (each.kind == "run" and each.document in [document.key for _, document, _, _ in seller]):
                self.drop(each)
        for journal in (each for each in mine if each.status == "created"):
            journal.status = "reversed"
            self.changed([journal.key, *journal.reserves()])
        for journal, document, its, on in seller:
            self._mirror(its, on)
            journal.status = "reversed"
            self.take_back(document, "payment_reversal", on)

    def _mirror(self, concerned: list[Record], when: date) -> None:
        for record in (each for each in concerned if each in self.records):
            self.records.remove(record)
            record.apply(-1)
            keys = [document.key for document in record.documents]
            self.left_out |= set(keys)
            for company, lines in record.lines.items():
                self.voucher(company, "settlement_reversal", when, record.lowering, [line.times(-1) for line in lines])
            self.changed(keys)

    def reverse_document(self, wish: Wish, name: str, data: Row) -> None:
        """Takes back a document that is not settled."""
        key, at = wish.documents[0], "/payment" if data.get("payment") else "/document"
        document = self._there(key)
        wait_while(self.earlier_runs, "reservation", wish, [key])
        when = day(data["date"]) if data.get("date") else document.date
        for code, field, holds in (
            ("invalid", at, name == "payment-reversal.requested" and document.kind != "payment"),
            ("marked-elsewhere", at, self.reserved(key, wish.order)),
            ("date-too-early", "/date", when < document.date),
            ("already-reversed", at, document.reversed),
            ("still-settled", at, self._runs_over(document)),
        ):
            if holds:
                refuse(code, field)
        self.wait_for_period([document.company], [when])
        self.drop(wish)
        self.take_back(document, "payment_reversal" if document.kind == "payment" else "document_reversal", when)
        for journal in (each for each in self.journals if each.key == key and each.status == "posted"):
            journal.status = "reversed"
