"""Replies of the payment service to the settlement service, as they are sent: events of our own for our own services."""

from __future__ import annotations

import orjson

from shared.delivery.bundling import bundled
from shared.delivery.ports import Encoded
from shared.events.codec import encode
from shared.events.emitting import Emitter, caused_by_outside
from shared.events.envelope import EventRef, Record, Topic
from shared.events.journals import SalesPaymentsReply
from tests.builders.invoices import invoice
from tests.builders.records import taken

PAYMENT = Emitter("intercompany/payment")


def reply(run: str, field: str = "reply_count") -> Encoded:
    """That a run makes no sales payment; the number of replies under another name is of no version that there is."""
    cause = taken(invoice(run, 0))
    said = SalesPaymentsReply(EventRef("erp", run), 1)
    about = caused_by_outside(cause, cause.ref, cause.time)
    key, value, headers = encode(PAYMENT.emit(about, "sales-payment-journals.answered", 0, "", said))
    event = orjson.loads(value)
    data = {"run": event["data"]["run"], field: event["data"]["reply_count"]}
    return Encoded(Topic.JOURNALS, key, orjson.dumps(event | {"data": data}), headers)


def replies(*messages: Encoded, offset: int = 0) -> Record:
    """Several of them as the one record that they are sent as."""
    [sent] = bundled(messages)
    return Record(*sent, offset=offset)
