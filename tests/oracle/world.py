"""The books of the group: events arrive one after the other, have their effects, and what waited goes on.

Invariant: a wish that waits stands in `waiting` once; it is looked at again only when what it waits for has come or a
reversal has changed one of its documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.contract import INVOICES, PAYMENTS, Invalid, canonical, check
from tests.oracle.documents import Document, Key, Line, new_document
from tests.oracle.money import decimals, digits, number, text
from tests.oracle.rates import MissingRate, Rates
from tests.oracle.records import Posted, post
from tests.oracle.reference import TYPES, Reference, Row, day, group_events
from tests.oracle.run import Mark, Run, mark_of
from tests.oracle.sales import Journal, journals_of

SOURCE = "scenario"  # of a scenario's events
REQUESTS = {
    "settlement.requested", "settlement-reversal.requested", "document-reversal.requested", "payment-reversal.requested",
    "journal-approval.requested",
}  # fmt: skip
WAITS = {  # the table of events.md: what a document waits for, a settlement, a sales payment journal
    "document": ("company", "account", "exchange-rate", "period"),
    "wish": ("document", "reservation", "account", "intercompany-accounting", "exchange-rate", "posting-profile", "method-of-payment", "period"),
    "journal": ("company", "account", "exchange-rate", "period", "trading-relation", "payment-journal"),
}
_ROWS = [("document", name) for name in WAITS["document"]] + [("wish", name) for name in WAITS["wish"]]
_ROWS += [("journal", name) for name in WAITS["journal"]]
ARRIVES = {  # which reference event brings what is waited for
    "company.defined": "company",
    "party.defined": "account",
    "exchange-rate.published": "exchange-rate",
    "period.opened": "period",
    "intercompany-accounting.defined": "intercompany-accounting",
    "posting-profile.defined": "posting-profile",
    "methods-of-payment.defined": "method-of-payment",
    "trading-relation.defined": "trading-relation",
    "payment-journal.defined": "payment-journal",
}


class Wait(Exception):
    """Something is not there yet."""

    def __init__(self, what: str, **key: Any) -> None:
        super().__init__(what, key)
        self.what, self.key = what, key


class Refuse(Exception):
    """Something contradicts."""

    def __init__(self, code: str, field_: str | None = None, scope: str = "settlement") -> None:
        super().__init__(code, field_)
        self.code, self.field, self.scope = code, field_, scope


@dataclass
class Wish:
    """Something to be done: a document to post, a run, a reversal, an approval, a sales payment journal."""

    kind: str  # document, run, reversal, approval, journal
    event: str
    order: int
    go: Callable[[], None]
    documents: list[Key] = field(default_factory=list)
    document: Key | None = None  # the payment whose marks these are, the document to be posted
    request: bool = False
    waits: Wait | None = None
    ready: bool = False
    journal: Journal | None = None
    touches: list[Key] = field(default_factory=list)  # documents that a reversal would change


class World:
    """Takes in the events of a scenario."""

    def __init__(self) -> None:
        self.reference = Reference()
        self.documents: dict[Key, Document] = {}
        self.taken: dict[str, tuple[str, Row]] = {}  # event id -> type and what it said
        self.waiting: list[Wish] = []
        self.records: list[Posted] = []
        self.settled: set[tuple[str, str]] = set()  # every run that ever was: ledger, id
        self.ever: set[Key] = set()  # documents that ever had a record
        self.left_out: set[Key] = set()  # what automatic settlement leaves out
        self.journals: list[Journal] = []
        self.numbers: dict[str, int] = defaultdict(int)
        self.vouchers: list[Row] = []
        self.rejected: list[Row] = []
        self.trail: set[str] = set()
        self.clock = 0

    # Arrival

    def load(self, group: Row) -> None:
        """The reference data of a scenario."""
        for name, data in group_events(group):
            self.reference.define(name, data)

    def receive(self, event: Row) -> None:
        """One event with all its effects, and then what waited for it."""
        said = {key: value for key, value in event.items() if value is not None}
        id_, name = str(said.pop("id", "")), str(said.pop("type", ""))
        if not id_ or not name:
            self.reject(id_, Refuse("malformed", None, "event"))
            return
        data = _trimmed(said)
        try:
            self._take(id_, name, data)
        except Refuse as refusal:
            self.reject(id_, refusal)
        except Invalid as invalid:
            self.reject(id_, Refuse("invalid", invalid.field, "event"))
        self.release()

    def _take(self, id_: str, name: str, data: Row) -> None:
        known = name in INVOICES or name in PAYMENTS or name in REQUESTS or name in TYPES or name == "reference.withdrawn"
        same = (name, canonical(name, data))
        if id_ in self.taken:
            if self.taken[id_] != same:
                raise Refuse("conflicting-duplicate", None, "event")
            return
        if not known:
            raise Refuse("unknown-type", None, "event")
        check(name, data, self.reference)
        self.taken[id_] = same
        self.happened("document", settlement=id_)
        if name in INVOICES or name in PAYMENTS:
            self._document(id_, name, data)
        elif name in TYPES:
            self.reference.define(name, data)
            if name in ARRIVES:
                self.happened(ARRIVES[name])
        elif name == "reference.withdrawn":
            self.reference.withdraw(data["event"], data)
            if data["event"] in ARRIVES:
                self.happened(ARRIVES[data["event"]])
        else:
            self._request(id_, name, data)

    def _request(self, id_: str, name: str, data: Row) -> None:
        if name == "settlement.requested":
            keys = [(data["ledger"], mark["company"], mark["document"]) for mark in data["settle"]]
            wish = self.wish("run", id_, lambda: self._run(wish, data), keys, request=True)
        elif name == "journal-approval.requested":
            wish = self.wish("approval", id_, lambda: self._approve(wish, data), request=True)
            wish.documents = [("receivable", data["company"], data["document"])]
        else:
            target = data.get("payment") or data.get("document")
            keys = [(data["ledger"], target["company"], target["document"])] if target else []
            go = self._reverse_settlement if name == "settlement-reversal.requested" else self._reverse_document
            wish = self.wish("reversal", id_, lambda: go(wish, name, data), keys, request=True)
        self.start(wish)

    def wish(self, kind: str, event: str, go: Callable[[], None], documents: list[Key] | None = None, **more: Any) -> Wish:
        """A new wish, the last in order."""
        self.clock += 1
        return Wish(kind, event, self.clock, go, documents or [], **more)

    def start(self, wish: Wish) -> None:
        """Does it, or lets it wait, or refuses it."""
        was_waiting = wish in self.waiting
        try:
            wish.go()
        except Wait as wait:
            wish.waits = wait
            if not was_waiting:
                self.waiting.append(wish)
            return
        except Refuse as refusal:
            self.drop(wish)
            self.reject(wish.event, refusal)
            if wish.request or refusal.scope == "event":
                self.taken.pop(wish.event, None)
            elif wish.kind == "run" and wish.document:
                self.left_out.add(wish.document)
        else:
            self.drop(wish)
        self.happened("reservation")
        self.happened("document", settlement=wish.event)
        if wish.document:
            self._changed([wish.document])

    def drop(self, wish: Wish) -> None:
        """It waits no longer."""
        if wish in self.waiting:
            self.waiting.remove(wish)

    def happened(self, what: str, **key: Any) -> None:
        """Marks what waited for this."""
        for wish in self.waiting:
            if wish.waits and wish.waits.what == what and (not key or wish.waits.key == key):
                wish.ready = True

    def _changed(self, keys: list[Key]) -> None:
        """Marks what waits over documents that a reversal has changed."""
        for wish in self.waiting:
            if any(key in wish.documents or key in wish.touches for key in keys):
                wish.ready = True

    def release(self) -> None:
        """What waited goes on, in order of arrival."""
        while ready := [wish for wish in self.waiting if wish.ready]:
            first = min(ready, key=lambda wish: wish.order)
            first.ready = False
            self.start(first)

    def reject(self, event: str, refusal: Refuse) -> None:
        """An entry in `rejected`."""
        self.rejected.append({"event": event, "scope": refusal.scope, "code": refusal.code, "field": refusal.field})

    # Documents

    def _document(self, id_: str, name: str, data: Row) -> None:
        ledger = (INVOICES | PAYMENTS)[name]
        key = (ledger, data["company"], data["document"])
        wish = self.wish("document", id_, lambda: self._post_document(wish, name, data), document=key)
        self.start(wish)

    def _post_document(self, wish: Wish, name: str, data: Row) -> None:
        ledger, company, key = (INVOICES | PAYMENTS)[name], data["company"], wish.document
        known = company in self.reference.companies
        own_rate = number(data.get("exchange_rate"))
        if known and own_rate not in {None, Fraction(1)} and data["currency"] == self.reference.currency(company):
            raise Refuse("invalid", "/exchange_rate", "event")
        if key in self.documents:
            raise Refuse("document-exists", "/document", "event")
        if data.get("lines") and sum(number(line["amount"]) or 0 for line in data["lines"]) != number(data["amount"]):
            raise Refuse("amounts-disagree", "/lines", "event")
        if not known:
            raise Wait("company", company=company)
        if self.reference.party(ledger, company, data["account"]) is None:
            raise Wait("account", company=company, account=data["account"])
        rate = own_rate or self.reference.rate(company, data["currency"], day(data["date"]))
        if rate is None:
            raise Wait("exchange-rate", company=company, currency=data["currency"])
        if self.reference.closed(company, day(data["date"])):
            raise Wait("period", company=company)
        document = new_document(self.reference, name, data, rate, wish.event)
        self.drop(wish)
        self.enter(document)
        if data.get("settle"):
            self._marks(document, wish.event, data)
        else:
            self._automatic(document, wish.event, document.date)

    def enter(self, document: Document) -> None:
        """Posts a document."""
        self.documents[document.key] = document
        self.voucher(document.company, document.ledger, document.kind, document.date, document, document.voucher)
        self.happened("document", document=document.key)

    def voucher(self, company: str, ledger: str, kind: str, when: date, document: Document, lines: list[Line]) -> None:
        """A voucher; no lines, no voucher."""
        if lines:
            own = self.reference.currency(company)
            head = {"company": company, "ledger": ledger, "kind": kind, "date": when.isoformat(), "document": document.number}
            self.vouchers.append({**head, "reference": document.reference, "lines": [line.row(own) for line in lines]})
            self.trail |= {line.rule for line in lines if line.rule}

    # Runs

    def _marks(self, payment: Document, event: str, data: Row, journal: Journal | None = None) -> None:
        """The run of a payment's marks; a sales payment's counts from its journal's creation."""
        keys = [payment.key, *((payment.ledger, mark["company"], mark["document"]) for mark in data["settle"])]
        wish = self.wish("run", event, lambda: self._run(wish, data, payment), keys, document=payment.key, journal=journal)
        if journal is not None:
            wish.order = journal.order
        self.start(wish)

    def _run(self, wish: Wish, data: Row, payment: Document | None = None) -> None:
        ledger = payment.ledger if payment else data["ledger"]
        keys = [(ledger, mark["company"], mark["document"]) for mark in data["settle"]]
        self._wait_for(wish, keys)
        marks = [mark_of(self.documents[key], said, number) for key, said in zip(keys, data["settle"], strict=True)]
        primary = payment if payment and data.get("primary") else None
        if not payment and data.get("primary"):
            primary = self.documents.get((ledger, data["primary"]["company"], data["primary"]["document"]))
        when = payment.date if payment else day(data["date"]) if data.get("date") else max(mark.document.date for mark in marks)
        self._contradictions(wish, data, marks, payment, primary, when)
        if payment:
            marks.append(Mark(payment))
        try:
            discount_date = day(data["cash_discount_date"]) if data.get("cash_discount_date") else None
            run = Run(
                self.reference, self.documents.get, marks, when, payer=payment, primary=primary, discount_date=discount_date, trail=self.trail
            )
            posted = self._prepared(run)
        except MissingRate as missing:
            raise missing_wait(missing) from missing
        self._wait_for_settings(marks, posted)
        run_id = wish.event if wish.journal is None else f"sales/{wish.journal.company}/{wish.journal.document}"
        self.drop(wish)
        for mark in marks:
            self.left_out.discard(mark.document.key)
        held = run.held_marks()
        self.left_out |= {document.key for document in held}
        if held and payment:
            self.left_out.add(payment.key)
        self._book(run, run_id, wish.event, [mark.document for mark in marks])
        documents = ([payment] if payment else []) + [mark.document for mark in marks if mark.document is not payment]
        for document in documents:
            self._automatic(document, run_id, when)

    def _wait_for(self, wish: Wish, keys: list[Key]) -> None:
        """Documents, reservations, parties."""
        for key in keys:
            document = self.documents.get(key)
            if document is None:
                raise Wait("document", document=key)
            credited = self._lacks_credited(document)
            if credited:
                raise Wait("document", document=credited)
        for other in self.waiting:
            if other is not wish and other.kind == "run" and other.order < wish.order and set(other.documents) & set(wish.documents):
                raise Wait("reservation", documents=sorted(set(other.documents) & set(wish.documents)))
        for key in wish.documents:
            document = self.documents[key]
            if self.reference.party(document.ledger, document.company, document.account) is None:
                raise Wait("account", company=document.company, account=document.account)

    def _lacks_credited(self, document: Document) -> Key | None:
        """The document that a credit note credits, while a run would wait for it."""
        if document.kind != "credit_note" or not document.credits:
            return None
        key = (document.ledger, document.company, document.credits)
        on = self.reference.parameter(document.company, document.ledger, "cash_discounts_for_credit_notes")
        return key if on and key not in self.documents else None

    def _contradictions(
        self, wish: Wish, data: Row, marks: list[Mark], payment: Document | None, primary: Document | None, when: date
    ) -> None:
        """The first code of the table that applies, documents in the order of the marks."""
        self._invalid_marks(data, marks, payment, primary)
        documents = [*([payment] if payment else []), *(mark.document for mark in marks)]
        members = self.reference.members()
        if members is not None and len({document.company for document in documents}) > 1:
            for place, document in enumerate(documents, -1 if payment else 0):
                if document.company not in members:
                    raise Refuse("not-a-member", f"/settle/{place}/company" if place >= 0 else "/company")
        parties = [self.reference.party(document.ledger, document.company, document.account) for document in documents]
        for place, party in enumerate(parties, -1 if payment else 0):
            if party != parties[0]:
                raise Refuse("other-party", f"/settle/{place}/document")
        for place, mark in enumerate(marks):
            if self.reserved_by_journal(mark.document.key, wish.order):
                raise Refuse("marked-elsewhere", f"/settle/{place}/document")
        if payment and self.reserved_by_journal(payment.key, wish.order):
            raise Refuse("marked-elsewhere", "/document")
        for place, document in enumerate(documents, -1 if payment else 0):
            if document.balance == 0:
                raise Refuse("document-closed", f"/settle/{place}/document" if place >= 0 else "/document")
        for place, mark in enumerate(marks):
            self._over_settled(place, mark, payment)
        if len({document.raises for document in documents}) == 1:
            raise Refuse("same-side", "/settle")
        if not payment and when < max(document.date for document in documents):
            raise Refuse("date-too-early", "/date")

    def _invalid_marks(self, data: Row, marks: list[Mark], payment: Document | None, primary: Document | None) -> None:
        if data.get("primary") and not payment and (primary is None or primary.raises or all(m.document is not primary for m in marks)):
            raise Refuse("invalid", "/primary")
        seen = [payment] if payment else []
        for place, mark in enumerate(marks):
            document, said = mark.document, data["settle"][place]
            if document in seen:
                raise Refuse("invalid", f"/settle/{place}/document")
            seen.append(document)
            for name in ("amount_to_settle", "cash_discount_to_take"):
                mine = name == "amount_to_settle" and payment is not None
                ineffective = name == "cash_discount_to_take" and not document.raises
                if said.get(name) and not mine and not ineffective and decimals(said[name]) > digits(document.currency):
                    raise Refuse("invalid", f"/settle/{place}/{name}")
            if mark.agreed is not None and (not payment or not document.raises or document.currency == payment.currency):
                raise Refuse("invalid", f"/settle/{place}/cross_rate")

    def _over_settled(self, place: int, mark: Mark, payment: Document | None) -> None:
        document, amount, rates = mark.document, mark.amount, Rates(self.reference)
        if amount is not None:
            over = amount > document.balance
            if payment and payment.currency != document.currency:
                where = (payment, document.company, document.currency, mark.agreed)
                try:
                    over = rates.worth(amount, *where) > document.balance and amount > rates.cost(document.balance, *where)
                except MissingRate:
                    over = False
            if over:
                raise Refuse("over-settled", f"/settle/{place}/amount_to_settle")
        if mark.typed is not None and document.raises and mark.typed > document.balance:
            raise Refuse("over-settled", f"/settle/{place}/cash_discount_to_take")

    def _prepared(self, run: Run) -> Run:
        """The run, if all its figures can be had: booked once and taken back."""
        done: list[Posted] = []
        try:
            for record in run.records:
                done.append(post(self.reference, run, record, ""))
        except MissingRate:
            for company, partner in run.visited:
                self._wait_for_accounting(company, partner)
            raise
        finally:
            for posted in reversed(done):
                posted.apply(-1)
        return run

    def _wait_for_accounting(self, company: str, partner: str) -> None:
        for one, other in ((company, partner), (partner, company)):
            if self.reference.lacks_accounting(one, other):
                raise Wait("intercompany-accounting", company=one, partner=other)

    def _wait_for_settings(self, marks: list[Mark], run: Run) -> None:
        """Intercompany accounting, profiles, methods, periods."""
        for record in run.records:
            if record.lowering.company != record.other.company:
                self._wait_for_accounting(record.lowering.company, record.other.company)
        companies = list(dict.fromkeys(document.company for record in run.records for document in (record.lowering, record.other)))
        payments = [mark.document for mark in marks if mark.document.kind == "payment"]
        if len(companies) > 1:
            for payment in payments:
                for company in companies:
                    profiles = self.reference.profiles(company)
                    if payment.profile and profiles and payment.profile not in profiles:
                        raise Wait("posting-profile", company=company, posting_profile=payment.profile)
            for payment in payments:
                for company in companies:
                    methods = self.reference.methods(company)
                    if payment.method and methods is not None and payment.method not in methods:
                        raise Wait("method-of-payment", company=company, method_of_payment=payment.method)
        self._wait_for_period(run)

    def _wait_for_period(self, run: Run) -> None:
        touched = {document.company for record in run.records for document in (record.lowering, record.other)}
        for record in run.records:
            for company in sorted(touched):
                if self.reference.closed(company, record.date):
                    raise Wait("period", company=company, date=record.date.isoformat())

    def _book(self, run: Run, run_id: str, event: str, order: list[Document]) -> None:
        """Posts the records and makes the sales payment journals that they cause."""
        for record in run.records:
            posted = post(self.reference, run, record, run_id)
            self.records.append(posted)
            lowering, other = posted.documents()
            self.settled.add((lowering.ledger, run_id))
            self.ever |= {lowering.key, other.key}
            for company, lines in posted.lines.items():
                self.voucher(company, lowering.ledger, "settlement", record.date, lowering, lines)
        if run.records and run.records[0].lowering.ledger == "payable":
            for journal in journals_of(self.reference, run, run_id, order):
                journal.number(self.numbers)
                wish = self.wish("journal", event, lambda: None, journal=journal)
                wish.go = lambda wish=wish: self._make(wish)  # type: ignore[misc]
                journal.order = wish.order
                self.start(wish)

    def reserved_by_journal(self, key: Key, order: int | None = None) -> bool:
        """Whether a created journal, older than the order, reserves the document."""
        return any(
            journal.status == "created" and key in journal.documents() and (order is None or journal.order < order) for journal in self.journals
        )

    # Automatic settlement (step 8)

    def _automatic(self, document: Document, run_id: str, when: date) -> None:
        if not self.reference.parameter(document.company, document.ledger, "automatic_settlement") or document.balance == 0:
            return
        if not self._free(document):
            return
        like = (document.ledger, document.company, document.account, document.currency)
        open_ones = [d for d in self.documents.values() if (d.ledger, d.company, d.account, d.currency) == like and d.balance and self._free(d)]
        if len({each.raises for each in open_ones}) < 2:
            return
        marks = [Mark(each) for each in open_ones]
        run = Run(self.reference, self.documents.get, marks, max(when, document.date), automatic=True, trail=self.trail)
        if any(self.reference.closed(document.company, record.date) for record in run.records):
            return
        self._book(run, run_id, run_id, [record.other for record in run.records])

    def _free(self, document: Document) -> bool:
        key = document.key
        reserved = any(wish.kind == "run" and key in wish.documents for wish in self.waiting) or self.reserved_by_journal(key)
        return not reserved and key not in self.left_out and self._lacks_credited(document) is None

    # Sales payment journals

    def _make(self, wish: Wish) -> None:
        """Creates the journal, and posts it where that is automatic."""
        journal = wish.journal
        assert journal is not None
        reference = self.reference
        if journal.company not in reference.companies:
            raise Wait("company", company=journal.company)
        relation = journal.find(reference)
        if relation is None:
            raise Wait("trading-relation", company=journal.company)
        if reference.party("receivable", journal.company, journal.account) is None:
            raise Wait("account", company=journal.company, account=journal.account)
        automatic = bool(relation.get("post_automatically"))
        if automatic:
            self._wait_for_seller(journal)
        if (journal.company, journal.journal) not in reference.defined["payment-journal.defined"]:
            raise Wait("payment-journal", company=journal.company, journal=journal.journal)
        if ("receivable", journal.company, journal.document) in self.documents:
            raise Refuse("document-exists")
        self.drop(wish)
        self.journals.append(journal)
        self.trail.add("F-G03")
        self.happened("document", document=("receivable", journal.company, journal.document))
        if automatic:
            self._post_journal(journal, wish.event)

    def _wait_for_seller(self, journal: Journal) -> Fraction:
        rate = journal.rate(self.reference)
        if rate is None:
            raise Wait("exchange-rate", company=journal.company, currency=journal.payment.currency)
        if self.reference.closed(journal.company, journal.payment.date):
            raise Wait("period", company=journal.company)
        return rate

    def _post_journal(self, journal: Journal, event: str) -> None:
        rate = self._wait_for_seller(journal)
        if ("receivable", journal.company, journal.document) in self.documents:
            raise Refuse("document-exists")
        journal.status = "posted"
        data = journal.data(self.reference)
        document = new_document(self.reference, "customer-payment.posted", data, rate, event)
        self.enter(document)
        self._marks(document, event, data, journal)

    def _approve(self, wish: Wish, data: Row) -> None:
        same = (data["company"], data["journal"], data["document"])
        journal = next((each for each in self.journals if (each.company, each.journal, each.document) == same), None)
        if journal is None:
            raise Wait("document", document=("receivable", data["company"], data["document"]))
        if journal.status != "created":
            raise Refuse("not-created", "/document")
        self._wait_for_seller(journal)
        self.drop(wish)
        self._post_journal(journal, wish.event)

    # Reversals

    def _reverse_settlement(self, wish: Wish, name: str, data: Row) -> None:
        del name
        ledger, when = data["ledger"], day(data["date"]) if data.get("date") else None
        if data.get("payment"):
            key = wish.documents[0]
            payment = self._there(key)
            if payment.kind != "payment":
                raise Refuse("invalid", "/payment")
            runs = {posted.run for posted in self.records if payment in posted.documents()}
            ever = key in self.ever
        else:
            event = str(data["settlement"])
            if data.get("settlement_source", SOURCE) != SOURCE or event not in self.taken or any(each.event == event and each.kind != "journal" and not each.journal for each in self.waiting):
                raise Wait("document", settlement=event)
            runs = {event} & {posted.run for posted in self.records if posted.record.lowering.ledger == ledger}
            ever = (ledger, event) in self.settled
        concerned = self._of_runs(ledger, runs)
        latest = max((posted.record.date for posted in concerned), default=None)
        if latest and when and when < latest:
            raise Refuse("date-too-early", "/date")
        if not concerned:
            raise Refuse("already-reversed" if ever else "not-settled", "/payment" if data.get("payment") else "/settlement")
        assert latest is not None
        self._undo(wish, ledger, runs, when or latest)

    def _of_runs(self, ledger: str, runs: set[str]) -> list[Posted]:
        return [posted for posted in self.records if posted.run in runs and posted.record.lowering.ledger == ledger]

    def _there(self, key: Key) -> Document:
        """The document that a reversal names, unless it or its marks wait."""
        document = self.documents.get(key)
        if document is None or any(wish.kind == "run" and wish.document == key for wish in self.waiting):
            raise Wait("document", document=key)
        return document

    def _undo(self, wish: Wish, ledger: str, runs: set[str], when: date) -> None:
        """Takes runs back, with the sales payments that they caused, unless a period is closed."""
        concerned = self._of_runs(ledger, runs)
        journals = [journal for journal in self.journals if ledger == "payable" and journal.run in runs]
        seller: list[tuple[Journal, Document, set[str], date]] = []
        for journal in journals:
            document = self.documents.get(("receivable", journal.company, journal.document))
            if journal.status == "posted" and document is not None:
                its = {posted.run for posted in self.records if document in posted.documents()}
                dates = [posted.record.date for posted in self._of_runs("receivable", its)]
                seller.append((journal, document, its, max([when, document.date, *dates])))
        parts = [*concerned, *(posted for _, _, its, _ in seller for posted in self._of_runs("receivable", its))]
        wish.touches = [document.key for posted in parts for document in posted.documents()]
        companies = {document.company for posted in parts for document in posted.documents()} | {journal.company for journal, *_ in seller}
        for on in [when, *(on for *_, on in seller)]:
            for company in sorted(companies):
                if self.reference.closed(company, on):
                    raise Wait("period", company=company)
        self.drop(wish)
        self._mirror(concerned, when)
        for waiting in [each for each in self.waiting if each.kind == "journal" and each.journal and each.journal.run in runs]:
            if ledger == "payable":
                self.drop(waiting)
        for journal in journals:
            if journal.status == "created":
                journal.status = "reversed"
                self._changed([("receivable", journal.company, journal.document), *journal.documents()])
        for journal, document, its, on in seller:
            for waiting in [each for each in self.waiting if each.kind == "run" and each.document == document.key]:
                self.drop(waiting)
            self._mirror(self._of_runs("receivable", its), on)
            journal.status = "reversed"
            self._take_back(document, "payment_reversal", on)
        self.happened("reservation")

    def _mirror(self, concerned: list[Posted], when: date) -> None:
        changed: list[Key] = []
        for posted in concerned:
            if posted not in self.records:
                continue
            self.records.remove(posted)
            posted.apply(-1)
            lowering, other = posted.documents()
            changed += [lowering.key, other.key]
            for company, lines in posted.lines.items():
                self.voucher(company, lowering.ledger, "settlement_reversal", when, lowering, [line.mirrored() for line in lines])
        self.left_out |= set(changed)
        self._changed(changed)

    def _reverse_document(self, wish: Wish, name: str, data: Row) -> None:
        key, at = wish.documents[0], "/payment" if data.get("payment") else "/document"
        document = self._there(key)
        if any(each.kind == "run" and key in each.documents and each.order < wish.order for each in self.waiting):
            raise Wait("reservation", documents=[key])
        if name == "payment-reversal.requested" and document.kind != "payment":
            raise Refuse("invalid", "/payment")
        if self.reserved_by_journal(key, wish.order):
            raise Refuse("marked-elsewhere", at)
        when = day(data["date"]) if data.get("date") else document.date
        if when < document.date:
            raise Refuse("date-too-early", "/date")
        if document.reversed:
            raise Refuse("already-reversed", at)
        if any(document in posted.documents() for posted in self.records):
            raise Refuse("still-settled", at)
        if self.reference.closed(document.company, when):
            raise Wait("period", company=document.company)
        self.drop(wish)
        self._take_back(document, "payment_reversal" if document.kind == "payment" else "document_reversal", when)
        for journal in self.journals:
            if ("receivable", journal.company, journal.document) == key and journal.status == "posted":
                journal.status = "reversed"

    def _take_back(self, document: Document, kind: str, when: date) -> None:
        if document.reversed:
            return
        document.reversed, document.balance, document.accounting = True, Fraction(0), Fraction(0)
        self.voucher(document.company, document.ledger, kind, when, document, [line.mirrored() for line in document.voucher])
        self._changed([document.key])


def missing_wait(missing: MissingRate) -> Wait:
    """A run waits for a rate."""
    return Wait("exchange-rate", **missing.key)


def _trimmed(value: Any) -> Any:
    """Nulls left out, texts trimmed."""
    if isinstance(value, dict):
        return {str(key): _trimmed(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_trimmed(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return value.strip() if isinstance(value, str) else value


# What came out


def result(world: World) -> Row:
    """The object that `simulate --json` prints, the id and the differences aside."""
    waiting: dict[str, tuple[int, Wait]] = {}
    for wish in world.waiting:
        assert wish.waits is not None
        row = "journal" if wish.kind == "journal" else "document" if wish.kind == "document" else "wish"
        rank = _ROWS.index((row, wish.waits.what))
        if row == "journal" and wish.waits.what in WAITS["document"]:
            rank = _ROWS.index(("document", wish.waits.what))
        if wish.event not in waiting or rank < waiting[wish.event][0]:
            waiting[wish.event] = (rank, wish.waits)
    return {
        "vouchers": world.vouchers,
        "open": [_open(document) for document in world.documents.values()],
        "settlements": [_settlement(world, posted) for posted in world.records],
        "journals": [journal.row() for journal in world.journals],
        "rejected": world.rejected,
        "waiting": [{"event": event, "for": wait.what, "key": wait.key} for event, (_, wait) in waiting.items()],
    }


def _open(document: Document) -> Row:
    head = {"company": document.company, "document": document.number, "ledger": document.ledger, "currency": document.currency}
    return {**head, "balance": text(document.sign * document.balance, document.currency)}


def _settlement(world: World, posted: Posted) -> Row:
    record, (lowering, other) = posted.record, posted.documents()
    lowering_debits = (lowering.ledger == "payable") != record.enlarges
    debit, credit = (lowering, other) if lowering_debits else (other, lowering)
    note = other if record.enlarges else lowering
    return {
        "settlement": posted.run,
        "ledger": lowering.ledger,
        "date": record.date.isoformat(),
        "debit_company": debit.company,
        "debit_document": debit.number,
        "credit_company": credit.company,
        "credit_document": credit.number,
        "amount": text(record.amount, lowering.currency),
        "cash_discount": text(record.discount, other.currency),
        "credit_note_discount": text(record.own_discount, note.currency),
        "overpayment": text(record.over, lowering.currency),
        "underpayment": text(record.under, other.currency),
        "penny_difference": text(record.penny, (lowering if record.penny_over else other).currency),
        "realized_gain": text(posted.gain, world.reference.currency(other.company)),
    }


def simulate(scenario: Row) -> tuple[Row, set[str]]:
    """What a scenario comes to, and the rules that were applied on the way."""
    world = World()
    world.load(scenario.get("group") or {})
    for event in scenario.get("events") or []:
        world.receive(event)
    return result(world), world.trail
