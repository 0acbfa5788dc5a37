"""One message's turn: what it changes, what it says, and what goes on because of it, oldest first.

What always holds: what an event causes comes first, its sales payments included; then what waited for it, in order of
arrival (rules.md, step 9). Of all that can go on, the oldest goes first. While a run's sales payment journals have not
been answered, what would go on after it is kept until they are.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from heapq import heappop, heappush
from typing import Any

from services.settlement.rules.books import Books
from services.settlement.rules.values import Answers, DocumentKey, Need, Waiting, detail
from shared.events.codec import as_cloudevent
from shared.events.envelope import EventRef, Message, Outgoing, Topic, derived_id
from shared.events.journals import PaymentJournal, PaymentRefused, SalesPaymentJournal
from shared.events.vouchers import Rejection

SOURCE = "intercompany/settlement"
Resume = Callable[["Turn", Waiting], None]


class Turn:
    """Collects what one message causes; `message` changes to that of whatever is going on."""

    def __init__(self, books: Books, message: Message) -> None:
        self.books = books
        self.message = message
        self.outgoing: list[Outgoing] = []
        self.woken: list[int] = []
        self.unanswered: list[EventRef] = []

    # What is said

    def say(self, kind: str, number: int | str, key: str, data: Any, *, topic: str = Topic.SETTLEMENTS) -> EventRef:
        """An outgoing event, named by what caused it, its type and its number."""
        cause = event_of(self.message)
        ref = EventRef(SOURCE, derived_id(cause, self.message.time, f"{kind}/{number}", 0))
        first = self.message.first or cause
        self.outgoing.append(Outgoing(topic, key, kind, ref, data, self.message.time, cause, first, self.message.traceparent))
        return ref

    def refuse(self, code: str, field: str, message: str, *, scope: str, frees: bool) -> None:
        """A refusal: an event, and the refused event's id left free if nothing of it was taken over."""
        event = self._refused_event(code)
        original = as_cloudevent(self.message)
        rejection = Rejection(event.id, event.source, scope, code, field, message, original)
        number = f"{code}/{self.message.digest.hex()}/{self.message.replay}/{len(self.outgoing)}"
        self.say("event.rejected", number, event.source, rejection, topic=Topic.REJECTIONS)
        if frees and not isinstance(self.message.data, SalesPaymentJournal):
            self.books.freed_ids.add(event)

    def _refused_event(self, code: str) -> EventRef:
        """A number of a sales payment that is taken is its vendor payment's fault, anything else of it its run's."""
        data = self.message.data
        return data.payer if isinstance(data, SalesPaymentJournal) and code == "document-exists" else blamed(self.message)

    # What waits

    def park(self, waiting: Waiting) -> None:
        """Keeps something until what it needs is there."""
        self.books.waiting.put(waiting.sequence, waiting)

    def wake(self, *key: str) -> None:
        """Something has come: all that waits for it may go on after this."""
        for waiting in self.books.waiting.find("wakes", key):
            heappush(self.woken, waiting.sequence)

    def release(self, waiting: Waiting) -> None:
        """Something has gone on or is refused: what it had reserved is free, and a reversal that names its event may go on."""
        if self.books.waiting.get(waiting.sequence) is not None:
            self.books.waiting.put(waiting.sequence, None)
            self.wake("event", *waiting.event)
        self.wake_reserved(waiting.reserves)

    def wake_reserved(self, documents: tuple[DocumentKey, ...]) -> None:
        """Wakes what waits for a reservation of these documents to end."""
        for key in documents:
            self.wake("reservation", *key)

    def go_on(self, resume: dict[str, Resume]) -> None:
        """Lets what was woken go on, the oldest first, until nothing more can."""
        while self.woken:
            waiting = self.books.waiting.get(heappop(self.woken))
            if waiting is None:
                continue
            blocked = self._blocked_by(waiting)
            if blocked:
                self.park(waiting._replace(need=_kept(waiting.need, blocked[0]), after=blocked))
                continue
            self.message = waiting.message
            resume[waiting.stage](self, waiting)

    def _blocked_by(self, waiting: Waiting) -> tuple[EventRef, ...]:
        runs = dict.fromkeys((*waiting.after, *self.unanswered))
        return tuple(run for run in runs if self.books.answers.get(run) is not None)

    def await_answers(self, run: EventRef) -> None:
        """The payment service is to say which sales payment journals it makes of a run."""
        entry = self.books.answers.get(run) or Answers(run, 0, Fraction(0))
        self.books.answers.put(run, entry._replace(asked=entry.asked + 1))
        self.unanswered.append(run)

    def answered(self, run: EventRef, answers: int) -> None:
        """One of the `answers` messages to a question has come; the last answer lets go on what was kept."""
        entry = self.books.answers.get(run)
        if entry is None or not answers:
            return
        heard = entry.heard + Fraction(1, answers)
        if heard < entry.asked:
            self.books.answers.put(run, entry._replace(heard=heard))
            self.unanswered.append(run)
        else:
            self.books.answers.put(run, None)
            self.wake("answers", *run)


def _kept(need: Need, run: EventRef) -> Need:
    return Need(need.reason, need.key, ("answers", *run))


def answers_need(run: EventRef, event: str) -> Need:
    """The wait for the sales payment journals of a run to be made."""
    return Need("document", detail(event=event), ("answers", *run))


def event_of(message: Message) -> EventRef:
    """The event from outside that a message carries: a payment journal carries its payment."""
    return message.data.event if isinstance(message.data, PaymentJournal | PaymentRefused) else message.ref


def blamed(message: Message) -> EventRef:
    """The event from outside that is named in a refusal or while something waits: of a sales payment, that of its run."""
    return message.data.run if isinstance(message.data, SalesPaymentJournal) else event_of(message)
