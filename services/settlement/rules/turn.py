"""One message's turn: what it changes, what it emits, and what resumes because of it, oldest first.

A turn is, as for an actor, the handling of one message to its end: nothing else happens to the books in between.

Invariant: what an event causes comes first, its sales payments included; then what waited for it, in order of arrival
(rules.md, step 9). Of all that can resume, the oldest goes first. While it is not known which sales payment journals a
run has, what would resume after the run is kept until it is; and after an approval, until its journal is posted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, Final

from services.settlement.rules.books import Books
from services.settlement.rules.incoming import Incoming
from services.settlement.rules.values import DocumentKey, Parked, PendingReplies, Request
from services.settlement.rules.waiting import EVERY, OVER, RESERVATION, event_key, free_key, replies_key, reservation_key
from shared.events.emitting import REJECTED, Cause, Emitter
from shared.events.envelope import EventRef, Message, Outgoing, replay_identity
from shared.events.showing import as_cloudevent
from shared.events.vouchers import rejection
from shared.missing import NotLoadedError
from shared.resuming import resuming
from shared.waiting import Need, WakeKey

_EMITTER: Final = Emitter("intercompany/settlement")
Resume = Callable[["Turn", Parked], None]


class Turn:
    """Collects what one message causes; `message` and `incoming` change to those of whatever resumes."""

    def __init__(self, books: Books, message: Message) -> None:
        self.books = books
        self.outgoing: list[Outgoing] = []
        self._woken: list[int] = []
        self._is_woken: set[int] = set()
        self.awaiting_replies: list[EventRef] = []
        self.handle(message)

    def handle(self, message: Message) -> None:
        """Turns to a message: what is emitted and refused from now on is because of it."""
        self.message = message
        self.incoming: Incoming = self.books.read(message)
        event = self.incoming.event
        self._cause = Cause(event, message.first or event, message.time, message.traceparent)

    # What is emitted

    def emit(self, name: str, number: int | str, key: str, data: Any) -> None:
        """An outgoing event, named by what caused it, its type and its number."""
        self.outgoing.append(_EMITTER.emit(self._cause, name, str(number), key, data))

    def refuse(self, code: str, field: str, message: str, *, scope: str, frees_id: bool) -> None:
        """A refusal: an event, and the id that the refused event took given back if nothing of it was taken over."""
        event = self.incoming.numbered_by if code == "document-exists" else self.incoming.reported_event
        refusal = rejection(event, scope, code, field, message, as_cloudevent(self.message))
        number = f"{code}/{self.message.digest.hex()}/{self.message.replay}/{len(self.outgoing)}"
        self.emit(REJECTED, number, event.source, refusal)
        if frees_id and self.incoming.owns_id:
            self.books.freed_ids.add(replay_identity(event, self.incoming.replay))

    # What is known

    def know(self, event: EventRef, type_: str) -> None:
        """An event was carried out that posts no document: its id is taken, a reversal may name it."""
        self.books.requests.put(event, Request(event, type_))
        self.wake(event_key(event))

    # What waits

    def park(self, parked: Parked, need: Need) -> None:
        """Keeps something until what it needs is there."""
        self.books.waiting.put(parked.sequence, parked._replace(need=need))

    def wake(self, key: WakeKey) -> None:
        """Something has come: all that waits for it may resume after this; of runs over one document only the first.

        What would take too many loads, or is more than one transaction resumes, is noted and resumes in further ones.
        """
        if self.books.waiting.is_empty:
            return
        if key[0] == RESERVATION:
            self._wake(key, self._first_to_reserve, key)
        else:
            self._wake(key, self.books.first_released, self.books.waiting, key)

    def wake_every(self, reason: str) -> None:
        """All that waits for this reason (one of WOKEN_AS_ONE) is looked at again, whatever is missing; noted as `wake` does."""
        self._wake((EVERY, reason), self.books.first_released, self.books.waiting, (reason,), (EVERY,), EVERY)

    def wake_changed(self, key: DocumentKey) -> None:
        """A reversal has changed the document: what waits over it is looked at again, whatever it waits for; noted as `wake` does."""
        self._wake((OVER, *key), self.books.first_released, self.books.waiting, key, (OVER,), OVER)

    def _wake(self, key: WakeKey, first: Callable[..., list[Parked]], *of: Any) -> None:
        try:
            rows = first(*of)
        except NotLoadedError:
            if not self.books.has_loaded_much:
                raise
            self.books.release_later(key)
            return
        if rows:
            self.wake_rows(rows)

    def _first_to_reserve(self, key: WakeKey) -> list[Parked]:
        if self.books.has_resumed_much:
            self.books.release_later(key)
            return []
        first = self.books.first_to_reserve(key)
        return [first] if first is not None else []

    def wake_rows(self, rows: Iterable[Parked]) -> None:
        """These rows may resume after this."""
        for parked in rows:
            if parked.sequence not in self._is_woken:
                self._is_woken.add(parked.sequence)
                heappush(self._woken, parked.sequence)

    def release(self, parked: Parked) -> None:
        """Something is done or refused: what it had reserved is free, and a reversal that names its event may resume."""
        if self.books.waiting.is_empty:
            return
        if self.books.waiting.get(parked.sequence) is not None:
            self.books.waiting.put(parked.sequence, None)
            self.wake(event_key(parked.event))
        self.wake_reserved(parked.reserves)

    def wake_reserved(self, documents: tuple[DocumentKey, ...]) -> None:
        """Wakes what waits for a reservation of these documents to end."""
        for key in documents:
            self.wake(free_key(key))
            self.wake(reservation_key(key))

    def resume(self, stages: dict[str, Resume]) -> None:
        """Resumes what was woken, the oldest first, until nothing more can; `stages`: how, by what waits."""
        while self._woken:
            sequence = heappop(self._woken)
            self._is_woken.remove(sequence)
            parked = self.books.waiting.get(sequence)
            if parked is None or parked.sequence in self.books.left_waiting:
                continue
            self.books.resumed += 1
            blocked = self._blocked_by(parked)
            if blocked:
                need = parked.need._replace(wake_key=replies_key(blocked[0]))
                self.park(parked._replace(after=blocked), need)
                continue
            self.handle(parked.message)
            with resuming(parked.sequence, parked.event):
                stages[parked.stage](self, parked)

    def _blocked_by(self, parked: Parked) -> tuple[EventRef, ...]:
        runs = dict.fromkeys((*parked.after, *self.awaiting_replies))
        return tuple(run for run in runs if self.books.pending_replies.get(run) is not None)

    # Sales payment journals of a run

    def await_replies(self, run: EventRef) -> None:
        """The payment service is asked which sales payment journals it makes of a run, or to post the one that `run` approves."""
        entry = self.books.pending_replies.get(run) or PendingReplies(run, 0)
        self.books.pending_replies.put(run, entry._replace(requested=entry.requested + 1))
        self.awaiting_replies.append(run)

    def receive_reply(self, run: EventRef, reply_count: int, is_batch: bool = False) -> None:  # noqa: FBT001, FBT002 - of a Reply
        """One of the `reply_count` messages that answer a request has come; the last of all lets resume what was kept.

        Nobody asks for a batch: the first of its messages says that there are others.
        """
        entry = self.books.pending_replies.get(run)
        if entry is None and is_batch:
            entry = PendingReplies(run, 1)
        if entry is None or not reply_count:
            return
        entry = entry.with_reply(reply_count)
        if entry.is_complete:
            self.books.pending_replies.put(run, None)
            self.wake(replies_key(run))
        else:
            self.books.pending_replies.put(run, entry)
            self.awaiting_replies.append(run)
