"""Every reason to wait of the settlement rules: those of the reference data (shared/waiting.py), and what is waited for here.

As there: a function `for_…` gives a reason with the missing thing as it is shown and its wake key, a function `…_key` is what
whoever brings the missing thing wakes by.

Invariant: a wake key is made here or there, nowhere else; what is parked is woken by exactly the keys that the table says.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from services.settlement.rules.values import DocumentKey, OpenPlace
from shared.events.envelope import EventRef
from shared.waiting import Need, WakeKey, detail

RESERVATION: Final = "reservation"
"""Whoever waits by such a key reserves the document itself, so that only the first in the order of arrival can resume."""
EVERY: Final = "every"
"""Before a reason: all that waits for it, whatever is missing."""
OVER: Final = "over"
"""Before a document: all that waits and has reserved it or takes it back, whatever is missing."""
OF_REFERENCE: Final = ("intercompany-accounting", "exchange-rate", "posting-profile", "method-of-payment", "period")
"""What reference data that is withdrawn may change of what waits: it is judged without it. Intercompany accounting, profiles and
methods are waited for only as long as anything of their kind is defined: where none is, every pair, profile and method will do.
And what waits for one of these may lack an earlier one once that is withdrawn; it then waits for the first of them."""
WOKEN_AS_ONE: Final = frozenset({"document", *OF_REFERENCE})
"""Reasons under which all that waits is looked at again at once. The document that a credit note names is waited for only while
parameters ask for it."""

# What wakes


def document_key(document: DocumentKey) -> WakeKey:
    """The document is posted."""
    return ("document", *document)


def event_key(event: EventRef) -> WakeKey:
    """What the event asked for is posted, carried out, refused or given up: it waits no longer."""
    return ("event", *event)


def journal_key(company: str, document: str) -> WakeKey:
    """The sales payment journal is created, or posted at once."""
    return ("journal", company, document)


def reservation_key(document: DocumentKey) -> WakeKey:
    """A run that had reserved the document has gone on or was refused: the first that waits to reserve it may resume."""
    return (RESERVATION, *document)


def free_key(document: DocumentKey) -> WakeKey:
    """The same for what reserves nothing itself: all that waits for it may resume."""
    return ("free", *document)


def replies_key(run: EventRef) -> WakeKey:
    """All sales payment journals of the run are told; of an approval: its journal is posted."""
    return ("answers", *run)


# What is waited for, in the order of the table


def for_document(document: DocumentKey) -> Need:
    """A document is not posted yet."""
    return Need("document", _shown(document), document_key(document))


def for_journal(company: str, journal: str, document: str) -> Need:
    """The sales payment journal that an approval names has not been made."""
    return Need("document", detail(company=company, journal=journal, document=document), journal_key(company, document))


def for_marks_of(document: DocumentKey) -> Need:
    """A payment is posted and its own marks still wait: it is shown as the document that is waited for."""
    return Need("document", _shown(document), free_key(document))


def for_event(event: EventRef) -> Need:
    """The event that a reversal names has not been seen, or itself waits."""
    return Need("document", detail(event=event.id, source=event.source), event_key(event))


def for_replies(run: EventRef) -> Need:
    """It is not known yet which sales payment journals the run has, or what the approval posts: it is shown by its event."""
    return Need("document", detail(event=run.id), replies_key(run))


def for_reservation(document: DocumentKey) -> Need:
    """An earlier run over the document waits; a run waits, that will reserve the document itself."""
    return Need("reservation", _shown(document), reservation_key(document))


def for_earlier_run(document: DocumentKey) -> Need:
    """An earlier run over the document waits; a reversal waits, that reserves nothing."""
    return Need("reservation", _shown(document), free_key(document))


def for_further_run(place: OpenPlace, cause: dt.date, event: EventRef) -> Need:
    """Not waited for but due: an automatic run has left something for a further one of the same cause."""
    key = ("automatic", place.ledger, place.company, place.account, place.currency, str(int(place.lowers)), cause.isoformat(), *event)
    return Need("document", detail(event=event.id, source=event.source), key)


def further_run(wake_key: WakeKey) -> tuple[OpenPlace, dt.date, EventRef]:
    """Where a further run settles, and date and event of its cause."""
    _, ledger, company, account, currency, lowers, cause, source, id_ = wake_key
    place = OpenPlace("receivable" if ledger == "receivable" else "payable", company, account, currency, lowers == "1")
    return place, dt.date.fromisoformat(cause), EventRef(source, id_)


def _shown(document: DocumentKey) -> dict[str, str]:
    return detail(company=document.company, document=document.document, ledger=document.ledger)
