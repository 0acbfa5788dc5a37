"""How events arrive one after the other: duplicates, what cannot be, and what each wants done (events.md).

Invariant: an id that is taken is a duplicate before it is anything else; what an event causes comes before what waited for it.
"""

from tests.oracle.contract import REQUESTS, SAID_OF_VOUCHERS, canonical, check, seen_as
from tests.oracle.documents import POSTED
from tests.oracle.reference import TYPES, Row
from tests.oracle.waiting import RefusedError, Wish, refuse
from tests.oracle.world import Books


class Arrivals(Books):
    """Takes in the events of a scenario."""

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
        if name not in {*POSTED, *REQUESTS, *SAID_OF_VOUCHERS, *TYPES, "reference.withdrawn"}:
            refuse("unknown-type", None, "event")
        check(name, data, self.reference)
        self.taken[id_] = same
        if name in POSTED:
            key = (POSTED[name], data["company"], data["document"])
            self.start(self.wish("document", id_, lambda wish: self.post(wish, name, data), document=key))
        elif name in REQUESTS:
            self.start(self._request(id_, name, data))
        elif name in TYPES:
            self.reference.define(name, data)
            self.came(name, data)
        elif name in SAID_OF_VOUCHERS:
            pass  # nothing is posted, nothing waits
        else:
            self.reference.withdraw(data["event"], data)
            for wish in self.waiting:  # it is judged without what was withdrawn
                wish.ready = True
        return None

    def _request(self, id_: str, name: str, data: Row) -> Wish:
        """The wish of a settlement request, an approval or a reversal."""
        if name == "settlement.requested":
            keys = [(data["ledger"], mark["company"], mark["document"]) for mark in data["settle"]]
            return self.wish("run", id_, lambda wish: self.run(wish, data, None), keys, request=True)
        if name == "journal-approval.requested":
            keys = [("receivable", data["company"], data["document"])]
            return self.wish("approval", id_, lambda wish: self.approve(wish, data), keys, request=True)
        target = data.get("payment") or data.get("document")
        keys = [(data["ledger"], target["company"], target["document"])] if target else []
        if name == "settlement-reversal.requested":
            return self.wish("reversal", id_, lambda wish: self.reverse_settlement(wish, data), keys, request=True)
        return self.wish("reversal", id_, lambda wish: self.reverse_document(wish, name, data), keys, request=True)
