"""Reversals of settlements and of documents (rules.md, "Reversals").

Invariant: a reversal takes back every record of its runs, in every company at once, or nothing.
"""

from datetime import date

from tests.oracle.documents import Document
from tests.oracle.records import Posted
from tests.oracle.reference import Key, Row, day
from tests.oracle.sales import Journal
from tests.oracle.waiting import Wish, refuse, wait_while
from tests.oracle.world import World

SOURCE = "scenario"  # of a scenario's events


class Books(World):
    """The world with its reversals."""

    def request(self, id_: str, name: str, data: Row) -> Wish:
        """The wish of any request."""
        if "reversal" not in name:
            return super().request(id_, name, data)
        target = data.get("payment") or data.get("document")
        keys = [(data["ledger"], target["company"], target["document"])] if target else []
        if name == "settlement-reversal.requested":
            return self.wish("reversal", id_, lambda wish: self._settlement(wish, data), keys, request=True)
        return self.wish("reversal", id_, lambda wish: self._document(wish, name, data), keys, request=True)

    def _settlement(self, wish: Wish, data: Row) -> None:
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
        latest = max((posted.record.date for posted in concerned), default=None)
        if latest and when and when < latest:
            refuse("date-too-early", "/date")
        if latest is None:
            refuse("already-reversed" if ever else "not-settled", "/payment" if data.get("payment") else "/settlement")
        self._undo(wish, ledger, runs, when or latest)

    def _runs_over(self, document: Document) -> set[str]:
        return {posted.run for posted in self.records if document in (posted.record.lowering, posted.record.other)}

    def _of(self, ledger: str, runs: set[str]) -> list[Posted]:
        return [posted for posted in self.records if posted.run in runs and posted.record.lowering.ledger == ledger]

    def _there(self, key: Key) -> Document:
        """The document that a reversal names, unless it or its marks wait."""
        wait_while(lambda: key not in self.documents or ("run", key) in [(wish.kind, wish.document) for wish in self.waiting], "document")
        return self.documents[key]

    def _pending(self, event: str) -> bool:
        """Whether an event is not there yet or waits itself, its sales payments aside."""
        return event not in self.taken or any(each.event == event and not each.journal for each in self.waiting)

    def _undo(self, wish: Wish, ledger: str, runs: set[str], when: date) -> None:
        """Takes runs back, with the sales payments that they caused, unless a period is closed."""
        concerned, seller = self._of(ledger, runs), list[tuple[Journal, Document, list[Posted], date]]()
        mine = [journal for journal in self.journals if ledger == "payable" and journal.run in runs]
        for journal in (each for each in mine if each.status == "posted"):
            document = self.documents[journal.key]
            its = self._of("receivable", self._runs_over(document))
            seller.append((journal, document, its, max([when, document.date, *(posted.record.date for posted in its)])))
        parts = concerned + [posted for _, _, its, _ in seller for posted in its]
        wish.touches = [document.key for posted in parts for document in (posted.record.lowering, posted.record.other)]
        companies = {key[1] for key in wish.touches} | {journal.company for journal, *_ in seller}
        self.wait_for_period(companies, {when, *(on for *_, on in seller)})
        self.drop(wish)
        self._mirror(concerned, when)
        its_keys = [document.key for _, document, _, _ in seller]
        for each in list(self.waiting):
            dropped = each.kind == "journal" and each.journal and each.journal.run in runs and ledger == "payable"
            if dropped or (each.kind == "run" and each.document in its_keys):
                self.drop(each)
        for journal in (each for each in mine if each.status == "created"):
            journal.status = "reversed"
            self.changed([journal.key, *journal.reserves()])
        for journal, document, its, on in seller:
            self._mirror(its, on)
            journal.status = "reversed"
            self.take_back(document, "payment_reversal", on)

    def _mirror(self, concerned: list[Posted], when: date) -> None:
        for posted in (each for each in concerned if each in self.records):
            self.records.remove(posted)
            posted.apply(-1)
            keys = [document.key for document in (posted.record.lowering, posted.record.other)]
            self.left_out |= set(keys)
            for company, lines in posted.lines.items():
                self.voucher(company, "settlement_reversal", when, posted.record.lowering, [line.times(-1) for line in lines])
            self.changed(keys)

    def _document(self, wish: Wish, name: str, data: Row) -> None:
        key, at = wish.documents[0], "/payment" if data.get("payment") else "/document"
        document = self._there(key)
        wait_while(self.earlier_runs, "reservation", wish, [key])
        if name == "payment-reversal.requested" and document.kind != "payment":
            refuse("invalid", at)
        if self.reserved(key, wish.order):
            refuse("marked-elsewhere", at)
        when = day(data["date"]) if data.get("date") else document.date
        if when < document.date:
            refuse("date-too-early", "/date")
        if document.reversed:
            refuse("already-reversed", at)
        if self._runs_over(document):
            refuse("still-settled", at)
        self.wait_for_period([document.company], [when])
        self.drop(wish)
        self.take_back(document, "payment_reversal" if document.kind == "payment" else "document_reversal", when)
        for journal in (each for each in self.journals if each.key == key and each.status == "posted"):
            journal.status = "reversed"
