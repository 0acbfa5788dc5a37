"""Events that somebody sends manually, as an action of the audit: who sent them, when, why, and what they said.

Invariant: what is sent is what was given; it is written down before it is sent, as everything that people do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from services.desk.actions.rules import ActionPlan, Draft, Verb
from services.operations.requested import companies_of
from shared.events.codec import as_json, decode
from shared.events.envelope import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.events.envelope import Record

Row = dict[str, Any]


def drafted_sending(records: Sequence[Record]) -> Draft:
    """The action that sends these events; each was read before. `after` has the data of one that is sent alone."""
    read = [each for each in map(decode, records) if isinstance(each, Message)]
    concerned = [companies_of(each) for each in records]
    whole_group = any(each is None for each in concerned)
    companies = None if whole_group else tuple(sorted({name for each in concerned for name in each or ()}))
    target: Row = {"events": [each.ref._asdict() for each in read]}
    after: Row | None = None
    if len(read) == 1:
        (message,) = read
        after = orjson.loads(as_json(message.data))
        named = {name: after[name] for name in ("company", "document") if isinstance(after.get(name), str)}
        target = {"event": message.ref._asdict(), "type": message.type, **named}
    return Draft(Verb.SEND, target, companies, ActionPlan(records=tuple(records)), None, after)
